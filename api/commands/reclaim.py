"""`dure reclaim`: take back unused hours by a rule, announced, with exemptions, by two people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode
from scheduler.reclaim_rule import InvalidReclaimRule, find_rule, presets, rule_document

app = commands(
    "Take back unused hours by a rule: forecast, propose, exempt, decide.",
    "dure reclaim forecast rnd_01jd… --rule nersc",
    "dure reclaim propose rnd_01jd… --rule nersc --on 2027-04-15 --reason 'Half time.'",
    "dure reclaim exempt prp_01jd… awd_01jd… --reason 'The data came late.'",
    "dure reclaim approve prp_01jd… --reason 'Agreed.'",
)
HOUR: Final = 3600
STANDARD: Final = "nersc"
RoundArgument = Annotated[str, typer.Argument(metavar="ROUND", help="Its id.")]
ReclaimArgument = Annotated[str, typer.Argument(metavar="RECLAIM", help="Its id.")]
AwardArgument = Annotated[str, typer.Argument(metavar="AWARD", help="Its id.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]
RuleOption = Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(presets())}.")]


@app.command()
@reading
def forecast(session: Session, round_: RoundArgument, *, rule: RuleOption = STANDARD) -> None:
    """Say what the coming checkpoints will take: if nothing changes, and as others use."""
    body = session.client.get(f"rounds/{round_}/reclaim-forecast", rule=rule).body
    groups = [["on", "group", "if nothing changes", "as others use"]]
    groups += [
        [each["day"], each["group"] or "–", _hours(each["rate"]), _hours(each["curve"])]
        for each in body["groups"]
    ]
    rows = [["on", "award", "GPU type", "exemption until", "if nothing changes", "as others use"]]
    rows += [
        [
            each["day"],
            each["award"],
            each["gpu_type"],
            each["exemption_until"],
            *(_taken(each[basis]) for basis in ("rate", "curve")),
        ]
        for each in body["items"]
    ]
    told = f"{columns(groups, left=2)}\n\n{columns(rows, left=4)}\nGPU-hours."
    session.show(body, told if body["items"] else "No checkpoint lies ahead of your awards.")


@app.command()
@writing
def propose(
    session: Session,
    round_: RoundArgument,
    *,
    rule: Annotated[str, typer.Option(metavar="NAME|FILE.toml", help="A shipped rule, or a file.")],
    on: Annotated[str, typer.Option(metavar="DATE", help="Day of the checkpoint.")],
    reason: ReasonOption,
) -> None:
    """Propose what a rule takes at a checkpoint; holders are told at once."""
    session.confirm(f"Tell the holders of {round_} what {rule} will take at {on}?")
    sent = {**_chosen(rule), "day": on, "reason": reason}
    body = session.client.create(f"rounds/{round_}/reclaims", sent).body
    session.show(body, f"{_summary(body)}\nA second person: dure reclaim approve {body['id']}")


@app.command("list")
@reading
def list_reclaims(session: Session, round_: RoundArgument) -> None:
    """List the reclaims of a round."""
    body = session.client.get(f"rounds/{round_}/reclaims").body
    rows = [["id", "rule", "checkpoint", "state", "takes effect", "awards", "GPU-hours at most"]]
    rows += [
        [
            each["id"],
            each["rule"],
            each["day"],
            each["state"],
            each["takes_effect_at"][:10],
            number(each["awards"]),
            _hours(each["at_most_gpu_seconds"]),
        ]
        for each in body["items"]
    ]
    session.show(body, columns(rows, left=5) if body["items"] else "No reclaims yet.")


@app.command()
@reading
def show(session: Session, reclaim: ReclaimArgument) -> None:
    """Show a reclaim: what each award is told, and who asked to be exempt."""
    body = session.client.get(f"reclaims/{reclaim}").body
    rows = [["award", "fellow", "GPU type", "held", "used", "at most", "expected"]]
    rows += [
        [
            line["award"],
            line["fellow"],
            line["gpu_type"],
            *(_hours(line[name]) for name in ("held", "used", "at_most", "expected")),
        ]
        for line in body["lines"]
    ]
    asked = [
        f"{each['id']}  {each['award']}  {each['state']}  {each['reason']}"
        for each in body["exemptions"]
    ]
    parts = [_summary(body), columns(rows, left=3), *(["Exemptions:", *asked] if asked else [])]
    session.show(body, "\n".join(parts))


@app.command()
@reading
def notices(session: Session, award: AwardArgument) -> None:
    """Say what an award is told that it will lose."""
    body = session.client.get(f"awards/{award}/reclaims").body
    lines = [
        f"{each['id']} ({each['state']}): {line['text']}"
        for each in body["items"]
        for line in each["lines"]
    ]
    session.show(body, "\n".join(lines) or "No reclaim speaks of it.")


@app.command()
@writing
def exempt(
    session: Session, reclaim: ReclaimArgument, award: AwardArgument, *, reason: ReasonOption
) -> None:
    """Ask that an award be spared; a second person decides."""
    sent = {"award": award, "reason": reason}
    body = session.client.create(f"reclaims/{reclaim}/exemptions", sent).body
    session.show(body, f"{body['id']} waits for a decision: dure pending approve {body['id']}")


@app.command()
@writing
def approve(session: Session, reclaim: ReclaimArgument, *, reason: ReasonOption) -> None:
    """Agree, once the notice is over; the hours go to the director's reserve."""
    session.confirm(f"Take back what {reclaim} says?")
    _decide(session, reclaim, "approvals", reason)


@app.command()
@writing
def reject(session: Session, reclaim: ReclaimArgument, *, reason: ReasonOption) -> None:
    """Refuse; nothing is taken."""
    _decide(session, reclaim, "rejections", reason)


def _decide(session: Session, reclaim: str, word: str, reason: str) -> None:
    path = f"reclaims/{reclaim}"
    body = session.client.change(path, f"{path}/{word}", {"reason": reason}).body
    session.show(body, f"{reclaim} is {body['state']}.")


def _chosen(rule: str) -> dict[str, Any]:
    """Return a shipped rule by name, or the content of a file."""
    if rule in presets():
        return {"rule": rule}
    if not Path(rule).suffix:
        raise CommandRefused(f"No rule {rule}: {', '.join(presets())}, or FILE.toml.")
    try:
        return {"content": rule_document(find_rule(rule))}
    except InvalidReclaimRule as refusal:
        raise CommandRefused(str(refusal), ExitCode.USAGE) from refusal


def _summary(body: Mapping[str, Any]) -> str:
    return (
        f"{body['id']} ({body['state']}): {body['title']}, checkpoint {body['day']}. "
        f"At most {_hours(body['at_most_gpu_seconds'])} GPU-hours of {body['awards']} awards, "
        f"from {body['takes_effect_at'][:10]} on; exemptions until {body['exemption_until']}."
    )


def _taken(taking: Mapping[str, Any]) -> str:
    return taking["why_not"] or _hours(taking["gpu_seconds"])


def _hours(gpu_seconds: int) -> str:
    return number(gpu_seconds / HOUR)
