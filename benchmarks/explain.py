"""What it costs to explain every request of a round, each with changes that a plan shows."""

import os
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from api.solving import Question, Solution, answer
from benchmarks.instances import SHIPPED, table
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.counterfactuals import ENOUGH, Explorer, silence
from solver.explain import explain
from solver.pipeline import Limits
from solver.whatif import Counterfactual

POLICIES = ("entitlement", "merit", "rank_and_fund")
EVERY = int(os.environ.get("DURE_EXPLAIN_EVERY", "7"))
"""Each so many requests one is explained."""


def main() -> None:
    """Solve a shipped round under some policies and explain its requests, one after the other."""
    print("### Explain\n")
    rows, kinds = [], []
    for policy in POLICIES:
        solution = solved(policy)
        asked = range(0, solution.formulation.problem.requests, EVERY)
        explained, seconds = measured(solution, asked)
        rows.append(row(policy, solution, asked, explained, seconds))
        kinds += [
            [policy, lever, claim, count] for (lever, claim), count in counted(explained).items()
        ]
    header = ["policy", "requests", f"with {ENOUGH} or more", "fewest", "why fewer"]
    table([*header, "CPU s in all", "CPU ms each, mean", "most"], rows)
    print()
    table(["policy", "what is changed", "what is claimed", "shown"], kinds)


def solved(policy: str) -> Solution:
    """Return a shipped round's solution under a policy."""
    raw = (SHIPPED / "innocore-400.json.gz").read_bytes()
    formulation = formulate(read_round(parse_document(raw)), find_policy(policy))
    limits = Limits(time_seconds=None, work=None, clock=time.process_time)
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=limits)
    return answer(question, lambda _: None)


def measured(
    solution: Solution, asked: Sequence[int]
) -> tuple[list[list[Counterfactual]], list[float]]:
    """Return the counterfactuals of some requests and the CPU seconds that each took.

    The first seconds are those of all reasons and of what every request shares. Kernels are
    compiled before.
    """
    problem, plan = solution.formulation.problem, solution.plan
    for request in asked[:4]:
        Explorer(problem, plan).of(request)
    clocks = [time.process_time()]
    explain(problem, plan)
    explorer = Explorer(problem, plan)
    clocks.append(time.process_time())
    found = []
    for request in asked:
        found.append(explorer.of(request))
        clocks.append(time.process_time())
    return found, [after - before for before, after in pairwise(clocks)]


def row(
    policy: str,
    solution: Solution,
    asked: Sequence[int],
    explained: Sequence[Sequence[Counterfactual]],
    seconds: Sequence[float],
) -> list[object]:
    """Return one policy's line of the table."""
    problem = solution.formulation.problem
    why = Counter(
        silence(problem, request, len(found))
        for request, found in zip(asked, explained, strict=True)
    )
    enough = why.pop(None, 0)
    fewer = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
    each = seconds[1:]
    return [
        policy,
        len(asked),
        enough,
        min(map(len, explained)),
        fewer or "–",
        f"{sum(seconds):.1f}",
        f"{1000 * sum(each) / len(each):.0f}",
        f"{1000 * max(each):.0f}",
    ]


def counted(explained: Sequence[Sequence[Counterfactual]]) -> Counter[tuple[str, str]]:
    """Return how often each change was shown with each claim, the most frequent first."""
    found = Counter(
        (each.change.lever.value, each.claim.value) for mine in explained for each in mine
    )
    return Counter(dict(found.most_common()))
