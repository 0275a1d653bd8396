"""What the collectors say of a center with a published, used round."""

import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from api.monitoring.collector import KEEP_SECONDS
from api.monitoring.demand import demand_reading
from api.monitoring.fellow_families import pseudonym
from api.monitoring.of_rounds import scenario_reading
from scheduler.operations.rounds import activate_round, close_round
from scheduler.round_file import read_round
from scheduler.storage.store import open_store
from tests.monitored import (
    GIVEN,
    NOW,
    OUTSIDE,
    REFUNDED,
    SECRET,
    USED,
    a_used_center,
    monitored,
    use,
)
from tests.unit.operations.center import CLOSES, OPENS, act

HOUR = 3600
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
ROUND = {
    "schema": "dure-round/1",
    "id": "small",
    "calendar": {"starts_on": None, "slot_hours": 1, "slots": 2},
    "groups": [{"id": "core0"}],
    "fellows": [{"id": "f0", "group": "core0"}],
    "pools": [
        {"id": "a", "gpu_type": "A", "nodes": 1, "gpus_per_node": 4, "supply_gpu_hours": [4, 4]},
        {"id": "b", "gpu_type": "B", "nodes": 1, "gpus_per_node": 2, "supply_gpu_hours": [2, 2]},
    ],
    "requests": [
        {
            "id": "q0",
            "fellow": "f0",
            "gpu_hours": 16,
            "max_gpus": 4,
            "window": [0, 2],
            "speeds": {"a": 1, "b": 2},
        },
        {
            "id": "q1",
            "fellow": "f0",
            "gpu_hours": 8,
            "max_gpus": 4,
            "window": [0, 1],
            "speeds": {"a": 1},
        },
    ],
}


@pytest.fixture
def used(tmp_path):
    """A store with a used center, and the round of its award."""
    with open_store(f"sqlite:///{tmp_path / 'dure.db'}") as store:
        award = store.write(a_used_center)
        with store.read() as tx:
            round_ = next(iter(tx.rounds.list(act().scope).items))
        yield store, round_.id, award


def samples(exposition):
    """Return name and labels → value of an exposition in the classic format."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(exposition[0].decode())
        for sample in family.samples
    }


def scraped(store, **more):
    """Return what one scrape says."""
    return samples(monitored(store, **more)[0].center("text/plain"))


def row(name, **labels):
    """Return the key of a sample."""
    return name, *sorted(labels.items())


def test_the_store_is_what_is_told(used):
    """Capacity, demand, awards, use, phase, solve and queue follow from the rows."""
    store, id_, _ = used
    found = scraped(store)
    at, call = {"round": id_}, {"call": found_call(store)}
    kaist = {"institute": "kaist", "group": "vision"}
    nowhere = {"institute": "none", "group": "none"}
    h200 = {"pool": "h200", "gpu_type": "H200"}
    solved = {**at, "policy": "merit"}
    owned = {**at, **kaist, "gpu_type": "H200"}
    expected = {
        row("dure_build_info", version="1.2.3"): 1,
        row("dure_capacity_gpus", **h200): 32,
        row("dure_capacity_available_gpus", **h200): 24,
        row("dure_capacity_committed_gpus", **h200): 704 / 168,
        row("dure_capacity_gpu_seconds", **at, pool="h200"): 32 * 4 * 168 * HOUR,
        row("dure_requests", **call, state="submitted"): 0,
        row("dure_request_gpu_seconds", **call, **at, **kaist, state="awarded"): 1200 * HOUR,
        row("dure_award_reference_gpu_seconds", **at, **kaist): 704 * HOUR,
        row("dure_award_gpu_seconds", **owned): GIVEN,
        row("dure_usage_gpu_seconds_total", **owned): USED,
        row("dure_usage_refunded_gpu_seconds_total", **owned): REFUNDED,
        row("dure_usage_gpu_seconds_total", round="none", **nowhere, gpu_type="H200"): OUTSIDE,
        row("dure_award_overspent_gpu_seconds", **owned): 0,
        row("dure_award_expiring_gpu_seconds", **owned): GIVEN - USED + REFUNDED,
        row("dure_reclaim_gpu_seconds_total", reason="return"): 96 * HOUR,
        row("dure_reclaim_gpu_seconds_total", reason="reclaim"): 0,
        row("dure_allocated_gpu_seconds", **at, pool="h200"): 704 * HOUR,
        row("dure_round_phase", **at, phase="published"): 1,
        row("dure_round_phase", **at, phase="frozen"): 0,
        row("dure_round_deadline_timestamp_seconds", **at, step="close"): 1773651600,
        row("dure_round_deadline_timestamp_seconds", **at, step="start"): 1775001600,
        row("dure_round_deadline_timestamp_seconds", **at, step="end"): 1775001600 + 672 * HOUR,
        row("dure_solve_duration_seconds", **solved): 12.5,
        row("dure_solve_gap_ratio", **solved): 0.0005,
        row("dure_solve_proven_optimal", **solved): 1,
        row("dure_fairness_index", **solved, index="jain"): 0.9,
        row("dure_fairness_index", **solved, index="theil_within"): 0.02,
        # The solve, and before it the reallocation that mina's return called for.
        row("dure_queue_jobs", state="queued"): 2,
        row("dure_queue_oldest_seconds"): (NOW - CLOSES).total_seconds(),
        row("dure_ledger_wrong_accounts", gpu_type="H200"): 0,
        row("dure_ledger_derived_timestamp_seconds"): NOW.timestamp(),
        row("dure_importer_last_success_timestamp_seconds", source="accounting", cluster="duru"): (
            NOW - timedelta(hours=2)
        ).timestamp(),
        row("dure_importer_last_success_timestamp_seconds", source="controller", cluster="duru"): (
            NOW.timestamp()
        ),
        row("dure_controller_usage_gpu_seconds", cluster="duru", **kaist): HOUR,
        row("dure_controller_running_gpus", cluster="duru", **kaist): 8,
        row("dure_runaway_jobs", cluster="duru", cause="beyond_limit"): 1,
        row("dure_runaway_jobs", cluster="duru", cause="no_end"): 0,
        row(
            "dure_reconciliation_difference_gpu_seconds",
            cluster="duru",
            source="accounting",
            state="awaited",
        ): 80 * HOUR,
        row(
            "dure_reconciliation_difference_gpu_seconds",
            cluster="duru",
            source="ledger",
            state="unexplained",
        ): 0,
    }
    assert expected == {key: found.get(key, 0) for key in expected}


def found_call(store):
    """Return the id of the only call."""
    with store.read() as tx:
        return tx.calls.list().items[0].id


def test_drift_and_waiting_effects_are_told(used):
    """By cluster: what it has otherwise, what it has not heard of, when it last spoke."""
    found, at = scraped(used[0]), {"target": "duru"}
    expected = {
        row("dure_enforcement_drift_associations", **at): 3,
        row("dure_enforcement_waiting_effects", **at): 3,
        row("dure_enforcement_waiting_seconds", **at): (NOW - OPENS).total_seconds(),
        row("dure_enforcement_last_report_timestamp_seconds", **at): NOW.timestamp(),
    }
    assert expected == {key: found[key] for key in expected}


def test_what_waits_to_be_mailed_is_told(used):
    """By channel and state, also of which there is none, and since when."""
    found = scraped(used[0])
    counted = {key: value for key, value in found.items() if key[0] == "dure_deliveries"}
    assert [0, 0, 0, 0, 0, 1] == sorted(counted.values())
    waits = row("dure_deliveries", channel="mail", state="waiting")
    assert (1, 300) == (found[waits], found[row("dure_delivery_oldest_seconds")])


def test_what_awards_hold_is_conserved(used):
    """Use moves nothing out of what was given; only what is taken away does."""
    store, id_, _ = used
    given = row(
        "dure_award_gpu_seconds", round=id_, institute="kaist", group="vision", gpu_type="H200"
    )
    store.write(lambda tx: use(tx, "19", hours=5))
    assert GIVEN == scraped(store)[given]
    store.write(lambda tx: use(tx, "20", hours=100))
    assert GIVEN == scraped(store)[given]


def test_a_later_scrape_reads_only_what_is_new_and_says_the_same(used):
    """Sums that grow from scrape to scrape are those of a scrape that begins anew."""
    store, _, _ = used
    metrics, _, clock = monitored(store)
    samples(metrics.center(""))
    store.write(lambda tx: use(tx, "19"))
    asked = []
    with store.read() as tx:
        ledger = type(tx.ledger)
    original = ledger.flows
    try:
        ledger.flows = lambda self, after=0: asked.append(after) or original(self, after)
        clock.at = KEEP_SECONDS + 1
        later = samples(metrics.center(""))
    finally:
        ledger.flows = original
    assert 1 == len(asked)
    assert asked[0] > 0
    assert scraped(store) == later


def test_a_closed_round_is_read_once(used):
    """After its round is closed an award's use still grows, from what lapsed."""
    store, id_, _ = used
    store.write(lambda tx: activate_round(tx, act("operator", NOW), id_))
    late = NOW + timedelta(days=40)
    store.write(lambda tx: close_round(tx, act("operator", late), id_))
    metrics, _, clock = monitored(store, now=lambda: late)
    samples(metrics.center(""))
    store.write(lambda tx: use(tx, "19"))
    clock.at = KEEP_SECONDS + 1
    found = samples(metrics.center(""))
    owned = {"round": id_, "institute": "kaist", "group": "vision", "gpu_type": "H200"}
    assert USED + HOUR == found[row("dure_usage_gpu_seconds_total", **owned)]
    assert GIVEN == found[row("dure_award_gpu_seconds", **owned)]
    assert 0 == found[row("dure_award_expiring_gpu_seconds", **owned)]
    assert 0 < found[row("dure_reclaim_gpu_seconds_total", reason="expire")]


def test_one_reading_serves_many_scrapes(used):
    """Within a few seconds the store is read once; afterwards again."""
    metrics, reads, clock = monitored(used[0])

    samples(metrics.center(""))
    samples(metrics.fellows(""))
    clock.at = KEEP_SECONDS + 1
    samples(metrics.center(""))

    assert 2 == len(reads)


def test_requests_are_counted_by_route_with_their_trace(used):
    """The histogram knows the pattern of a route, and a bucket names a trace as its exemplar."""
    metrics, _, _ = monitored(used[0])
    metrics.observe("GET", "/api/v1/calls/{call_id}", 200, 0.03, "ab" * 16)

    labels = {"method": "GET", "route": "/api/v1/calls/{call_id}", "status": "200"}
    found = samples(metrics.center(""))
    exemplars = [
        sample.exemplar.labels
        for family in openmetrics_families(metrics.center(OPENMETRICS)[0].decode())
        for sample in family.samples
        if sample.exemplar
    ]

    assert 1 == found[row("dure_http_request_duration_seconds_count", **labels)]
    assert [{"trace_id": "ab" * 16}] == exemplars


def test_openmetrics_for_those_who_ask(used):
    """The content type follows the Accept header."""
    metrics, _, _ = monitored(used[0])

    classic, classic_type = metrics.center("text/plain")
    openmetrics, openmetrics_type = metrics.center(OPENMETRICS)

    assert classic_type.startswith("text/plain")
    assert openmetrics_type.startswith("application/openmetrics-text")
    assert not classic.endswith(b"# EOF\n")
    assert openmetrics.endswith(b"# EOF\n")


def test_fellows_have_other_names(used):
    """A series of a fellow holds what the award holds, under a name that the secret makes."""
    store, id_, _ = used
    metrics, _, _ = monitored(store)
    exposition = metrics.fellows("text/plain")
    found = samples(exposition)
    name = pseudonym(SECRET, id_, "mina")
    labels = {"round": id_, "fellow": name, "gpu_type": "H200"}

    assert GIVEN == found[row("dure_fellow_award_gpu_seconds", **labels)]
    assert USED == found[row("dure_fellow_usage_gpu_seconds_total", **labels)]
    assert REFUNDED == found[row("dure_fellow_usage_refunded_gpu_seconds_total", **labels)]
    assert b"mina" not in exposition[0]
    assert {name} == {dict(key[1:])["fellow"] for key in found}


def test_a_pseudonym_is_of_one_round_and_one_secret():
    """The same fellow has one name within a round, another in the next and elsewhere."""
    names = {
        pseudonym(secret, round_, fellow)
        for secret in (b"1", b"2")
        for round_ in ("r1", "r2")
        for fellow in ("mina", "jun")
    }

    assert 8 == len(names)
    assert pseudonym(b"1", "r1", "mina") == pseudonym(b"1", "r1", "mina")


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
