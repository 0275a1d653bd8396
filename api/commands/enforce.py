"""`dure enforce`: awards become limits on a cluster, and stay so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from api.agent import Agent, Done, Sight
from api.client import ClientError
from api.commands.grammar import JsonOption, commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode, terminal_of, told_to_stop
from api.plain_json import encode
from api.signing import UntrustedPlan
from api.slurm import SlurmCluster, SlurmRefused
from scheduler.export.slurm_commands import flat_file, stages
from scheduler.export.slurm_doctor import Ailment, examine
from scheduler.export.slurm_show import UnreadableSlurm

app = commands(
    "Awards become limits on a cluster, and stay so.",
    "dure enforce target duru --gpu-type H200=h200    what the cluster calls its GPUs",
    "dure enforce doctor --cluster duru --gpu-type H200=h200",
    "dure enforce plan --cluster duru --key duru.key  what would change there",
    "dure enforce agent --cluster duru --key duru.key",
    "dure enforce drift --exit-code",
)
DRIFTED: Final = ExitCode.NOT_WITHIN_GAP
"""What `drift --exit-code` ends with when something is not as it was told."""

ClusterOption = Annotated[str, typer.Option(help="Its name in its accounting.")]
KeyOption = Annotated[
    Path, typer.Option("--key", help="File with the key that `dure admin enforcement-key` printed.")
]
MemoryOption = Annotated[
    Path | None,
    typer.Option("--memory", help="Where the agent remembers; else var/agent-CLUSTER.json."),
]
TypesOption = Annotated[
    list[str],
    typer.Option("--gpu-type", metavar="NAME=WORD", help="The center's name, the cluster's word."),
]


@app.command()
@reading
def targets(session: Session) -> None:
    """List clusters that enforce, by their agents' latest reports."""
    found = list(session.client.pages("enforcement/targets", limit=500))
    rows = [("target", "form", "waiting", "drift", "left", "reported")]
    rows += [
        (
            each["id"],
            each["form"],
            number(each["waiting"]),
            number(each["drift"]),
            number(each["left"]),
            (each["reported_at"] or "never")[:19],
        )
        for each in found
    ]
    session.show(found, columns(rows, left=2) if found else "No cluster enforces yet.")


@app.command()
@writing
def target(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name in its accounting.")],
    *,
    gpu_type: TypesOption,
    form: Annotated[str, typer.Option(help="associations or qos.")] = "associations",
    manual: Annotated[
        bool, typer.Option("--manual", help="Apply only what a sync asks for.")
    ] = False,
) -> None:
    """Say how a cluster enforces."""
    gpu_types = _types(gpu_type)
    known = list(session.client.pages("enforcement/targets", limit=500))
    path = f"enforcement/targets/{name}"
    etag = session.client.get(path).etag if any(each["id"] == name for each in known) else ""
    session.confirm(f"Let {name} enforce awards in the form of {form}?")
    sent = {"form": form, "gpu_types": gpu_types, "automatic": not manual}
    body = session.client.put(path, sent, etag=etag).body
    session.show(body, f"{name} enforces {', '.join(body['gpu_types'])} by {body['form']}.")


@app.command()
@writing
def sync(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="CLUSTER", help="Which.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Ask that a cluster be brought in line at its agent's next look."""
    session.confirm(f"Bring {name} in line?")
    body = session.client.create("enforcement/syncs", {"target": name, "reason": reason}).body
    session.show(body, f"{name} is asked; {body['waiting']} effects wait there.")


@app.command()
@reading
def drift(
    session: Session,
    *,
    cluster: Annotated[str, typer.Option(help="Only there.")] = "",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 3 if anything drifted.")
    ] = False,
) -> None:
    """List what clusters have otherwise than they were told."""
    found = list(session.client.pages("enforcement/drift", target=cluster or None, limit=500))
    rows = [("target", "name", "expected", "found")]
    rows += [(each["target"], each["name"], each["expected"], each["found"]) for each in found]
    session.show(found, columns(rows, left=4) if found else "Nothing has drifted.")
    if exit_code and found:
        raise CommandRefused(f"{len(found)} things have drifted.", DRIFTED)


@app.command()
@reading
def plan(
    session: Session,
    *,
    cluster: ClusterOption,
    key: KeyOption,
    memory: MemoryOption = None,
    flat: Annotated[
        Path | None, typer.Option("--flat-file", help="Also write the file for sacctmgr load.")
    ] = None,
) -> None:
    """Show what would change on this machine's cluster; nothing is changed."""
    with _plainly():
        sight = _agent(session, cluster, key, memory).look()
    if flat is not None:
        flat.write_text(flat_file(sight.change), "utf-8")
    body = {**sight.change.document(), "plan": sight.envelope["digest"]}
    body["reservations"] = [list(each) for each in sight.reservations]
    session.show(body, "\n".join(_lines(sight)) or "Nothing differs.")


@app.command()
@writing
def apply(
    session: Session, *, cluster: ClusterOption, key: KeyOption, memory: MemoryOption = None
) -> None:
    """Make this machine's cluster as the plan says, once, and report it."""
    session.confirm(f"Change the limits of {cluster}?")
    with _plainly():
        done = _agent(session, cluster, key, memory).work(apply=True)
    session.show(_told(done), _said(done))


@app.command()
@writing
def agent(  # noqa: PLR0913 - one parameter an option
    session: Session,
    *,
    cluster: ClusterOption,
    key: KeyOption,
    memory: MemoryOption = None,
    period: Annotated[
        float, typer.Option(help="Seconds between two looks.", min=1, max=3600)
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Look after this machine's cluster until told to stop: pull, apply, report."""
    session.confirm(f"Keep the limits of {cluster} as its plans say?")
    watcher = _agent(session, cluster, key, memory)
    if once:
        with _plainly():
            session.show(_told(done := watcher.work()), _said(done))
        return
    stop = told_to_stop()
    while not stop.is_set():
        try:
            done = watcher.work()
            session.show(_told(done), _said(done))
        except (ClientError, SlurmRefused, UnreadableSlurm, UntrustedPlan) as trouble:
            session.note(f"dure: {trouble}")
        stop.wait(period)


@app.command()
def doctor(
    context: typer.Context,
    *,
    cluster: ClusterOption,
    gpu_type: TypesOption,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with this machine's Slurm, and how to mend it; end with 1 if anything."""
    terminal = terminal_of(context)
    with _plainly():
        config = SlurmCluster(name=cluster).config()
    found = examine(config, cluster=cluster, gpu_types=_types(gpu_type))
    body = [
        {name: getattr(each, name) for name in ("setting", "found", "wanted", "why", "mend")}
        for each in found
    ]
    said = "\n".join(_complaint(each) for each in found)
    terminal.data(encode(body, indent=2) if as_json else said or "Limits hold on this cluster.")
    if found:
        raise CommandRefused(f"{len(found)} settings let limits fail.", ExitCode.ERROR)


def _agent(session: Session, cluster: str, key: Path, memory: Path | None) -> Agent:
    try:
        secret = key.read_text("ascii").strip()
        bytes.fromhex(secret)
    except (OSError, ValueError) as error:
        raise CommandRefused(f"{key} holds no key: {error}", ExitCode.USAGE) from error
    return Agent(
        client=session.client,
        cluster=SlurmCluster(name=cluster),
        key=secret,
        memory=memory or Path("var") / f"agent-{cluster}.json",
        clock=session.terminal.now,
    )


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn what the cluster or a plan refuses into a message and an exit code."""
    try:
        yield
    except UntrustedPlan as error:
        raise CommandRefused(str(error), ExitCode.VERIFICATION_FAILED) from error
    except (SlurmRefused, UnreadableSlurm) as error:
        raise CommandRefused(str(error)) from error


def _types(stated: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in stated]
    if any(not mark for _, mark, _ in pairs):
        raise CommandRefused("A GPU type is NAME=WORD; NAME= if GPUs have none.", ExitCode.USAGE)
    return {name: word for name, _, word in pairs}


def _lines(sight: Sight) -> list[str]:
    """Return the command lines of a change, the flat file below the one that loads it."""
    lines = []
    for stage in stages(sight.change):
        for command in stage:
            lines.append(command.line())
            lines += [f"    {line}" for line in command.file.splitlines()]
    return lines + [" ".join(("scontrol", *each)) for each in sight.reservations]


def _told(done: Done) -> dict[str, Any]:
    return {
        "plan": done.sight.envelope["digest"],
        "applied": done.applied,
        "commands": done.commands,
        "drift": len(done.sight.drift),
        "left": done.left,
    }


def _said(done: Done) -> str:
    state = "as planned" if done.applied else f"{done.left} things differ"
    drifted = f", {len(done.sight.drift)} had drifted" if done.sight.drift else ""
    return f"{done.commands} commands, {state}{drifted}."


def _complaint(each: Ailment) -> str:
    return f"{each.setting} is {each.found}: {each.why}\n    slurm.conf: {each.mend}"
