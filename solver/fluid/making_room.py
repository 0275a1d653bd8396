"""What first fit left out is taken in where supply is used up, and hours passed on from there.

A pool that has more than its supply in a span passes hours on: a class takes as much of the unit
elsewhere, a step nearer to supply that is free. That is a flow with gains, pushed downhill; where
nothing is too much in the end, a division is found without a linear program, else nothing is said.

Source:
    Goldberg and Tarjan, A new approach to the maximum-flow problem, JACM 35 (1988), here with
    distances measured anew for every pass and arcs with gains.
"""

import numpy as np

from solver.fluid.first_fit import Fitted, Places
from solver.kernels import kernel
from solver.problem import IntArray

TRIFLE = 1e-11
"""Part of a supply or of a slot's limit that is rounding."""
ROUNDS = 60
"""Passes made at most."""


@kernel
def make_room(places: Places, fitted: Fitted) -> bool:
    """Take in what is missing, and pass on what is then too much, in place.

    Returns:
        Whether no supply is exceeded in the end; `missing` says who has less than it wants.
    """
    distance = np.empty(places.supply.shape[0], dtype=np.int64)
    _measure(places, fitted, distance)
    _take_in(places, fitted, distance)
    for _ in range(ROUNDS):
        if (fitted.free >= -TRIFLE * places.supply).all():
            return True
        _measure(places, fitted, distance)
        furthest = 0
        for at in range(distance.shape[0]):
            if fitted.free[at] < -TRIFLE * places.supply[at]:
                furthest = max(furthest, distance[at])
        if furthest > distance.shape[0]:
            return False
        for step in range(furthest, 0, -1):
            _pass_on(places, fitted, distance, step)
    return False


@kernel
def _measure(places: Places, fitted: Fitted, distance: IntArray) -> None:
    """Set ``(cells,)`` how many steps hours are from free supply; beyond all where none leads."""
    start, cell = places.start, places.cell
    cells = distance.shape[0]
    for at in range(cells):
        distance[at] = 0 if fitted.free[at] > TRIFLE * places.supply[at] else cells + 1
    step, further = 0, True
    while further:
        step, further = step + 1, False
        for c in range(start.shape[0] - 1):
            for k in range(start[c], start[c + 1]):
                if fitted.hours[k] <= 0.0 or distance[cell[k]] <= step:
                    continue
                if _comes_near(places, fitted, distance, c, k, step):
                    distance[cell[k]] = step
                    further = True


@kernel
def _comes_near(  # noqa: PLR0913, PLR0917 - one column of a round
    places: Places, fitted: Fitted, distance: IntArray, c: int, k: int, step: int
) -> bool:
    """Say whether a class may take hours of a column nearer to free supply than a step."""
    for to in range(places.start[c], places.start[c + 1]):
        if distance[places.cell[to]] < step and _takes(places, fitted, k, to):
            return True
    return False


@kernel
def _takes(places: Places, fitted: Fitted, k: int, to: int) -> bool:
    """Say whether a column's slots have room for hours of another: in the same ones fewer do."""
    if places.slot[k] == places.slot[to] and places.factor[k] <= places.factor[to]:
        return bool(places.useful[to] and k != to)
    return _room(places, fitted, to) > 0.0


@kernel
def _room(places: Places, fitted: Fitted, k: int) -> float:
    """Return hours that the slots of a column still allow its class."""
    room = fitted.room[places.slot[k]]
    return float(room) if places.useful[k] and room > TRIFLE * places.limit[k] else 0.0


@kernel
def _take_in(places: Places, fitted: Fitted, distance: IntArray) -> None:
    """Give everybody what is missing, as near to free supply as can be, free or not."""
    for c in range(places.agent.shape[0]):
        a = places.agent[c]
        while fitted.missing[a] > 0.0 and fitted.asks[c] > 0.0:
            k = _nearest(places, fitted, distance, c)
            if k < 0:
                break
            factor, speed = places.factor[k], places.speed[k]
            asked, missing = fitted.asks[c] / speed, fitted.missing[a] / factor
            room = fitted.room[places.slot[k]]
            hours = min(room, asked, missing)
            fitted.hours[k] += hours
            fitted.free[places.cell[k]] -= hours
            fitted.room[places.slot[k]] = room - hours
            fitted.asks[c] = fitted.asks[c] - hours * speed if hours < asked else 0.0
            fitted.missing[a] = fitted.missing[a] - hours * factor if hours < missing else 0.0


@kernel
def _nearest(places: Places, fitted: Fitted, distance: IntArray, c: int) -> int:
    """Return the column of a class nearest to free supply where its slots have room, -1 if none."""
    best, least = -1, distance.shape[0] + 2
    for k in range(places.start[c], places.start[c + 1]):
        if distance[places.cell[k]] < least and _room(places, fitted, k) > 0.0:
            best, least = k, distance[places.cell[k]]
    return best


@kernel
def _pass_on(places: Places, fitted: Fitted, distance: IntArray, step: int) -> None:
    """Pass hours on, a step nearer to free supply, from wherever so far away are too many."""
    start, cell, free = places.start, places.cell, fitted.free
    for c in range(places.agent.shape[0]):
        for k in range(start[c], start[c + 1]):
            here = cell[k]
            if fitted.hours[k] <= 0.0 or free[here] >= 0.0 or distance[here] != step:
                continue
            for to in range(start[c], start[c + 1]):
                if distance[cell[to]] == step - 1 and _takes(places, fitted, k, to):
                    _move(places, fitted, c, k, to)
                    if free[here] >= 0.0 or fitted.hours[k] <= 0.0:
                        break


@kernel
def _move(places: Places, fitted: Fitted, c: int, k: int, to: int) -> None:
    """Let a class take in one column as much of the unit as it gives up in another."""
    here, there = places.cell[k], places.cell[to]
    free, rooms, held = fitted.free, fitted.room, fitted.hours[k]
    ratio = places.factor[k] / places.factor[to]
    asked = ratio * places.speed[to] - places.speed[k]
    grows = ratio - 1.0 if places.slot[k] == places.slot[to] else ratio
    hours = min(held, -free[here])
    if grows > 0.0:
        hours = min(hours, rooms[places.slot[to]] / grows)
    if free[there] > 0.0:
        hours = min(hours, free[there] / ratio)
    if asked > TRIFLE * places.speed[k]:
        hours = min(hours, fitted.asks[c] / asked)
    fitted.hours[k] = held - hours
    fitted.hours[to] += hours * ratio
    free[here] += hours
    free[there] -= hours * ratio
    rooms[places.slot[k]] += hours
    rooms[places.slot[to]] -= hours * ratio
    fitted.asks[c] -= hours * asked
