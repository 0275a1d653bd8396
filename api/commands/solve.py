"""`dure solve`: a round file in, a plan and its certificate out."""

import time
from typing import Annotated, Any

import typer

from api.commands.documents import STANDARD, write_documents
from api.commands.grammar import (
    JsonOption,
    PolicyOption,
    QuietOption,
    RoundArgument,
    SeedOption,
    single,
    with_examples,
)
from api.commands.progress import SolveProgress
from api.commands.rounds import read_question
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from api.plain_json import encode
from api.solving import (
    Question,
    Solution,
    answer,
    conflict_texts,
    ways_out_of,
    ways_out_texts,
    why_no_plan,
    written,
)
from scheduler.domain.messages import Language
from scheduler.export.board import largest_gap
from solver.checking.report import percent
from solver.pipeline import Limits, Progress

app = single()

GapOption = Annotated[float, typer.Option(help="Good enough: proved to this share.", min=0)]
LimitOption = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Limit of the whole solve; may not repeat.", min=0),
]
WorkOption = Annotated[
    int | None, typer.Option(help="Limit of work in all; repeats exactly.", min=1)
]


@app.command(
    help=with_examples(
        "Solve a round under a policy.",
        "dure solve round.json -o plan.json --certificate certificate.json",
        "dure solve round.json --policy merit --json | jq .measures.jain",
    )
)
def solve(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    *,
    policy: PolicyOption = "entitlement",
    seed: SeedOption = 0,
    gap: GapOption = 0.001,
    limit: LimitOption = None,
    work: WorkOption = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PLAN", help="Where the plan goes.")
    ] = "",
    certificate: Annotated[
        str, typer.Option(metavar="CERT", help="Where the certificate goes.")
    ] = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Solve, write what was asked for, and end with the code that says how good it is."""
    terminal = terminal_of(context)
    _refuse_two_outputs(output, certificate, as_json=as_json)
    if limit is not None and work is not None:
        raise CommandRefused("Give --limit or --work, not both.", ExitCode.USAGE)
    question = Question(
        formulation=read_question(round_, policy),
        seed=seed,
        gap=gap,
        limits=Limits(time_seconds=limit, work=work, clock=time.perf_counter),
    )
    started = terminal.seconds()
    solution = watched(terminal, question, policy, shown=not quiet)
    summary = summary_of(solution, terminal.seconds() - started)
    outputs = {output: written(solution.document), certificate: written(solution.certificate)}
    if solution.is_plan:
        write_documents({path: text for path, text in outputs.items() if path})
    if as_json:
        terminal.data(encode(summary, indent=2))
    elif not quiet and solution.is_plan:
        show = terminal.note if STANDARD in outputs else terminal.data
        show(summary_text(summary))
    _end(terminal, solution, gap)


def watched(terminal: Terminal, question: Question, label: str, *, shown: bool) -> Solution:
    """Solve with a line of progress for whoever watches."""
    with SolveProgress(terminal, label, shown=shown) as line:

        def show(told: Progress) -> None:
            line.show(told.stage, told.objective, told.bound, told.gap)

        return answer(question, show)


def summary_of(solution: Solution, seconds: float) -> dict[str, Any]:
    """Return the one JSON object of a solve."""
    document = solution.document
    return {
        "status": document["status"],
        "gap": largest_gap(document["stages"]) if solution.is_plan else None,
        "stages": document["stages"],
        "measures": document["measures"],
        "seconds": round(seconds, 3),
        "versions": document["versions"],
    }


def summary_text(summary: dict[str, Any]) -> str:
    """Return what a solve reached, for people."""
    stages = [("stage", "status", "objective", "bound", "gap")]
    stages += [
        (
            each["name"],
            each["status"],
            number(each["objective"]),
            number(each["bound"]),
            percent(each["gap"]),
        )
        for each in summary["stages"]
    ]
    measures = summary["measures"]
    used = ", ".join(f"{pool} {percent(part)}" for pool, part in measures["utilization"].items())
    facts = [
        ("status", f"{summary['status']}, largest gap {percent(summary['gap'])}"),
        ("awarded", f"{number(measures['awarded_gpu_hours'])} reference GPU-hours"),
        ("funded", f"{measures['funded']} requests"),
        ("utilization", used),
        ("fairness", f"Jain {measures['jain']:.4f}, Gini {measures['gini']:.4f}"),
        ("time", f"{summary['seconds']:.1f} s"),
    ]
    return f"{columns(stages, left=2)}\n\n{columns(facts, left=2)}"


def tell_conflicts(terminal: Terminal, solution: Solution) -> None:
    """Say why no plan keeps every rule."""
    language = Language(terminal.language)
    for text in conflict_texts(solution, language):
        terminal.note(f"infeasible: {text}")
    for text in ways_out_texts(solution, ways_out_of(solution), language):
        terminal.note(f"way out: {text}")


def _refuse_two_outputs(output: str, certificate: str, *, as_json: bool) -> None:
    """Refuse to write two documents to standard output."""
    if [output, certificate, STANDARD if as_json else ""].count(STANDARD) > 1:
        raise CommandRefused("Only one document can go to standard output.", ExitCode.USAGE)
    if output and output == certificate:
        raise CommandRefused("Plan and certificate need two files.", ExitCode.USAGE)


def _end(terminal: Terminal, solution: Solution, gap: float) -> None:
    """End with the exit code that scripts rely on."""
    if solution.plan.status == "infeasible":
        tell_conflicts(terminal, solution)
        raise typer.Exit(ExitCode.INFEASIBLE)
    if not solution.is_plan:
        why = why_no_plan(solution, Language(terminal.language))
        raise CommandRefused(why, ExitCode.NOT_WITHIN_GAP)
    if largest_gap(solution.document["stages"]) > gap:
        raise typer.Exit(ExitCode.NOT_WITHIN_GAP)
