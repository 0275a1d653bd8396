"""Scenarios side by side: one column each, and who gains or loses against the first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from api.commands.tables import columns, number
from scheduler.snapshot import Document, Snapshot
from solver.checking.report import percent

Measures: TypeAlias = Mapping[str, Any]
UNKNOWN = "–"
FORMULA = "formula"
"""The stage, and the status shown, of a plan that a formula made: it proves nothing."""
EPSILON = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One policy's answer to a round.

    Attributes:
        gap: the largest of its stages; nothing when the policy proves nothing.
        unit: what the measures of groups are counted in.
        awards: reference GPU-hours by request.
        measures: as in the plan.
    """

    name: str
    status: str
    gap: float | None
    seconds: float | None
    unit: str
    awards: Mapping[str, float]
    measures: Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What all scenarios of a comparison are held against: entitlements by group, in one unit."""

    unit: str
    groups: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Who gains and who loses in one scenario against another.

    Attributes:
        gains, losses: (request, reference GPU-hours), largest first.
        groups: GPU-hours by group.
    """

    name: str
    against: str
    gains: tuple[tuple[str, float], ...]
    losses: tuple[tuple[str, float], ...]
    groups: Mapping[str, float]


def largest_gap(stages: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest gap of a plan's stages."""
    return max((float(stage["gap"]) for stage in stages), default=0.0)


def worst_group_share(scenario: Scenario, yardstick: Yardstick) -> float | None:
    """Return the smallest share of its entitlement that a group receives."""
    if scenario.unit != yardstick.unit:
        return None
    received = {each["id"]: float(each["awarded"]) for each in scenario.measures["groups"]}
    shares = [
        received.get(group, 0.0) / float(amount)
        for group, amount in yardstick.groups.items()
        if amount
    ]
    return min(shares) if shares else None


def difference(scenario: Scenario, first: Scenario, group_of: Mapping[str, str]) -> Difference:
    """Return who gains and who loses against the first scenario."""
    moved: dict[str, float] = {}
    groups: dict[str, float] = {}
    for request in sorted({*scenario.awards, *first.awards}):
        change = scenario.awards.get(request, 0.0) - first.awards.get(request, 0.0)
        if abs(change) > EPSILON:
            moved[request] = change
            groups[group_of[request]] = groups.get(group_of[request], 0.0) + change
    ranked = sorted(moved.items(), key=lambda item: (-abs(item[1]), item[0]))
    return Difference(
        name=scenario.name,
        against=first.name,
        gains=tuple(item for item in ranked if item[1] > 0),
        losses=tuple(item for item in ranked if item[1] < 0),
        groups=dict(sorted(groups.items())),
    )


def comparison_table(scenarios: Sequence[Scenario], yardstick: Yardstick) -> str:
    """Return the measures of the scenarios, one row a measure, one column a scenario."""
    pools = list(scenarios[0].measures["utilization"])
    rows = [("", *(each.name for each in scenarios))]
    rows.append(_row("awarded GPU-hours", scenarios, "awarded_gpu_hours"))
    for pool in pools:
        shares = (percent(float(each.measures["utilization"][pool])) for each in scenarios)
        rows.append((f"utilization {pool}", *shares))
    rows.append(_row("requests funded", scenarios, "funded"))
    rows.append(_row("minimum met", scenarios, "minimum_met"))
    worst = (worst_group_share(each, yardstick) for each in scenarios)
    rows.append(
        ("worst group's share", *(UNKNOWN if each is None else percent(each) for each in worst))
    )
    for name, label in (
        ("at_entitlement", "fellows at entitlement"),
        ("at_half", "fellows at half of it"),
        ("at_zero", "fellows at zero"),
    ):
        rows.append((label, *(str(each.measures["fellows"][name]) for each in scenarios)))
    rows += [_index(name, scenarios) for name in ("jain", "gini")]
    for part in ("between", "within"):
        figures = (f"{float(each.measures['theil'][part]):.4f}" for each in scenarios)
        rows.append((f"Theil {part} groups", *figures))
    rows += [_index("atkinson", scenarios), _row("envy", scenarios, "envy")]
    rows.append(
        ("gap", *(UNKNOWN if each.gap is None else percent(each.gap) for each in scenarios))
    )
    rows.append(("status", *(each.status for each in scenarios)))
    if all(each.seconds is not None for each in scenarios):
        rows.append(("seconds", *(f"{each.seconds:.1f}" for each in scenarios)))
    return columns(rows)


def difference_text(found: Difference, *, most: int = 3) -> str:
    """Return winners and losers in words."""
    gain, lose = len(found.gains), len(found.losses)
    lines = [
        f"{found.name} against {found.against}: requests that gain: {gain}, that lose: {lose}."
    ]
    for word, rows in (("gain", found.gains), ("lose", found.losses)):
        if rows:
            named = ", ".join(f"{request} {hours:+,.0f}" for request, hours in rows[:most])
            lines.append(f"  most {word}: {named}")
    groups = [
        ("  group", *found.groups),
        ("  GPU-hours", *map("{:+,.0f}".format, found.groups.values())),
    ]
    return "\n".join([*lines, columns(groups)]) if found.groups else lines[0]


def _row(label: str, scenarios: Sequence[Scenario], name: str) -> tuple[str, ...]:
    """Return one row of counts or amounts."""
    return (label, *(number(float(each.measures[name])) for each in scenarios))


def _index(name: str, scenarios: Sequence[Scenario]) -> tuple[str, ...]:
    """Return one row of an index between 0 and 1."""
    return (name.capitalize(), *(f"{float(each.measures[name]):.4f}" for each in scenarios))


def scenario_of(name: str, document: Document, seconds: float | None) -> Scenario:
    """Return a plan as a column of the comparison."""
    stages = document["stages"]
    formula = any(stage["name"] == FORMULA for stage in stages)
    return Scenario(
        name=name,
        status=FORMULA if formula else document["status"],
        gap=None if formula else largest_gap(stages),
        seconds=seconds,
        unit=document["unit"],
        awards={each["request"]: float(each["gpu_hours"]) for each in document["awards"]},
        measures=document["measures"],
    )


def groups_of(snapshot: Snapshot) -> dict[str, str]:
    """Return the group of each request."""
    group_of = {fellow.id: fellow.group for fellow in snapshot.fellows}
    return {request.id: group_of[request.fellow] for request in snapshot.requests}


def yardstick_of(document: Document) -> Yardstick | None:
    """Return the entitlements of a plan, if its policy gives any."""
    groups = document["entitlements"]["groups"]
    return Yardstick(unit=document["unit"], groups=groups) if any(groups.values()) else None


def comparison_text(
    scenarios: Sequence[Scenario], yardstick: Yardstick, group_of: Mapping[str, str]
) -> str:
    """Return the comparison for people."""
    first, *others = scenarios
    told = [difference_text(difference(each, first, group_of)) for each in others]
    return "\n\n".join([comparison_table(scenarios, yardstick), *told])


def comparison_json(
    scenarios: Sequence[Scenario], yardstick: Yardstick, group_of: Mapping[str, str]
) -> dict[str, Any]:
    """Return the comparison for programs."""
    first, *others = scenarios
    shown = [
        {
            "policy": each.name,
            "status": each.status,
            "gap": each.gap,
            "seconds": each.seconds,
            "worst_group_share": worst_group_share(each, yardstick),
            "measures": each.measures,
        }
        for each in scenarios
    ]
    return {
        "scenarios": shown,
        "differences": [asdict(difference(each, first, group_of)) for each in others],
    }
