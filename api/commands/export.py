"""`dure export`: a round's awards as other systems read them."""

import ssl
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated, Final

import typer

from api.client import Body
from api.commands.documents import STANDARD, read_bytes, write_documents
from api.commands.grammar import commands
from api.commands.session import Session, exit_code_of_status, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode
from api.kubernetes import Cluster, ClusterAway, ClusterRefusal
from api.plain_json import encode
from api.steering import Outcome, Steered, Steering
from api.steering import steer as steering_of
from scheduler.domain.awards import AwardState
from scheduler.domain.errors import InvalidValue
from scheduler.domain.limits import AwardLimit
from scheduler.domain.pace import Pacing

app = commands(
    "A round's awards as other systems read them.",
    "dure export kueue rnd_01jd… | kubectl apply -f -",
    "dure export volcano rnd_01jd… -o queues.json",
    "dure export calendar rnd_01jd… -o awards.ics",
    "dure export steer rnd_01jd… --cluster duru --api-server https://10.0.0.1:6443 --yes \\",
    "  --api-token-file token --api-ca-file ca.crt",
)
HINDERED: Final = frozenset({Outcome.OWNED, Outcome.CONTENDED})

QUEUES: Final = {
    "kueue": "Kueue: a flavor a GPU type, a cohort a group, a cluster queue an award.",
    "kai": "KAI scheduler: queues of groups and awards on each GPU type.",
    "volcano": "Volcano: queues of groups and awards on each GPU type.",
}
"""Schedulers that know queues, and what becomes of a round there."""

RoundId = Annotated[str, typer.Argument(metavar="ROUND", help="Id of a published round.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Else to stdout.")]
Period = Annotated[int, typer.Option(help="Seconds from one pace to the next.")]
Burst = Annotated[int, typer.Option(help="Most GPUs at once, in percent of the even pace.")]


def _exports_queues(scheduler: str, text: str) -> None:
    """Add the command that writes a round as queues of a scheduler; all three ask the same."""

    @app.command(scheduler, help=text)
    @reading
    def queues(
        session: Session,
        round_: RoundId,
        *,
        period: Period = 3600,
        burst: Burst = 200,
        output: Output = STANDARD,
    ) -> None:
        """Write the objects of a scheduler."""
        asked = {"period_seconds": period, "burst_percent": burst}
        body = session.client.get(f"rounds/{round_}/exports/{scheduler}", **asked).body
        write(session, body, output, f"{len(body['items'])} objects")


for _scheduler, _text in QUEUES.items():
    _exports_queues(_scheduler, _text)


@app.command()
@reading
def openportal(
    session: Session,
    round_: RoundId,
    *,
    template: Annotated[
        str, typer.Option(help="Of projects on the receiving portal; else none.")
    ] = "",
    cooling_off: Annotated[
        int, typer.Option(help="Hours after publication before which nothing is approved.")
    ] = 24,
    output: Output = STANDARD,
) -> None:
    """OpenPortal: AwardDetails of each award in use."""
    query = {"template": template or None, "cooling_off_hours": cooling_off}
    body = session.client.get(f"rounds/{round_}/exports/openportal", **query).body
    write(session, body, output, f"{len(body)} awards")


@app.command()
@reading
def ondemand(session: Session, round_: RoundId, *, output: Output = STANDARD) -> None:
    """Open OnDemand: what is left of each award in use, for its dashboard."""
    body = session.client.get(f"rounds/{round_}/exports/ondemand").body
    write(session, body, output, f"{len(body['balances'])} balances")


@app.command()
@reading
def calendar(session: Session, round_: RoundId, *, output: Output = STANDARD) -> None:
    """Write the windows of awards as iCalendar, in the language of the terminal."""
    text = session.client.text(f"rounds/{round_}/exports/calendar", accept="text/calendar")
    write_documents({output: text.encode()})
    if output != STANDARD:
        session.note(f"{output}: {text.count('BEGIN:VEVENT')} awards.")


@app.command()
@writing
def steer(  # noqa: PLR0913 - which round, which cluster, how
    session: Session,
    round_: RoundId,
    *,
    cluster: Annotated[str, typer.Option(help="Its name in reports of use: dure usage import.")],
    api_server: Annotated[str, typer.Option(metavar="URL", help="Its Kubernetes API.")],
    api_token_file: Annotated[
        str, typer.Option(metavar="FILE", help="Token of the service account.")
    ] = "",
    api_ca_file: Annotated[
        str, typer.Option(metavar="FILE", help="Certificates to trust; else the system's.")
    ] = "",
    period: Period = 3600,
    burst: Burst = 200,
    force: Annotated[
        bool, typer.Option("--force", help="Take over fields that another manager owns.")
    ] = False,
) -> None:
    """Set the quotas of a Kueue cluster to the pace of now; to be run once a period."""
    session.confirm(f"Set the quotas of {round_} on {api_server}?")
    body = session.client.get(f"rounds/{round_}/exports/limits", cluster=cluster).body
    steering = Steering(
        pacing=Pacing(period_seconds=period, burst_percent=burst),
        metered_at=_instant(body["metered_at"]),
        clock=session.terminal.now,
        force=force,
        rehearsal=session.dry_run,
    )
    limits = [_limit(each) for each in body["items"]]
    token = read_bytes(api_token_file).decode().strip() if api_token_file else ""
    trust = ssl.create_default_context(cafile=api_ca_file) if api_ca_file else None
    with Cluster(api_server, token, trust=trust) as reached:
        steered = list(_steered(reached, limits, steering))
    _tell(session, steered)


def _steered(cluster: Cluster, limits: list[AwardLimit], steering: Steering) -> Iterator[Steered]:
    """Yield what became of each award, or end with what the API server refused."""
    try:
        yield from steering_of(cluster, limits, steering)
    except ClusterAway as away:
        raise CommandRefused(str(away), ExitCode.TRY_LATER) from away
    except ClusterRefusal as refusal:
        raise CommandRefused(str(refusal), exit_code_of_status(refusal.status)) from refusal
    except InvalidValue as refused:
        raise CommandRefused(str(refused), ExitCode.CONFLICT) from refused


def _tell(session: Session, steered: list[Steered]) -> None:
    """Show a line an award, and end badly if somebody stood in the way."""
    told = [
        {
            "award": each.award.award,
            "outcome": str(each.outcome),
            "why": each.why,
            "paces": {name: asdict(pace) for name, pace in each.award.paces.items()},
        }
        for each in steered
    ]
    rows = [("award", "outcome", "GPU type", "own", "most")]
    rows += [
        (each.award.award, str(each.outcome), gpu_type, number(pace.even), number(pace.most))
        for each in steered
        for gpu_type, pace in each.award.paces.items()
    ]
    session.show(told, columns(rows, left=3) if steered else "No award was answered yet.")
    hindered = [each for each in steered if each.outcome in HINDERED]
    if hindered:
        names = "\n".join(f"{each.award.award}: {each.why}" for each in hindered)
        hint = "Others own these fields: --force takes them over."
        raise CommandRefused(f"Not set:\n{names}", ExitCode.CONFLICT, hint=hint)


def _limit(row: Body) -> AwardLimit:
    """Read a limit as the center tells it."""
    names = {each.name for each in fields(AwardLimit)} - {"state", "window"}
    window = row["window"] and tuple(map(datetime.fromisoformat, row["window"]))
    given = {name: row[name] for name in names}
    return AwardLimit(**given, state=AwardState(row["state"]), window=window)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def write(session: Session, body: Body, output: str, told: str) -> None:
    """Write an export as JSON to a file or to standard output, and say how much it is."""
    write_documents({output: (encode(body, indent=2) + "\n").encode()})
    if output != STANDARD:
        session.note(f"{output}: {told}.")
