"""Counters and gauges in a registry of our own, so that two servers in one process do not mix."""

from collections.abc import Callable, Mapping

import prometheus_client as prometheus
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from postroad.ports.counters import Counter, Counters

_TEXTS = {
    Counter.RECEIVED: ("Messages taken in over SMTP.", "way"),
    Counter.LOGINS: ("Logins.", "protocol"),
    Counter.REFUSED_LOGINS: ("Logins that were refused.", "protocol"),
    Counter.SUBMITTED: ("Messages accepted for sending.", "source"),
    Counter.OUTCOMES: ("Recipients of outgoing mail, by what became of an attempt.", "state"),
}
Gauge = Callable[[], Mapping[str, float]]


class Metrics(Counters):
    def __init__(self) -> None:
        self._registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self._registry)
        prometheus.GCCollector(registry=self._registry)
        self._counters = {
            counter: prometheus.Counter(
                f"postroad_{counter.value}", text, [label], registry=self._registry
            )
            for counter, (text, label) in _TEXTS.items()
        }

    def count(self, counter: Counter, label: str, amount: int = 1) -> None:
        self._counters[counter].labels(label).inc(amount)

    def gauge(self, name: str, text: str, label: str, read: Gauge) -> None:
        """Show values that are read when somebody asks."""
        self._registry.register(_Gauges(f"postroad_{name}", text, label, read))

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return prometheus.generate_latest(self._registry)


class _Gauges(Collector):
    def __init__(self, name: str, text: str, label: str, read: Gauge) -> None:
        self._name, self._text, self._label, self._read = name, text, label, read

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._text, labels=[self._label])
        for label, value in self._read().items():
            family.add_metric([label], value)
        return [family]
