"""Runs of slots taken as one: whatever solves the round solves them too."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.national_round import national_round
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.answer import set_anew
from solver.audit import keeps_hard_rules
from solver.pipeline import solve
from solver.plan import Entitlement, SolveStatus
from solver.problem import MILLI, NOBODY, Problem, Shape, Tier, as_int
from solver.rights import rights
from solver.select import Reached, select
from solver.tiers import byruns, frame, slotted
from solver.tiers.dual import Dual
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.fairness_rows import FairRows
from solver.tiers.laying import Hours, hold, lay_out
from solver.tiers.model import RoundModel
from solver.tiers.parts import Parts
from solver.tiers.program import Effort, solve_program
from solver.tiers.rounding import Bounds
from solver.tiers.runs import Runs
from tests.builders import a_problem


def national(requests: int, seed: int) -> Problem:
    """Return a national round under the default policy."""
    document = parse_document(json.dumps(national_round(requests, seed)).encode())
    return formulate(read_round(document), find_policy("entitlement")).problem


def of_constants(requests: int, seed: int) -> Problem:
    """Return a round without order, half constants in windows of all lengths, half flexible."""
    chance = np.random.default_rng(seed)
    first = chance.integers(0, 3, requests)
    gang = chance.integers(1, 4, requests)
    return a_problem(
        requests,
        2,
        6,
        shape=np.where(np.arange(requests) % 2, Shape.FLEXIBLE, Shape.CONSTANT),
        first=first,
        end=first + chance.integers(1, 4, requests),
        gang=gang,
        max_gpus=3 * gang,
        ask=gang * 90 * MILLI,
        score=chance.integers(1, 100, requests) * MILLI,
        supply=np.full((2, 6), 60 * MILLI),
        charge=[MILLI, 2 * MILLI],
        fellow=np.arange(requests) // 2,
        fellow_group=np.arange((requests + 1) // 2) % 2,
    )


@pytest.mark.parametrize("seed", range(6))
def test_many_constants_keep_to_the_supply_slot_by_slot_in_runs(seed):
    """By runs constants go together in every slot, and the best is no worse than any plan's."""
    problem = of_constants(8, seed)
    model = RoundModel(problem)
    goal = -model.value_goal()
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    best = solve_program(model.program, goal, Effort(), integer=whole)
    runs = Runs(model, np.array([0, 2]))
    columns = runs.whole(model.choices()[0])
    by_runs = solve_program(runs.program, runs.goal(goal), Effort(), integer=columns)
    assert best.values is not None
    assert by_runs.values is not None
    assert by_runs.bound <= best.objective + 1e-6 * abs(best.objective)
    places, used = model.places, np.zeros((2, model.spans.lengths.size))
    for place in np.flatnonzero(problem.shape[places.request] == Shape.CONSTANT).tolist():
        span = slice(places.span[place], places.span[place] + places.spans[place])
        steps = by_runs.values[runs.column[places.column[place]]]
        used[places.pool[place], span] += steps * places.slot_hours[place]
    assert (used <= model.spans.supply / model.spans.lengths + 1e-6).all()


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("edges", [[0], [0, 13], [0, 1, 9, 25]])
def test_the_best_by_runs_is_no_worse_than_the_best_plan(seed, edges):
    """A bound by runs, hull of covers and all, never passes what a plan reaches."""
    problem = national(12, seed)
    model = RoundModel(problem)
    goal = FairRows(model, rights(problem)).fellows_goal()
    low, high = model.program.column_bounds()
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    best = solve_program(model.program, goal.weights, Effort(), integer=whole)
    count = model.spans.lengths.size
    runs = Runs(model, np.unique(np.array(edges) * count // 26))
    low, high = runs.bounds(low, high)
    columns = runs.whole(model.choices()[0])
    by_runs = solve_program(
        runs.program,
        runs.goal(goal.weights),
        Effort(),
        integer=columns,
        lower=low,
        upper=high,
    )
    assert best.values is not None
    assert by_runs.bound <= best.objective + 1e-5 * goal.scale


@pytest.mark.parametrize("seed", [0, 1])
def test_a_round_decided_by_runs_is_whole_and_repeats(monkeypatch, seed):
    """Every choice is whole and every row kept; bounds lie on the right side; it repeats."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    problem = national(16, seed)
    entitlement = rights(problem)
    first, again = (
        select(problem, entitlement, gap=1e-3, effort=Effort(), report=lambda *_: None)
        for _ in range(2)
    )
    assert first.fluid.tolist() == again.fluid.tolist()
    values, model = first.search.values, first.search.model
    assert values is not None
    columns = model.choices()[0]
    assert np.abs(values[columns] - np.round(values[columns])).max() < 1e-5
    row, column, value = model.program.matrix()
    sums = np.bincount(row, value * values[column], model.program.rows)
    low, high = model.program.row_bounds()
    assert (sums >= low - 1e-5).all()
    assert (sums <= high + 1e-5).all()
    for tier in first.tiers:
        sign = -1.0 if tier.name == "value" else 1.0
        assert sign * (tier.objective - tier.bound) >= -1e-6 * max(abs(tier.bound), 1.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_where_runs_find_no_layout_every_tier_is_searched_without_them(monkeypatch, seed):
    """The tiers reach what they do where runs are not asked; they are asked once."""
    problem = national(10, seed)
    entitlement = rights(problem)
    asked = []

    def found() -> list[tuple[str, float, float]]:
        chosen = select(problem, entitlement, gap=1e-3, effort=Effort(), report=lambda *_: None)
        return [(tier.name, tier.objective, tier.bound) for tier in chosen.tiers]

    def no_layout(*_: object) -> None:
        asked.append(1)

    without = found()
    monkeypatch.setattr(byruns, "LARGE", 0)
    monkeypatch.setattr(slotted, "lay_out", no_layout)
    with_runs = found()
    assert [1] == asked
    assert [name for name, *_ in without] == [name for name, *_ in with_runs]
    for (_, reached, bound), (_, other, below) in zip(without, with_runs, strict=True):
        assert pytest.approx(reached, rel=2e-3, abs=1.0) == other
        assert pytest.approx(bound, rel=2e-3, abs=1.0) == below


@pytest.mark.parametrize("seed", range(8))
def test_bounds_after_the_slots_hold_for_every_plan_as_fair(monkeypatch, seed):
    """No plan in which groups and fellows have what they have is worth more than the bound."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    problem = national(20, seed)
    chosen = select(problem, rights(problem), gap=1e-3, effort=Effort(), report=lambda *_: None)
    tiers = {each.name: each for each in chosen.tiers}
    model = RoundModel(problem)
    fair = FairRows(model, rights(problem))
    goals = [fair.worst_goal(), fair.total_goal(), fair.fellows_goal()]
    assert [each.name for each in goals] == list(tiers)[:3]
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    for goal in (*goals, None):
        weights = -model.value_goal() if goal is None else goal.weights
        best = solve_program(model.program, weights, Effort(), integer=whole)
        assert best.values is not None
        if goal is None:
            assert tiers["value"].bound >= -best.objective * (1 - 1e-5)
            return
        reached, scale = tiers[goal.name].objective, goal.scale
        assert tiers[goal.name].bound <= best.objective + 1e-5 * scale
        row = model.program.add_rows(1, -np.inf, (reached + 1e-6 * scale) / scale)
        used = np.flatnonzero(goal.weights)
        model.program.add_terms(row, used, goal.weights[used] / scale)


@pytest.mark.parametrize("off", [np.inf, -1.0])
@pytest.mark.parametrize("seed", range(6))
def test_bounds_of_large_rounds_hold_where_no_group_lacks_more(monkeypatch, seed, off):
    """At prices, and by cuts, no plan passes a bound in which nobody before has less."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    monkeypatch.setattr(frame, "WHOLLY", 0)
    monkeypatch.setattr("solver.select.OFF", off)
    problem = national(20, seed)
    chosen = select(problem, rights(problem), gap=1e-3, effort=Effort(), report=lambda *_: None)
    search, values = chosen.search, chosen.search.values
    assert search.is_bounded_anew
    reached = {each.name: each.objective for each in chosen.tiers}
    lacks = np.zeros(problem.groups)
    lacks[search.fair.groups] = values[search.fair.shortfall]
    bounds = {each.name: each.bound for each in search.as_fair_as(reached, lacks)}
    model = RoundModel(problem)
    fair = FairRows(model, rights(problem))
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    high = model.program.column_bounds()[1]
    high[fair.shortfall] = lacks[fair.groups] + 1e-6
    goal = fair.fellows_goal()
    best = solve_program(model.program, goal.weights, Effort(), integer=whole, upper=high)
    assert bounds["fellows"] <= best.objective + 1e-5 * goal.scale
    row = model.program.add_rows(1, -np.inf, reached["fellows"] / goal.scale + 1e-6)
    used = np.flatnonzero(goal.weights)
    model.program.add_terms(row, used, goal.weights[used] / goal.scale)
    weights = -model.value_goal()
    best = solve_program(model.program, weights, Effort(), integer=whole, upper=high)
    assert bounds["value"] >= -best.objective * (1 - 1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_tiers_may_come_in_another_order(monkeypatch, seed):
    """Value first: its bound holds for what is found without runs, and each tier has one."""
    problem = national(24, seed)
    order = (Tier.VALUE, Tier.GROUPS, Tier.FELLOWS)
    problem = replace(problem, rules=replace(problem.rules, tiers=order))
    entitlement, effort = rights(problem), Effort(nodes=2_000)

    def found():
        tiers = select(problem, entitlement, gap=1e-3, effort=effort, report=lambda *_: None).tiers
        assert ["value", "groups", "groups_total", "fellows"] == [each.name for each in tiers]
        assert tiers[0].bound >= tiers[0].objective * (1 - 1e-6)
        assert all(each.bound <= each.objective + 1e-6 for each in tiers[1:])
        return tiers[0]

    without = found()
    monkeypatch.setattr(byruns, "LARGE", 0)
    by_runs = found()
    assert by_runs.bound >= without.objective * (1 - 1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_tier_by_runs_is_bounded_by_what_a_plan_reaches(seed):
    """Groups solved by themselves, at whatever prices, never pass the best plan of all."""
    problem = national(14, seed)
    model = RoundModel(problem)
    fair = FairRows(model, rights(problem))
    goal = fair.fellows_goal()
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    best = solve_program(model.program, goal.weights, Effort(), integer=whole)
    assert best.values is not None
    engine = byruns.RunsEngine(model, Effort())
    settled = engine.settle(goal, 1e-3)
    assert settled.bound <= best.objective + 1e-5 * goal.scale
    parts = Parts(
        engine.frame.program, engine.frame.runs.part(model.owner_of_columns(), problem.group)
    )
    assert parts.count == problem.groups
    weights = engine.frame.runs.goal(goal.weights)
    bounds = engine.frame.program.column_bounds()
    prices = solve_program(engine.frame.program, weights, Effort()).row_prices
    rng = np.random.default_rng(seed)
    columns = engine.frame.runs.whole(model.choices()[0])
    for scale in (1.0, 0.5, 2.0):
        some = prices * scale * rng.uniform(0.5, 1.5, prices.size)
        parted = parts.solve(weights, some, bounds, columns, Effort())
        assert parted.bound <= best.objective + 1e-5 * goal.scale


@pytest.mark.parametrize("seed", [0, 3, 5, 18])
def test_a_round_of_one_part_is_decided_as_a_whole(monkeypatch, seed):
    """Where there is nothing to solve by itself nothing is held as the relaxation rounds it."""
    problem = national(6, seed)
    model = RoundModel(problem)
    goal = FairRows(model, rights(problem)).fellows_goal()
    engine = byruns.RunsEngine(model, Effort())
    weights = engine.frame.runs.goal(goal.weights)
    whole = engine.frame.runs.whole(model.choices()[0])
    best = solve_program(engine.frame.program, weights, Effort(), integer=whole)
    monkeypatch.setattr(Parts, "count", 1)
    assert engine.settle(goal, 1e-3).objective <= best.objective + 1e-3 * goal.scale


@pytest.mark.parametrize("seed", range(4))
def test_parts_at_the_prices_of_the_relaxation_bound_no_worse_than_it(seed):
    """Duality: with fractions the parts give the relaxation's own bound, whole they give more."""
    problem = national(14, seed)
    model = RoundModel(problem)
    goal = FairRows(model, rights(problem)).fellows_goal()
    engine = byruns.RunsEngine(model, Effort())
    weights = engine.frame.runs.goal(goal.weights) / goal.scale
    relaxed = solve_program(engine.frame.program, weights, Effort())
    parts = Parts(
        engine.frame.program, engine.frame.runs.part(model.owner_of_columns(), problem.group)
    )
    bounds = engine.frame.program.column_bounds()
    columns = engine.frame.runs.whole(model.choices()[0])
    fractions, whole = (
        parts.solve(weights, relaxed.row_prices, bounds, each, Effort()).bound
        for each in (np.zeros_like(columns), columns)
    )
    assert pytest.approx(relaxed.objective, abs=1e-6) == fractions
    assert whole >= fractions - 1e-6


def in_parts(requests: int, seed: int) -> tuple[Parts, np.ndarray, np.ndarray]:
    """Return a national round by groups, the weights of its fellows, and what has to be whole."""
    problem = national(requests, seed)
    model = RoundModel(problem)
    goal = FairRows(model, rights(problem)).fellows_goal()
    engine = byruns.RunsEngine(model, Effort())
    weights = engine.frame.runs.goal(goal.weights) / goal.scale
    parts = Parts(
        engine.frame.program, engine.frame.runs.part(model.owner_of_columns(), problem.group)
    )
    return parts, weights, engine.frame.runs.whole(model.choices()[0])


@pytest.mark.parametrize("seed", range(8))
def test_prices_that_climb_bound_better_and_never_pass_the_best_plan(seed):
    """Every bound holds, the best one first."""
    parts, weights, whole = in_parts(40, seed)
    best = solve_program(parts.program, weights, Effort(gap=1e-6), integer=whole)
    relaxed = solve_program(parts.program, weights, Effort())
    low, high = parts.program.column_bounds()
    dual = Dual(parts, weights, (low, high), whole, Effort())
    dual.add(best.values)
    assert dual.solve(relaxed.row_prices)
    first = dual.bound
    dual.climb(best.values, 1.0, best.objective)
    assert first <= dual.bound <= best.objective + 1e-5
    bounds = [each.bound for each in dual.tried]
    assert bounds == sorted(bounds, reverse=True)
    for plan in (*dual.best(3), *dual.mixed()):
        assert np.abs(plan[whole] - np.round(plan[whole])).max() < 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_parts_that_cannot_help_are_left_out(seed):
    """Bounds that are beaten already end a step; what was not solved is what was known."""
    parts, weights, whole = in_parts(40, seed)
    prices = solve_program(parts.program, weights, Effort()).row_prices
    bounds = parts.program.column_bounds()
    best = parts.solve(weights, prices, bounds, whole, Effort())
    known = [best.values]
    again = parts.solve(weights, prices, bounds, whole, Effort(), known=known, least=-1e6)
    assert again.bound == pytest.approx(best.bound, abs=1e-6)
    order = range(parts.count)[::-1]
    short = parts.solve(
        weights, prices, bounds, whole, Effort(), known=known, order=order, least=best.bound + 1.0
    )
    assert [parts.count - 1] == list(short.solved)
    assert -np.inf == short.bound
    first = parts.of(0)
    assert short.values[first].tolist() == best.values[first].tolist()
    assert parts.use(best.values).shape == (parts.count, int(parts.shared.sum()))
    total = parts.sums(weights * best.values).sum()
    inside = parts.part != NOBODY
    assert total == pytest.approx(weights[inside] @ best.values[inside])


@pytest.mark.parametrize("seed", range(8))
def test_what_a_group_has_to_lack_is_no_more_than_in_the_best_plan(seed):
    """The bound of the largest shortfall holds for whole choices in slots too."""
    problem = national(14, seed)
    model = RoundModel(problem)
    fair = FairRows(model, rights(problem))
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    best = solve_program(model.program, fair.worst_goal().weights, Effort(), integer=whole)
    engine = byruns.RunsEngine(model, Effort())
    least = engine.let_lack(fair.worst_goal(), fair.total_goal(), fair.shortfall, 1e-4)
    assert 0.0 <= least <= best.objective + 1e-5


def test_hours_by_runs_lie_evenly_and_add_up_again():
    """What is spread over slots is the same by runs as before, and within every bound."""
    problem = national(20, 1)
    model = RoundModel(problem)
    FairRows(model, rights(problem))
    runs = Runs(model, np.array([0, model.spans.lengths.size // 2]))
    low, high = runs.bounds(*model.program.column_bounds())
    values = np.random.default_rng(1).uniform(low, np.minimum(high, 1e3))
    size = int(runs.column.max()) + 1
    spread = runs.spread(values)
    assert runs.summed(spread) == pytest.approx(values[:size])
    flexible = model.places.column[problem.shape[model.places.request] == Shape.FLEXIBLE]
    assert (spread[flexible] <= model.program.column_bounds()[1][flexible] + 1e-9).all()


@pytest.mark.parametrize(("second", "funded"), [(40, 1), (20, 2)])
def test_who_comes_after_whom_is_decided_by_runs(second, funded):
    """Of six slots the first needs four, in two pools by turns; the second four, or two."""
    problem = a_problem(
        requests=2,
        pools=2,
        slots=6,
        supply=np.full((2, 6), 100 * MILLI),
        ask=[40 * MILLI, second * MILLI],
        minimum=[40 * MILLI, second * MILLI],
        max_gpus=[1, 1],
        after=[NOBODY, 0],
    )
    model = RoundModel(problem)
    runs = Runs(model, np.array([0]))
    low, high = runs.bounds(*model.program.column_bounds())
    goal = np.zeros(model.program.columns)
    goal[model.funded] = -1.0
    whole = runs.whole(model.choices()[0])
    answer = solve_program(
        runs.program, runs.goal(goal), Effort(), integer=whole, lower=low, upper=high
    )
    assert pytest.approx(-funded) == answer.objective


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_of_slots_is_a_plan_by_runs(monkeypatch, seed):
    """What is laid out keeps every row of the program by runs: its bounds hold for plans."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    checked = []
    laid_out = byruns.RunsEngine.laid_out

    def checking(engine, values, goal):
        laid = laid_out(engine, values, goal)
        if laid is not None:
            own = engine.frame.runs.summed(laid[: engine.frame.runs.column.size])
            low, high = engine.frame.low.copy(), engine.frame.high.copy()
            low[: own.size], high[: own.size] = own - 1e-5, own + 1e-5
            high[own.size :] = np.maximum(high[own.size :], 1.0)
            checked.append(
                solve_program(engine.frame.program, np.zeros(0), Effort(), lower=low, upper=high)
            )
        return laid

    monkeypatch.setattr(byruns.RunsEngine, "laid_out", checking)
    problem = national(40, seed)
    select(problem, rights(problem), gap=1e-2, effort=Effort(), report=lambda *_: None)
    assert all(answer.values is not None for answer in checked)


@pytest.mark.parametrize("seed", [2, 9])
def test_slots_that_take_much_are_decided_at_once(monkeypatch, seed):
    """Where blocks that were chosen by runs do not go together by slots, others are chosen."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    costs = []
    decided = Hours.decided

    def noting(hours, low, high, plan):
        found = decided(hours, low, high, plan)
        costs.append((hours.cost(plan), hours.cost(found)))
        return found

    monkeypatch.setattr(Hours, "decided", noting)
    problem = national(40, seed)
    plan = solve(problem, gap=1e-2)
    assert keeps_hard_rules(problem, plan.cells)
    [(before, after)] = costs
    assert after < before - 0.1 * GOAL_SIZE


def test_several_requests_of_a_fellow_do_not_cover_by_pieces():
    """Of 60 hours due one covers 48; of the other, 30 hours, only two fifths find room."""
    problem = a_problem(
        requests=2,
        fellows=1,
        fellow=[0, 0],
        slots=6,
        supply=np.full((1, 6), 10 * MILLI),
        ask=[48 * MILLI, 30 * MILLI],
        minimum=[48 * MILLI, 30 * MILLI],
        shape=[Shape.FLEXIBLE, Shape.BLOCK],
        block_slots=[0, 3],
        max_gpus=[1, 1],
    )
    model = RoundModel(problem)
    due = as_int([60 * MILLI])
    FairRows(model, Entitlement(groups=due, fellows=due, fluid=np.zeros((0, 4), np.int64)))
    assert model.due is not None
    without, model.due = model.due, None
    plain = Runs(model, np.array([0]))
    model.due = without
    joint = Runs(model, np.array([0]))
    goal = np.zeros(model.program.columns)
    goal[without.lack[0]] = 1.0
    least = [
        solve_program(each.program, each.goal(goal), Effort()).objective for each in (plain, joint)
    ]
    assert pytest.approx(0.0, abs=1e-6) == least[0]
    assert pytest.approx(0.12, abs=1e-3) == least[1]


def test_whom_another_fellows_request_comes_before_may_be_funded_alone():
    """A predecessor of somebody else is no member of the hull, and takes no set away."""
    problem = a_problem(
        requests=3,
        fellows=2,
        fellow=[0, 1, 1],
        slots=6,
        supply=np.full((1, 6), 10 * MILLI),
        ask=[20 * MILLI] * 3,
        minimum=[20 * MILLI] * 3,
        after=[NOBODY, 0, NOBODY],
    )
    model = RoundModel(problem)
    due = as_int([20 * MILLI, 30 * MILLI])
    FairRows(model, Entitlement(groups=due, fellows=due, fluid=np.zeros((0, 4), np.int64)))
    runs = Runs(model, np.array([0]))
    low, high = runs.bounds(*model.program.column_bounds())
    low[runs.column[model.funded]] = 1.0
    answer = solve_program(runs.program, np.zeros(0), Effort(), lower=low, upper=high)
    assert answer.values is not None


def test_a_boundary_leaves_both_sides_room_for_their_least():
    """Hours that lie early do not push the boundary where the second finds no room."""
    problem = a_problem(
        requests=2,
        slots=6,
        supply=np.full((1, 6), 10 * MILLI),
        ask=[40 * MILLI, 40 * MILLI],
        minimum=[30 * MILLI, 20 * MILLI],
        max_gpus=[10, 10],
        after=[NOBODY, 0],
    )
    model = RoundModel(problem)
    low, high = model.program.column_bounds()
    low = low.copy()
    low[model.funded] = 1.0
    bounds = Bounds(model, low, high)
    values = np.zeros(model.program.columns)
    values[model.places.column[model.places_of(1)[0]]] = 1.0
    before, after, turn = model.turns[0]
    bounds.turn(before, after, turn, values)
    assert 3 == int((bounds.low[turn] < 0.5).sum())


def test_blocks_chosen_by_runs_find_their_starts():
    """Two blocks of three slots in one pool of six: one after the other."""
    problem = a_problem(
        requests=2,
        slots=6,
        ask=[240 * MILLI, 240 * MILLI],
        minimum=[240 * MILLI, 240 * MILLI],
        gang=[8, 8],
        max_gpus=[8, 8],
        shape=[Shape.BLOCK, Shape.BLOCK],
        block_slots=[3, 3],
    )
    model = RoundModel(problem)
    runs = Runs(model, np.array([0]))
    chosen = np.zeros(runs.program.columns)
    chosen[runs.column[model.choices()[0]]] = 1.0
    held = hold(model, *model.program.column_bounds(), runs.spread(chosen))
    values = lay_out(model, held, Hours(model, held, -model.value_goal(), Effort()))
    assert values is not None
    starts = [
        int(model.places.span[mine[values[model.places.column[mine]] > 0.5]][0])
        for mine in (model.places_of(0), model.places_of(1))
    ]
    assert [0, 3] == sorted(starts)


def test_blocks_that_do_not_go_together_grow_smaller():
    """Two blocks of two slots that runs gave eight GPUs each have twelve together, in whole."""
    problem = a_problem(
        requests=2,
        slots=2,
        supply=[[120 * MILLI, 120 * MILLI]],
        ask=[160 * MILLI, 160 * MILLI],
        minimum=[20 * MILLI, 20 * MILLI],
        gang=[1, 1],
        max_gpus=[8, 8],
        shape=[Shape.BLOCK, Shape.BLOCK],
        block_slots=[2, 2],
    )
    model = RoundModel(problem)
    chosen = np.zeros(model.program.columns)
    chosen[model.choices()[0]] = 1.0
    chosen[list(model.most_steps)] = 8.0
    held = hold(model, *model.program.column_bounds(), chosen)
    values = lay_out(model, held, Hours(model, held, -model.value_goal(), Effort()))
    assert values is not None
    assert 12.0 == values[list(model.most_steps)].sum()


def test_a_block_gets_the_gpus_that_cost_least_not_those_nearest_its_parts():
    """What somebody needs leaves it 1.4 steps of two; two cost others less than one costs it."""
    problem = a_problem(
        requests=3,
        slots=3,
        supply=[[160 * MILLI] * 3],
        ask=[320 * MILLI, 96 * MILLI, 160 * MILLI],
        minimum=[0, 96 * MILLI, 0],
        gang=[8, 1, 1],
        max_gpus=[16, 16, 16],
        shape=[Shape.BLOCK, Shape.FLEXIBLE, Shape.FLEXIBLE],
        block_slots=[2, 0, 0],
        first=[0, 0, 2],
        end=[2, 3, 3],
        score=[50 * MILLI, 10 * MILLI, 60 * MILLI],
    )
    model = RoundModel(problem)
    chosen = np.zeros(model.program.columns)
    chosen[model.choices()[0]] = 1.0
    block = model.places.column[model.places_of(0)]
    chosen[block] = 2.0
    held = hold(model, *model.program.column_bounds(), chosen)
    solve = Hours(model, held, -model.value_goal(), Effort())
    parts = solve(held.low, held.high)
    assert parts is not None
    assert pytest.approx([1.4]) == parts[block]
    values = lay_out(model, held, solve)
    assert values is not None
    assert [2.0] == values[block].tolist()


def test_rounds_of_constants_are_not_decided_by_runs(monkeypatch):
    """What constants take cannot be added up; hours and blocks can."""
    monkeypatch.setattr(byruns, "LARGE", 0)
    monkeypatch.setattr(byruns, "FEWEST", 1)
    constants = a_problem(requests=2, slots=4, shape=[Shape.CONSTANT] * 2)
    blocks = replace(constants, shape=as_int([Shape.BLOCK] * 2), block_slots=as_int([2, 2]))
    assert [False, True] == [byruns.RunsEngine.suits(RoundModel(e)) for e in (constants, blocks)]


def test_a_plan_is_set_against_bounds_found_anew():
    """Gaps, and whether all is proved, follow the new bounds; nothing else does."""
    plan = solve(national(12, 1))
    tier = next(each for each in plan.stages if each.name == "value")
    far = Reached(name="value", objective=tier.objective, bound=2 * tier.objective, work=1)
    again = set_anew(national(12, 1), plan, (far,), gap=1e-3)
    stages = {each.name: each for each in again.stages}
    assert stages["value"].gap == pytest.approx(0.5)
    assert stages["value"].status is again.status is SolveStatus.FEASIBLE
    assert [each for each in again.stages if each.name != "value"] == [
        each for each in plan.stages if each.name != "value"
    ]
    assert again.cells.tolist() == plan.cells.tolist()
