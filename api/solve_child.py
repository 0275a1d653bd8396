"""The process that solves: knows no store; texts in, texts out (``python -m api.solve_child``)."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from api.child import Tell, run
from api.solving import (
    Question,
    Solution,
    answer,
    conflict_texts,
    explanations,
    ways_out_of,
    ways_out_texts,
    why_no_plan,
    written,
)
from scheduler.document import InvalidRound, parse_document
from scheduler.domain.errors import DureError, InvalidRoundFile
from scheduler.domain.messages import Language
from scheduler.formulate import Formulation, formulate
from scheduler.policy import InvalidPolicy, read_policy
from scheduler.round_file import read_round
from solver.pipeline import Limits, Progress


class NoPlan(DureError):  # noqa: N818 - a refusal, named as the rule names it
    """No plan keeps every rule, or the limit came first.

    Fields: status, conflicts, ways_out; korean, which has the last two in Korean.
    """

    code: ClassVar[str] = "no-plan"


def solve(task: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """Solve a round as a task says.

    Args:
        task: `round` and `policy` as JSON texts, `seed`, `gap`, `work`, `seconds`.
        tell: takes stage, objective, bound and gap whenever they change.

    Returns:
        `plan` and `certificate` as canonical texts, `explanations` by request, `seconds`.

    Raises:
        InvalidRoundFile: If round or policy cannot be read.
        NoPlan: If no plan came out.
    """
    began = time.perf_counter()
    question = Question(
        formulation=_formulation(task),
        seed=task["seed"],
        gap=task["gap"],
        limits=Limits(time_seconds=task["seconds"], work=task["work"], clock=time.perf_counter),
    )
    solution = answer(question, lambda progress: tell(_line(progress)))
    if not solution.is_plan:
        english, korean = _reasons(solution)
        raise NoPlan(status=solution.plan.status.value, **english, korean=korean)
    return {
        "plan": written(solution.document).decode(),
        "certificate": written(solution.certificate).decode(),
        "explanations": explanations(solution),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _reasons(solution: Solution) -> tuple[dict[str, list[str]], ...]:
    """Return why there is no plan and the ways out of it, in English and in Korean."""
    ways = ways_out_of(solution)
    return tuple(
        {
            "conflicts": conflict_texts(solution, language) or [why_no_plan(solution, language)],
            "ways_out": ways_out_texts(solution, ways, language),
        }
        for language in (Language.ENGLISH, Language.KOREAN)
    )


def _formulation(task: Mapping[str, Any]) -> Formulation:
    try:
        snapshot = read_round(parse_document(task["round"].encode()))
        return formulate(snapshot, read_policy(parse_document(task["policy"].encode())))
    except (InvalidRound, InvalidPolicy) as refusal:
        raise InvalidRoundFile(rule=str(refusal)) from refusal


def _line(progress: Progress) -> dict[str, Any]:
    return asdict(progress)


if __name__ == "__main__":
    run(solve)
