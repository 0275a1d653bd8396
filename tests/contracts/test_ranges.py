"""What quick instances cost in counts stays within what `benchmarks/ranges.toml` expects."""

import importlib
import inspect

import pytest

from benchmarks.__main__ import SUBJECTS
from benchmarks.counts import MEASURES, ranges
from benchmarks.instances import HERE


@pytest.mark.parametrize("name", MEASURES)
def test_a_count_stays_in_its_range(name: str) -> None:
    """Flows, programs, nodes and ways worked out are as many as measured before, up to a margin."""
    expected = ranges()[name]
    count = MEASURES[name]()
    assert abs(count - expected["mean"]) <= expected["margin"], (count, expected)


def test_every_range_has_a_measure_and_provenance() -> None:
    """No range is left over, and each says when it was measured, how often, and how far apart."""
    assert set(MEASURES) == set(ranges())
    for expected in ranges().values():
        assert {"runs", "mean", "spread", "margin", "measured_on"} == expected.keys()
        assert expected["spread"] <= expected["margin"]


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_subject_runs_by_its_name_alone(name: str) -> None:
    """What `make bench` runs exists, needs no argument, and is named in the README."""
    main = importlib.import_module(f"benchmarks.{name}").main
    required = [
        each.name
        for each in inspect.signature(main).parameters.values()
        if each.default is inspect.Parameter.empty
    ]
    assert [] == required
    assert f"`{name}`" in (HERE / "README.md").read_text(encoding="utf-8")
