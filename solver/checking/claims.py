"""The checker's reading of what a plan and a policy state; standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from solver.canonical import digest
from solver.checking.reading import Round
from solver.checking.rows import MILLI, Cell, Row, Unreadable, exact, read_cells, thousandths, whole
from solver.checking.verdict import Checks, Witness

MILLIONTHS = 10**6
AWARD = "request gpu_hours service_units cells"
"""Keys of an award."""
UNITS = ("service_units", "reference_hours")
STATUSES = ("optimal", "feasible", "infeasible", "unknown")
METHODS = ("optimize", "rank", "proportional", "rac", "lottery", "reallocate")
LIMITS = ("none", "time", "work")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAward:
    """One award as the plan states it; amounts in thousandths."""

    request: str
    gpu_hours: int
    service_units: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedStage:
    """One stage as the plan states it."""

    name: str
    status: str
    objective: Fraction
    bound: Fraction
    gap: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPlan:
    """A plan as written: awards in the order of the document, amounts in thousandths."""

    round_id: str
    round_digest: str
    policy_name: str
    policy_digest: str
    seed: int
    status: str
    stages: tuple[StatedStage, ...]
    awards: Sequence[StatedAward]
    reserve: tuple[tuple[str, int], ...]
    unit: str
    groups: Mapping[str, int]
    fellows: Mapping[str, int]
    measures: Mapping[str, Any]

    @property
    def is_plan(self) -> bool:
        """Whether the answer proposes awards at all."""
        return self.status in STATUSES[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Floor and cap as millionths of the supply."""

    floor: int = 0
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Edges of a lottery's bands: parts in millionths, or scores in thousandths of a point."""

    by_part: bool
    top: int
    bottom: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """How earlier rounds count: half-life in days, cap in millionths, whose weights bear it."""

    half_life_days: int
    cap: int
    groups: bool
    fellows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a policy document asks, as far as a checker needs it.

    Attributes:
        weights: in the weighted form thousandths by tier; empty in the lexicographic form.
    """

    name: str
    unit: str
    fairness: str
    group_weight: str
    fellow_weight: str
    value_of: str
    merit: str
    method: str
    tiers: tuple[str, ...]
    weights: Mapping[str, int]
    keep_accepted: bool
    may_cut: bool
    fellow_cap: int | None
    tracks: Mapping[str, Share]
    institutes: Mapping[str, Share]
    carry: Carry | None
    edges: Edges | None


def read_plan(document: object) -> StatedPlan:
    """Return a `dure-plan/1` document in plain integers.

    Raises:
        Unreadable: With the place and the rule.
    """
    top = Row(
        document,
        "plan",
        "schema round policy seed versions status stages awards reserve unit entitlements measures",
    )
    if top.value["schema"] != "dure-plan/1":
        raise Unreadable(f"plan.schema: must be 'dure-plan/1', not {top.value['schema']!r}.")
    round_ = Row(top.value["round"], "plan.round", "id digest")
    policy = Row(top.value["policy"], "plan.policy", "name digest")
    entitlements = Row(top.value["entitlements"], "plan.entitlements", "groups fellows")
    return StatedPlan(
        round_id=round_.text("id"),
        round_digest=round_.text("digest"),
        policy_name=policy.text("name"),
        policy_digest=policy.text("digest"),
        seed=top.count("seed"),
        status=top.choice("status", STATUSES, ""),
        stages=tuple(_stage(each, f"plan.stages[{i}]") for i, each in top.numbered("stages")),
        awards=tuple(read_award(each, f"plan.awards[{i}]") for i, each in top.numbered("awards")),
        reserve=tuple(_place(each, f"plan.reserve[{i}]") for i, each in top.numbered("reserve")),
        unit=top.choice("unit", UNITS, ""),
        groups=_amounts(entitlements, "groups"),
        fellows=_amounts(entitlements, "fellows"),
        measures=top.table("measures"),
    )


def _stage(value: object, path: str) -> StatedStage:
    """Read a stage."""
    row = Row(value, path, "name status objective bound gap limit work")
    row.choice("limit", LIMITS, "")
    row.count("work")
    objective, bound, gap = (
        Fraction(exact(row.value[name], row.at(name))) for name in ("objective", "bound", "gap")
    )
    return StatedStage(
        name=row.text("name"),
        status=row.choice("status", STATUSES, ""),
        objective=objective,
        bound=bound,
        gap=gap,
    )


def read_award(value: object, path: str) -> StatedAward:
    """Read an award."""
    row = Row(value, path, AWARD)
    return StatedAward(
        request=row.text("request"),
        gpu_hours=row.milli("gpu_hours"),
        service_units=row.milli("service_units"),
        cells=read_cells(row.value["cells"], row.at("cells")),
    )


def _place(value: object, path: str) -> tuple[str, int]:
    """Read a place on the reserve list."""
    row = Row(value, path, "request rank")
    return row.text("request"), whole(row.value["rank"], row.at("rank"))


def _amounts(row: Row, name: str) -> dict[str, int]:
    """Read amounts by id."""
    table = row.table(name)
    return {each: thousandths(value, row.at(name)) for each, value in table.items()}


def digest_of(document: object, what: str) -> str:
    """Return the digest of a document.

    Raises:
        Unreadable: If the document holds what canonical JSON cannot say.
    """
    try:
        return digest(document)
    except ValueError as error:
        raise Unreadable(f"{what}: {error}") from error


def names(round_: Round, plan: StatedPlan) -> Checks:
    """Forbids awards, cells, ranks and entitlements that name what the round does not have."""
    tables = {"group": (plan.groups, round_.groups), "fellow": (plan.fellows, round_.fellows)}
    for what, (stated, known) in tables.items():
        for name in stated:
            yield _unknown(what, name, known)
        if stated:
            for name in known:
                yield _unknown(f"{what} with a stated entitlement", name, stated)
    for request, _ in plan.reserve:
        yield _unknown("request", request, round_.requests)
    for award in plan.awards:
        yield _unknown("request", award.request, round_.requests)
        for pool, slot, _ in award.cells:
            yield _unknown("pool", pool, round_.pools)
            yield _outside(round_, award.request, slot)


def _unknown(what: str, name: str, known: Mapping[str, object]) -> Witness | None:
    """Return a witness of a name that nothing bears."""
    if name in known:
        return None
    return Witness(rule="names", text=f"There is no {what} {name!r}.")


def _outside(round_: Round, request: str, slot: int) -> Witness | None:
    """Return a witness of a slot beyond the calendar."""
    if slot < round_.slots:
        return None
    return Witness(
        rule="names",
        text=f"Request {request} uses slot {slot}; the calendar has {round_.slots} slots.",
        request=request,
        slot=slot,
        numbers=(("slot", slot), ("slots", round_.slots)),
    )


def read_policy(document: object) -> Policy:
    """Return a policy document, as its TOML file was parsed.

    Raises:
        Unreadable: With the place and the rule.
    """
    top = Row(
        document,
        "policy",
        "name",
        "fairness groups fellows minimum value select lottery tracks institutes stability carry",
    )
    fairness = Row(top.table("fairness"), "policy.fairness", "", "rule unit")
    groups = Row(top.table("groups"), "policy.groups", "", "weight")
    fellows = Row(top.table("fellows"), "policy.fellows", "", "weight cap_share")
    value = Row(top.table("value"), "policy.value", "", "of merit")
    select = Row(top.table("select"), "policy.select", "", "method tiers form weights")
    stability = Row(top.table("stability"), "policy.stability", "", "keep_accepted move_cost cut")
    may_cut = stability.choice("cut", ("never", "by_rank"), "never") == "by_rank"
    fair = any(top.has(name) for name in ("fairness", "groups", "fellows"))
    tiers = select.items("tiers") or (["groups", "fellows", "value"] if fair else ["value"])
    method = select.choice("method", METHODS, "optimize")
    return Policy(
        name=top.text("name"),
        unit=fairness.choice("unit", UNITS, UNITS[0]),
        fairness=fairness.choice("rule", ("leximin", "nash"), "leximin"),
        group_weight=groups.choice("weight", ("weight", "demand", "fellows"), "weight"),
        fellow_weight=fellows.choice("weight", ("score", "equal", "weight"), "score"),
        value_of=value.choice("of", ("hours", "projects", "mix"), "hours"),
        merit=value.choice("merit", ("score", "none"), "score"),
        method=method,
        tiers=tuple(str(each) for each in tiers),
        weights=_weights(select, [str(each) for each in tiers]),
        keep_accepted=not may_cut and stability.flag("keep_accepted", default=True),
        may_cut=may_cut,
        fellow_cap=_millionths(fellows, "cap_share"),
        tracks=_shares(top, "tracks"),
        institutes=_shares(top, "institutes"),
        carry=_carry(top) if top.has("carry") else None,
        edges=_edges(top) if method == "lottery" else None,
    )


def _weights(select: Row, tiers: Sequence[str]) -> dict[str, int]:
    """Read what each tier counts in the weighted form; 1 where nothing is stated."""
    if select.choice("form", ("lexicographic", "weighted"), "lexicographic") == "lexicographic":
        if select.has("weights"):
            raise Unreadable("policy.select.weights: only the weighted form has weights.")
        return {}
    row = Row(select.table("weights"), "policy.select.weights", "", " ".join(tiers))
    weights = {each: row.milli(each, default=MILLI) for each in tiers}
    if not all(weights.values()):
        raise Unreadable("policy.select.weights: must be above 0.")
    return weights


def _carry(top: Row) -> Carry:
    """Read how earlier rounds count."""
    row = Row(top.table("carry"), "policy.carry", "half_life_days cap", "groups fellows")
    cap = _millionths(row, "cap")
    assert cap is not None, "its key is required"
    return Carry(
        half_life_days=row.count("half_life_days", least=1),
        cap=cap,
        groups=row.flag("groups", default=True),
        fellows=row.flag("fellows"),
    )


def _edges(top: Row) -> Edges:
    """Read the edges of a lottery's bands."""
    row = Row(
        top.table("lottery"), "policy.lottery", "", "top_score bottom_score top_part bottom_part"
    )
    by_part = row.has("top_part")
    if by_part:
        top_edge, bottom = (_millionths(row, f"{edge}_part") for edge in ("top", "bottom"))
    else:
        top_edge, bottom = (row.maybe_milli(f"{edge}_score") for edge in ("top", "bottom"))
    if top_edge is None or bottom is None:
        raise Unreadable("policy.lottery: must state two scores or two parts.")
    return Edges(by_part=by_part, top=top_edge, bottom=bottom)


def _shares(top: Row, name: str) -> dict[str, Share]:
    """Read floors and caps by id."""
    shares = {}
    for each, value in top.table(name).items():
        row = Row(value, f"policy.{name}.{each}", "", "floor_share cap_share")
        floor = _millionths(row, "floor_share")
        shares[each] = Share(floor=floor or 0, cap=_millionths(row, "cap_share"))
    return shares


def _millionths(row: Row, name: str) -> int | None:
    """Read a part of one."""
    if not row.has(name):
        return None
    scaled = exact(row.value[name], row.at(name)) * MILLIONTHS
    if not 0 <= scaled <= MILLIONTHS or scaled != scaled.to_integral_value():
        raise Unreadable(f"{row.at(name)}: must lie in 0 … 1.")
    return int(scaled)
