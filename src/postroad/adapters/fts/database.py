"""One account's index: a contentless FTS5 table and how far it goes, in a file of its own.

The file is derived. WAL with synchronous=NORMAL keeps it whole through a power cut, though not its
last batches; one that is damaged, or of another version, is deleted and begun anew.
"""

from collections.abc import Sequence
from pathlib import Path

import apsw
import msgspec

from postroad.adapters.fts.needle import (
    Fit,
    NeedleTerm,
    after_prefix,
    has_long_run,
    match_expression,
    terms_of,
)
from postroad.model.ids import EmailId
from postroad.stores.search import Candidates, Grade, MessageText, Ranked, Ranking, Scope

_VERSION = 1
_BUSY_MILLISECONDS = 10_000
_STATEMENTS = 20
_CACHE_KIB = 1000

_MOST_TERMS = 20_000  # more terms of the vocabulary than this, and a scan is cheaper
_MOST_CANDIDATES = 250_000  # as many ids as may be held in memory
_TERMS_AT_ONCE = 500
_FEW = 200
_SCANNING = frozenset((Fit.INSIDE, Fit.SUFFIX))

_SCHEMA = """
    CREATE TABLE position (indexed_up_to INTEGER NOT NULL);
    INSERT INTO position VALUES (0);
    CREATE TABLE partly (email_id INTEGER PRIMARY KEY);
    CREATE VIRTUAL TABLE message USING fts5(
        header, body, content='', contentless_delete=1, detail=column, tokenize='ascii'
    );
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(message, 'row');
"""
_ADD = "INSERT OR REPLACE INTO message (rowid, header, body) VALUES (?, ?, ?)"
_ADD_PARTLY = "INSERT OR IGNORE INTO partly VALUES (?)"
_REMOVE = "DELETE FROM message WHERE rowid IN (SELECT value FROM json_each(?))"
_REMOVE_PARTLY = "DELETE FROM partly WHERE email_id IN (SELECT value FROM json_each(?))"

# Results come as one row of JSON: a step per row would wait for the loop's thread each time.
_PARTLY = "SELECT json_group_array(email_id) FROM partly"
_MATCHING = "SELECT json_group_array(rowid) FROM message WHERE message MATCH ?"
_VOCABULARY = """
    SELECT json_group_array(term) FROM (SELECT term FROM vocabulary WHERE {test} LIMIT :most)
"""
_INSIDE = _VOCABULARY.format(test="instr(term, :term)")
_SUFFIX = _VOCABULARY.format(test="substr(term, -length(:term)) = :term")
_PREFIX = _VOCABULARY.format(test="term >= :term AND term < :after")
_LAST_PREFIX = _VOCABULARY.format(test="term >= :term")

_Value = str | int | None
_Params = tuple[_Value, ...] | dict[str, _Value]

_ids = msgspec.json.Decoder(set[int])
_terms = msgspec.json.Decoder(list[str])


class Database:
    """A connection to an account's file; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises apsw's errors, `OutdatedError` for an old version."""
        self._connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        connection = self._connection
        connection.set_busy_timeout(_BUSY_MILLISECONDS)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        with connection:
            version = self._number("PRAGMA user_version")
            if version == 0:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            elif version != _VERSION:
                raise OutdatedError(f"version {version} instead of {_VERSION}")

    def close(self) -> None:
        self._connection.close()

    def indexed_up_to(self) -> EmailId:
        return EmailId(self._number("SELECT indexed_up_to FROM position"))

    def index(self, after: EmailId, texts: Sequence[MessageText], up_to: EmailId) -> EmailId:
        """As `SearchIndex.index`."""
        rows = [(text.email_id, text.header, text.body) for text in texts]
        partly = [(text.email_id,) for text in texts if _is_partly(text)]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            reached = self.indexed_up_to()
            if reached == after:
                self._connection.executemany(_ADD, rows)
                self._connection.executemany(_ADD_PARTLY, partly)
                self._connection.execute("UPDATE position SET indexed_up_to = ?", (up_to,))
                reached = up_to
            self._connection.execute("COMMIT")
        except BaseException:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
            raise
        return reached

    def remove(self, email_ids: Sequence[EmailId]) -> None:
        wanted = (msgspec.json.encode(list(email_ids)).decode(),)
        with self._connection:
            self._connection.execute(_REMOVE, wanted)
            self._connection.execute(_REMOVE_PARTLY, wanted)

    def candidates(self, needle: str, scope: Scope) -> Candidates | None:
        """As `SearchIndex.candidates`, in one read transaction."""
        wanted = terms_of(needle)
        if not wanted:
            return None
        candidates: Candidates | None = None
        with self._connection:
            found = self._containing(wanted, scope)
            if found is not None and len(found) <= _MOST_CANDIDATES:
                found |= _ids.decode(self._text(_PARTLY))
                candidates = Candidates(frozenset(map(EmailId, found)), self.indexed_up_to())
        return candidates

    def ranked(self, words: Sequence[str], *, in_header: bool) -> Ranked | None:
        """As `SearchIndex.ranked`, in one read transaction."""
        with self._connection:
            ranking = Ranking(self.indexed_up_to())
            for word in words:
                grades = self._grades(word, in_header=in_header)
                if grades is not None:
                    ranking.add(grades)
            unsure = _ids.decode(self._text(_PARTLY))
        return ranking.ranked(frozenset(map(EmailId, unsure)))

    def _grades(self, word: str, *, in_header: bool) -> dict[EmailId, Grade] | None:
        """None: it has no letters, or too many terms or messages have it."""
        whole = [each.term for each in terms_of(word)]
        parts = [self._expanded(NeedleTerm(term, Fit.INSIDE)) for term in whole]
        if not whole or any(len(terms) > _MOST_TERMS for terms in parts):
            return None
        anywhere = Scope.ANYWHERE if in_header else Scope.BODY
        found = self._having_each(parts, anywhere)
        if len(found) > _MOST_CANDIDATES:
            return None
        grades = dict.fromkeys(map(EmailId, found), Grade.IN_BODY)
        words = [[term] for term in whole]
        better = [(Grade.WORD_OF_BODY, words, Scope.BODY)]
        if in_header:
            better += [
                (Grade.IN_HEADER, parts, Scope.HEADER),
                (Grade.WORD_OF_HEADER, words, Scope.HEADER),
            ]
        for grade, terms, scope in better:
            grades |= dict.fromkeys(map(EmailId, self._having_each(terms, scope)), grade)
        return grades

    def _having_each(self, groups: list[list[str]], scope: Scope) -> set[int]:
        """The messages that have a term of each group."""
        return set.intersection(*(self._having(terms, scope) for terms in groups))

    def _containing(self, wanted: list[NeedleTerm], scope: Scope) -> set[int] | None:
        """The messages with a fitting term for each of `wanted`; None: too many to say.

        Terms that are looked up come before those that need a look at the whole vocabulary; where
        few messages are left, that look costs more than it saves. One that says too little is
        left out.
        """
        found: set[int] | None = None
        for each in sorted(wanted, key=_cost):
            if found is not None and len(found) <= _FEW and each.fit in _SCANNING:
                break
            terms = self._expanded(each)
            if len(terms) > _MOST_TERMS:
                continue
            having = self._having(terms, scope)
            found = having if found is None else found & having
            if not found:
                break
        return found

    def _expanded(self, wanted: NeedleTerm) -> list[str]:
        """The terms of the vocabulary that fit; one over `_MOST_TERMS` at most."""
        params: dict[str, _Value] = {"term": wanted.term, "most": _MOST_TERMS + 1}
        match wanted.fit:
            case Fit.EXACT:
                return [wanted.term]
            case Fit.PREFIX:
                after = after_prefix(wanted.term)
                statement = _LAST_PREFIX if after is None else _PREFIX
                params["after"] = after
            case Fit.SUFFIX:
                statement = _SUFFIX
            case Fit.INSIDE:
                statement = _INSIDE
        return _terms.decode(self._text(statement, params))

    def _having(self, terms: list[str], scope: Scope) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(terms), _TERMS_AT_ONCE):
            expression = match_expression(terms[start : start + _TERMS_AT_ONCE], scope)
            found |= _ids.decode(self._text(_MATCHING, (expression,)))
        return found

    def _text(self, statement: str, params: _Params = ()) -> str:
        return str(self._connection.execute(statement, params).fetchall()[0][0])

    def _number(self, statement: str) -> int:
        value = self._connection.execute(statement).fetchall()[0][0]
        if not isinstance(value, int):
            raise OutdatedError("not a number where one is kept")
        return value


class OutdatedError(Exception):
    """The file is not as this version writes it; it is to be made anew."""


def _cost(wanted: NeedleTerm) -> tuple[bool, int]:
    """The longest come first among their like, as they are the rarest."""
    return wanted.fit in _SCANNING, -len(wanted.term)


def _is_partly(text: MessageText) -> bool:
    return not text.is_whole or has_long_run(text.header) or has_long_run(text.body)
