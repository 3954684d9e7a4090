import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.text import html

CASES = [
    ("", ""),
    ("plain", "plain"),
    ("<p>a</p><p>b</p>", "a\nb"),
    ("a<br>b<BR/>c", "a\nb\nc"),
    ("<b>a</b>b <i>c</i>", "ab c"),
    ("<td>a</td><td>b</td>", "a b"),
    ("a\n  b\t c", "a b c"),
    ("a&nbsp;&amp;&eacute;&#233;&#x1F600;", "a &éé😀"),
    ("<head><title>t</title><style>p{}</style></head><body>x</body>", "x"),
    ("<head><title>t</title><body>x", "x"),
    ("<style>p > a {}</style>x", "x"),
    ("<SCRIPT>if (a<b) {}</Script>x", "x"),
    ("a<script>b", "a"),
    ("a<!-- <p>b</p> -->c", "ac"),
    ("a<!-- b", "a"),
    ("<!DOCTYPE html><?xml version='1.0'?>a", "a"),
    ('<a title="x>y">z</a>', "z"),
    ("1 < 2 and 3 > 2", "1 2 and 3 > 2"),
    ("a<", "a"),
    ("a<p", "a"),
    ("a</p", "a"),
    ("<p>a</p>\n\n\n<p>b</p>", "a\nb"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_to_text(text: str, expected: str) -> None:
    assert html.to_text(text, 1000) == expected


def test_it_stops() -> None:
    assert html.to_text("<p>abc</p>" * 1000, 10) == "abc\nabc\nab"


@given(st.text("<>!-/?\"' abp&;\n"))
def test_any_text_has_text(text: str) -> None:
    assert len(html.to_text(text, 20)) <= 20


@pytest.mark.parametrize(
    "piece", ["<", "<!--", '<a "', "<p ", "</", "<script>", "<head>", "&", "<a>", '<">', "<!"]
)
def test_ten_times_the_text_costs_about_ten_times_the_work(piece: str) -> None:
    def cost(count: int) -> float:
        begin = time.process_time()
        html.to_text(piece * count, 10_000_000)
        return time.process_time() - begin

    assert cost(20_000) < 40 * cost(2_000) + 0.3


@pytest.mark.parametrize("tag", ["p", "P", "br", "td", "TD", "b", "span", "li", "h1"])
def test_a_tag_means_the_same_with_and_without_attributes(tag: str) -> None:
    page = "one<{0}>two</{0}>three"
    plain, with_attributes = page.format(tag), page.replace("<{0}>", '<{0} a="1">').format(tag)
    assert html.to_text(plain, 100) == html.to_text(with_attributes, 100)
