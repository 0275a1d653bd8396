"""Metric families from values by their labels."""

from collections.abc import Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

Row = TypeVar("Row", bound=tuple[str, ...])


def gauge(name: str, text: str, labels: tuple[str, ...], values: Mapping[Row, float]) -> Metric:
    """Return a gauge from its label names and its values by label values."""
    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def counter(name: str, text: str, labels: tuple[str, ...], values: Mapping[Row, float]) -> Metric:
    """Return a counter from its name without `_total`, its label names and its values."""
    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[Row, float]
) -> GaugeMetricFamily | CounterMetricFamily:
    for row, value in sorted(values.items()):
        family.add_metric(row, value)
    return family
