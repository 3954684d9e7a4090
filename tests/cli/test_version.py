"""`postroad version`."""

from cli.conftest import Command


def test_version(bare: Command) -> None:
    value = bare("version", "--json").json
    assert set(value) == {"version", "python"}
    assert bare("version").out == f"postroad {value['version']} (Python {value['python']})\n"
    assert bare("--version").out.strip() == value["version"]
