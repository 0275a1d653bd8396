"""`dure compare`: one round under several policies, side by side."""

from typing import Annotated

import typer

from api.commands.comparison import (
    Scenario,
    Yardstick,
    comparison_json,
    comparison_text,
    groups_of,
    scenario_of,
    yardstick_of,
)
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
from api.plain_json import encode
from api.solving import Question, Solution
from scheduler.formulate import formulate
from scheduler.plan_file import entitlement_document
from scheduler.snapshot import Snapshot
from solver.entitle import entitle
from solver.pipeline import Limits

app = single()

DEFAULT_POLICY = "entitlement"


@app.command(
    help=with_examples(
        "Solve one round under several policies; winners and losers are against the first.",
        "dure compare round.json --policy entitlement --policy rank_and_fund --policy proportional",
    )
)
def compare(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    *,
    policy: Annotated[list[str], typer.Option(help="A preset or a file; again for each.")],
    seed: SeedOption = 0,
    gap: GapOption = 0.001,
    limit: LimitOption = None,
    work: WorkOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve under each policy and show the measures."""
    terminal = terminal_of(context)
    snapshot = read_snapshot(round_)
    policies = [read_policy(name) for name in policy]
    scenarios: list[Scenario] = []
    yardstick: Yardstick | None = None
    for name, chosen in zip(policy, policies, strict=True):
        question = Question(
            formulation=formulate(snapshot, chosen),
            seed=seed,
            gap=gap,
            limits=Limits(time_seconds=limit, work=work),
        )
        started = terminal.seconds()
        solution = watched(terminal, question, name, shown=not quiet)
        _refuse_without_plan(terminal, name, solution)
        scenarios.append(scenario_of(name, solution.document, terminal.seconds() - started))
        yardstick = yardstick or yardstick_of(solution.document)
    held_against = yardstick or default_yardstick(snapshot)
    if as_json:
        shown = comparison_json(scenarios, held_against, groups_of(snapshot))
        terminal.data(encode(shown, indent=2))
    else:
        terminal.data(comparison_text(scenarios, held_against, groups_of(snapshot)))
    if any(each.gap is not None and each.gap > gap for each in scenarios):
        raise typer.Exit(ExitCode.NOT_WITHIN_GAP)


def default_yardstick(snapshot: Snapshot) -> Yardstick:
    """Return the entitlements under the default policy, for policies that give none."""
    formulation = formulate(snapshot, read_policy(DEFAULT_POLICY))
    document = entitlement_document(formulation, entitle(formulation.problem))
    return Yardstick(unit=document["unit"], groups=document["groups"])


def _refuse_without_plan(terminal: Terminal, name: str, solution: Solution) -> None:
    """End the comparison at a policy that has no plan."""
    if solution.is_plan:
        return
    tell_conflicts(terminal, solution)
    raise CommandRefused(f"No plan keeps every rule of {name}.", ExitCode.INFEASIBLE)
