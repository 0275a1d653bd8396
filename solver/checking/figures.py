"""The arithmetic a plan states about itself, one rule a function; standard library only."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise

from solver.checking.case import Case, broken, is_close
from solver.checking.rows import MILLI, Row, exact, thousandths, whole
from solver.checking.verdict import Checks, Witness, decimal, shown

FELLOW_COUNTS = "at_entitlement at_half at_zero"


def awards(case: Case) -> Checks:
    """Forbids an award that states other hours or service units than its cells give."""
    for award in case.plan.awards:
        who = award.request
        yield from _same(
            "awards", f"Request {who}", "gpu_hours", award.gpu_hours, case.awarded[who]
        )
        yield from _same(
            "awards", f"Request {who}", "service_units", award.service_units, case.charges[who]
        )


def order(case: Case) -> Checks:
    """Forbids awards that are not listed once each, by request id."""
    listed = [award.request for award in case.plan.awards]
    for before, after in pairwise(listed):
        yield (
            None
            if before < after
            else broken(
                "order", f"The award of request {after} is listed after that of {before}.", after
            )
        )


def reserve(case: Case) -> Checks:
    """Forbids a reserve list with gaps, with funded or vetoed requests, or with one twice."""
    listed: set[str] = set()
    for place, (name, rank) in enumerate(case.plan.reserve, start=1):
        fault = None
        if rank != place:
            fault = f"has rank {rank} in place {place}"
        elif name in case.awards:
            fault = "is funded as well"
        elif case.round.requests[name].vetoed:
            fault = "is vetoed"
        elif name in listed:
            fault = "is listed twice"
        listed.add(name)
        yield (
            None
            if fault is None
            else broken("reserve", f"Request {name} on the reserve list {fault}.", name, rank=rank)
        )


def measures(case: Case) -> Checks:
    """Forbids stated totals, use of pools and counts that the awards do not add up to."""
    row = Row(
        case.plan.measures,
        "plan.measures",
        "awarded_gpu_hours utilization groups fellows jain gini theil atkinson envy funded "
        "minimum_met",
    )
    hours = sum(case.awarded.values())
    yield from _same(
        "measures", "The plan", "awarded_gpu_hours", row.milli("awarded_gpu_hours"), hours
    )
    yield from _count("funded", row.count("funded"), len(case.plan.awards))
    yield from _count("minimum_met", row.count("minimum_met"), case.met)
    yield from _utilization(case, row.table("utilization"))
    yield from _group_figures(case, row)
    yield from _fellow_counts(
        case, Row(row.value["fellows"], "plan.measures.fellows", FELLOW_COUNTS)
    )


def _utilization(case: Case, stated: Mapping[str, object]) -> Checks:
    """Check the part of each pool's supply that is used."""
    for pool in case.round.pools.values():
        used = sum(case.used.get((pool.id, slot), 0) for slot in range(case.round.slots))
        supply = sum(pool.supply)
        part = Fraction(used * MILLI, supply) if supply else Fraction(0)
        figure = Fraction(exact(stated.get(pool.id), f"plan.measures.utilization.{pool.id}"))
        yield (
            None
            if is_close(figure, part)
            else Witness(
                rule="measures",
                text=f"Use of pool {pool.id} is {float(part):.6f}; stated is {float(figure):.6f}.",
                pool=pool.id,
                numbers=(("used", used), ("supply", decimal(supply))),
            )
        )


def _group_figures(case: Case, row: Row) -> Checks:
    """Check what each group is awarded, entitled to and short of."""
    received = case.held["group"]
    listed = set()
    for index, each in row.numbered("groups"):
        path = f"plan.measures.groups[{index}]"
        figures = Row(each, path, "id awarded entitlement shortfall")
        name = figures.text("id")
        listed.add(name)
        entitled, got = case.plan.groups.get(name, 0), received.get(name, 0)
        truth = {
            "awarded": got,
            "entitlement": entitled,
            "shortfall": max(0, entitled - got),
        }
        for what, value in truth.items():
            stated = thousandths(figures.value[what], f"{path}.{what}")
            yield from _same("measures", f"Group {name}", what, stated, value)
    for name in case.round.groups:
        yield None if name in listed else broken("measures", f"Group {name} has no figures.")


def _fellow_counts(case: Case, row: Row) -> Checks:
    """Check how many fellows have their entitlement, half of it, or nothing."""
    for what, value in zip(FELLOW_COUNTS.split(), case.served, strict=True):
        yield from _count(f"fellows.{what}", whole(row.value[what], row.at(what)), value)


def _same(rule: str, who: str, what: str, stated: int, truth: int) -> Checks:
    """Check one stated amount."""
    yield (
        None
        if stated == truth
        else broken(
            rule,
            f"{who} has {what} {shown(truth)}; the plan states {shown(stated)}.",
            who.removeprefix("Request ") if who.startswith("Request ") else None,
            stated=decimal(stated),
            found=decimal(truth),
        )
    )


def _count(what: str, stated: int, truth: int) -> Checks:
    """Check one stated count."""
    yield (
        None
        if stated == truth
        else broken(
            "measures", f"{what} is {truth}; the plan states {stated}.", stated=stated, found=truth
        )
    )


FIGURE_RULES: tuple[Callable[[Case], Checks], ...] = (awards, order, reserve, measures)
"""What a plan states about itself."""
