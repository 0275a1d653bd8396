"""`dure award`: what was granted, and why."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Final

import typer

from api.commands.documents import STANDARD
from api.commands.gauges import bar, sparkline
from api.commands.grammar import commands
from api.commands.letters import LangOption, OutputOption, fetch_letter
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number

app = commands(
    "What was granted, and why; accept or return it.",
    "dure award list",
    "dure award usage awd_01jd…",
    "DURE_LANG=ko dure award why awd_01jd…",
    "dure award letter awd_01jd… --lang ko -o letter.pdf",
)

WEEK: Final = 7
HOUR: Final = 3600
BASES: Final = {"rate": "at the present rate", "curve": "as others use", "blend": "both together"}
AwardArgument = Annotated[str, typer.Argument(metavar="AWARD", help="Id of an award.")]


@app.command("list")
@reading
def list_awards(
    session: Session, *, round_: Annotated[str, typer.Option("--round", help="Only of it.")] = ""
) -> None:
    """List the awards you may see."""
    awards = list(session.client.pages("awards", round=round_ or None, limit=500))
    rows = [("id", "request", "state", "requested", "awarded", "returned")]
    rows += [
        (
            each["id"],
            each["request"],
            each["state"],
            number(each["requested"]),
            number(each["awarded"]),
            number(each["returned"]),
        )
        for each in awards
    ]
    session.show(awards, columns(rows, left=3))


@app.command()
@reading
def show(session: Session, award: AwardArgument) -> None:
    """Show one award with its GPU-hours per pool and slot."""
    body = session.client.get(f"awards/{award}").body
    rows = [("award", award), ("request", body["request"]), ("state", body["state"])]
    rows += [(name, number(body[name])) for name in ("requested", "recommended", "awarded")]
    cells = [("pool", "slot", "GPU-hours")]
    cells += [
        (cell["pool"], str(cell["slot"]), number(cell["gpu_hours"])) for cell in body["cells"]
    ]
    session.show(body, f"{columns(rows, left=2)}\n\n{columns(cells)}")


@app.command()
@reading
def changes(session: Session, award: AwardArgument) -> None:
    """Show what an award got and lost since its publication."""
    items = session.client.get(f"awards/{award}/changes").body["items"]
    rows = [("at", "kind", "pool", "slot", "GPU-hours", "reason")]
    rows += [
        (
            each["at"][:16],
            each["kind"],
            cell["pool"],
            str(cell["slot"]),
            number(cell["gpu_hours"]),
            each["reason"],
        )
        for each in items
        for cell in each["cells"]
    ]
    session.show(items, columns(rows, left=3))


@app.command()
@reading
def why(session: Session, award: AwardArgument) -> None:
    """Say why: the rules that decided, with their numbers."""
    body = session.client.get(f"awards/{award}/explanation").body
    session.show(body, body["text"])


@app.command()
@reading
def usage(session: Session, award: AwardArgument) -> None:
    """Show how it is used: against its plan, week by week, and what will be left."""
    body = session.client.get(f"awards/{award}/usage").body
    session.show(body, "\n\n".join(_used(each) for each in body["items"]))


@app.command()
@reading
def letter(
    session: Session,
    award: AwardArgument,
    *,
    lang: LangOption = "",
    output: OutputOption = STANDARD,
) -> None:
    """Show the letter of an award, or write it as PDF, HTML or text."""
    fetch_letter(session, f"awards/{award}/letter", lang, output)


@app.command()
@writing
def accept(session: Session, award: AwardArgument) -> None:
    """Accept an offered award."""
    body = session.client.change(f"awards/{award}", f"awards/{award}/acceptances").body
    session.show(body, f"{award} is accepted.")


@app.command("return")
@writing
def give_back(
    session: Session,
    award: AwardArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    gpu_hours: Annotated[
        float, typer.Option(help="How many reference GPU-hours; 0: all of them.", min=0)
    ] = 0,
) -> None:
    """Return an award, or a part of it."""
    session.confirm(f"Return {number(gpu_hours) if gpu_hours else 'all'} GPU-hours of {award}?")
    sent = {"reason": reason, **({"gpu_hours": gpu_hours} if gpu_hours else {})}
    body = session.client.change(f"awards/{award}", f"awards/{award}/returns", sent).body
    session.show(body, f"{award}: returned.")


@app.command()
@writing
def suspend(
    session: Session, award: AwardArgument, *, reason: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Let an award not be used for now; nothing is taken."""
    session.confirm(f"Suspend {award}?")
    address = f"awards/{award}"
    body = session.client.change(address, f"{address}/suspensions", {"reason": reason}).body
    session.show(body, f"{award} is suspended.")


@app.command()
@writing
def resume(
    session: Session, award: AwardArgument, *, reason: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Let a suspended award be used again."""
    session.confirm(f"Resume {award}?")
    address = f"awards/{award}"
    body = session.client.change(address, f"{address}/resumptions", {"reason": reason}).body
    session.show(body, f"{award} may be used again.")


@app.command()
@writing
def renew(
    session: Session,
    award: AwardArgument,
    call: Annotated[str, typer.Argument(metavar="CALL", help="An open call.")],
) -> None:
    """Begin a request in another call with what was asked for an award."""
    body = session.client.create(f"awards/{award}/renewals", {"call": call}).body
    session.note(f"Next: dure request edit {body['id']}")
    session.show(body, body["id"])


@app.command("expire-offers")
@writing
def expire_offers(
    session: Session,
    call: Annotated[str, typer.Argument(metavar="CALL", help="Id of a call.")],
    *,
    forecast: Annotated[bool, typer.Option(help="Only show what would lapse, and when.")] = False,
) -> None:
    """Let offers lapse that were not answered in time; their hours go back to the call."""
    address = f"calls/{call}/offer-expirations"
    if forecast:
        found = session.client.get(address).body["items"]
        rows = [("award", "fellow", "answer by", "GPU-hours")]
        rows += [
            (each["award"], each["fellow"], each["answer_by"][:16], number(each["gpu_hours"]))
            for each in found
        ]
        session.show(found, columns(rows, left=3) if found else "No offer waits for an answer.")
        return
    session.confirm(f"Let the late offers of {call} lapse?")
    body = session.client.create(address).body
    session.show(body, f"{len(body['awards'])} offers lapsed.")


@app.command()
@writing
def transfer(  # noqa: PLR0913 - the fields of a transfer
    session: Session,
    award: AwardArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="Another award of the group.")],
    *,
    gpu_type: Annotated[str, typer.Option(help="Which GPUs.")],
    gpu_seconds: Annotated[int, typer.Option(help="How much.", min=1)],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Propose to hand hours to another award of your group; the fellow whose they are agrees."""
    session.confirm(f"Propose to hand {gpu_seconds:,} GPU-seconds of {award} to {to}?")
    sent = {"to": to, "gpu_type": gpu_type, "gpu_seconds": gpu_seconds, "reason": reason}
    body = session.client.change(f"awards/{award}", f"awards/{award}/transfers", sent).body
    session.show(body, f"{body['id']} waits for {body['party']}: dure pending approve {body['id']}")


@app.command()
@writing
def adjust(
    session: Session,
    award: AwardArgument,
    *,
    gpu_type: Annotated[str, typer.Option(help="Which GPUs.")],
    gpu_seconds: Annotated[int, typer.Option(help="More; less if negative.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Propose more from the director's reserve, or less; a second person decides."""
    sent = {"gpu_type": gpu_type, "gpu_seconds": gpu_seconds, "reason": reason}
    body = session.client.change(f"awards/{award}", f"awards/{award}/adjustments", sent).body
    session.show(body, f"{body['id']} waits for a second person: dure pending approve {body['id']}")


def _used(item: Mapping[str, Any]) -> str:
    """Return what is used of one GPU type as text."""
    held, used, due = (item[name] for name in ("held", "used", "due"))
    rows = [("", "used at the end", "unused", "used up on")]
    rows += [
        (
            BASES[each["basis"]],
            number(each["used"] / HOUR),
            number(each["unused"] / HOUR),
            (each["exhausts_at"] or "–")[:10],
        )
        for each in item["forecasts"]
    ]
    told = (
        f"{item['gpu_type']}: {number(used / HOUR)} of {number(held / HOUR)} GPU-hours used; "
        f"the plan has {number(due / HOUR)} by now; {number(item['per_day'] / HOUR)} a day lately."
    )
    shape = f"{bar(used, due, held)}  {item['begins_at'][:10]} to {item['ends_at'][:10]}"
    weeks = f"{sparkline(_weeks(item['days']))}  a letter a week" if item["days"] else "No use yet."
    return "\n".join((told, shape, weeks, columns(rows)))


def _weeks(days: list[Mapping[str, Any]]) -> list[int]:
    """Return use by week, from the first to the last day of use."""
    by_day = {date.fromisoformat(each["on"]): each["gpu_seconds"] for each in days}
    first, weeks = min(by_day), Counter[int]()
    for day, amount in by_day.items():
        weeks[(day - first) // timedelta(days=WEEK)] += amount
    return [weeks[week] for week in range(max(weeks) + 1)]
