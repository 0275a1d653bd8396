"""The fluid round as a linear program, and a solver that does not give up at once."""

import numpy as np
import pytest

from solver.fluid import linear
from solver.fluid.linear import FluidModel, LinearSolver
from solver.fluid.merging import merge
from solver.problem import Problem
from tests.builders import a_problem


def most_hours(problem: Problem) -> float:
    """Return the optimum of taking as many hours as possible, in thousandths."""
    model = FluidModel(merge(problem, problem.eligible))
    sizes = model.columns.size
    short = model.add_columns([0.0], [linear.INFINITE], [1.0])
    count = sizes.shape[0]
    entries = (np.zeros(count + 1), [*range(count), short[0]], [*(sizes / sizes.sum()), 1.0])
    rows = model.add_rows([0.0], [linear.INFINITE], entries)
    solver = LinearSolver(model.program())
    solver.demand(rows, np.array([1.0]))
    solution = solver.solve()
    assert model.hours(solution.values).sum() == pytest.approx((1 - solution.cost) * sizes.sum())
    return float(model.hours(solution.values).sum())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ask": [900_000, 900_000]}, 320_000),
        ({"ask": [30_000, 900_000]}, 320_000),
        ({"ask": [30_000, 50_000]}, 80_000),
        ({"ask": [900_000, 900_000], "max_gpus": [1, 2]}, 120_000),
        ({"ask": [900_000, 900_000], "end": [1, 2]}, 160_000),
        ({"ask": [900_000, 900_000], "vetoed": [True, True]}, 0),
    ],
)
def test_supply_ask_slot_and_window_bind(changes: dict[str, list[int]], expected: int) -> None:
    """The most hours of the fluid round are what its scarcest rows allow."""
    if expected:
        assert most_hours(a_problem(**changes)) == pytest.approx(expected)
    else:
        assert merge(a_problem(**changes), np.array([False, False])).classes == 0


def test_the_gpu_limit_holds_over_all_pools_together() -> None:
    """With like charges a request cannot run on its most GPUs in every pool at once."""
    problem = a_problem(requests=1, pools=3, slots=1, max_gpus=[4], ask=[900_000])
    assert most_hours(problem) == pytest.approx(40_000)


def test_a_failed_solve_is_tried_again_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer short of optimal is not taken; the program is loaded and solved anew."""
    honest, asked = linear._answer, []

    def failing_once(solver, how, start):
        result = honest(solver, how, start)
        asked.append(how)
        if len(asked) == 1:
            result.termination.reason = linear.result_pb2.TERMINATION_REASON_NUMERICAL_ERROR
        return result

    monkeypatch.setattr(linear, "_answer", failing_once)
    assert most_hours(a_problem(ask=[30_000, 50_000])) == pytest.approx(80_000)
    assert asked == [linear.FIRST, linear.COLD]


def test_a_program_without_optimum_is_our_own_mistake() -> None:
    """Rows that contradict each other are refused with the solver's reason."""
    model = FluidModel(merge(a_problem(), np.array([True, True])))
    model.add_rows([1.0, 0.0], [1.0, 0.0], ([0, 1], [0, 0], [1.0, 1.0]))
    with pytest.raises(ValueError, match="ended with"):
        LinearSolver(model.program()).solve()
