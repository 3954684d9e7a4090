"""Backups in a folder: all of a piece or nothing, and nobody between."""

import os
from pathlib import Path

import pytest

from postroad.adapters.archive.folder import FolderArchive
from postroad.base.errors import InUse, Invalid, NotFound
from postroad.ports.archive import Room


async def test_what_is_put_is_there(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path / "kept")
    async with archive.alone():
        await archive.put(Room.PIECES, "abcd", b"one")
        await archive.put(Room.PIECES, "abff", b"three")
        await archive.put(Room.BACKUPS, "20261120", b"two")
        assert await archive.names(Room.PIECES) == ["abcd", "abff"]
        assert await archive.names(Room.BACKUPS) == ["20261120"]
        assert await archive.get(Room.PIECES, "abcd") == b"one"
        assert await archive.delete(Room.PIECES, ["abcd", "abff", "gone"]) == 8
        assert await archive.names(Room.PIECES) == []
        with pytest.raises(NotFound, match="is missing"):
            await archive.get(Room.PIECES, "abcd")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a", "", "a/b", "ab\n", "x" * 101])
async def test_a_name_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    archive = FolderArchive(tmp_path / "kept")
    async with archive.alone():
        with pytest.raises(NotFound):
            await archive.get(Room.PIECES, name)
        with pytest.raises(NotFound):
            await archive.put(Room.BACKUPS, name, b"x")


async def test_one_writes_or_several_read(tmp_path: Path) -> None:
    archive, other = FolderArchive(tmp_path / "kept"), FolderArchive(tmp_path / "kept")
    async with archive.alone():
        with pytest.raises(InUse):
            async with other.alone():
                pass
        with pytest.raises(InUse):
            async with other.reading():
                pass
    async with archive.reading(), other.reading():
        with pytest.raises(InUse):
            async with FolderArchive(tmp_path / "kept").alone():
                pass
    async with other.alone():
        pass


async def test_what_was_half_written_is_cleared(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path / "kept")
    async with archive.alone():
        pass
    (tmp_path / "kept/new/abcd").write_bytes(b"hal")
    async with archive.alone():
        assert await archive.names(Room.PIECES) == []
    assert not os.listdir(tmp_path / "kept/new")


async def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(Invalid, match="something else"):
        async with FolderArchive(tmp_path).alone():
            pass
    with pytest.raises(NotFound):
        async with FolderArchive(tmp_path).reading():
            pass
    assert os.listdir(tmp_path) == ["thesis.txt"]
