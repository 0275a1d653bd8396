"""`dure sim`: a year of a center in minutes, for who chooses a policy and a reclaim rule."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import Progress

from api.checking import broken_rules
from api.commands.grammar import JsonOption, QuietOption, single, with_examples
from api.commands.rounds import read_policy, read_snapshot
from api.commands.solve import GapOption, WorkOption
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from api.plain_json import encode
from api.solving import Question, answer, written
from scheduler.document import parse_document
from scheduler.domain.reclaim import ReclaimRule
from scheduler.formulate import formulate
from scheduler.policy import read_policy as policy_of
from scheduler.reclaim_rule import InvalidReclaimRule, find_rule
from scheduler.round_file import read_round
from scheduler.simulation.figures import Figures
from scheduler.simulation.habits import Habit, Habits
from scheduler.simulation.invariants import BrokenInvariant
from scheduler.simulation.world import Course, Options, World, courses
from scheduler.simulation.year import Told, run
from scheduler.storage.store import open_store
from solver.pipeline import Limits
from solver.standalone import program

app = single()

SHIPPED: Final = Path(__file__).parents[2] / "benchmarks" / "rounds" / "innocore-400.json.gz"
NO_RULE: Final = "none"
PERCENT: Final = 100


@app.command(
    help=with_examples(
        "Simulate a center in virtual time: calls, habits, failures, late feeds, reclaim.",
        "dure sim",
        "dure sim --as-asked --habits late=100",
        "dure sim --fellows 400 --policy entitlement --reclaim nersc,none --seed 7",
        "dure sim --habits late=100 --years 2 --json",
    )
)
def sim(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    round_: Annotated[
        str, typer.Option("--round", metavar="FILE", help="A dure-round/1 file to resample.")
    ] = str(SHIPPED),
    policy: Annotated[str, typer.Option(help="Presets or files, by commas.")] = "rank_and_fund",
    reclaim: Annotated[
        str, typer.Option(help="Reclaim rules or files, by commas; none is one.")
    ] = "nersc,none",
    fellows: Annotated[int, typer.Option(min=1, max=10_000, help="How many ask.")] = 40,
    as_asked: Annotated[
        bool, typer.Option("--as-asked", help="All fellows of the file, with its own requests.")
    ] = False,
    years: Annotated[int, typer.Option(min=1, max=100, help="How long.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Chance.")] = 0,
    habits: Annotated[
        str, typer.Option(help="Percent of fellows by habit: late, steady, early, idle.")
    ] = "late=60,steady=25,early=10,idle=5",
    declines: Annotated[int, typer.Option(min=0, max=100, help="Percent of offers.")] = 3,
    dropouts: Annotated[int, typer.Option(min=0, max=100, help="Percent of fellows.")] = 6,
    failures: Annotated[int, typer.Option(min=0, max=100, help="Percent of pool-weeks.")] = 10,
    gap: GapOption = 0.001,
    work: WorkOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run every policy under every reclaim rule on the same chance, and show what came of it."""
    terminal = terminal_of(context)
    options = Options(
        model=read_snapshot(round_).document,
        fellows=None if as_asked else fellows,
        years=years,
        seed=seed,
        habits=read_habits(habits),
        decline_percent=declines,
        dropout_percent=dropouts,
        failure_percent=failures,
        gap=gap,
        work=work,
    )
    policies = [(name, read_policy(name).document) for name in policy.split(",")]
    chosen = courses(policies, [read_rule(name) for name in reclaim.split(",")])
    found = []
    for course in chosen:
        again = replay(context.params, course)
        with watched(terminal, course, shown=not quiet) as told:
            found.append(simulated(options, course, told, again))
    if as_json:
        terminal.data(encode([each.document() for each in found], indent=2))
    else:
        terminal.data(table(found))


def simulated(options: Options, course: Course, told: Told, again: str) -> Figures:
    """Run a course on a fresh store.

    Raises:
        CommandRefused: If an invariant breaks; it names the command that shows it again.
    """
    world = World(
        options=options,
        course=course,
        solve=solve,
        verify=broken_rules,
        verifier=program(),
    )
    with (
        tempfile.TemporaryDirectory(prefix="dure-sim-") as folder,
        open_store(f"sqlite:///{folder}/sim.db") as store,
    ):
        try:
            return run(store, world, told)
        except BrokenInvariant as broken:
            raise CommandRefused(
                f"Broken: {broken}", ExitCode.VERIFICATION_FAILED, hint=f"Again: {again}"
            ) from broken


def solve(task: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a solving task in this process; explanations say no more than the request.

    Raises:
        CommandRefused: If no plan keeps every rule.
    """
    snapshot = read_round(parse_document(task["round"].encode()))
    policy = policy_of(parse_document(task["policy"].encode()))
    question = Question(
        formulation=formulate(snapshot, policy),
        seed=task["seed"],
        gap=task["gap"],
        limits=Limits(time_seconds=task["seconds"], work=task["work"], clock=time.perf_counter),
    )
    solution = answer(question, lambda _progress: None)
    if not solution.is_plan:
        raise CommandRefused("No plan keeps every rule of the policy.", ExitCode.INFEASIBLE)
    names = solution.formulation.names.requests
    return {
        "plan": written(solution.document).decode(),
        "certificate": written(solution.certificate).decode(),
        "explanations": {name: {"request": name} for name in names},
        "seconds": 0.0,
    }


def read_habits(text: str) -> Habits:
    """Read percents by habit; those not named have none.

    Raises:
        CommandRefused: If a name is unknown, or they do not add up to 100.
    """
    shares = {habit.value: 0 for habit in Habit}
    for part in text.split(","):
        name, _, share = part.partition("=")
        if name not in shares or not share.isdecimal():
            raise CommandRefused(
                f"No habit {part}: {', '.join(shares)}, each =PERCENT.", ExitCode.USAGE
            )
        shares[name] = int(share)
    if sum(shares.values()) != PERCENT:
        raise CommandRefused(f"Habits {text} do not add up to {PERCENT}.", ExitCode.USAGE)
    return Habits(**shares)


def read_rule(name: str) -> ReclaimRule | None:
    """Return a reclaim rule, or nothing for ``none``.

    Raises:
        CommandRefused: If there is none of this name, or it breaks the format.
    """
    if name == NO_RULE:
        return None
    try:
        return find_rule(name)
    except (InvalidReclaimRule, OSError, UnicodeDecodeError) as refusal:
        raise CommandRefused(str(refusal), ExitCode.USAGE) from refusal


def replay(given: Mapping[str, Any], course: Course) -> str:
    """Return the command line that runs one course again."""
    stated = [(option(name), given.get(name)) for name in SHARED]
    words = [
        f"--{name}" if value is True else f"--{name} {value}"
        for name, value in stated
        if value is not None and value is not False
    ]
    return f"dure sim --policy {course.policy} --reclaim {course.reclaim_name} {' '.join(words)}"


SHARED: Final = (
    "round_",
    "fellows",
    "as_asked",
    "years",
    "seed",
    "habits",
    "declines",
    "dropouts",
    "failures",
    "gap",
    "work",
)
"""Options that every course of a command has alike."""


def option(name: str) -> str:
    """Return an option as it is written."""
    return name.rstrip("_").replace("_", "-")


@contextmanager
def watched(terminal: Terminal, course: Course, *, shown: bool) -> Iterator[Told]:
    """Give what shows the steps of a course as a bar, to whoever watches."""
    console = Console(stderr=True, no_color=not terminal.has_colour)
    title = f"{course.policy}, reclaim {course.reclaim_name}"
    watching = shown and terminal.is_watched
    with Progress(console=console, transient=True, disable=not watching) as bar:
        task = bar.add_task(title, total=None)
        done = 0

        def told(now: datetime, _name: str, left: int) -> None:
            nonlocal done
            done += 1
            bar.update(task, completed=done, total=done + left, description=f"{title}: {now:%F}")

        yield told


def table(found: Sequence[Figures]) -> str:
    """Return the courses as a table, hours in GPU-hours."""
    heading = (
        "policy",
        "reclaim",
        "utilization",
        "supplied",
        "granted",
        "drawn",
        "reclaimed",
        "returned",
        "used",
        "lapsed",
        "jain granted",
        "jain used",
        "churn",
    )
    rows: list[tuple[str, ...]] = [heading]
    rows += [
        (
            each.policy,
            each.reclaim,
            f"{each.utilization:.1%}",
            *(
                number(getattr(each, name))
                for name in (
                    "supplied",
                    "granted",
                    "drawn",
                    "reclaimed",
                    "returned",
                    "used",
                    "lapsed",
                )
            ),
            f"{each.jain_granted:.3f}",
            f"{each.jain_used:.3f}",
            f"{each.churn:.2%}",
        )
        for each in found
    ]
    steps = sum(each.steps for each in found)
    return f"{columns(rows, left=2)}\nEvery invariant held after each of {number(steps)} steps."
