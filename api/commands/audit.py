"""`dure audit`: what a rule invites people to do."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from api.commands.grammar import (
    JsonOption,
    QuietOption,
    RoundArgument,
    SeedOption,
    commands,
    with_examples,
)
from api.commands.rounds import read_policy, read_snapshot
from api.commands.solve import GapOption, WorkOption
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from api.plain_json import encode
from scheduler.document import Document
from scheduler.formulate import Formulation, formulate
from scheduler.policy import presets
from scheduler.snapshot import Snapshot
from solver.checking.report import percent
from solver.gaming import Effect, Solving, Tally, awarded, entitled, sample, tallies
from solver.pipeline import Limits
from solver.problem import MILLI, Method
from solver.spread import Crew, here, processes

app = commands(
    "What a rule invites people to do.",
    "dure audit gaming round.json --policy entitlement --policy proportional",
)
NONE = "–"
WORDS = {
    "ask": "twice the ask",
    "minimum": "all or nothing",
    "pools": "one pool only",
    "split": "two halves",
    "faster": "twice the speed",
    "slower": "half the speed",
}
"""What each lie is called in a table."""


@app.callback()
def audit() -> None:
    """Say what a rule invites people to do."""


@app.command(
    help=with_examples(
        "Tell each request otherwise than it is, solve again, and say what that brings in useful "
        "hours: entitlements of every request, exactly; plans for a sample.",
        "dure audit gaming round.json --sample 2 --work 200",
        "dure audit gaming round.json --policy entitlement --policy rac_scaling --sample 20",
    )
)
def gaming(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    round_: RoundArgument,
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A preset or a file; again for each. Without it every preset that fits."),
    ] = None,
    count: Annotated[
        int, typer.Option("--sample", metavar="N", help="Requests to solve anew for.", min=0)
    ] = 5,
    only: Annotated[
        int, typer.Option("--entitled", metavar="N", help="Requests whose rights to audit.", min=0)
    ] = 0,
    seed: SeedOption = 0,
    gap: GapOption = 0.001,
    limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="CPU time of each solve, seven a request; may not repeat.",
            min=0,
        ),
    ] = None,
    work: WorkOption = None,
    workers: Annotated[int, typer.Option(help="Processes that share the work.", min=1)] = 1,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Audit a round under each policy and show what every lie brings."""
    terminal = terminal_of(context)
    named = policy or []
    if len(set(named)) < len(named):
        raise CommandRefused("Each --policy once.", ExitCode.USAGE)
    snapshot = read_snapshot(round_)
    formulations = [
        (name, formulate(snapshot, read_policy(name))) for name in named or fitting(snapshot)
    ]
    audit_ = Audit(
        only=only,
        count=count,
        how=Solving(
            seed=seed,
            gap=gap,
            limits=Limits(time_seconds=limit, work=work, clock=time.process_time),
        ),
        crew=processes(workers) if workers > 1 else here(),
    )
    audited = []
    for name, formulation in formulations:
        if not quiet:
            terminal.note(f"{name}: {formulation.problem.requests} requests")
        told = _told(terminal, name, shown=not quiet)
        audited.append(audit_.document(name, formulation, told))
    terminal.data(encode(audited, indent=2) if as_json else audit_text(audited))


def fitting(snapshot: Snapshot) -> list[str]:
    """Return the presets that a round can be solved under: going on needs an earlier plan."""
    return [
        name
        for name in presets()
        if snapshot.previous or read_policy(name).rules.method is not Method.REALLOCATE
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audit:
    """How a round is audited.

    Attributes:
        only: requests whose entitlements are audited, 0 for all; count: requests to solve anew for.
        how: every solve; crew: who solves.
    """

    only: int
    count: int
    how: Solving
    crew: Crew

    def document(
        self, name: str, formulation: Formulation, done: Callable[[int], None] | None = None
    ) -> Document:
        """Return what every lie brings under one policy, as JSON; `done` is told of each solve."""
        problem, seed = formulation.problem, self.how.seed
        chosen = sample(problem, self.only or problem.requests, seed)
        rights = entitled(problem, chosen, self.crew) if problem.rules.is_fair else []
        solved = sample(problem, self.count, seed)
        plans = awarded(problem, solved, self.how, self.crew, done=done)
        return _document(name, formulation, rights, plans)


def _told(terminal: Terminal, name: str, *, shown: bool) -> Callable[[int], None] | None:
    """Return what tells how many rounds are solved."""
    if not shown:
        return None
    return lambda solved: terminal.note(f"{name}: {solved} solved")


def _document(
    name: str, formulation: Formulation, rights: Sequence[Effect], plans: Sequence[Effect]
) -> Document:
    """Return what was found under one policy, as JSON; amounts in hours and units."""
    return {
        "policy": name,
        "unit": formulation.policy.rules.unit.value,
        "entitlements": {
            "all": _rows(tallies(rights, least=MILLI)),
            "saturated": _rows(tallies([each for each in rights if each.saturated], least=MILLI)),
            "lies": _lies(formulation, rights),
        },
        "plans": {"all": _rows(tallies(plans, least=MILLI)), "lies": _lies(formulation, plans)},
    }


def _rows(found: Sequence[Tally]) -> list[Document]:
    """Return tallies as JSON."""
    return [{**asdict(each), "largest": each.largest / MILLI} for each in found]


def _lies(formulation: Formulation, effects: Sequence[Effect]) -> list[Document]:
    """Return every lie that changes something, the one that brings most first."""
    names = formulation.names.requests
    changed = [each for each in effects if each.gain]
    return [
        {
            "request": names[each.request],
            "lie": each.lie.value,
            "before": each.before / MILLI,
            "after": each.after / MILLI,
        }
        for each in sorted(changed, key=lambda effect: (-effect.gain, names[effect.request]))
    ]


def audit_text(audited: Sequence[Document]) -> str:
    """Return what every lie brings, by policy side by side."""
    rows: list[tuple[str, ...]] = [
        ("policy", "lie", "told", "gain", "lose", "mean", "largest gain", "of")
    ]
    for each in audited:
        rights = each["entitlements"]
        parts = (
            (rights["all"], f"entitlement, {each['unit']}"),
            (rights["saturated"], "entitlement, group has all it asks"),
            (each["plans"]["all"], "award, reference GPU-hours"),
        )
        rows += [_row(each["policy"], tally, of) for found, of in parts for tally in found]
    return columns([row for row in rows if row[2] != "0"], left=2)


def _row(policy: str, tally: Document, of: str) -> tuple[str, ...]:
    """Return one row of the table."""
    return (
        policy,
        WORDS[tally["lie"]],
        str(tally["count"]),
        str(tally["gains"]),
        str(tally["losses"]),
        percent(tally["mean"]) if tally["mean"] >= 0 else f"−{percent(-tally['mean'])}",
        number(tally["largest"]) if tally["largest"] > 0 else NONE,
        of,
    )
