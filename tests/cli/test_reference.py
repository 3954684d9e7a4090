"""The pages of docs/reference are those that the code makes."""

from pathlib import Path

import pytest

from postroad.cli.reference import main, pages

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", ["settings.md", "cli.md", "events.md", "api.md"])
def test_the_page_is_up_to_date(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == pages()[name], "run: python -m postroad.cli.reference docs/reference"


def test_the_pages_are_written(tmp_path: Path) -> None:
    main(tmp_path / "reference")
    assert {path.name for path in (tmp_path / "reference").iterdir()} == set(pages())
