"""Folders for work: gone at the end, and at the next beginning where the end was sudden."""

from pathlib import Path

import pytest

from postroad.adapters.system.workfolder import work_folder
from postroad.base.errors import Invalid


def test_it_is_gone_at_the_end(tmp_path: Path) -> None:
    with work_folder(tmp_path, "work-") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "x").write_text("y")
    assert not list(tmp_path.iterdir())


def test_what_was_left_is_cleared_and_what_is_in_use_stays(tmp_path: Path) -> None:
    left, alone, other = tmp_path / "work-left", tmp_path / "work-alone", tmp_path / "works"
    for one in (left, alone, other):
        one.mkdir()
        (one / "x").write_text("y")
    (tmp_path / "work-left.lock").touch()  # whoever held it is gone
    (tmp_path / "work-early.lock").touch()  # ended before its folder was made
    with work_folder(tmp_path, "work-") as first, work_folder(tmp_path, "work-") as second:
        assert {one for one in tmp_path.iterdir() if one.is_dir()} == {first, second, other}
        assert len(list(tmp_path.glob("*.lock"))) == 2
    assert list(tmp_path.iterdir()) == [other]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be written"), work_folder(tmp_path / "nil", "a-"):
        pass
