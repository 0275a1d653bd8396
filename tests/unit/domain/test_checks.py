"""Entry checks: one broken rule, one finding."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from scheduler.domain.asks import ask_document, patched, read_ask
from scheduler.domain.calls import CallTerms, Track
from scheduler.domain.checks import Severity, Surroundings, check, errors
from scheduler.domain.errors import InvalidValue
from scheduler.domain.messages import Language
from scheduler.domain.pools import Calendar, Pool, supply
from scheduler.domain.requests import Ask, AskShape, Request

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROUNDS = Path(__file__).parents[3] / "benchmarks" / "rounds"
TERMS = CallTerms(
    title="Spring",
    opens_at=NOW,
    closes_at=datetime(2026, 4, 1, tzinfo=UTC),
    policy="fair",
    policy_version=1,
    calendar=Calendar(starts_on=None, slot_hours=168_000, slots=4),
    pools=("h200", "b200"),
    tracks=(Track(id="academia"),),
    max_requests=2,
    max_gpu_hours=5_000_000,
)
POOLS = (
    Pool(id="h200", gpu_type="H200", nodes=4, gpus_per_node=8),
    Pool(id="b200", gpu_type="B200", nodes=2, gpus_per_node=12),
)
AROUND = Surroundings(
    terms=TERMS,
    supplies={pool.id: supply(pool, (), TERMS.calendar) for pool in POOLS},
    request="req_this",
)
GOOD = Ask(
    title="Folding",
    gpu_hours=1_200_000,
    minimum_gpu_hours=400_000,
    gang_gpus=8,
    max_gpus=16,
    window=(0, 3),
    speeds={"h200": 1000},
)


def a_sibling(id_: str = "req_other", **changes) -> Request:
    """Another request of the same fellow, submitted."""
    return replace(
        Request(
            id=id_,
            call="call",
            fellow="mina",
            label=id_,
            created_by="mina",
            created_at=NOW,
            updated_at=NOW,
            draft=replace(GOOD, title="Other"),
            submitted=1,
        ),
        **changes,
    )


def test_a_good_ask_has_no_finding() -> None:
    """What fits the call passes without a word."""
    assert check(GOOD, AROUND) == ()


@pytest.mark.parametrize(
    ("changes", "code", "field", "severity"),
    [
        ({"gpu_hours": None}, "missing", "/gpu_hours", "error"),
        ({"max_gpus": None}, "missing", "/max_gpus", "error"),
        ({"window": None}, "missing", "/window", "error"),
        ({"speeds": {}}, "missing", "/speeds", "error"),
        ({"title": " "}, "missing", "/title", "warning"),
        ({"minimum_gpu_hours": 1_200_001}, "minimum-above-ask", "/minimum_gpu_hours", "error"),
        ({"window": (0, 5)}, "window-outside-call", "/window", "error"),
        ({"gpu_hours": 5_000_001, "max_gpus": 32}, "ask-above-cap", "/gpu_hours", "error"),
        (
            {"max_gpus": 8, "window": (0, 1), "gpu_hours": 1_344_001},
            "ask-above-window",
            "/gpu_hours",
            "error",
        ),
        ({"speeds": {"a100": 1000, "h200": 1000}}, "pool-not-offered", "/speeds/a100", "error"),
        ({"speeds": {"b200": 0, "h200": 1000}}, "speed-not-positive", "/speeds/b200", "error"),
        ({"gang_gpus": 24}, "gang-above-max", "/gang_gpus", "error"),
        ({"max_gpus": 12}, "max-not-whole-gangs", "/max_gpus", "warning"),
        ({"gang_gpus": 40, "max_gpus": 40}, "no-pool-fits", "/gang_gpus", "error"),
        ({"gang_gpus": 12, "max_gpus": 24}, "gang-not-whole-nodes", "/gang_gpus", "error"),
        (
            {"gang_gpus": 3, "max_gpus": 3, "gpu_hours": 1_000_000},
            "gang-splits-node",
            "/gang_gpus",
            "warning",
        ),
        ({"shape": AskShape.BLOCK}, "block-slots-missing", "/block_slots", "error"),
        (
            {"shape": AskShape.BLOCK, "block_slots": 4},
            "block-slots-do-not-fit",
            "/block_slots",
            "error",
        ),
        ({"block_slots": 1}, "block-slots-unused", "/block_slots", "warning"),
        ({"track": "industry"}, "track-unknown", "/track", "error"),
        ({"after": "req_this"}, "after-itself", "/after", "error"),
        ({"after": "req_unknown"}, "after-unknown", "/after", "error"),
    ],
)
def test_each_rule_names_its_field(changes: dict, code: str, field: str, severity: str) -> None:
    """One broken rule gives one finding with pointer, code, severity and both texts."""
    (finding,) = check(replace(GOOD, **changes), AROUND)
    assert (code, field, severity) == (finding.code, finding.field, finding.severity)
    for language in Language:
        assert "–" not in finding.message(language).detail.replace("0–5", "")


def test_the_arithmetic_names_its_numbers() -> None:
    """The text shows GPUs × hours × speed and what they reach."""
    ask = replace(GOOD, max_gpus=8, window=(0, 1), gpu_hours=2_000_500)
    (finding,) = check(ask, AROUND)
    text = finding.message(Language.ENGLISH).detail
    assert "2,000.5 GPU-hours" in text
    assert "8 GPUs × 168 hours × speed 1 give at most 1,344" in text


def test_a_gang_may_fill_whole_nodes_of_one_of_its_pools() -> None:
    """A gang that fits whole nodes of one acceptable pool is only warned about the other."""
    ask = replace(GOOD, gang_gpus=12, max_gpus=12, speeds={"h200": 1000, "b200": 1600})
    (finding,) = check(ask, AROUND)
    assert (Severity.WARNING, "h200") == (finding.severity, finding.facts["pool"])


def test_supply_stops_a_minimum_and_warns_of_an_ask() -> None:
    """A minimum out of reach is an error; an ask out of reach is only told."""
    few = replace(POOLS[0], nodes=1)
    around = replace(AROUND, supplies={"h200": supply(few, (), TERMS.calendar)})
    ask = replace(GOOD, gpu_hours=4_500_000, gang_gpus=8, max_gpus=16)
    (warned,) = check(ask, around)
    assert (warned.code, warned.severity) == ("ask-above-supply", Severity.WARNING)
    (stopped,) = check(replace(ask, minimum_gpu_hours=4_032_001), around)
    assert (stopped.code, stopped.severity) == ("minimum-above-supply", Severity.ERROR)
    assert (stopped,) == errors((warned, stopped))


def test_single_pool_counts_the_largest_reach() -> None:
    """A request that stays in one pool cannot add up two."""
    ask = replace(
        GOOD,
        gpu_hours=4_900_000,
        max_gpus=32,
        window=(0, 1),
        gang_gpus=1,
        speeds={"h200": 1000, "b200": 1000},
    )
    assert check(ask, AROUND) == ()
    assert len(check(replace(ask, max_gpus=40, gpu_hours=5_000_000, single_pool=True), AROUND)) == 0
    small = replace(AROUND, supplies={**AROUND.supplies, "h200": AROUND.supplies["b200"]})
    (finding,) = check(replace(ask, single_pool=True), small)
    assert finding.code == "ask-above-supply"


def test_siblings_count_once_submitted() -> None:
    """Caps and doubles look at the fellow's other submitted requests, not at drafts."""
    drafts = [a_sibling(f"req_{each}", submitted=0, draft=GOOD) for each in range(3)]
    assert check(GOOD, replace(AROUND, siblings=drafts)) == ()
    one, two = a_sibling("req_a"), a_sibling("req_b", draft=replace(GOOD, title="B"))
    (full,) = check(GOOD, replace(AROUND, siblings=[one, two]))
    assert ("too-many-requests", 3, 2) == (full.code, full.value, full.rule)
    (double,) = check(GOOD, replace(AROUND, siblings=[a_sibling(draft=GOOD)]))
    assert ("duplicate", "req_other") == (double.code, double.value)
    assert check(replace(GOOD, after="req_a"), replace(AROUND, siblings=[one])) == ()


def test_errors_come_first() -> None:
    """Whoever reads the first finding reads what stops the submission."""
    found = check(replace(GOOD, title="", track="industry"), AROUND)
    assert [Severity.ERROR, Severity.WARNING] == [finding.severity for finding in found]


@pytest.mark.parametrize("name", ["innocore-400", "kr2026"])
def test_every_request_of_the_shipped_rounds_passes(name: str) -> None:
    """Real rounds meet no error at entry."""
    document = json.loads(
        gzip.decompress((ROUNDS / f"{name}.json.gz").read_bytes()), parse_float=Decimal
    )
    pools = [
        Pool(
            id=row["id"],
            gpu_type=row["gpu_type"],
            nodes=row["nodes"],
            gpus_per_node=row["gpus_per_node"],
        )
        for row in document["pools"]
    ]
    stated = document["calendar"]
    calendar = Calendar(
        starts_on=None, slot_hours=int(stated["slot_hours"] * 1000), slots=stated["slots"]
    )
    tracks = {row["track"] for row in document["requests"] if "track" in row}
    around = Surroundings(
        terms=replace(
            TERMS,
            calendar=calendar,
            tracks=tuple(Track(id=track) for track in sorted(tracks)),
            max_gpu_hours=None,
        ),
        supplies={pool.id: supply(pool, (), calendar) for pool in pools},
    )
    carried = {"id", "fellow", "score"}
    for row in document["requests"]:
        ask = read_ask({key: value for key, value in row.items() if key not in carried})
        assert errors(check(ask, around)) == ()


def test_an_ask_survives_its_document() -> None:
    """Reading what was written gives the same ask; a patch changes only its keys."""
    ask = replace(GOOD, after="req_a", track="academia", gpu_hours=1_200_001)
    assert read_ask(ask_document(ask)) == ask
    assert patched(ask, {"track": None, "max_gpus": 24}) == replace(ask, track=None, max_gpus=24)


@pytest.mark.parametrize(
    "document",
    [
        {"gpu_hours": 0},
        {"gang_gpus": 0},
        {"max_gpus": 0},
        {"window": [1]},
        {"window": [2, 1]},
        {"window": [-1, 1]},
        {"block_slots": 0},
        {"speeds": {"h200": -1}},
        {"title": "a\nb"},
        {"track": "a\x00"},
        {"after": "\ud800"},
        {"speeds": {"a b": 1}},
        {"window": [0, 10**30]},
        {"colour": "red"},
    ],
)
def test_an_ask_checks_itself(document: dict) -> None:
    """Values that no call could accept are refused at once."""
    with pytest.raises(InvalidValue):
        read_ask(document)
