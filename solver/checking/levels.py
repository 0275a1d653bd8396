"""Whether entitlements are the leximin they are said to be; standard library only.

Three things together prove it: the levels, by weak duality, that nobody can have more; a division
of the fluid round, that everyone can have as much; and the plan, that it states the same amounts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solver.checking.case import Case, broken
from solver.checking.claims import Share
from solver.checking.duality import Fault, LevelClaim, check_levels, level_from_document
from solver.checking.limits import limits
from solver.checking.pricing import MILLI, Holder
from solver.checking.reading import Request
from solver.checking.rows import Row, Unreadable, thousandths
from solver.checking.stakes import (
    PlainFellow,
    PlainHolder,
    PlainRequest,
    PlainRound,
    Stakes,
    stakes,
)
from solver.checking.verdict import Checks, Witness, as_fraction, decimal, shown

LEVEL = "stage value agents saturated prices multipliers"
EXACT = 10**7
"""A division may miss an amount by its part in this, and by rounding: it comes from floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedEntitlement:
    """Levels and division as a certificate states them.

    Attributes:
        levels: as read from the document, names not yet looked up.
        division: (request, pool, slot, thousandths of a GPU-hour); None when it states none.
    """

    levels: tuple[Mapping[str, object], ...]
    division: tuple[tuple[str, str, int, int], ...] | None


def read_entitlement(top: Row, evidence: object) -> StatedEntitlement:
    """Return levels and division.

    Raises:
        Unreadable: If a row is not written as the format wants it.
    """
    levels = tuple(Row(each, top.at("levels"), LEVEL).value for _, each in top.numbered("levels"))
    if not isinstance(evidence, Mapping) or "division" not in evidence:
        return StatedEntitlement(levels=levels, division=None)
    row = Row(evidence, "certificate.evidence.entitle", "kind division")
    return StatedEntitlement(
        levels=levels,
        division=tuple(_portion(each, row.at("division")) for each in row.items("division")),
    )


def _portion(value: object, path: str) -> tuple[str, str, int, int]:
    """Read ``[request, pool, slot, gpu_hours]``."""
    if not isinstance(value, list) or len(value) != 4:  # noqa: PLR2004 - a row of four
        raise Unreadable(f"{path}: {value!r} is not [request, pool, slot, gpu_hours].")
    request, pool, slot, hours = value
    if not isinstance(request, str) or not isinstance(pool, str) or type(slot) is not int:
        raise Unreadable(f"{path}: {value!r} is not [text, text, whole number, number].")
    return request, pool, slot, thousandths(hours, path)


def plain_stakes(case: Case, names: Mapping[str, Sequence[str]]) -> Stakes:
    """Return what is at stake in a case, indices as in the names."""
    return stakes(plain_round(case, names))


def levels(
    case: Case,
    stated: StatedEntitlement,
    stakes_of: Callable[[Any, Mapping[str, Sequence[str]]], Stakes] = plain_stakes,
) -> Checks:
    """Forbids entitlements that are not the leximin which the certificate's prices prove."""
    if by_market(case) or (not case.plan.groups and not stated.levels):
        return
    names = names_of(case)
    indices = indices_of(names)
    claims: list[LevelClaim] = []
    for document in stated.levels:
        try:
            claims.append(read_level(case, indices, document))
        except ValueError as error:
            yield broken("levels", str(error))
            return
    amounts: dict[Holder, int] = {}
    for kind, table in (("group", case.plan.groups), ("fellow", case.plan.fellows)):
        amounts |= {(kind, at): table.get(name, 0) for at, name in enumerate(names[kind])}
    faults = check_levels(stakes_of(case, names), amounts, claims)
    for fault in faults:
        yield _witness(fault, names)
    yield from (None for _ in range(len(amounts) + len(claims) - len(faults)))


def by_market(case: Case) -> bool:
    """Say whether the policy's entitlements are those of a market, which has a rule of its own."""
    return case.policy is not None and case.policy.fairness == "nash" and bool(case.plan.groups)


def read_level(
    case: Case, indices: Mapping[str, Mapping[str, int]], document: Mapping[str, object]
) -> LevelClaim:
    """Return a level with indices for names.

    Raises:
        ValueError: If it names what the round does not have, or states no number.
    """
    _check_rows(document, case.round.slots)
    return level_from_document(document, indices)


def _check_rows(document: Mapping[str, object], slots: int) -> None:
    """Refuse prices of slots that the calendar does not have, and numbers not written ``n/d``.

    Raises:
        ValueError: If a row is not ``[pool, first, end, price]`` or ``[kind, id, number]``.
    """
    as_fraction(str(document["value"]))
    for row in _rows(document["prices"], 4):
        first, end = row[1:3]
        if type(first) is not int or type(end) is not int or not 0 <= first < end <= slots:
            raise ValueError(f"{row!r} names slots outside 0 … {slots}.")
        as_fraction(str(row[3]))
    for row in _rows(document["multipliers"], 3):
        as_fraction(str(row[2]))


def _rows(value: object, length: int) -> Iterator[list[object]]:
    """Return the rows of a table, each of that length."""
    for row in value if isinstance(value, list) else [value]:
        if not isinstance(row, list) or len(row) != length:
            raise ValueError(f"{row!r} is no row of {length}.")
        yield row


def names_of(case: Case) -> dict[str, list[str]]:
    """Return the ids by index of every kind."""
    round_ = case.round
    of_fellows = {round_.institute_of(each) for each in round_.fellows.values()}
    return {
        "group": list(round_.groups),
        "fellow": list(round_.fellows),
        "institute": sorted(each for each in of_fellows if each is not None),
        "track": list(round_.tracks),
        "pool": list(round_.pools),
    }


def indices_of(names: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """Return the index of every id by kind."""
    return {kind: {name: at for at, name in enumerate(ids)} for kind, ids in names.items()}


def plain_round(case: Case, names: Mapping[str, Sequence[str]]) -> PlainRound:
    """Return the round and the policy's rules in plain numbers, indices as in the names."""
    assert case.policy is not None
    round_ = case.round
    at, stated = indices_of(names), limits(case)

    def holders(kind: str) -> tuple[PlainHolder, ...]:
        shares = [stated[kind].get(name, Share()) for name in names[kind]]
        weights = [round_.groups[name].weight if kind == "group" else 0 for name in names[kind]]
        return tuple(
            PlainHolder(weight=weight, floor=share.floor, cap=share.cap)
            for weight, share in zip(weights, shares, strict=True)
        )

    return PlainRound(
        slot_hours=round_.slot_hours,
        supply=tuple(pool.supply for pool in round_.pools.values()),
        charge=tuple(pool.charge for pool in round_.pools.values()),
        requests=tuple(_plain_request(each, at) for each in round_.requests.values()),
        fellows=tuple(
            PlainFellow(
                group=at["group"][each.group],
                weight=each.weight,
                institute=at["institute"].get(round_.institute_of(each) or ""),
                cap=case.caps.get(each.id),
            )
            for each in round_.fellows.values()
        ),
        groups=holders("group"),
        institutes=holders("institute"),
        tracks=holders("track"),
        unit=case.plan.unit,
        group_rule=case.policy.group_weight,
        fellow_rule=case.policy.fellow_weight,
    )


def _plain_request(request: Request, at: Mapping[str, Mapping[str, int]]) -> PlainRequest:
    """Return a request with indices for names."""
    return PlainRequest(
        fellow=at["fellow"][request.fellow],
        ask=request.ask,
        max_gpus=request.max_gpus,
        first=request.first,
        end=request.end,
        speeds=tuple((at["pool"][pool], speed) for pool, speed in request.speeds.items()),
        score=request.score,
        track=None if request.track is None else at["track"][request.track],
        eligible=not request.vetoed,
    )


def _witness(fault: Fault, names: Mapping[str, Sequence[str]]) -> Witness:
    """Say a fault of the levels with names."""
    own = names[fault.stage.removesuffix("s")]
    who = f" about {own[fault.agent]}" if 0 <= fault.agent < len(own) else ""
    where = f"Level {fault.level + 1}" if fault.level >= 0 else f"The entitlement of {fault.stage}"
    return broken(
        "levels",
        f"{where}{who} breaks the rule of {fault.rule}: "
        f"{float(fault.stated):,.6g} against {float(fault.allowed):,.6g}.",
    )


def division(case: Case, stated: StatedEntitlement) -> Checks:
    """Forbids entitlements that no division of the round gives everyone together."""
    if stated.division is None:
        return
    round_ = case.round
    asked: dict[str, int] = defaultdict(int)
    in_slot: dict[tuple[str, int, str], int] = defaultdict(int)
    used: dict[tuple[str, int], int] = defaultdict(int)
    units: dict[str, int] = defaultdict(int)
    rounding: dict[str, int] = defaultdict(int)
    for name, pool, slot, hours in stated.division:
        request = round_.requests.get(name)
        inside = request is not None and request.first <= slot < request.end
        if request is None or not inside or request.vetoed or not request.speeds.get(pool):
            yield broken("division", f"Request {name} has no place on {pool} in slot {slot}.", name)
            return
        asked[name] += hours * request.speeds[pool]
        in_slot[name, slot, pool if _apart(case, request) else ""] += hours
        used[pool, slot] += hours
        units[request.fellow] += hours * case.factor(request, pool)
        rounding[request.fellow] += case.factor(request, pool)
    for (pool, slot), hours in used.items():
        supply = round_.pools[pool].supply[slot]
        yield _over("division", f"Pool {pool} in slot {slot}", hours, supply)
    for name, hours in asked.items():
        yield _over("division", f"Request {name}", hours // MILLI, round_.requests[name].ask)
    for (name, slot, _), hours in in_slot.items():
        most = round_.requests[name].max_gpus * round_.slot_hours
        yield _over("division", f"Request {name} in slot {slot}", hours, most)
    yield from _given(case, units, rounding)


def _apart(case: Case, request: Request) -> bool:
    """Say whether the most GPUs hold on each pool alone, as hours there count unlike."""
    factors = {case.factor(request, pool) for pool in request.speeds if request.speeds[pool]}
    return case.plan.unit == "service_units" and len(factors) > 1


def _over(rule: str, who: str, amount: int, most: int) -> Witness | None:
    """Return a witness of too much."""
    if amount <= most:
        return None
    return broken(
        rule,
        f"{who} has {shown(amount)} in the division; {shown(most)} is the most.",
        amount=decimal(amount),
        most=decimal(most),
    )


def _given(case: Case, units: Mapping[str, int], rounding: Mapping[str, int]) -> Checks:
    """Check that every fellow gets the entitlement, but for the rounding of its rows."""
    for fellow in case.round.fellows.values():
        right = case.plan.fellows.get(fellow.id, 0)
        got = units.get(fellow.id, 0) // MILLI
        slack = rounding.get(fellow.id, 0) // MILLI + 2 + right // EXACT
        yield (
            None
            if got + slack >= right
            else broken(
                "division",
                f"The division gives fellow {fellow.id} {shown(got)}; "
                f"the entitlement is {shown(right)}.",
                given=decimal(got),
                entitlement=decimal(right),
            )
        )
