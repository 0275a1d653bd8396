"""A plan file, read back: `dure-plan/1` with a Problem's indices for names."""

from collections.abc import Mapping, Sequence

import numpy as np

from scheduler.document import Document, Fields, InvalidRound, as_milli
from scheduler.formulate import Formulation
from scheduler.round_file import awarded_cells, reserve_line
from solver.plan import NO_CELLS, Entitlement, Plan, SolveStatus, Stage
from solver.problem import IntArray, as_int


def read_plan(formulation: Formulation, document: Document) -> Plan:
    """Return a plan file as the solver's own value, as far as explanations need it.

    Raises:
        InvalidRound: With the field, its value and the rule.
    """
    names = formulation.names
    request_at = {name: index for index, name in enumerate(names.requests)}
    pool_at = {name: index for index, name in enumerate(names.pools)}
    top = Fields(document, "#")
    awarded = awarded_cells(top, formulation.snapshot.calendar.slots)
    line = reserve_line(top)
    _refuse_strangers([request for request, _, _, _ in awarded], request_at, "#/awards")
    _refuse_strangers([pool for _, pool, _, _ in awarded], pool_at, "#/awards")
    _refuse_strangers(line, request_at, "#/reserve")
    cells = sorted(
        (request_at[request], pool_at[pool], slot, hours) for request, pool, slot, hours in awarded
    )
    return Plan(
        status=SolveStatus.FEASIBLE,
        seed=top.count("seed"),
        cells=as_int(cells) if cells else NO_CELLS,
        reserve=tuple(request_at[name] for name in line),
        stages=tuple(_stage(row) for row in top.rows("stages")) if top.has("stages") else (),
        entitlement=_entitlement(formulation, top.fields("entitlements")),
    )


def _refuse_strangers(names: Sequence[str], known: Mapping[str, int], pointer: str) -> None:
    """Refuse a name that nothing of the round bears."""
    for name in names:
        if name not in known:
            raise InvalidRound(pointer, name, "Must name what the round has.")


def _stage(row: Fields) -> Stage:
    """Return one stage of a plan file."""
    return Stage(
        name=row.text("name"),
        status=SolveStatus(row.choice("status", [each.value for each in SolveStatus], "")),
        objective=row.figure("objective"),
        bound=row.figure("bound"),
        gap=row.figure("gap"),
    )


def _entitlement(formulation: Formulation, stated: Fields) -> Entitlement | None:
    """Return the entitlements of a plan file, if its policy gives any."""
    if not stated.has("groups") or not stated.fields("groups").value:
        return None
    names = formulation.names
    return Entitlement(
        groups=_amounts(names.groups, stated.fields("groups")),
        fellows=_amounts(names.fellows, stated.fields("fellows")),
        fluid=NO_CELLS,
    )


def _amounts(names: Sequence[str], stated: Fields) -> IntArray:
    """Return thousandths in the order of the names; who is not named has nothing."""
    milli = [as_milli(stated.value.get(name, 0), stated.at(name)) for name in names]
    return np.array(milli, dtype=np.int64)
