"""Which requests of a large round are decided together."""

import numpy as np

from solver.problem import MILLI
from solver.tiers import vicinity
from solver.tiers.model import RoundModel
from solver.tiers.vicinity import Vicinity
from tests.builders import a_problem


def test_a_request_is_decided_with_those_who_use_what_it_could(monkeypatch):
    """The one whom the relaxation gives more comes first, then who uses its only slot most."""
    monkeypatch.setattr(vicinity, "ROUND", 2)
    problem = a_problem(
        requests=4,
        slots=2,
        first=[0, 0, 0, 1],
        end=[1, 1, 1, 2],
        minimum=[10 * MILLI] * 4,
        fellow_group=[0, 0, 0, 0],
    )
    model = RoundModel(problem)
    plan, relaxed = np.zeros((2, model.program.columns))
    plan[model.places.column] = np.array([0.0, 0.1, 0.6, 0.8])[model.places.request]
    relaxed[model.places.column] = np.array([0.7, 0.0, 0.0, 0.8])[model.places.request]
    near = Vicinity(model, 0)
    (part, *rest) = near.parts(plan, relaxed, np.array([0, 2]))
    assert [0, 2] == part.tolist()
    assert [] == rest
