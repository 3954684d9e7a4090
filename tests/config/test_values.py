"""Texts of settings and their values, there and back."""

from datetime import timedelta
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.config.fields import Leaf, leaves
from postroad.config.settings import Settings
from postroad.config.values import read, read_list, read_size, write, write_duration, write_size


def leaf(kind: object, name: str = "x") -> Leaf:
    return Leaf(name, name, Settings, kind, None)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0", 0),
        ("1000", 1000),
        ("50MiB", 50 * 2**20),
        ("50 MiB", 50 * 2**20),
        ("50mib", 50 * 2**20),
        ("512MB", 512 * 10**6),
        ("1.5GiB", 3 * 2**29),
        ("60_000_000", 60_000_000),
        ("2kB", 2000),
        ("7B", 7),
    ],
)
def test_sizes(text: str, octets: int) -> None:
    assert read_size(text) == octets


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1XB", "1e3", "1 000", "\u0661", "1.2.3MB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        read_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("4h", 14_400), ("7d", 604_800), ("1h30m", 5400), ("0.5s", 0.5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read(leaf(timedelta), text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "5w", "5m?", "s5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        read(leaf(timedelta), text)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        ("a", ("a",)),
        (" a , b ,", ("a", "b")),
        ('["a", "b"]', ("a", "b")),
        ("[]", ()),
        ("[::1]", ("[::1]",)),
        ("[::]:25,[::1]:25", ("[::]:25", "[::1]:25")),
    ],
)
def test_lists(text: str, items: tuple[str, ...]) -> None:
    assert read_list(text) == items


@given(st.integers(min_value=0, max_value=3650 * 86_400_000))
def test_a_duration_is_read_as_it_was_written(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    text = write_duration(value)
    if len(text) <= 10:
        assert read(leaf(timedelta), text) == value


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_is_read_as_it_was_written(octets: int) -> None:
    assert read_size(write_size(octets)) == octets


@pytest.mark.parametrize("path", list(leaves()))
def test_every_default_is_read_as_it_is_written(path: str) -> None:
    one = leaves()[path]
    written = write(one.default)
    if isinstance(written, list):
        assert tuple(written) == one.default
    elif written is not None and one.default != "":
        assert read(one, str(written)) == one.default


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert read(leaf(Path), "~/mail") == Path("/home/me/mail")
    with pytest.raises(ValueError, match="a path is wanted here"):
        read(leaf(Path), "a\0b")


def test_a_choice_is_taken_by_its_value_alone() -> None:
    class Colour(Enum):
        RED = "red"

    assert read(leaf(Colour), "red") is Colour.RED
    with pytest.raises(ValueError, match=r'"RED" is not one of red \(did you mean red\?\)'):
        read(leaf(Colour), "RED")
