"""What awards are worth under a policy, in exact numbers: merit, hours, projects."""

from fractions import Fraction

import numpy as np

from solver.problem import MILLI, IntArray, Merit, Problem, ValueOf


def asked_value(problem: Problem) -> Fraction:
    """Return the value of everything that is asked: no plan has more."""
    by_hours, by_projects = value_parts(problem)
    points = np.where(problem.eligible, merit_points(problem), 0).tolist()
    hours = sum(point * ask for point, ask in zip(points, problem.ask.tolist(), strict=True))
    return by_hours * Fraction(hours, MILLI**2) + by_projects * Fraction(sum(points), MILLI)


def merit_points(problem: Problem) -> IntArray:
    """Return ``(r,)`` thousandths of what multiplies a request's value."""
    none = problem.rules.merit is Merit.NONE
    return np.full_like(problem.score, MILLI) if none else problem.score


def value_parts(problem: Problem) -> tuple[Fraction, Fraction]:
    """Return the exact weights of merit × hours and of merit × projects in the value."""
    if problem.rules.value_of is not ValueOf.MIX:
        by_hours = problem.rules.value_of is ValueOf.HOURS
        return Fraction(by_hours), Fraction(not by_hours)
    points = np.where(problem.eligible, merit_points(problem), 0).tolist()
    hours = sum(point * ask for point, ask in zip(points, problem.ask.tolist(), strict=True))
    return (
        Fraction(MILLI**2, 2 * hours) if hours else Fraction(0),
        Fraction(MILLI, 2 * sum(points)) if sum(points) else Fraction(0),
    )
