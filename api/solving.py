"""A round answered: from a formulation to the documents that are kept and signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.version import software_version
from scheduler.anew import FormulaAnew
from scheduler.document import Document
from scheduler.domain.messages import Language, render
from scheduler.export.otherwise import HEADING, SILENCES, Otherwise, silence_document
from scheduler.export.ways_out import WaysOut
from scheduler.export.wording import Wording
from scheduler.formulate import Formulation
from scheduler.plan_file import plan_document
from solver.budget import Budget
from solver.canonical import canonical
from solver.certificate import Documents, certificate
from solver.counterfactuals import Explorer, counterfactuals, silence
from solver.explain import explain
from solver.measures import measure
from solver.pipeline import Limits, Progress, solve
from solver.plan import Plan, SolveStatus
from solver.problem import MILLI, Method
from solver.reasons import Explanation
from solver.relaxations import WayOut, ways_out
from solver.spread import here
from solver.whatif import Counterfactual

ANSWERED_AHEAD = 60
"""Requests up to which a solve answers ahead what would have changed each outcome.

Each takes a tenth of a second, so a big round is asked when somebody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the solver.

    Attributes:
        gap: relative gap at which a goal counts as proved.
    """

    formulation: Formulation
    seed: int
    gap: float
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What the solver answered.

    Attributes:
        document: `dure-plan/1`; certificate: `dure-certificate/1`.
        budget: the time that the question set, running since the solve began.
    """

    formulation: Formulation
    plan: Plan
    document: Document
    certificate: Document
    budget: Budget

    @property
    def is_plan(self) -> bool:
        """Whether there is a plan at all."""
        return self.plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}


def answer(question: Question, progress: Callable[[Progress], None]) -> Solution:
    """Solve, measure and write down."""
    formulation, limits = question.formulation, question.limits
    budget = Budget(clock=limits.clock, seconds=limits.time_seconds)
    plan = solve(
        formulation.problem,
        seed=question.seed,
        gap=question.gap,
        limits=limits,
        progress=progress,
    )
    versions = {"dure": software_version(), **dict(plan.versions)}
    document = plan_document(formulation, plan, measure(formulation.problem, plan), versions)
    evidence = certificate(
        Documents(
            round=formulation.snapshot.document,
            policy=formulation.policy.document,
            plan=document,
        ),
        plan,
        formulation.names,
    )
    return Solution(
        formulation=formulation,
        plan=plan,
        document=document,
        certificate=evidence,
        budget=budget,
    )


def written(document: Document) -> bytes:
    """Return a document as its file: the canonical text, so that equal answers are equal files."""
    return canonical(document)


def explanations(solution: Solution) -> dict[str, Document]:
    """Return why each request got what it got: data, and text by language, by request id.

    Rounds of up to `ANSWERED_AHEAD` requests are told what would have changed it, too; of the
    plans that show it only figures are kept, for they name other people's requests.
    """
    formulation, problem = solution.formulation, solution.formulation.problem
    told = [explained(formulation, each) for each in explain(problem, solution.plan)]
    if problem.requests <= ANSWERED_AHEAD:
        explorer = explorer_of(formulation, solution.plan)
        every = counterfactuals(explorer, range(problem.requests), here())
        told = [
            with_counterfactuals(formulation, each, request, found, delta=False)
            for request, (each, found) in enumerate(zip(told, every, strict=True))
        ]
    return dict(zip(formulation.names.requests, told, strict=True))


def explained(formulation: Formulation, explanation: Explanation) -> Document:
    """Return one explanation as data with its text in every language."""
    wording = wording_of(formulation)
    texts = {
        language.value: "\n".join(wording.explanation_lines(explanation, language))
        for language in Language
    }
    return {**wording.explanation_document(formulation.problem, explanation), "text": texts}


def explorer_of(formulation: Formulation, plan: Plan) -> Explorer:
    """Return what finds out what would have changed a plan's awards."""
    return Explorer(formulation.problem, plan, FormulaAnew(formulation, plan.seed))


def with_counterfactuals(
    formulation: Formulation,
    told: Document,
    request: int,
    found: Sequence[Counterfactual],
    *,
    delta: bool,
) -> Document:
    """Return an explanation with what would have changed it, in its data and its text.

    Args:
        formulation: the round and its policy.
        told: an explanation as `explained` returns it.
        request: whose it is, by index.
        found: the counterfactuals of the request; when there are few, it is said why.
        delta: whether to tell the plans that show them, which name other requests.
    """
    words = Otherwise(formulation.names, formulation.problem)
    now = as_milli(told["gpu_hours"]["awarded"])
    why = silence(formulation.problem, request, len(found))
    texts = {
        language.value: "\n".join(
            [
                told["text"][language.value],
                *([HEADING.in_language(language)] if found else []),
                *(f"- {words.text(each, now, language)}" for each in found),
                *([] if why is None else [SILENCES[why].in_language(language)]),
            ]
        )
        for language in Language
    }
    rows = [words.document(each, now, delta=delta) for each in found]
    few = {} if why is None else {"few_counterfactuals": silence_document(why)}
    return {**told, "counterfactuals": rows, **few, "text": texts}


def as_milli(amount: float) -> int:
    """Return an amount with at most three places as thousandths."""
    return round(amount * MILLI)


def conflict_texts(solution: Solution, language: Language) -> list[str]:
    """Return why there is no plan, one sentence for each smallest set of rules."""
    wording = wording_of(solution.formulation)
    return [wording.conflict_text(each, language) for each in solution.plan.conflicts]


def why_no_plan(solution: Solution, language: Language) -> str:
    """Return why neither a plan nor a proof that there is none was found."""
    searched = solution.formulation.problem.rules.method is Method.OPTIMIZE
    return render("search-ended" if searched else "formula-fails", {}, language).detail


def ways_out_of(solution: Solution) -> Sequence[WayOut]:
    """Return what could be given up so that there is a plan, cheapest first, each shown by one.

    Those that are found in what the solve left of its time.
    """
    problem, conflicts = solution.formulation.problem, solution.plan.conflicts
    return ways_out(problem, solution.budget, conflicts)


def ways_out_texts(solution: Solution, ways: Sequence[WayOut], language: Language) -> list[str]:
    """Return ways out in words."""
    formulation = solution.formulation
    words = WaysOut(names=formulation.names, unit=formulation.problem.rules.unit)
    return [words.text(way, language) for way in ways]


def wording_of(formulation: Formulation) -> Wording:
    """Return what turns the indices of a formulation into words."""
    return Wording(names=formulation.names, unit=formulation.problem.rules.unit)
