"""`dure change`: what fellows ask about their awards, and what becomes of it."""

from typing import Annotated, Any

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number

app = commands(
    "Supplements, extensions, advances and appeals.",
    "dure change ask awd_01jd… --kind supplement --gpu-type H200 --gpu-hours 80 --reason …",
    "dure change appeal awd_01jd… --error 'The score is another request’s.' …",
    "dure change grant apl_01jd… --reason 'The score was wrong.'",
)

AwardArgument = Annotated[str, typer.Argument(metavar="AWARD", help="Id of an award.")]
ChangeArgument = Annotated[str, typer.Argument(metavar="CHANGE", help="Id of what was asked.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]
TypeOption = Annotated[str, typer.Option(help="Which GPUs.")]
HoursOption = Annotated[int, typer.Option(help="Whole GPU-hours on their pools.", min=1)]


@app.command("list")
@reading
def list_changes(
    session: Session,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
) -> None:
    """List what was asked, as far as you may see it."""
    state = None if everything else "filed"
    found = [
        each
        for path in ("change-requests", "appeals")
        for each in session.client.pages(path, state=state, limit=500)
    ]
    rows = [("id", "kind", "award", "state", "asked", "granted", "reason")]
    rows += [
        (
            each["id"],
            each["kind"],
            each["award"],
            each["state"],
            f"{number(each['gpu_hours'])} {each['gpu_type']}",
            number(each["granted"]),
            each["error"] or each["reason"],
        )
        for each in found
    ]
    session.show(found, columns(rows, left=7) if found else "Nothing is asked.")


@app.command()
@writing
def ask(  # noqa: PLR0913 - the fields of what is asked
    session: Session,
    award: AwardArgument,
    *,
    kind: Annotated[str, typer.Option(help="supplement, extension or advance.")],
    gpu_type: TypeOption,
    gpu_hours: HoursOption,
    reason: ReasonOption,
    first: Annotated[int, typer.Option(help="First slot; -1: any to come.", min=-1)] = -1,
    end: Annotated[int, typer.Option(help="Slot before which; -1: any.", min=-1)] = -1,
) -> None:
    """Ask for more hours, for later ones or for earlier ones."""
    sent: dict[str, Any] = {
        "kind": kind,
        "gpu_type": gpu_type,
        "gpu_hours": gpu_hours,
        "reason": reason,
        "first": first if first >= 0 else None,
        "end": end if end >= 0 else None,
    }
    body = session.client.create(f"awards/{award}/change-requests", sent).body
    session.show(body, f"{body['id']} is filed.")


@app.command()
@writing
def appeal(  # noqa: PLR0913 - the fields of an appeal
    session: Session,
    award: AwardArgument,
    *,
    error: Annotated[str, typer.Option(help="The fact that is wrong.")],
    gpu_type: TypeOption,
    gpu_hours: HoursOption,
    reason: ReasonOption,
) -> None:
    """Appeal against a decision that rests on an error of fact."""
    sent = {"error": error, "gpu_type": gpu_type, "gpu_hours": gpu_hours, "reason": reason}
    body = session.client.create(f"awards/{award}/appeals", sent).body
    session.show(body, f"{body['id']} is filed.")


@app.command()
@writing
def grant(
    session: Session,
    change: ChangeArgument,
    *,
    reason: ReasonOption,
    gpu_hours: Annotated[int, typer.Option(help="How many of them; 0: all.", min=0)] = 0,
) -> None:
    """Grant what was asked, or some of it; it takes effect at once."""
    sent = {"grant": True, "reason": reason, "gpu_hours": gpu_hours or None}
    _decide(session, change, "Grant", sent)


@app.command()
@writing
def reject(session: Session, change: ChangeArgument, *, reason: ReasonOption) -> None:
    """Refuse what was asked."""
    _decide(session, change, "Reject", {"grant": False, "reason": reason})


def _decide(session: Session, change: str, word: str, sent: dict[str, Any]) -> None:
    """Show what it is, ask, and send."""
    path = "appeals" if change.startswith("apl_") else "change-requests"
    address = f"{path}/{change}"
    shown = session.client.get(address).body
    amount = f"{number(shown['gpu_hours'])} {shown['gpu_type']} GPU-hours"
    session.confirm(f"{word} the {shown['kind']} of {amount} for {shown['award']}?")
    body = session.client.change(address, f"{address}/decisions", sent).body
    session.show(body, f"{change} is {body['state']}: {number(body['granted'])} GPU-hours.")
