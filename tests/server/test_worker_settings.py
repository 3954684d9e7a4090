"""How many workers there are, and what of each limit one of them may use."""

from dataclasses import replace
from pathlib import Path

import pytest

from postroad.app.workers import of_one_worker, usable_cores, worker_count
from postroad.config.settings import Settings
from postroad.core.queue.settings import QueueSettings


@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 64])
def test_the_parts_add_up_to_the_whole(count: int) -> None:
    whole = Settings()
    parts = [of_one_worker(whole, number, count) for number in range(count)]
    for name in ("spool_memory_octets", "snapshot_octets"):
        assert sum(getattr(part.limits, name) for part in parts) == getattr(whole.limits, name)
    queues = [part.delivery.queue for part in parts]
    to_one = sum(queue.at_once_per_destination for queue in queues)
    assert to_one == QueueSettings().at_once_per_destination
    assert sum(queue.at_once for queue in queues) <= QueueSettings().at_once
    assert any(queue.at_once for queue in queues)
    assert all(queue.at_once == 0 for queue in queues if not queue.at_once_per_destination)


def test_connections_are_counted_over_all_so_their_limits_stay() -> None:
    assert of_one_worker(Settings(), 1, 4).limits.connections == Settings().limits.connections


def test_auto_is_what_we_may_use(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    everything = usable_cores(tmp_path / "missing")
    assert everything >= 1
    quota.write_text("max 100000\n")
    assert usable_cores(quota) == everything
    quota.write_text("50000 100000\n")
    assert usable_cores(quota) == 1
    quota.write_text("nonsense")
    assert usable_cores(quota) == everything
    assert worker_count(replace(Settings(), workers="auto")) >= 1
    assert worker_count(replace(Settings(), workers=3)) == 3
