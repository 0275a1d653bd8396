"""The way back: a Plan with its Problem's names becomes `dure-plan/1`."""

from collections.abc import Mapping, Sequence

from scheduler.document import Document
from scheduler.formulate import Formulation
from solver.canonical import digest
from solver.measures import Measures
from solver.plan import Entitlement, Level, Plan, Stage, awarded_reference, charged_service_units
from solver.problem import MILLI, NOBODY

SCHEMA = "dure-plan/1"


def plan_document(
    formulation: Formulation,
    plan: Plan,
    measures: Measures,
    versions: Mapping[str, str],
) -> Document:
    """Return the plan as a `dure-plan/1` document."""
    snapshot, policy = formulation.snapshot, formulation.policy
    return {
        "schema": SCHEMA,
        "round": {"id": snapshot.id, "digest": digest(snapshot.document)},
        "policy": {"name": policy.name, "digest": digest(policy.document)},
        "seed": plan.seed,
        "versions": dict(versions),
        "status": plan.status.value,
        "stages": [stage_document(stage) for stage in plan.stages],
        "awards": _awards(formulation, plan),
        "reserve": [
            {"request": formulation.names.requests[request], "rank": rank}
            for rank, request in enumerate(plan.reserve, start=1)
        ],
        "unit": policy.rules.unit.value,
        "entitlements": _entitlements(formulation, plan.entitlement),
        "measures": measures_document(formulation, measures),
    }


def stage_document(stage: Stage) -> Document:
    """Return one stage as the format has it."""
    return {
        "name": stage.name,
        "status": stage.status.value,
        "objective": stage.objective,
        "bound": stage.bound,
        "gap": stage.gap,
        "limit": stage.limit.value,
        "work": stage.work,
    }


def entitlement_document(formulation: Formulation, entitlement: Entitlement) -> Document:
    """Return what `dure entitle` answers."""
    return {
        "unit": formulation.policy.rules.unit.value,
        **_entitlements(formulation, entitlement),
        "levels": [_level(formulation, each) for each in entitlement.levels],
    }


def measures_document(formulation: Formulation, measures: Measures) -> Document:
    """Return the measures with ids for indices."""
    names = formulation.names
    return {
        "awarded_gpu_hours": amount(measures.awarded),
        "utilization": dict(zip(names.pools, measures.utilization.tolist(), strict=True)),
        "groups": sorted(
            (
                {
                    "id": name,
                    "awarded": amount(awarded),
                    "entitlement": amount(entitlement),
                    "shortfall": amount(shortfall),
                }
                for name, awarded, entitlement, shortfall in zip(
                    names.groups,
                    measures.group_awarded,
                    measures.group_entitlement,
                    measures.group_shortfall,
                    strict=True,
                )
            ),
            key=lambda row: str(row["id"]),
        ),
        "fellows": {
            "at_entitlement": measures.at_entitlement,
            "at_half": measures.at_half,
            "at_zero": measures.at_zero,
        },
        "jain": measures.jain,
        "gini": measures.gini,
        "theil": {"between": measures.theil.between, "within": measures.theil.within},
        "atkinson": measures.atkinson,
        "envy": measures.envy,
        "funded": measures.funded,
        "minimum_met": measures.minimum_met,
    }


def amount(milli: int) -> int | float:
    """Return thousandths as a JSON number with at most three places."""
    whole, rest = divmod(int(milli), MILLI)
    return int(milli) / MILLI if rest else whole


def _awards(formulation: Formulation, plan: Plan) -> list[Document]:
    """Return the funded requests by id with their cells."""
    problem, names = formulation.problem, formulation.names
    reference = awarded_reference(problem, plan.cells)
    units = charged_service_units(problem, plan.cells)
    cells: dict[int, list[list[str | int]]] = {}
    for request, pool, slot, hours in plan.cells.tolist():
        cells.setdefault(request, []).append([names.pools[pool], slot, hours])
    awards: list[Document] = [
        {
            "request": names.requests[request],
            "gpu_hours": amount(reference[request]),
            "service_units": amount(units[request]),
            "cells": sorted(rows),
        }
        for request, rows in cells.items()
    ]
    return sorted(awards, key=lambda award: str(award["request"]))


def _entitlements(formulation: Formulation, entitlement: Entitlement | None) -> Document:
    """Return the entitlements by id."""
    if entitlement is None:
        return {"groups": {}, "fellows": {}}
    names = formulation.names
    return {
        "groups": _by_id(names.groups, entitlement.groups.tolist()),
        "fellows": _by_id(names.fellows, entitlement.fellows.tolist()),
    }


def _by_id(ids: Sequence[str], amounts: Sequence[int]) -> Document:
    """Return amounts by id, in the order of the ids."""
    return {name: amount(milli) for name, milli in sorted(zip(ids, amounts, strict=True))}


def _level(formulation: Formulation, level: Level) -> Document:
    """Return one level in words of the round; `exact` is per unit of weight."""
    names = formulation.names
    agents = names.groups if level.stage == "groups" else names.fellows
    return {
        "stage": level.stage,
        "group": None if level.parent == NOBODY else names.groups[level.parent],
        "level": float(level.value),
        "exact": f"{level.value.numerator}/{level.value.denominator}",
        "agents": sorted(agents[each] for each in level.agents),
        "saturated": sorted(agents[each] for each in level.saturated),
    }
