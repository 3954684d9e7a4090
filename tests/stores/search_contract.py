"""What every `SearchIndex` must do. Each adapter runs these same tests."""

import random

import pytest

from postroad.model.ids import AccountId, EmailId
from postroad.stores.search import Candidates, MessageText, Ranked, Scope, SearchIndex

ALICE, BOB = AccountId(1), AccountId(2)
NONE = EmailId(0)


def text(number: int, header: str, body: str, *, is_whole: bool = True) -> MessageText:
    return MessageText(EmailId(number), header, body, is_whole=is_whole)


async def fill(index: SearchIndex, *texts: MessageText, account: AccountId = ALICE) -> None:
    """Index all texts in one batch behind what is there."""
    after = await index.indexed_up_to(account)
    up_to = max(each.email_id for each in texts)
    assert await index.index(account, after, texts, up_to) == up_to


async def found(
    index: SearchIndex, needle: str, scope: Scope = Scope.ANYWHERE, account: AccountId = ALICE
) -> set[int]:
    candidates = await index.candidates(account, needle, scope)
    assert candidates is not None
    return set(candidates.email_ids)


async def ranks(index: SearchIndex, *words: str, in_header: bool = True) -> dict[int, float]:
    ranked = await index.ranked(ALICE, words, in_header=in_header)
    assert ranked is not None
    return {int(key): score for key, score in ranked.scores.items()}


class SearchIndexContract:
    """A subclass has a fixture `index`."""

    async def test_an_empty_index_excludes_nothing(self, index: SearchIndex) -> None:
        assert await index.indexed_up_to(ALICE) == NONE
        nothing = Candidates(frozenset(), NONE)
        assert await index.candidates(ALICE, "needle", Scope.ANYWHERE) in (None, nothing)
        await index.remove(ALICE, [EmailId(1)])
        await index.forget(ALICE)

    @pytest.mark.parametrize(
        "needle",
        ["hello", "ell", "lo wor", "lo, wor", "d", "world", " world", "hello, ", "x.org", "a@x"],
    )
    async def test_a_needle_anywhere_in_a_text(self, index: SearchIndex, needle: str) -> None:
        await fill(index, text(3, "from: a@x.org\n", "hello, world lo wor\n"), text(5, "", ""))
        assert 3 in await found(index, needle)
        assert 5 not in await found(index, needle)

    async def test_needles_that_are_not_there(self, index: SearchIndex) -> None:
        await fill(index, text(3, "subject: one\n", "two three\n"))
        for needle in ("four", "threes", "twothree", "one two tree"):
            assert await found(index, needle) == set()

    async def test_header_and_body_are_apart(self, index: SearchIndex) -> None:
        await fill(index, text(1, "subject: cat\n", "dog\n"), text(2, "subject: dog\n", "cat\n"))
        assert await found(index, "cat", Scope.HEADER) == {1}
        assert await found(index, "cat", Scope.BODY) == {2}
        assert await found(index, "cat", Scope.ANYWHERE) == {1, 2}

    async def test_other_scripts(self, index: SearchIndex) -> None:
        await fill(
            index,
            text(1, "", "schöne grüsse\n"),
            text(2, "", "会議は明日です\n"),
            text(3, "", "x"),
        )
        assert await found(index, "ne grü") == {1}
        assert await found(index, "明日") == {2}
        assert await found(index, "\U0010ffff") == set()

    async def test_a_batch_only_fits_where_the_index_stands(self, index: SearchIndex) -> None:
        await fill(index, text(4, "", "four"))
        again = [text(4, "", "four"), text(6, "", "six")]
        assert await index.index(ALICE, NONE, again, EmailId(6)) == 4
        assert await index.indexed_up_to(ALICE) == 4
        assert await found(index, "six") == set()
        assert await index.index(ALICE, EmailId(4), again[1:], EmailId(9)) == 9
        candidates = await index.candidates(ALICE, "six", Scope.BODY)
        six = frozenset([EmailId(6)])
        assert candidates == Candidates(six, EmailId(9), six)

    async def test_what_is_partly_indexed_is_always_a_candidate(self, index: SearchIndex) -> None:
        await fill(index, text(1, "", "one"), text(2, "", "two", is_whole=False))
        assert await found(index, "one") == {1, 2}
        assert await found(index, "two") == {2}
        assert await found(index, "three") == {2}

    async def test_a_very_long_word(self, index: SearchIndex) -> None:
        await fill(index, text(1, "", "a" * 40_000 + "needle"), text(2, "", "a"))
        assert await found(index, "needle") == {1}
        assert 1 in await found(index, "a" * 40_000)

    async def test_removed_messages(self, index: SearchIndex) -> None:
        await fill(index, text(1, "", "cat"), text(2, "", "cat"), text(3, "", "", is_whole=False))
        await index.remove(ALICE, [EmailId(1), EmailId(3), EmailId(77)])
        assert await found(index, "cat") == {2}
        assert await index.indexed_up_to(ALICE) == 3

    async def test_accounts_are_apart(self, index: SearchIndex) -> None:
        await fill(index, text(1, "", "cat"))
        await fill(index, text(2, "", "cat"), account=BOB)
        assert await found(index, "cat") == {1}
        assert await found(index, "cat", account=BOB) == {2}
        await index.forget(BOB)
        assert await index.indexed_up_to(BOB) == NONE
        assert await found(index, "cat") == {1}
        await fill(index, text(1, "", "dog"), account=BOB)
        assert await found(index, "dog", account=BOB) == {1}

    @pytest.mark.parametrize(
        "needle", ['"', '" OR "', "a\0b", "%", "_", "NEAR(a b)", "-", "\\", "*", "{header} : a"]
    )
    async def test_needles_are_no_queries(self, index: SearchIndex, needle: str) -> None:
        await fill(index, text(1, "", f"xx{needle}yy".lower()), text(2, "", "header"))
        candidates = await index.candidates(ALICE, needle.lower(), Scope.BODY)
        assert candidates is None or 1 in candidates.email_ids

    async def test_candidates_are_never_too_few(self, index: SearchIndex) -> None:
        generator = random.Random(5)  # noqa: S311  # the same texts in every run
        letters = "abß漢. -\n"

        def words(most: int) -> str:
            return "".join(generator.choices(letters, k=generator.randint(0, most)))

        texts = [text(number, words(9), words(30)) for number in range(1, 200)]
        await fill(index, *texts)
        for _ in range(300):
            needle = words(5)
            candidates = await index.candidates(ALICE, needle, Scope.ANYWHERE)
            truth = {
                each.email_id for each in texts if needle in each.header or needle in each.body
            }
            assert candidates is None or candidates.certain <= truth <= candidates.email_ids

    async def test_of_a_part_of_a_word_it_is_certain(self, index: SearchIndex) -> None:
        await fill(
            index, text(1, "", "concatenated"), text(2, "", "", is_whole=False), text(3, "cat", "")
        )
        candidates = await index.candidates(ALICE, "cat", Scope.ANYWHERE)
        both = frozenset([EmailId(1), EmailId(3)])
        assert candidates == Candidates(both | {EmailId(2)}, EmailId(3), both)
        in_body = await index.candidates(ALICE, "cat", Scope.BODY)
        assert in_body is not None
        assert in_body.certain == {1}

    async def test_words_of_a_phrase_stand_in_a_row(self, index: SearchIndex) -> None:
        await fill(
            index,
            text(1, "", "the quarterly figures of may"),
            text(2, "", "the figures, quarterly"),
            text(3, "", "quarterly, figures"),
            text(4, "quarterly", "figures"),
            text(5, "", "unquarterly figuresque"),
            # Of few messages all are looked at.
            *(text(number, "", "figures of the quarterly") for number in range(6, 300)),
        )
        for needle in ("quarterly figures", "y figure", "quarterly   figures"):
            candidates = await index.candidates(ALICE, needle, Scope.ANYWHERE)
            assert candidates is not None
            assert not candidates.certain
            assert candidates.email_ids <= {1, 3, 5}
            # Whether white space is squeezed is the message's to tell, not the index's.
            assert candidates.email_ids >= {1, 5} or "  " in needle
        assert {1} <= await found(index, "the quarterly fig") <= {1, 2}
        assert {1} <= await found(index, " quarterly figures ") <= {1, 3}

    async def test_a_range_of_messages(self, index: SearchIndex) -> None:
        wholes = (True, True, False, True, True, False)
        await fill(
            index, *(text(n, "", "the cat sat", is_whole=w) for n, w in enumerate(wholes, 1))
        )
        for needle in ("cat", "the cat", "at sa"):
            for first, stop in ((2, 5), (6, 7), (7, 9), (3, 3), (0, 100)):
                within = range(first, stop)
                candidates = await index.candidates(ALICE, needle, Scope.BODY, within)
                assert candidates is not None
                assert candidates.email_ids == set(range(1, 7)) & set(within)
                assert candidates.certain == (candidates.email_ids if needle == "cat" else set())
        none = await index.candidates(ALICE, "dog", Scope.BODY, range(4))
        assert none is not None
        assert none.email_ids == {3}

    async def fill_fields(self, index: SearchIndex) -> None:
        subjects = ("\nhello world", "", "\nre: hello\nsecond", None, "\n")
        texts = [
            MessageText(EmailId(number), "", "", fields=("\neve@x.org", "", "", "", subject))
            for number, subject in enumerate(subjects, 1)
        ]
        await fill(index, *texts)

    @pytest.mark.parametrize(
        ("needle", "certain"),
        [("hello", {1, 3}), ("lo w", {1}), ("second", {3}), ("", {1, 3, 5}), ("eve", set())],
    )
    async def test_fields(self, index: SearchIndex, needle: str, certain: set[int]) -> None:
        await self.fill_fields(index)
        candidates = await index.with_field(ALICE, "subject", needle)
        assert candidates is not None
        assert candidates.certain == certain
        assert candidates.email_ids == certain | {4}
        assert candidates.indexed_up_to == 5

    async def test_fields_of_few_messages(self, index: SearchIndex) -> None:
        await self.fill_fields(index)
        few = [EmailId(2), EmailId(3), EmailId(4), EmailId(9)]
        candidates = await index.with_field(ALICE, "subject", "hello", few)
        assert candidates is not None
        assert candidates.certain == {3}
        assert candidates.email_ids == {3, 4}
        assert await index.with_field(BOB, "subject", "hello") in (
            None,
            Candidates(frozenset(), NONE),
        )
        candidates = await index.with_field(ALICE, "subject", "hello", range(1, 4))
        assert candidates is not None
        assert candidates.email_ids == {1, 3}
        await index.remove(ALICE, [EmailId(3), EmailId(4)])
        candidates = await index.with_field(ALICE, "subject", "hello", few)
        assert candidates == Candidates(frozenset(), EmailId(5))

    async def test_messages_are_ranked_by_where_the_words_are(self, index: SearchIndex) -> None:
        await fill(
            index,
            text(1, "subject: cat\n", "a cat\n"),
            text(2, "subject: cats\n", "a cat\n"),
            text(3, "subject: dog\n", "a cat\n"),
            text(4, "subject: dog\n", "concatenated\n"),
            text(5, "subject: dog\n", "mouse\n"),
        )
        assert await ranks(index, "cat") == {1: 1, 2: 0.75, 3: 0.5, 4: 0.25}
        assert await ranks(index, "cat", in_header=False) == {1: 0.5, 2: 0.5, 3: 0.5, 4: 0.25}
        assert await ranks(index, "cat", "dog", in_header=False) == {}
        both = await ranks(index, "cat", "dog")
        assert both.keys() == {3, 4}
        assert 0.25 < both[4] < both[3] < 1

    async def test_rare_words_count_more(self, index: SearchIndex) -> None:
        many = [text(number, "", "common") for number in range(3, 100)]
        await fill(index, text(1, "rare\n", "common\n"), text(2, "common\n", "rare\n"), *many)
        both = await ranks(index, "common", "rare")
        assert both.keys() == {1, 2}
        assert both[1] > both[2]

    async def test_what_is_several_words_to_the_index(self, index: SearchIndex) -> None:
        await fill(
            index,
            text(1, "from: eve@x.org\n", "none"),
            text(2, "from: eve@y.org\n", "x"),
            text(3, "from: eve@y.org\n", "yx org"),
            text(4, "from: eve@y.org\n", "none"),
        )
        assert await ranks(index, "x.org") == {1: 1, 2: 0.25, 3: 0.25}
        # What has no letters is passed over, but not where there is nothing else.
        assert await ranks(index, "--", "eve") == dict.fromkeys((1, 2, 3, 4), 1)
        assert await index.ranked(ALICE, ["--"], in_header=True) is None

    async def test_words_in_what_is_partly_indexed(self, index: SearchIndex) -> None:
        await fill(index, text(1, "", "one", is_whole=False), text(2, "", "one"))
        ranked = await index.ranked(ALICE, ["one"], in_header=True)
        assert ranked == Ranked(
            {EmailId(1): 0.5, EmailId(2): 0.5}, frozenset([EmailId(1)]), EmailId(2)
        )

    @pytest.mark.parametrize("word", ['"', '"or"', "a\0b", "near(a", "*", "{header}:a"])
    async def test_words_are_no_queries(self, index: SearchIndex, word: str) -> None:
        await fill(index, text(1, "", f"{word} b"), text(2, "", "none"))
        ranked = await index.ranked(ALICE, [word], in_header=True)
        assert ranked is None or list(ranked.scores) == [1]
