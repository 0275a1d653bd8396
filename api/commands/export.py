"""`dure export`: a round's awards as other systems read them."""

from typing import Annotated

import typer

from api.client import Body
from api.commands.documents import STANDARD, write_documents
from api.commands.grammar import commands
from api.commands.session import Session, reading
from api.plain_json import encode

app = commands(
    "A round's awards as other systems read them.",
    "dure export kueue rnd_01jd… | kubectl apply -f -",
    "dure export volcano rnd_01jd… -o queues.json",
)

RoundId = Annotated[str, typer.Argument(metavar="ROUND", help="Id of a published round.")]
Output = Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Else to stdout.")]
Period = Annotated[int, typer.Option(help="Seconds from one pace to the next.")]
Burst = Annotated[int, typer.Option(help="Most GPUs at once, in percent of the even pace.")]


@app.command()
@reading
def kueue(
    session: Session,
    round_: RoundId,
    *,
    period: Period = 3600,
    burst: Burst = 200,
    output: Output = STANDARD,
) -> None:
    """Kueue: a flavor a GPU type, a cohort a group, a cluster queue an award."""
    _queues(session, round_, "kueue", period=period, burst=burst, output=output)


@app.command()
@reading
def kai(
    session: Session,
    round_: RoundId,
    *,
    period: Period = 3600,
    burst: Burst = 200,
    output: Output = STANDARD,
) -> None:
    """KAI scheduler: queues of groups and awards on each GPU type."""
    _queues(session, round_, "kai", period=period, burst=burst, output=output)


@app.command()
@reading
def volcano(
    session: Session,
    round_: RoundId,
    *,
    period: Period = 3600,
    burst: Burst = 200,
    output: Output = STANDARD,
) -> None:
    """Volcano: queues of groups and awards on each GPU type."""
    _queues(session, round_, "volcano", period=period, burst=burst, output=output)


def _queues(  # noqa: PLR0913 - what the three schedulers are asked alike
    session: Session, round_: str, scheduler: str, *, period: int, burst: int, output: str
) -> None:
    body = session.client.get(
        f"rounds/{round_}/exports/{scheduler}", period_seconds=period, burst_percent=burst
    ).body
    write(session, body, output, f"{len(body['items'])} objects")


def write(session: Session, body: Body, output: str, told: str) -> None:
    """Write an export as JSON to a file or to standard output, and say how much it is."""
    write_documents({output: (encode(body, indent=2) + "\n").encode()})
    if output != STANDARD:
        session.note(f"{output}: {told}.")
