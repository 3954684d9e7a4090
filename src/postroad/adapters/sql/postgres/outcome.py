"""How a COMMIT ended whose answer was lost (DESIGN.md section 4).

Each connection has a row with the number of its last commit, which its transactions count up as
they commit. Whoever lost an answer counts the row far up: that waits for a commit that is still
under way, tells what was committed, and makes one that is still on its way to the server fail.
The row travels with the transaction, so a standby that was promoted tells the truth as well.
"""

import secrets
import time

from postroad.adapters.sql.postgres.connection import Connection, Session, undo

TABLE = """CREATE TABLE IF NOT EXISTS commit_outcome (
    session BIGINT PRIMARY KEY, number BIGINT NOT NULL, seen_at BIGINT NOT NULL
) WITH (fillfactor = 50)"""

_BEGIN = "INSERT INTO commit_outcome VALUES ($1, 0, $2)"
_FORGET = "DELETE FROM commit_outcome WHERE seen_at < $1"
_FENCE = """UPDATE commit_outcome SET number = number + $2 WHERE session = $1
    RETURNING number - $2"""
_FAR = 1 << 40
_KEPT_SECONDS = 7 * 24 * 3600  # longer than any session lasts


async def begin(connection: Connection) -> Session:
    """The row of a new connection."""
    session, now = Session(secrets.randbits(62)), int(time.time())
    await connection.execute(_FORGET, now - _KEPT_SECONDS)
    await connection.execute(_BEGIN, session.number, now)
    return session


def commit(session: Session) -> str:
    """The statements that commit, in one turn; NULL is refused where somebody counted it up."""
    before, session.commits = session.commits, session.commits + 1
    return (  # two statements at once take no parameters; these are whole numbers of ours
        f"UPDATE commit_outcome SET seen_at = {int(time.time())}, "  # noqa: S608
        f"number = CASE WHEN number = {before} THEN {session.commits} END "
        f"WHERE session = {session.number}; COMMIT"
    )


async def is_committed(connection: Connection, session: Session) -> bool:
    """Whether the last commit of a session took place; if not, it never will.

    `connection` is another one than the session's, which is lost. What this commits follows on
    what that one did, so a standby that has confirmed this has that as well.
    """
    await connection.execute("BEGIN; SET LOCAL synchronous_commit = on")
    try:
        number = await connection.fetchval(_FENCE, session.number, _FAR)
    except BaseException:
        await undo(connection)
        raise
    await connection.execute("COMMIT")
    return bool(number == session.commits)
