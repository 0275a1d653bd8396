"""What quick instances cost in counts stays within what `benchmarks/ranges.toml` expects."""

import pytest

from benchmarks.counts import MEASURES, ranges


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
