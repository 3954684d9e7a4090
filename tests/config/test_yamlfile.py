"""Whatever a file holds, the answer is settings or `ConfigError`."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postroad.config.loader import load
from postroad.config.problems import ConfigError

PIECES = st.sampled_from(
    ["listen", "delivery", "mode", "smtp", ": ", ":", "\n", "  ", "- ", "[", "]", "{", "}", "&a ",
     "*a", "!!int ", "'", '"', "|\n", "? ", "<<", "~", "live", "127.0.0.1:25", "\t", "%", "---\n"]
)  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map("".join).map(str.encode))
)
@example(b"\x00")
@example(b"&a [*a]")
@example(b"listen: &a {smtp: *a}")
@example(b"!!python/object:os.system x: 1")
@example(b"&! : &!")
@example(b"%YAML 9.9\n---\nworkers: 1\n")
@example(b"%YAML 1.1.1.1\n")
@example(b"--- a\n--- b\n")
@example(b"[" * 5000)
def test_only_config_error_is_raised(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "postroad.yaml"
    path.write_bytes(octets)
    with contextlib.suppress(ConfigError):
        load(path, {})


def test_a_file_has_a_largest_size(tmp_path: Path) -> None:
    path = tmp_path / "postroad.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(ConfigError, match="has over 1000000 octets"):
        load(path, {})
