import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.mime.address import (
    Address,
    Group,
    _Reader,
    mailboxes,
    parse_address_list,
)


def a(name: str | None, local_part: str, domain: str | None, route: str | None = None) -> Address:
    return Address(name, route, local_part, domain)


# The first ones are RFC 5322 appendix A.
LISTS: list[tuple[str, list[Address | Group]]] = [
    ("John Doe <jdoe@machine.example>", [a("John Doe", "jdoe", "machine.example")]),
    (
        '"Joe Q. Public" <john.q.public@example.com>',
        [a("Joe Q. Public", "john.q.public", "example.com")],
    ),
    (
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        [
            a("Mary Smith", "mary", "x.test"),
            a(None, "jdoe", "example.org"),
            a("Who?", "one", "y.test"),
        ],
    ),
    (
        '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
        [a(None, "boss", "nil.test"), a('Giant; "Big" Box', "sysservices", "example.net")],
    ),
    (
        "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        [
            Group(
                "A Group",
                (
                    a("Ed Jones", "c", "a.test"),
                    a(None, "joe", "where.test"),
                    a("John", "jdoe", "one.test"),
                ),
            )
        ],
    ),
    ("Undisclosed recipients:;", [Group("Undisclosed recipients", ())]),
    (
        '"Mary Smith: Personal Account" <smith@home.example>',
        [a("Mary Smith: Personal Account", "smith", "home.example")],
    ),
    (
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        [a("Pete", "pete", "silly.test")],
    ),
    (
        "A Group(Some people)      :Chris Jones <c@(Chris's host.)public.example>,"
        "    joe@example.org,"
        "   John <jdoe@one.test> (my dear friend); (the end of the group)",
        [
            Group(
                "A Group",
                (
                    a("Chris Jones", "c", "public.example"),
                    a(None, "joe", "example.org"),
                    a("John", "jdoe", "one.test"),
                ),
            )
        ],
    ),
    (
        "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
        [Group("Hidden recipients", ())],
    ),
    (
        "Joe Q. Public <john.q.public@example.com>",
        [a("Joe Q. Public", "john.q.public", "example.com")],
    ),
    (
        "Mary Smith <@node.test:mary@example.net>, , jdoe@test . example",
        [a("Mary Smith", "mary", "example.net", "@node.test"), a(None, "jdoe", "test.example")],
    ),
    ("<@a.test,@b.test:c@d.test>", [a(None, "c", "d.test", "@a.test,@b.test")]),
    # Beyond the appendix.
    ("", []),
    (" , ;, ", []),
    ("root", [a(None, "root", None)]),
    ("a@b.test (Real Name)", [a("Real Name", "a", "b.test")]),
    ('"quoted@local"@b.test', [a(None, "quoted@local", "b.test")]),
    ('" a b "@b.test', [a(None, " a b ", "b.test")]),
    ("a@[192.0.2.1]", [a(None, "a", "[192.0.2.1]")]),
    ("Name a@b.test", [a("Name", "a", "b.test")]),
    ("Name <a@b.test, Other <c@d.test>", [a("Name", "a", "b.test"), a("Other", "c", "d.test")]),
    ("Name <a@b.test", [a("Name", "a", "b.test")]),
    ("<a@b.test> <c@d.test>", [a(None, "a", "b.test"), a(None, "c", "d.test")]),
    ('"open <a@b.test>', [a("open", "a", "b.test")]),
    ("(open <a@b.test>", []),
    ("a@b@c.test", [a(None, "a@b", "c.test")]),
    ("a@b.test; c@d.test", [a(None, "a", "b.test"), a(None, "c", "d.test")]),
    ("=?utf-8?q?J=C3=B6rg?= <j@b.test>", [a("=?utf-8?q?J=C3=B6rg?=", "j", "b.test")]),
    ("Jörg <jörg@bücher.test>", [a("Jörg", "jörg", "bücher.test")]),
    ("jörg@bücher.test", [a(None, "jörg", "bücher.test")]),
    ("Group: a@b.test", [Group("Group", (a(None, "a", "b.test"),))]),
    ("Foo <>", [a("Foo", "", None)]),
    ("<>", []),
    ("mailto:a@b.test", [Group("mailto", (a(None, "a", "b.test"),))]),
]


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_lists(text: str, expected: list[Address | Group]) -> None:
    assert list(parse_address_list(text)) == expected


@pytest.mark.parametrize(("text", "expected"), LISTS)
def test_the_short_way_and_the_long_way_agree(text: str, expected: list[Address | Group]) -> None:
    assert _Reader(text, 0, 100).read() == expected


@given(st.text('ab.@<>,:; "()\\[]=?é', max_size=30))
def test_the_short_way_and_the_long_way_agree_on_anything(text: str) -> None:
    assert list(parse_address_list(text)) == _Reader(text, 0, 10_000).read()


@given(st.text())
def test_any_text_is_a_list(text: str) -> None:
    for address in mailboxes(parse_address_list(text)):
        assert isinstance(address.addr_spec, str)


WORDS = st.text("abc. \\\"'<>@,;:()é", min_size=1, max_size=12)


@given(WORDS)
def test_what_is_written_is_read_again(local_part: str) -> None:
    written = Address(None, None, local_part, "b.test").addr_spec
    (address,) = parse_address_list(f"<{written}>")
    assert address == Address(None, None, local_part, "b.test")


def test_names_are_decoded_for_people() -> None:
    (address,) = parse_address_list("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>")
    assert isinstance(address, Address)
    assert address.display_name == "Keld Jørn Simonsen"
    assert Group("=?utf-8?b?w6k=?=", ()).display_name == "é"


def test_there_is_a_limit() -> None:
    assert len(parse_address_list("a@b.test," * 50, 10)) == 10
    assert len(parse_address_list("(c)a@b.test," * 50, 10)) == 10


HOSTILE = [
    "(",
    '"',
    '"\\',
    "<",
    "a@",
    "<a@b,",
    ":",
    "a:",
    "[",
    "\\",
    ".",
    "a ",
    '"a"',
    "@",
    "<@a,",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_ten_times_the_text_costs_about_ten_times_the_work(piece: str) -> None:
    def cost(count: int) -> float:
        begin = time.process_time()
        parse_address_list(piece * count)
        return time.process_time() - begin

    assert cost(20_000) < 40 * cost(2_000) + 0.3
