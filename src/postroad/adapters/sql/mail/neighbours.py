"""Emails that were stored one after another, read in one go instead of one look-up for each."""

import json
from collections.abc import Sequence
from operator import lt

from postroad.adapters.sql.mail.selection import choose, chosen
from postroad.adapters.sql.statement import Params, Run, Sql, Steps, integer, octets, text
from postroad.model.ids import AccountId, EmailId, MailboxId, Uid
from postroad.model.mailbox import Column, Joined

_FEWEST = 50  # messages; for fewer the question whether they are neighbours costs more
_FOREIGN = 2  # at most half as many others between them
_PREPARED = frozenset(  # columns of `email` that hold no NUL, unless something went wrong
    (
        Column.ENVELOPE,
        Column.ENVELOPE_UTF8,
        Column.BODY,
        Column.BODY_STRUCTURE,
        Column.BODY_STRUCTURE_UTF8,
    )
)

# Of a count of many rows, no more than the limit is looked at.
_THERE = chosen("""
    SELECT
        (SELECT count(*) FROM placement
            WHERE owner_id = :owner AND mailbox_id = :mailbox AND {these}),
        (SELECT count(*) FROM (SELECT email_id FROM email
            WHERE owner_id = :owner AND email_id BETWEEN :low AND :high
            ORDER BY email_id LIMIT :limit) AS ordered)
""")
_statements: dict[tuple[str, bool], Sql] = {}


def read(
    owner: AccountId,
    mailbox: MailboxId,
    uids: Sequence[Uid],
    emails: Sequence[EmailId],
    columns: Sequence[Column],
) -> Steps[Joined | list[bytes] | None]:
    """As `reading.octets_of`; None where the messages are to be looked up one by one.

    Which email a UID stands for never changes. So when as many of the messages are there as were
    asked for, they are these emails.
    """
    if len(emails) != len(uids) or len(uids) < _FEWEST or not _PREPARED.issuperset(columns):
        return None
    wanted = list(emails)
    in_order = all(map(lt, wanted, wanted[1:]))
    low, high = (wanted[0], wanted[-1]) if in_order else (min(wanted), max(wanted))
    limit = len(uids) + len(uids) // _FOREIGN
    params: Params = {"owner": owner, "low": low, "high": high}
    look: Params = {**params, "mailbox": mailbox, "limit": limit + 1}
    row = (yield Run(*choose(_THERE, uids, look)))[0]
    placed, stored = integer(row[0]), integer(row[1])
    if placed != len(uids) or stored > limit:
        return None
    is_exact = in_order and stored == len(uids)
    statement = _statement(columns, named=not is_exact)
    row = (yield Run(statement, {**params, "nothing": b""}))[0]
    joined = Joined.of(octets(row[0]), stored)
    if joined is None or is_exact:
        return joined
    by_email = dict(zip(json.loads(text(row[1])), joined.split(), strict=True))
    return [by_email[email] for email in wanted]


def _statement(columns: Sequence[Column], *, named: bool) -> Sql:
    """With `named`, it says which emails they are."""
    names = ", ".join([*(column.value for column in columns), ":nothing"])
    made = _statements.get((names, named))
    if made is None:
        made = _statements[names, named] = Sql(f"""
            SELECT {{part octets}}{", {pack email_id}" if named else ""} FROM (
                SELECT email_id, coalesce({names}) AS octets FROM email
                WHERE owner_id = :owner AND email_id BETWEEN :low AND :high ORDER BY email_id
            ) AS ordered
        """)  # noqa: S608  # names of columns from our own list
    return made
