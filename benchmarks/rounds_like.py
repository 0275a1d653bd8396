"""Rounds that look like given ones: the same seed gives the same round.

`innocore_like` resamples the shipped InnoCORE-shaped round, at any size; `big_round` draws national
rounds of tens of thousands of requests in three tempers of scarcity.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Any

import numpy as np

from benchmarks.instances import SHIPPED
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import Policy
from scheduler.round_file import read_round
from scheduler.simulation.demand import resampled
from solver.problem import (
    MILLI,
    NO_CAP,
    NOBODY,
    BoolArray,
    FloatArray,
    IntArray,
    Problem,
    Rules,
    Unit,
    as_int,
)

Document = dict[str, Any]
WEEK = 168
GPU_TYPES = 8
CHARGES = (500, 800, 1000, 1200, 1600, 2000, 2600, 3400)
"""Thousandths of a service unit per GPU-hour, by GPU type."""


class Temper(StrEnum):
    """How scarcity lies in a big round."""

    EASY = "easy"
    """Wide windows, many pools each: few bottlenecks."""
    MIXED = "mixed"
    """Half the requests wide, half tied to few pools and weeks."""
    BOTTLENECKS = "bottlenecks"
    """Everyone tied to few pools and weeks: a bottleneck nearly everywhere."""


def innocore_like(fellows: int = 4000, seed: int = 0) -> Document:
    """Return a `dure-round/1` document that resamples innocore-400.

    Fellows are drawn with all their requests, group by group, with replacement; asks and minimums
    are then stretched by one lognormal factor per request and scores shifted by up to two points.
    Supply grows with the number of fellows. 4,000 fellows bring about 7,000 requests.
    """
    model = load_document(SHIPPED / "innocore-400.json.gz")
    return resampled(model, fellows, seed, name=f"innocore-like-{fellows}-{seed}")


def problem_of(document: Document, policy: Policy) -> Problem:
    """Return a document's round as integer arrays."""
    return formulate(read_round(document), policy).problem


def big_round(  # noqa: PLR0913 - the size of a round
    temper: Temper,
    seed: int = 0,
    *,
    requests: int = 50_000,
    pools: int = 50,
    slots: int = 52,
    fellows: int = 12_500,
    groups: int = 40,
) -> Problem:
    """Return a national round under the default rules, weeks as slots.

    Pools are of eight GPU types, each pool at a site of its own supply; a request accepts pools of
    one to three types at the speeds that they are charged at. Asks are lognormal, demand about
    three times the supply.
    """
    rng = np.random.default_rng(seed)
    type_of = np.arange(pools) % GPU_TYPES
    charge = np.array(CHARGES)[type_of]
    wide = {Temper.EASY: 1.0, Temper.MIXED: 0.5, Temper.BOTTLENECKS: 0.0}[temper]
    is_wide = rng.random(requests) < wide
    accepts = _accepted(rng, type_of, is_wide)
    first, end = _windows(rng, slots, is_wide)
    max_gpus = 2 ** rng.integers(0, 8, requests)
    most = max_gpus * WEEK * (end - first)
    ask = np.minimum(rng.lognormal(6.5, 1.6, requests), most).astype(np.int64) + 1
    supply = _supplies(rng, (pools, slots), temper, int(ask.sum()) // 3, charge)
    fellow = np.concatenate((np.arange(fellows), rng.integers(0, fellows, requests - fellows)))
    none = np.full(fellows, NO_CAP)
    return Problem(
        slot_hours=WEEK * MILLI,
        supply=as_int(supply),
        charge=as_int(charge),
        node_gpus=as_int(np.full(pools, 8)),
        ask=as_int(ask * MILLI),
        minimum=as_int(ask * MILLI // 10),
        gang=as_int(np.ones(requests)),
        max_gpus=as_int(max_gpus),
        first=as_int(first),
        end=as_int(end),
        speed=as_int(np.where(accepts, charge, 0)),
        shape=as_int(np.zeros(requests)),
        block_slots=as_int(np.zeros(requests)),
        **{
            name: np.zeros(requests, dtype=np.bool_)
            for name in ("single_pool", "guaranteed", "pinned", "vetoed")
        },
        score=as_int(rng.integers(300, 1000, requests) * 100),
        after=as_int(np.full(requests, NOBODY)),
        fellow=as_int(fellow),
        track=as_int(np.full(requests, NOBODY)),
        fellow_group=as_int(rng.integers(0, groups, fellows)),
        fellow_institute=as_int(np.full(fellows, NOBODY)),
        fellow_weight=as_int(np.full(fellows, MILLI)),
        fellow_cap=as_int(none),
        group_weight=as_int(rng.integers(1, 5, groups) * MILLI),
        group_floor=as_int(np.zeros(groups)),
        group_cap=as_int(np.full(groups, NO_CAP)),
        institute_floor=as_int([]),
        institute_cap=as_int([]),
        track_floor=as_int([]),
        track_cap=as_int([]),
        previous=as_int(np.zeros((0, 4))),
        rules=Rules(),
    )


def one_slot_round(instance: tuple[FloatArray, ...]) -> Problem:
    """Return an instance of few pools (speeds, GPUs, weights, supply) as a round of one slot.

    Every request is a group of its own with far more to do than its GPUs can; gains count.
    """
    speeds, gpus, weights, supply = instance
    requests, pools = speeds.shape
    speed = np.maximum(np.round(speeds / speeds.max() * 4 * MILLI), speeds > 0)
    limits = {"requests": requests, "pools": pools, "slots": 1}
    model = big_round(Temper.EASY, **limits, fellows=requests, groups=requests)
    return replace(
        model,
        supply=as_int(supply[:, None] * WEEK * MILLI),
        ask=as_int(2 * gpus * WEEK * speed.max(axis=1)),
        minimum=as_int(np.zeros(requests)),
        max_gpus=as_int(gpus),
        speed=as_int(speed),
        fellow=np.arange(requests),
        fellow_group=np.arange(requests),
        group_weight=as_int(weights * MILLI),
        rules=Rules(unit=Unit.REFERENCE_HOURS),
    )


def _accepted(rng: np.random.Generator, type_of: IntArray, is_wide: BoolArray) -> BoolArray:
    """Return ``(r, p)`` who accepts which pool."""
    requests, pools = is_wide.shape[0], type_of.shape[0]
    kinds = rng.random((requests, GPU_TYPES)).argsort(axis=1)
    count = np.where(is_wide, rng.integers(1, 4, requests), 1)
    of_type = np.zeros((requests, GPU_TYPES), dtype=np.bool_)
    np.put_along_axis(of_type, kinds, np.arange(GPU_TYPES) < count[:, None], axis=1)
    accepts: BoolArray = of_type[:, type_of]
    site = rng.integers(0, pools, requests)
    near = (np.arange(pools) - site[:, None]) % pools < 2 * GPU_TYPES
    accepts &= near | is_wide[:, None]
    return accepts


def _windows(rng: np.random.Generator, slots: int, is_wide: BoolArray) -> tuple[IntArray, IntArray]:
    """Return ``(r,)`` first and end slots."""
    requests = is_wide.shape[0]
    length = np.where(
        is_wide,
        rng.integers(max(1, slots // 2), slots + 1, requests),
        rng.integers(1, max(2, slots // 6), requests),
    )
    first = (rng.random(requests) * (slots - length + 1)).astype(np.int64)
    return first, first + length


def _supplies(
    rng: np.random.Generator, shape: tuple[int, int], temper: Temper, total: int, charge: IntArray
) -> IntArray:
    """Return ``(p, t)`` thousandths of a GPU-hour, about `total` reference hours in all."""
    unlike = {Temper.EASY: 0.3, Temper.MIXED: 0.8, Temper.BOTTLENECKS: 1.2}[temper]
    pools, slots = shape
    size = rng.lognormal(0.0, unlike, (pools, 1)) * rng.lognormal(0.0, unlike / 4, (1, slots))
    hours = size / (size * charge[:, None]).sum() * total * MILLI
    supply: IntArray = np.maximum(np.round(hours), 1.0).astype(np.int64) * MILLI
    return supply
