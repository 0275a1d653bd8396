"""`dure demo`: a whole round on this machine, every part real."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from api.commands import demo_round
from api.commands.comparison import board_text
from api.commands.demo_center import OPERATOR, SCRAPER, Center, enrol, running_center
from api.commands.documents import write_documents
from api.commands.grammar import single, with_examples
from api.commands.profiles import keep_private
from api.commands.rounds import read_snapshot
from api.commands.session import said_plainly
from api.commands.terminal import CommandRefused, ExitCode, Terminal, terminal_of
from scheduler.document import Document, parse_document
from scheduler.export.board import FORMULA, board_of_plans
from scheduler.round_file import read_round
from scheduler.snapshot import Snapshot
from solver.checking.report import percent

app = single()

JSON = "application/json"
SHIPPED = Path(__file__).parents[2] / "benchmarks" / "rounds" / "innocore-400.json.gz"
LANGUAGES = {"en": "English", "ko": "한국어"}
SHOWN_METRICS = (
    "dure_capacity_gpus",
    "dure_oversubscription_ratio",
    "dure_utilization_ratio",
    "dure_requests{",
    "dure_solve_gap_ratio",
    "dure_solve_proven_optimal",
    'dure_fairness_index{index="jain"',
    "dure_events_total",
)


class Story:
    """Tells the steps of the demo as they happen, numbered and timed."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.step = 0
        self.began = terminal.seconds()

    @contextmanager
    def chapter(self, title: str) -> Iterator[None]:
        """Tell a step and how long it took."""
        self.step += 1
        self.say(f"\n{self.step:>2}. {title}")
        began = self.terminal.seconds()
        yield
        self.say(f"    done in {self.terminal.seconds() - began:.1f} s")

    def say(self, text: str) -> None:
        """Tell one thing at once, even into a pipe."""
        self.terminal.data(text)
        sys.stdout.flush()

    def tell(self, text: str) -> None:
        """Tell details, indented."""
        self.say("\n".join(f"    {line}" for line in text.splitlines()))


@app.command(
    help=with_examples(
        "Run a whole round: 400 fellows ask over HTTP, three policies compete, two people decide.",
        "dure demo",
        "DEMO_EXIT=1 dure demo --round small.json",
    )
)
def demo(
    context: typer.Context,
    *,
    round_: Annotated[
        str, typer.Option("--round", metavar="FILE", help="Another dure-round/1 file.")
    ] = str(SHIPPED),
) -> None:
    """Tell the story of one round, then stay up until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the center ends with us
    terminal = terminal_of(context)
    snapshot = read_snapshot(round_)
    story = Story(terminal)
    story.say(f"Dure demo: {snapshot.title}")
    with said_plainly(), running_center(terminal) as center:
        story.say(f"A center in {center.folder}, listening on {center.url}")
        run(story, center, snapshot)
        story.say(f"\nThe whole round took {terminal.seconds() - story.began:.0f} s.")
        stay_up(story, center)


def run(story: Story, center: Center, snapshot: Snapshot) -> None:
    """Go through the round, from the directory to the metric."""
    document = snapshot.document
    with story.chapter("Enter institutes, groups, fellows and pools"):
        center = enrol(center, document)
        story.tell(f"{len(snapshot.fellows)} fellows in {len(snapshot.groups)} groups")
    with story.chapter("Draft a call as one person, open it as another"):
        call = demo_round.open_call(center, document)
        story.tell(call)
    with story.chapter(f"Submit {len(snapshot.requests)} requests over HTTP, as their fellows"):
        submitted = submit(story, center, call, document)
    with story.chapter("Close the call, import the scores, freeze the round"):
        scores = demo_round.import_scores(center, call, document, submitted.ids)
        frozen = demo_round.freeze(center, call)
        story.tell(f"{scores} scores; {frozen['requests']} requests; digest {frozen['snapshot']}")
    scenarios = solve_all(story, center, frozen["id"])
    with story.chapter("Compare"):
        story.tell(compared(center, scenarios))
    chosen = scenarios[0]
    with story.chapter("Select, approve by digest as a second person, publish"):
        demo_round.decide(center, frozen["id"], chosen)
        story.tell(f"scenario {chosen['digest']}")
    with story.chapter("Tell the fellows why"):
        tell_reasons(story, center, call, frozen["id"])
    with story.chapter("Re-check the certificate where no solver can be imported"):
        story.tell(verified(center, frozen["id"], chosen))
    with story.chapter("Scrape the metrics"):
        story.tell(metrics_of(center))


def submit(story: Story, center: Center, call: str, document: Document) -> demo_round.Submitted:
    """Submit everything with a bar for whoever watches."""
    console = Console(stderr=True, no_color=not story.terminal.has_colour)
    with Progress(console=console, transient=True, disable=not story.terminal.is_watched) as bar:
        task = bar.add_task("receipts", total=len(document["requests"]))
        submitted = demo_round.submit_all(center, call, document, lambda: bar.advance(task))
    story.tell(
        f"{len(submitted.receipts)} receipts; a submission was answered in "
        f"{1000 * submitted.percentile(50):.0f} ms (p50), "
        f"{1000 * submitted.percentile(99):.0f} ms (p99)"
    )
    return submitted


def solve_all(story: Story, center: Center, round_: str) -> list[dict[str, Any]]:
    """Solve the frozen round under each policy."""
    scenarios = []
    for policy in demo_round.POLICIES:
        with story.chapter(f"Solve under {policy}"):
            scenario = demo_round.solve(center, round_, policy)
            story.tell(reached(scenario))
            scenarios.append(scenario)
    return scenarios


def reached(scenario: dict[str, Any]) -> str:
    """Return in one line what a solve reached."""
    by_formula = any(stage["name"] == FORMULA for stage in scenario["stages"])
    proved = f"{scenario['status']}, gap {percent(scenario['gap'] or 0)}"
    hours = f"{scenario['measures']['awarded_gpu_hours']:,.0f} reference GPU-hours"
    return (
        f"{'by a formula' if by_formula else proved}: {hours} to "
        f"{scenario['measures']['funded']} requests"
    )


def compared(center: Center, scenarios: list[dict[str, Any]]) -> str:
    """Return the comparison of the scenarios with winners and losers."""
    operator = center.as_person(OPERATOR)

    def read(path: str) -> Document:
        return parse_document(operator.text(path, accept=JSON).encode())

    snapshot = read_round(read(f"rounds/{scenarios[0]['round']}/snapshot"))
    plans = [
        (each["policy"], read(f"scenarios/{each['id']}/plan"), each["seconds"])
        for each in scenarios
    ]
    return board_text(board_of_plans(snapshot, plans))


def tell_reasons(story: Story, center: Center, call: str, round_: str) -> None:
    """Tell three outcomes with their reasons in both languages."""
    for kind, request in demo_round.outcomes(center, call, round_).items():
        story.tell(f"{kind}: {request['draft']['title']} of {request['fellow']} ({request['id']})")
        for language, name in LANGUAGES.items():
            text = demo_round.explained(center, request, language)
            story.tell(indent(f"{name}:\n{indent(text, '  ')}", "  "))


def verified(center: Center, round_: str, scenario: dict[str, Any]) -> str:
    """Check round, plan and certificate in a fresh interpreter without any solver.

    Raises:
        CommandRefused: If the checker finds a broken rule.
    """
    documents = demo_round.documents_of(center, round_, scenario)
    paths = [str(center.folder / name) for name in documents]
    write_documents(
        {path: text.encode() for path, text in zip(paths, documents.values(), strict=True)}
    )
    command = [sys.executable, "-m", "api.without_solver", "verify", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise CommandRefused(done.stderr, ExitCode.VERIFICATION_FAILED)
    return f"dure verify {' '.join(paths)}\n{done.stdout.splitlines()[-1]}"


def metrics_of(center: Center) -> str:
    """Return a slice of what Prometheus would see."""
    text = center.as_person(SCRAPER).text("/metrics", accept="text/plain")
    return "\n".join(line for line in text.splitlines() if line.startswith(SHOWN_METRICS))


def stay_up(story: Story, center: Center) -> None:
    """Leave the center running until Ctrl-C, unless DEMO_EXIT says otherwise."""
    if center.terminal.environ.get("DEMO_EXIT"):
        story.say("\nThe center ends here, as DEMO_EXIT says; without it, it stays up.")
        return
    token_file = center.folder / "operator.token"
    keep_private(token_file, center.tokens[OPERATOR])
    story.say(
        f"\nThe center stays up; Ctrl-C ends it.\n"
        f"    API      {center.url}/api/v1\n"
        f"    health   {center.url}/readyz\n"
        f"    metrics  {center.url}/metrics (token of {SCRAPER})\n"
        f"    try      DURE_SERVER={center.url} DURE_TOKEN_FILE={token_file} dure status"
    )
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
