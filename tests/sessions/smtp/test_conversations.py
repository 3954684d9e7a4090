"""Every conversation in transcripts/ must go as written, however the octets are cut."""

from pathlib import Path

import pytest

from postroad.sessions.smtp.extensions import EXTENSIONS
from sessions.smtp.conversation import play

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
# Whether something stands behind a line is only known when it came in the same piece.
TIMED = {"pipelining", "starttls_injected"}


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
async def test_a_conversation_goes_as_written(path: Path) -> None:
    await play(path)


@pytest.mark.parametrize("piece", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "path", [path for path in TRANSCRIPTS if path.stem not in TIMED], ids=lambda path: path.stem
)
async def test_it_does_not_matter_how_the_octets_are_cut(path: Path, piece: int) -> None:
    await play(path, piece=piece)


def test_every_extension_has_a_conversation() -> None:
    # ENHANCEDSTATUSCODES is in all of them.
    stems = {path.stem for path in TRANSCRIPTS} | {"enhancedstatuscodes"}
    assert {
        extension.name.lower().replace("8bit", "eightbit") for extension in EXTENSIONS
    } <= stems
