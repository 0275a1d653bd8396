"""`dure compare`: one round under several policies, side by side."""

import time
from collections.abc import Sequence
from typing import Annotated

import typer

from api.commands.comparison import board_text
from api.commands.grammar import (
    JsonOption,
    QuietOption,
    RoundArgument,
    SeedOption,
    single,
    with_examples,
)
from api.commands.rounds import read_policy, read_snapshot
from api.commands.solve import GapOption, LimitOption, WorkOption, tell_conflicts, watched
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from api.frontier import Field, frontier, frontier_document, is_verified
from api.plain_json import encode
from api.solving import Question, Solution, why_no_plan
from scheduler.document import Document
from scheduler.domain.messages import Language
from scheduler.export.board import (
    Best,
    Cast,
    Scenario,
    Yardstick,
    best_of,
    board,
    cast_of,
    scenario_of,
    yardstick_of,
)
from scheduler.formulate import formulate
from scheduler.plan_file import entitlement_document
from scheduler.policy import Policy
from scheduler.snapshot import Snapshot
from solver.entitle import entitle
from solver.pipeline import Limits
from solver.plan import SolveStatus
from solver.spread import Crew, here, processes

app = single()

DEFAULT_POLICY = "entitlement"
VALUE_POLICY = "merit"
"""Whose value, and the bound on it, prices fairness where no policy of the board wants it alone."""


@app.command(
    help=with_examples(
        "Solve one round under several policies: figures with bounds, winners and losers against a "
        "base, Lorenz curves, the price of fairness, and a front of fairness against value. A "
        "policy without a plan is left out; the command then ends as its solve would.",
        "dure compare round.json --policy entitlement --policy rank_and_fund --policy proportional",
        "dure compare round.json --policy entitlement --policy merit --frontier 8 --workers 2",
    )
)
def compare(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    *,
    policy: Annotated[list[str], typer.Option(help="A preset or a file; again for each.")],
    base: Annotated[
        str, typer.Option(help="The policy that gains and losses are against; else the first.")
    ] = "",
    points: Annotated[
        int, typer.Option("--frontier", metavar="N", help="Draw a front of N points.", min=0)
    ] = 0,
    workers: Annotated[int, typer.Option(help="Processes that share the front.", min=1)] = 1,
    seed: SeedOption = 0,
    gap: GapOption = 0.001,
    limit: LimitOption = None,
    work: WorkOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve under each policy and show the board."""
    terminal = terminal_of(context)
    _refuse_unknown(policy, base, points)
    snapshot = read_snapshot(round_)
    policies = {name: read_policy(name) for name in policy}
    like = Question(
        formulation=formulate(snapshot, policies[policy[0]]),
        seed=seed,
        gap=gap,
        limits=Limits(time_seconds=limit, work=work, clock=time.perf_counter),
    )
    base = base or policy[0]
    table = Table(terminal=terminal, like=like, snapshot=snapshot, shown=not quiet)
    for name, chosen in policies.items():
        table.add(name, chosen, needed=name == base)
    shown = table.board(base)
    if points:
        crew = processes(workers) if workers > 1 else here()
        shown["frontier"] = table.frontier(points, crew)
    terminal.data(encode(shown, indent=2) if as_json else board_text(shown))
    if table.left_out:
        raise typer.Exit(table.left_out[0])
    if any(each.gap is not None and each.gap > gap for each in table.scenarios):
        raise typer.Exit(ExitCode.NOT_WITHIN_GAP)


def _refuse_unknown(policies: Sequence[str], base: str, points: int) -> None:
    """Refuse a base that is not compared, a policy that comes twice, and a front of one point."""
    if len(set(policies)) < len(policies):
        raise CommandRefused("Each --policy once.", ExitCode.USAGE)
    if base and base not in policies:
        raise CommandRefused(f"--base {base}: must be one of --policy.", ExitCode.USAGE)
    if points == 1:
        raise CommandRefused("--frontier 1: a front has two ends.", ExitCode.USAGE)


class Table:
    """The scenarios of a comparison as they come in.

    Args:
        terminal: who watches.
        like: seed, gap and limits of every solve.
        snapshot: the round.
        shown: whether progress is drawn.

    Attributes:
        left_out: how a solve alone would have ended, for each policy without a plan.
    """

    def __init__(
        self, *, terminal: Terminal, like: Question, snapshot: Snapshot, shown: bool
    ) -> None:
        self.terminal, self.like, self.snapshot, self.shown = terminal, like, snapshot, shown
        self.cast: Cast = cast_of(snapshot)
        self.scenarios: list[Scenario] = []
        self.left_out: list[ExitCode] = []
        self.yardstick: Yardstick | None = None
        self.fair: tuple[Policy, Scenario, Solution] | None = None

    def add(self, name: str, policy: Policy, *, needed: bool) -> None:
        """Solve under one policy; the first that gives entitlements is the yardstick of all.

        A policy that has no plan is left out, unless the board needs it.
        """
        try:
            solution, seconds = self.solved(name, policy)
        except CommandRefused as refusal:
            if needed:
                raise
            self.terminal.note(f"{refusal.message} It is left out.")
            self.left_out.append(refusal.code)
            return
        scenario = scenario_of(name, solution.document, seconds)
        self.scenarios.append(scenario)
        if self.yardstick is None:
            self.yardstick = yardstick_of(solution.document)
            if self.yardstick is not None:
                self.fair = policy, scenario, solution

    def solved(self, name: str, policy: Policy) -> tuple[Solution, float]:
        """Solve under one policy.

        Raises:
            CommandRefused: If it has no plan.
        """
        started = self.terminal.seconds()
        formulation = formulate(self.snapshot, policy)
        question = Question(
            formulation=formulation,
            seed=self.like.seed,
            gap=self.like.gap,
            limits=self.like.limits,
        )
        solution = watched(self.terminal, question, name, shown=self.shown)
        if solution.plan.status is SolveStatus.INFEASIBLE:
            tell_conflicts(self.terminal, solution)
            raise CommandRefused(f"No plan keeps every rule of {name}.", ExitCode.INFEASIBLE)
        if not solution.is_plan:
            why = why_no_plan(solution, Language(self.terminal.language))
            raise CommandRefused(f"{name}: {why}", ExitCode.NOT_WITHIN_GAP)
        return solution, self.terminal.seconds() - started

    def board(self, base: str) -> Document:
        """Return the board."""
        against = next(each for each in self.scenarios if each.name == base)
        yardstick = self.yardstick or default_yardstick(self.snapshot)
        return board(self.scenarios, yardstick, self.cast, base=against, best=self.best())

    def best(self) -> Best | None:
        """Return the most value there is, solving for it where no policy of the board does."""
        found = best_of(self.scenarios, self.cast)
        if found is not None:
            return found
        solution, seconds = self.solved(VALUE_POLICY, read_policy(VALUE_POLICY))
        return best_of([scenario_of(VALUE_POLICY, solution.document, seconds)], self.cast)

    def frontier(self, count: int, crew: Crew) -> list[Document]:
        """Return the front from the most value to the first policy that gives entitlements.

        It has no points where nobody is entitled to anything.
        """
        if self.fair is None:
            policy = read_policy(DEFAULT_POLICY)
            solution, seconds = self.solved(DEFAULT_POLICY, policy)
            scenario = scenario_of(DEFAULT_POLICY, solution.document, seconds)
            self.fair = policy, scenario, solution
        policy, scenario, solution = self.fair
        yardstick = yardstick_of(solution.document)
        if yardstick is None:
            return []
        field = Field(
            snapshot=self.snapshot,
            policy=policy,
            yardstick=yardstick,
            cast=self.cast,
            like=self.like,
        )
        found = frontier(field, (scenario, is_verified(solution)), count, crew)
        return frontier_document(found)


def default_yardstick(snapshot: Snapshot) -> Yardstick:
    """Return the entitlements under the default policy, for policies that give none."""
    formulation = formulate(snapshot, read_policy(DEFAULT_POLICY))
    document = entitlement_document(formulation, entitle(formulation.problem))
    return Yardstick(unit=document["unit"], groups=document["groups"], fellows=document["fellows"])
