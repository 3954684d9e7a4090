"""Counters and gauges for Prometheus, over all workers, whichever of them is asked.

The registry is our own, so that two servers in one process do not mix.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from postroad.adapters.shared.board import NOW, Board
from postroad.ports.counters import Counter, Counters

_TEXTS = {
    Counter.RECEIVED: ("Messages taken in over SMTP.", "way"),
    Counter.LOGINS: ("Logins.", "protocol"),
    Counter.REFUSED_LOGINS: ("Logins that were refused.", "protocol"),
    Counter.SUBMITTED: ("Messages accepted for sending.", "source"),
    Counter.HAPPENINGS: ("Messages put into mailboxes, or flagged, by their readers.", "cause"),
    Counter.OUTCOMES: ("Recipients of outgoing mail, by what became of an attempt.", "state"),
}
_PID = f"{NOW}pid"
_BEAT = f"{NOW}beat"  # on the clock that all processes of a machine share
_STARTS = "starts"
Gauge = Callable[[], Mapping[str, float]]


class Metrics(Counters):
    def __init__(self, board: Board | None = None, number: int = 0) -> None:
        """A `board` with more than one part is shared with other workers; ours is `number`."""
        self._board = board or Board(1)
        self._part = self._board.parts[number]
        self._part.set(_PID, os.getpid())
        self._part.add(_STARTS)
        self.beat()
        self._registry = prometheus.CollectorRegistry()
        if len(self._board.parts) == 1:
            prometheus.ProcessCollector(registry=self._registry)
            prometheus.GCCollector(registry=self._registry)
        else:
            self._registry.register(_Workers(self._board))
        self._registry.register(_Counted(self._board))

    def beat(self) -> None:
        """We live; to be called every few seconds."""
        self._part.set(_BEAT, int(time.monotonic()))

    def count(self, counter: Counter, label: str, amount: int = 1) -> None:
        self._part.add(f"{counter.value}.{label}", amount)

    def gauge(self, name: str, text: str, label: str, read: Gauge) -> None:
        """Show values that are read when somebody asks."""
        self._registry.register(_Gauges(f"postroad_{name}", text, label, read))

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return prometheus.generate_latest(self._registry)


class _Counted(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        totals = self._board.totals()
        for counter, (text, label) in _TEXTS.items():
            family = CounterMetricFamily(f"postroad_{counter.value}", text, labels=[label])
            for name, total in totals.items():
                kind, _, value = name.partition(".")
                if kind == counter.value:
                    family.add_metric([value], total)
            yield family


class _Workers(Collector):
    """What each worker has and takes; the supervisor is one of them by its name."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "postroad_worker_connections",
            "Open connections of the mail protocols, by worker.",
            labels=["worker"],
        )
        starts = CounterMetricFamily(
            "postroad_worker_starts", "How often a worker was started.", labels=["worker"]
        )
        silent = GaugeMetricFamily(
            "postroad_worker_silent_seconds",
            "How long ago a worker last looked after its connections; it does every 5 seconds.",
            labels=["worker"],
        )
        pids = {"supervisor": os.getppid()}
        for number, part in enumerate(self._board.parts):
            connections.add_metric([str(number)], part.value(f"{NOW}connections"))
            starts.add_metric([str(number)], part.value(_STARTS))
            if pid := part.value(_PID):
                pids[str(number)] = pid
                seconds = time.monotonic() - part.value(_BEAT)
                silent.add_metric([str(number)], max(0.0, round(seconds)))
        yield connections
        yield silent
        yield starts
        yield from _of_processes(pids)


def _of_processes(pids: Mapping[str, int]) -> Iterable[Metric]:
    """The metrics that Prometheus knows of every process, with the worker as their label."""
    found: dict[str, Metric] = {}
    for worker, pid in pids.items():
        collector = prometheus.ProcessCollector(pid=partial(int, pid), registry=None)
        for metric in collector.collect():
            family = found.setdefault(
                metric.name, Metric(metric.name, metric.documentation, metric.type)
            )
            for sample in metric.samples:
                family.add_sample(sample.name, {"worker": worker}, sample.value)
    return found.values()


class _Gauges(Collector):
    def __init__(self, name: str, text: str, label: str, read: Gauge) -> None:
        self._name, self._text, self._label, self._read = name, text, label, read

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for label, value in self._read().items():
            family.add_metric([label], value)
        return [family]
