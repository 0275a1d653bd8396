"""What the collector says of a center, from a transaction made by hand."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.monitoring.collector import KEEP_SECONDS
from api.monitoring.demand import demand_reading
from api.monitoring.reader import scenario_reading
from scheduler.snapshot import read_round
from tests.monitored import ROUND, monitored


@pytest.fixture
def scraped():
    """Metrics over the hand-made center with a count of reads and a clock."""
    return monitored()


def samples(metrics):
    """Return name and labels → value of an exposition."""
    text = metrics.exposition("")[0].decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_store_is_what_is_told(scraped):
    """Capacity, demand, awards, use, phase, solve and queue follow from the rows."""
    found = samples(scraped[0])
    at = ("round", "rnd_1")
    expected = {
        ("dure_build_info", ("version", "1.2.3")): 1,
        ("dure_capacity_gpus", ("gpu_type", "A"), ("pool", "a")): 4,
        ("dure_capacity_gpu_seconds", ("pool", "a"), at): 8 * 3600,
        ("dure_demand_gpu_seconds", ("pool", "a"), at): 16 * 3600,
        ("dure_demand_gpu_seconds", ("pool", "b"), at): 4 * 3600,
        ("dure_oversubscription_ratio", ("pool", "a"), at): 2.0,
        ("dure_requests", ("call", "call_1"), ("state", "draft")): 2,
        ("dure_requested_gpu_seconds", ("call", "call_1"), ("state", "awarded")): 16 * 3600,
        ("dure_awarded_gpu_seconds", ("group", "core0"), at): 3 * 3600,
        ("dure_allocated_gpu_seconds", ("pool", "a"), at): 3 * 3600,
        ("dure_utilization_ratio", ("pool", "a"), at): 0.375,
        ("dure_utilization_ratio", ("pool", "b"), at): 0.0,
        ("dure_round_phase", ("phase", "published"), at): 1,
        ("dure_round_phase", ("phase", "frozen"), at): 0,
        ("dure_solve_duration_seconds", ("policy", "entitlement"), at): 12.5,
        ("dure_solve_gap_ratio", ("policy", "entitlement"), at): 0.0005,
        ("dure_solve_proven_optimal", ("policy", "entitlement"), at): 1,
        ("dure_fairness_index", ("index", "jain"), ("policy", "entitlement"), at): 0.9,
        ("dure_fairness_index", ("index", "theil_within"), ("policy", "entitlement"), at): 0.02,
        ("dure_solve_jobs", ("state", "queued")): 2,
        ("dure_solve_queue_oldest_seconds",): 90,
        ("dure_events_total",): 2,
    }
    assert expected == {key: found[key] for key in expected}


def test_one_reading_serves_many_scrapes(scraped):
    """Within a few seconds the store is read once; afterwards again."""
    metrics, reads, clock = scraped

    samples(metrics)
    samples(metrics)
    clock.at = KEEP_SECONDS + 1
    samples(metrics)

    assert 2 == len(reads)


def test_requests_are_counted_by_route(scraped):
    """The histogram knows the pattern of a route, never a path with an id."""
    metrics, _, _ = scraped
    metrics.observe("GET", "/api/v1/calls/{call_id}", 200, 0.03)

    labels = (("method", "GET"), ("route", "/api/v1/calls/{call_id}"), ("status", "200"))
    found = samples(metrics)

    assert 1 == found["dure_http_request_duration_seconds_count", *labels]


def test_openmetrics_for_those_who_ask(scraped):
    """The content type follows the Accept header."""
    metrics, _, _ = scraped

    classic, classic_type = metrics.exposition("text/plain")
    openmetrics, openmetrics_type = metrics.exposition(
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    )

    assert classic_type.startswith("text/plain")
    assert openmetrics_type.startswith("application/openmetrics-text")
    assert not classic.endswith(b"# EOF\n")
    assert openmetrics.endswith(b"# EOF\n")


def test_demand_of_all_pools_adds_up_to_the_ask():
    """An ask for two pools is split between them, in reference hours nothing is lost."""
    reading = demand_reading(read_round(json.loads(json.dumps(ROUND), parse_float=Decimal)))

    in_reference = reading.requested_gpu_seconds["a"] + 2 * reading.requested_gpu_seconds["b"]

    assert (16 + 8) * 3600 == pytest.approx(in_reference)


def test_a_formula_proves_nothing():
    """A plan that a formula made has no gap, and is not called proved."""
    scenario = SimpleNamespace(
        policy="rank_and_fund",
        gap=0.0,
        status="optimal",
        seconds=1.0,
        stages=({"name": "formula", "gap": 0.0},),
        measures={},
    )

    reading = scenario_reading(scenario)

    assert (None, False) == (reading.gap, reading.proven)
