"""`dure round`: from the frozen round to the published decision."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.comparison import board_text
from api.commands.documents import STANDARD, read_document, write_documents
from api.commands.grammar import commands
from api.commands.progress import SolveProgress
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode
from api.plain_json import encode
from scheduler.document import Document, parse_document
from scheduler.export.board import board_of_plans
from scheduler.round_file import read_round
from solver.checking.report import percent

app = commands(
    "From the frozen round to the published decision.",
    "dure round new call_01jd…",
    "dure round solve rnd_01jd… --policy entitlement",
    "dure round approve rnd_01jd… --digest 3fa1… --reason 'As the committee agreed.'",
)

RoundArgument = Annotated[str, typer.Argument(metavar="ROUND", help="Id of a round.")]
SolveArgument = Annotated[str, typer.Argument(metavar="SOLVE", help="Id of a solve.")]
ReasonOption = Annotated[str, typer.Option(help="Why; everybody may read it.")]
AMOUNTS = ("entitlement", "awarded", "deficit")
OVER = frozenset({"done", "failed", "cancelled"})


@app.command("list")
@reading
def list_rounds(session: Session) -> None:
    """List the rounds you may see."""
    rounds = list(session.client.pages("rounds"))
    rows = [("id", "state", "call", "title")]
    rows += [(each["id"], each["state"], each["call"], each["title"]) for each in rounds]
    session.show(rounds, columns(rows, left=4))


@app.command()
@reading
def show(session: Session, round_: RoundArgument) -> None:
    """Show one round and what may come next."""
    body = session.client.get(f"rounds/{round_}").body
    shown = ("id", "title", "state", "call", "requests", "snapshot", "scenario", "scenario_digest")
    rows = [(name, str(body[name])) for name in shown if body.get(name) is not None]
    allowed = [act["name"] for act in body.get("_actions", ()) if act["allowed"]]
    rows.append(("you may", ", ".join(allowed) or "only look"))
    session.show(body, columns(rows, left=2))


@app.command()
@writing
def new(
    session: Session,
    call: Annotated[str, typer.Argument(metavar="CALL", help="Id of a call.")],
    *,
    title: Annotated[str, typer.Option(help="Its title; else the call's.")] = "",
) -> None:
    """Create the round of a call."""
    body = session.client.create(f"calls/{call}/rounds", {"title": title or None}).body
    session.show(body, body["id"])


@app.command()
@writing
def freeze(session: Session, round_: RoundArgument) -> None:
    """Take the snapshot that all scenarios are solved on."""
    session.confirm(f"Freeze {round_}? Later submissions will not count.")
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/freezes").body
    session.show(body, f"{round_} is frozen with {body['requests']} requests.")


@app.command()
@writing
def reveal(
    session: Session,
    round_: RoundArgument,
    *,
    seed: Annotated[int, typer.Option(help="The seed that was sealed.", min=0)],
    salt: Annotated[str, typer.Option(help="The salt of its seal.")],
) -> None:
    """Tell the seed of a lottery; from now on it may be drawn."""
    session.confirm(f"Reveal the seed of {round_} to everybody?")
    sent = {"seed": seed, "salt": salt}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/seed-revelations", sent).body
    session.show(body, f"{round_} is drawn with seed {body['seed']}.")


@app.command()
@writing
def solve(  # noqa: PLR0913 - one parameter an option
    session: Session,
    round_: RoundArgument,
    *,
    policy: Annotated[str, typer.Option(help="A preset or a stored policy.")] = "entitlement",
    version: Annotated[int, typer.Option(help="Of a stored policy; 0: a preset.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Chance, where a policy draws lots.")] = 0,
    gap: Annotated[float, typer.Option(help="Good enough.", min=0)] = 0.001,
    seconds: Annotated[int, typer.Option(help="A limit of time; 0: none.", min=0)] = 0,
    watch_it: Annotated[bool, typer.Option("--watch/--no-watch", help="Follow it.")] = True,
) -> None:
    """Queue a solve, and follow it until it is over."""
    sent: dict[str, Any] = {"seed": seed, "gap": gap}
    sent |= {"policy": policy, "version": version} if version else {"preset": policy}
    if seconds:
        sent["seconds"] = seconds
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/solves", sent).body
    session.note(f"Queued as {body['id']}.")
    if not watch_it:
        session.show(body, body["id"])
        return
    _watch(session, body["id"])


@app.command()
@reading
def watch(session: Session, solve_: SolveArgument) -> None:
    """Follow a solve; Ctrl-C stops watching, the solve goes on."""
    _watch(session, solve_)


@app.command()
@writing
def stop(session: Session, solve_: SolveArgument) -> None:
    """Cancel a solve."""
    session.confirm(f"Stop {solve_}?")
    body = session.client.create(f"solves/{solve_}/cancellations").body
    session.show(body, f"{solve_} will stop.")


@app.command()
@reading
def scenarios(session: Session, round_: RoundArgument) -> None:
    """List the scenarios of a round with their digests."""
    found = list(session.client.pages(f"rounds/{round_}/scenarios"))
    rows = [("id", "policy", "status", "digest", "gap", "GPU-hours", "funded")]
    rows += [
        (
            each["id"],
            each["policy"],
            each["status"],
            each["digest"],
            "–" if each["gap"] is None else percent(each["gap"]),
            number(each["measures"]["awarded_gpu_hours"]),
            number(each["measures"]["funded"]),
        )
        for each in found
    ]
    session.show(found, columns(rows, left=4))


@app.command("compare")
@reading
def compare_scenarios(session: Session, round_: RoundArgument) -> None:
    """Compare the latest scenario of each policy; winners and losers against the first."""
    found = {each["policy"]: each for each in session.client.pages(f"rounds/{round_}/scenarios")}
    if not found:
        raise CommandRefused(f"{round_} has no scenario yet.", ExitCode.CONFLICT)

    def read(path: str) -> Document:
        return parse_document(session.client.text(path, accept="application/json").encode())

    snapshot = read_round(read(f"rounds/{round_}/snapshot"))
    plans = [
        (each["policy"], read(f"scenarios/{each['id']}/plan"), each["seconds"])
        for each in found.values()
    ]
    shown = board_of_plans(snapshot, plans)
    session.show(shown, board_text(shown))


@app.command()
@writing
def select(
    session: Session,
    round_: RoundArgument,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Id of a scenario.")],
    *,
    reason: ReasonOption,
) -> None:
    """Propose a scenario; another person approves it."""
    session.confirm(f"Propose {scenario} for {round_}?")
    sent = {"scenario_id": scenario, "reason": reason}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/selections", sent).body
    session.note(f"Next, as somebody else: dure round approve {round_} --digest DIGEST")
    session.show(body, body["scenario_digest"])


@app.command()
@writing
def approve(
    session: Session,
    round_: RoundArgument,
    *,
    digest: Annotated[str, typer.Option(help="The digest of the scenario you checked.")],
    reason: ReasonOption,
) -> None:
    """Sign the proposed scenario by its digest."""
    session.confirm(f"Approve scenario {digest[:16]}… for {round_}?")
    sent = {"scenario_digest": digest, "reason": reason}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/approvals", sent).body
    session.show(body, f"{round_} is approved.")


@app.command()
@writing
def reject(
    session: Session,
    round_: RoundArgument,
    *,
    digest: Annotated[str, typer.Option(help="The digest of the scenario you checked.")],
    reason: ReasonOption,
) -> None:
    """Send the proposed scenario back."""
    session.confirm(f"Reject scenario {digest[:16]}… of {round_}?")
    sent = {"scenario_digest": digest, "reason": reason}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/rejections", sent).body
    session.show(body, f"{round_}: the proposal is sent back.")


@app.command()
@writing
def publish(session: Session, round_: RoundArgument) -> None:
    """Re-verify the approved scenario and offer its awards."""
    digest = session.client.get(f"rounds/{round_}").body["scenario_digest"]
    session.confirm(f"Publish scenario {str(digest)[:16]}… of {round_} to every fellow?")
    sent = {"scenario_digest": digest}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/publications", sent).body
    session.show(body, f"{round_} is published.")


@app.command()
@writing
def reallocate(
    session: Session,
    round_: RoundArgument,
    *,
    reason: ReasonOption,
    policy: Annotated[
        str, typer.Option(help="A preset or a stored policy that reallocates.")
    ] = "reallocation",
    version: Annotated[int, typer.Option(help="Of a stored policy; 0: a preset.", min=0)] = 0,
) -> None:
    """Go on with a published round in mid-round: what is held stays, the reserve list is served."""
    session.confirm(f"Freeze what the awards of {round_} hold, and solve?")
    sent = {"reason": reason}
    body = session.client.change(f"rounds/{round_}", f"rounds/{round_}/reallocations", sent).body
    session.note(f"Frozen as {body['id']}, from slot {body['since']} on.")
    chosen = {"policy": policy, "version": version} if version else {"preset": policy}
    address = f"rounds/{body['id']}"
    started = session.client.change(address, f"{address}/solves", chosen).body
    _watch(session, started["id"])
    session.note(f"Next: dure round scenarios {body['id']}")


@app.command()
@reading
def reallocations(
    session: Session, call: Annotated[str, typer.Argument(metavar="CALL", help="Id of a call.")]
) -> None:
    """List what returned hours, reclaims and lost nodes called for, and what became of it."""
    found = list(session.client.pages(f"calls/{call}/reallocations", limit=500))
    rows = [("at", "cause", "of", "state", "round", "solve")]
    rows += [
        (
            each["created_at"][:16],
            each["cause"],
            each["subject"],
            each["state"],
            each["round"] or (f"waits for {each['waits_for']}" if each["waits_for"] else "–"),
            each["solve"] or "–",
        )
        for each in found
    ]
    session.show(found, columns(rows, left=6) if found else "None was called for.")


@app.command()
@reading
def deficits(
    session: Session,
    *,
    half_life: Annotated[
        int, typer.Option(metavar="DAYS", help="After so many days half of it still counts.", min=1)
    ] = 365,
) -> None:
    """Say what all rounds left owing: entitled to, and not granted."""
    body = session.client.get("deficits", half_life_days=half_life).body
    rows: list[tuple[str, ...]] = [("whose", "entitled to", "granted", "deficit")]
    rows += [
        (f"{kind} {each['id']}", *(number(each[name]) for name in AMOUNTS))
        for kind in ("group", "fellow")
        for each in body[f"{kind}s"]
    ]
    session.show(body, columns(rows, left=1) if body["rounds"] else "No round left anything owing.")


@app.command("import")
@writing
def import_round(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A dure-round/1 file, or -.")],
) -> None:
    """Create people, pools, call and frozen round from a round file."""
    document = read_document(file)
    session.confirm(f"Import round {document.get('id')} with all its people?")
    body = session.client.create("rounds/imports", document).body
    session.show(body, body["id"])


@app.command()
@reading
def export(
    session: Session,
    round_: RoundArgument,
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where to; - is stdout.")
    ] = STANDARD,
) -> None:
    """Write the frozen round as a dure-round/1 file."""
    document = session.client.get(f"rounds/{round_}/snapshot").body
    write_documents({output: encode(document).encode()})
    if output != STANDARD:
        session.note(f"Written to {Path(output)}.")


def _watch(session: Session, solve_: str) -> None:
    """Follow a solve to its end and show what came of it."""
    last: dict[str, Any] = {}
    with SolveProgress(session.terminal, solve_, shown=not session.quiet) as progress:
        for event in session.client.events(f"solves/{solve_}/events"):
            last = event.body
            progress.tell(last)
            if event.name in OVER:
                break
    body = session.client.get(f"solves/{solve_}").body
    session.show(body, f"{solve_}: {body['state']}  {body.get('scenario') or ''}")
    if body["state"] == "failed":
        raise _failed(solve_, body["error"])


def _failed(solve_: str, error: Mapping[str, Any]) -> CommandRefused:
    """Return the refusal that says why a solve failed, and what would help."""
    infeasible = error.get("status") == "infeasible"
    return CommandRefused(
        f"{solve_}: {error['title']} {error['detail']}",
        ExitCode.INFEASIBLE if infeasible else ExitCode.ERROR,
        hint="\n".join(f"way out: {each}" for each in error.get("ways_out", ())),
    )
