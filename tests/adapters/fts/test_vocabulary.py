"""Terms in memory: those that end with a term, or have it inside."""

from hypothesis import given
from hypothesis import strategies as st

from postroad.adapters.fts.vocabulary import Vocabulary

TERM = st.text("ab\u00df\u6f22", min_size=1, max_size=4)


@given(st.sets(TERM, max_size=30), TERM, st.integers(1, 40))
def test_it_finds_what_is_there(terms: set[str], term: str, most: int) -> None:
    vocabulary = Vocabulary("\n".join(sorted(terms)))
    inside = {each for each in terms if term in each}
    ending = {each for each in terms if each.endswith(term)}
    for found, truth in (
        (vocabulary.containing(term, most), inside),
        (vocabulary.ending(term, most), ending),
    ):
        assert len(found) == len(set(found)) == min(most, len(truth))
        assert set(found) <= truth


def test_without_terms() -> None:
    assert Vocabulary("").containing("a", 9) == []
