"""The plain text that goes along with HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.formats.compose.plain import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>you</b></p><p>Bye</p>", "Hello you\n\nBye"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<style>p{}</style><script>x()</script>seen", "seen"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ('<a href="https://x.example/y">Read</a>', "Read (https://x.example/y)"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="javascript:x">click</a>', "click"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ('<img src="x" alt="Logo">', "Logo"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("  \r\n lots \n\n of   space ", "lots of space"),
        ("<html><head><title>t</title></head><body>b</body></html>", "b"),
        ("", ""),
        ("<!--[if mso]>x<![endif]-->y<![if !mso]>z<![endif]>", "yz"),
    ],
)
def test_texts(html: str, text: str) -> None:
    assert text_of_html(html) == text


@given(st.text(alphabet="<>/ab!-\"'= &;[]", max_size=200))
def test_whatever_comes_there_is_a_text(html: str) -> None:
    text_of_html(html)
