"""One account's index: a contentless FTS5 table and how far it goes, in a file of its own.

The file is derived. WAL with synchronous=NORMAL keeps it whole through a power cut, though not its
last batches; one that is damaged, or of another version, is deleted and begun anew.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import apsw
import msgspec

from postroad.adapters.fts.needle import (
    Fit,
    NeedleTerm,
    after_prefix,
    has_long_run,
    match_expression,
    phrase_expression,
    terms_of,
)
from postroad.adapters.fts.vocabulary import LARGEST_OCTETS, Vocabulary
from postroad.model.ids import EmailId
from postroad.stores.search import (
    EVERYTHING,
    FIELDS,
    Candidates,
    Grade,
    MessageText,
    Ranked,
    Ranking,
    Scope,
)

_VERSION = 2
_BUSY_MILLISECONDS = 10_000
_STATEMENTS = 20
_CACHE_KIB = 1000

_MOST_TERMS = 20_000  # more terms of the vocabulary than this, and a scan is cheaper
_MOST_CANDIDATES = 250_000  # as many ids as may be held in memory
_TERMS_AT_ONCE = 500
_MOST_FIRSTS = 500  # words that may begin a phrase
_FEW = 200
_MOST_LOOKS = 20
_SCANNING = frozenset((Fit.INSIDE, Fit.SUFFIX))
_COLUMNS = tuple(f"{name}_texts" for name in FIELDS)

_SCHEMA = f"""
    CREATE TABLE position (indexed_up_to INTEGER NOT NULL);
    INSERT INTO position VALUES (0);
    CREATE TABLE partly (email_id INTEGER PRIMARY KEY);
    CREATE TABLE field (email_id INTEGER PRIMARY KEY, {", ".join(_COLUMNS)});
    CREATE VIRTUAL TABLE message USING fts5(
        header, body, content='', contentless_delete=1, detail=full, tokenize='ascii'
    );
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(message, 'row');
"""  # noqa: S608
_ADD = "INSERT OR REPLACE INTO message (rowid, header, body) VALUES (?, ?, ?)"
_ADD_PARTLY = "INSERT OR IGNORE INTO partly VALUES (?)"
_ADD_FIELDS = f"INSERT OR REPLACE INTO field VALUES (?{', ?' * len(FIELDS)})"  # noqa: S608
_REMOVE = "DELETE FROM message WHERE rowid IN (SELECT value FROM json_each(?))"
_REMOVE_PARTLY = "DELETE FROM partly WHERE email_id IN (SELECT value FROM json_each(?))"
_REMOVE_FIELDS = "DELETE FROM field WHERE email_id IN (SELECT value FROM json_each(?))"

# Results come as one row of JSON: a step per row would wait for the loop's thread each time.
_PARTLY = "SELECT json_group_array(email_id) FROM partly WHERE email_id BETWEEN ? AND ?"
_MATCHING = """
    SELECT json_group_array(rowid) FROM message WHERE message MATCH ? AND rowid BETWEEN ? AND ?
"""
_WITH_FIELD = """
    SELECT json_group_array(email_id) FILTER (WHERE instr({column}, :needle)),
        json_group_array(email_id) FILTER (WHERE {column} IS NULL) FROM field
"""
_WITHIN = " WHERE email_id BETWEEN :first AND :last"
_AMONG = " WHERE email_id IN (SELECT value FROM json_each(:among))"
_ALL_TERMS = """
    SELECT coalesce(group_concat(term, char(10)) FILTER (WHERE upto < :most), ''),
        coalesce(max(upto) < :most, 1)
    FROM (SELECT term, sum(octet_length(term) + 1) OVER (ROWS UNBOUNDED PRECEDING) AS upto
        FROM vocabulary)
"""
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
        self._version = -1  # of what is kept of the terms
        self._vocabulary: Vocabulary | None = None
        self._is_large = False
        self._looks: dict[NeedleTerm, list[str]] = {}
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
        fields = [(text.email_id, *text.fields) for text in texts]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            reached = self.indexed_up_to()
            if reached == after:
                self._connection.executemany(_ADD, rows)
                self._connection.executemany(_ADD_PARTLY, partly)
                self._connection.executemany(_ADD_FIELDS, fields)
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
            self._connection.execute(_REMOVE_FIELDS, wanted)

    def candidates(self, needle: str, scope: Scope, within: range) -> Candidates | None:
        """As `SearchIndex.candidates`, in one read transaction."""
        wanted = terms_of(needle)
        if not wanted:
            return None
        candidates: Candidates | None = None
        with self._connection:
            found = self._containing(wanted, scope, within)
            if found is not None and len(found) <= _MOST_CANDIDATES:
                # A term that has the needle inside says all; where terms meet, only the text does.
                certain = _email_ids(found if wanted[0].term == needle else ())
                partly = _ids.decode(self._text(_PARTLY, _ends(within)))
                candidates = Candidates(_email_ids(found | partly), self.indexed_up_to(), certain)
        return candidates

    def with_field(
        self, field: str, needle: str, among: Sequence[EmailId] | range
    ) -> Candidates | None:
        """As `SearchIndex.with_field`, in one read transaction."""
        statement = _WITH_FIELD.format(column=_COLUMNS[FIELDS.index(field)])
        params: dict[str, _Value] = {"needle": needle or "\n"}
        if isinstance(among, range):
            statement += _WITHIN
            params["first"], params["last"] = _ends(among)
        else:
            statement += _AMONG
            params["among"] = msgspec.json.encode(list(among)).decode()
        with self._connection:
            certain, unknown = self._connection.execute(statement, params).fetchall()[0]
            up_to = self.indexed_up_to()
        sure = _ids.decode(str(certain))
        if len(sure) > _MOST_CANDIDATES:
            return None
        return Candidates(_email_ids(sure | _ids.decode(str(unknown))), up_to, _email_ids(sure))

    def ranked(self, words: Sequence[str], *, in_header: bool) -> Ranked | None:
        """As `SearchIndex.ranked`, in one read transaction."""
        with self._connection:
            ranking = Ranking(self.indexed_up_to())
            for word in words:
                grades = self._grades(word, in_header=in_header)
                if grades is not None:
                    ranking.add(grades)
            unsure = _ids.decode(self._text(_PARTLY, _ends(EVERYTHING)))
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
        return set.intersection(*(self._having(terms, scope, EVERYTHING) for terms in groups))

    def _containing(
        self, wanted: list[NeedleTerm], scope: Scope, within: range
    ) -> set[int] | None:
        """The messages with the terms in a row, in one column; None: too many to say."""
        found = self._with_each(wanted, scope, within)
        if len(wanted) == 1 or (found is not None and len(found) <= _FEW):
            return found
        first, *rest = wanted
        firsts = self._expanded(first)
        if len(firsts) > _MOST_FIRSTS:
            if len(rest) == 1:
                return found
            first, *rest = rest
            firsts = [first.term]
        if not firsts:
            return set()
        phrase = self._matching(phrase_expression(firsts, rest, scope), within)
        return phrase if found is None else found & phrase

    def _with_each(self, wanted: list[NeedleTerm], scope: Scope, within: range) -> set[int] | None:
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
            having = self._having(terms, scope, within)
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
                if (known := self._known_terms()) is not None:
                    return known.ending(wanted.term, _MOST_TERMS + 1)
                return self._scanned(wanted, _SUFFIX)
            case Fit.INSIDE:
                if (known := self._known_terms()) is not None:
                    return known.containing(wanted.term, _MOST_TERMS + 1)
                return self._scanned(wanted, _INSIDE)
        return _terms.decode(self._text(statement, params))

    def _scanned(self, wanted: NeedleTerm, statement: str) -> list[str]:
        """A look at the whole vocabulary, not taken again where it did not change since."""
        found = self._looks.get(wanted)
        if found is None:
            params: dict[str, _Value] = {"term": wanted.term, "most": _MOST_TERMS + 1}
            found = _terms.decode(self._text(statement, params))
            if len(found) <= _MOST_FIRSTS and len(self._looks) < _MOST_LOOKS:
                self._looks[wanted] = found
        return found

    def _known_terms(self) -> Vocabulary | None:
        """Of the transaction that is open; None where there are too many."""
        version = self._number("PRAGMA data_version") + self._connection.total_changes()
        if version != self._version:
            self._version = version
            self._looks.clear()
            self._vocabulary = None if self._is_large else self._read_terms()
        return self._vocabulary

    def _read_terms(self) -> Vocabulary | None:
        params = {"most": LARGEST_OCTETS}
        terms, are_all = self._connection.execute(_ALL_TERMS, params).fetchall()[0]
        self._is_large = not are_all  # which does not become small
        return Vocabulary(str(terms)) if are_all else None

    def _having(self, terms: list[str], scope: Scope, within: range) -> set[int]:
        found: set[int] = set()
        for start in range(0, len(terms), _TERMS_AT_ONCE):
            expression = match_expression(terms[start : start + _TERMS_AT_ONCE], scope)
            found |= self._matching(expression, within)
        return found

    def _matching(self, expression: str, within: range) -> set[int]:
        return _ids.decode(self._text(_MATCHING, (expression, *_ends(within))))

    def _text(self, statement: str, params: _Params = ()) -> str:
        return str(self._connection.execute(statement, params).fetchall()[0][0])

    def _number(self, statement: str) -> int:
        value = self._connection.execute(statement).fetchall()[0][0]
        if not isinstance(value, int):
            raise OutdatedError("not a number where one is kept")
        return value


class OutdatedError(Exception):
    """The file is not as this version writes it; it is to be made anew."""


def _email_ids(numbers: Iterable[int]) -> frozenset[EmailId]:
    return cast("frozenset[EmailId]", frozenset(numbers))  # JSON cannot say what its numbers are


def _ends(within: range) -> tuple[int, int]:
    return within.start, within.stop - 1


def _cost(wanted: NeedleTerm) -> tuple[bool, int]:
    """The longest come first among their like, as they are the rarest."""
    return wanted.fit in _SCANNING, -len(wanted.term)


def _is_partly(text: MessageText) -> bool:
    return not text.is_whole or has_long_run(text.header) or has_long_run(text.body)
