"""`dure usage`: what jobs used, from the clusters' accounting into the books."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import httpx
import typer

from api.commands.documents import read_bytes
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode
from scheduler.importers.dcgm import IdleQuery, read_idle

app = commands(
    "What jobs used: import, list, correct, reconcile, forecast.",
    "TZ=UTC sacct -a -X -D -n -P -S now-2days \\",
    "  -o jobid,user,account,state,elapsedraw,alloctres,start,end,qos > sacct.txt",
    "dure usage import --cluster duru sacct.txt",
    "dure usage list --person mina",
    "scontrol -o show assoc_mgr flags=assoc | dure usage gauges --cluster duru -",
    "dure usage reconcile --cluster duru --since 2027-01-04T00:00:00Z sacct.txt",
    "dure usage forecast rnd_01jd…",
)
HOUR: Final = 3600
PROMETHEUS_SECONDS: Final = 60.0
"""How long a Prometheus may take for its answer."""
MEDIA: Final = {"sacct": "text/plain", "json": "application/json", "csv": "text/csv"}


@app.command("import")
@writing
def import_usage(
    session: Session,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What sacct printed, or a CSV; or -.")
    ],
    *,
    cluster: Annotated[str, typer.Option(help="Whose accounting it is.")],
    kind: Annotated[
        str, typer.Option("--format", help="sacct, json or csv; else by how the file looks.")
    ] = "",
) -> None:
    """Enter what a cluster reports; what is known already changes nothing."""
    text = read_bytes(file).decode("utf-8-sig")
    shape = kind or looks_like(text)
    if shape not in MEDIA:
        raise CommandRefused(f"No format {shape}: sacct, json or csv.", ExitCode.USAGE)
    session.confirm(f"Enter the usage of {cluster} in {file}?")
    path = f"usage-batches?cluster={cluster}"
    body = session.client.upload(path, text, media_type=MEDIA[shape]).body
    told = (
        f"{body['grown']:,} of {body['slices']:,} slices are new or longer: "
        f"{body['gpu_seconds']:,} GPU-seconds entered, {body['outside']:,} outside any award."
    )
    if body["disputed"]:
        told += f"\n{body['disputed']:,} corrected slices differ from the feed and were left."
    session.show(body, told)


def looks_like(text: str) -> str:
    """Return the format of a file: JSON begins with a brace, a table names its columns."""
    start = text.lstrip()[:200]
    if start.startswith("{"):
        return "json"
    return "csv" if start.startswith("cluster,") else "sacct"


@app.command("list")
@reading
def list_usage(
    session: Session,
    *,
    award: Annotated[str, typer.Option(help="Only charged to it.")] = "",
    person: Annotated[str, typer.Option(help="Only of them.")] = "",
    cluster: Annotated[str, typer.Option(help="Only there.")] = "",
    job: Annotated[str, typer.Option(help="Only of it.")] = "",
) -> None:
    """List the entries you may see, oldest first."""
    entries = list(
        session.client.pages(
            "usage",
            award=award or None,
            person=person or None,
            cluster=cluster or None,
            job=job or None,
            limit=500,
        )
    )
    rows = [("cluster", "job", "from", "person", "GPU type", "award", "kind", "GPU-seconds")]
    rows += [
        (
            each["cluster"],
            each["job"],
            each["begins_at"][:19],
            each["person"],
            each["gpu_type"],
            each["award"] or "–",
            each["kind"],
            number(each["gpu_seconds"]),
        )
        for each in entries
    ]
    session.show(entries, columns(rows, left=7) if entries else "No usage yet.")


@app.command()
@reading
def forecast(
    session: Session, round_: Annotated[str, typer.Argument(metavar="ROUND", help="Its id.")]
) -> None:
    """Say what each group will leave unused of a round, if nothing changes or as others use."""
    body = session.client.get(f"rounds/{round_}/usage").body
    rows = [["group", "GPU-hours", "used", "by plan", "unused if nothing changes", "as others use"]]
    for each in body["groups"]:
        unused = {will["basis"]: will["unused"] for will in each["forecasts"]}
        figures = (each["held"], each["used"], each["due"], unused["rate"], unused["curve"])
        rows.append([each["group"] or "–", *(number(figure / HOUR) for figure in figures)])
    session.show(body, columns(rows) if body["groups"] else "No awards that you may see.")


@app.command()
@writing
def correct(  # noqa: PLR0913 - what names a slice, and two facts
    session: Session,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="Its name.")],
    job: Annotated[str, typer.Argument(metavar="JOB", help="Its id there.")],
    *,
    begins_at: Annotated[str, typer.Option("--from", help="When the slice begins, as listed.")],
    gpu_seconds: Annotated[int, typer.Option(help="All that it really used.", min=0)],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Propose that a slice used another amount; a second person decides."""
    instant = begins_at if begins_at.endswith("Z") or "+" in begins_at else f"{begins_at}Z"
    sent = {
        "cluster": cluster,
        "job": job,
        "begins_at": instant,
        "gpu_seconds": gpu_seconds,
        "reason": reason,
    }
    body = session.client.create("usage-corrections", sent).body
    session.show(body, f"{body['id']} waits for a second person: dure pending approve {body['id']}")


@app.command()
@writing
def gauges(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What scontrol printed; or -.")],
    *,
    cluster: Annotated[str, typer.Option(help="Whose controller it is.")],
) -> None:
    """Keep what a cluster's controller counts now: scontrol -o show assoc_mgr flags=assoc."""
    text = read_bytes(file).decode("utf-8-sig")
    session.confirm(f"Replace the gauges of {cluster} by those in {file}?")
    path = f"usage-gauges?cluster={cluster}"
    body = session.client.upload(path, text, media_type="text/plain").body
    told = (
        f"{body['users']:,} users ({body['strangers']:,} unknown here):"
        f" {body['used_gpu_minutes']:,} GPU-minutes used, {body['running_gpus']:,} GPUs in use."
    )
    session.show(body, told)


@app.command()
@writing
def reconcile(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What sacct printed; or -.")],
    *,
    cluster: Annotated[str, typer.Option(help="Whose accounting it is.")],
    since: Annotated[str, typer.Option(help="From when on the file is whole, as sacct -S.")],
) -> None:
    """Compare the books with accounting, controller and ledger; nothing of them changes."""
    text = read_bytes(file).decode("utf-8-sig")
    shape = looks_like(text)
    if shape == "csv":
        raise CommandRefused("A reconciliation reads what sacct printed.", ExitCode.USAGE)
    query = urlencode({"cluster": cluster, "since": since})
    path = f"reconciliations?{query}"
    body = session.client.upload(path, text, media_type=MEDIA[shape]).body
    session.show(body, reconciled(body))


def reconciled(body: Mapping[str, Any]) -> str:
    """Return what a reconciliation found, for people."""
    differences = [("books and", "is", "person", "award", "told", "entered", "GPU-seconds")]
    differences += [
        (
            each["source"],
            each["state"],
            each["person"] or "–",
            each["award"] or "–",
            number(each["told"]),
            number(each["entered"]),
            number(each["gpu_seconds"]),
        )
        for each in body["differences"]
    ]
    asked = body["gauged_at"]
    return "\n\n".join(
        (
            f"{number(body['jobs'])} jobs compared; the controller was "
            + (f"asked at {asked[:19]}." if asked else "never asked: dure usage gauges."),
            columns(differences, left=4) if body["differences"] else "No difference.",
            strays(body["runaways"]),
        )
    )


def strays(found: Sequence[Mapping[str, Any]]) -> str:
    """Return runaway jobs, for people."""
    rows = [("job", "person", "GPU type", "GPUs", "since", "hours", "cause")]
    rows += [
        (
            each["job"],
            each["person"],
            each["gpu_type"],
            number(each["gpus"]),
            each["starts_at"][:19],
            number(each["elapsed_seconds"] // HOUR),
            each["cause"],
        )
        for each in found
    ]
    return columns(rows, left=3) if found else "No runaway job."


@app.command()
@reading
def runaways(
    session: Session,
    *,
    cluster: Annotated[str, typer.Option(help="Whose jobs they are.")],
) -> None:
    """List the runaway jobs that the latest reconciliation of a cluster found."""
    made = list(session.client.pages("reconciliations", cluster=cluster, limit=500))
    found = made[-1]["runaways"] if made else []
    told = f"As of {made[-1]['at'][:19]}.\n\n" if made else "Never reconciled. "
    session.show(found, told + strays(found))


@app.command()
@reading
def idle(  # noqa: PLR0913 - where, over which time, what counts
    session: Session,
    *,
    cluster: Annotated[str, typer.Option(help="Whose jobs they are.")],
    prometheus: Annotated[str, typer.Option(help="Address of the Prometheus that has DCGM's.")],
    hours: Annotated[int, typer.Option(help="How far back.", min=1, max=24 * 31)] = 24,
    step: Annotated[int, typer.Option(help="Seconds between samples.", min=1, max=3600)] = 60,
    percent: Annotated[int, typer.Option(help="Less activity is idle.", min=1, max=100)] = 5,
) -> None:
    """List jobs by the GPU-seconds that they held and did not use, with their awards."""
    asked = IdleQuery(
        window=timedelta(hours=hours), step=timedelta(seconds=step), idle_percent=percent
    )
    held, unused = (answered(prometheus, each) for each in (asked.held, asked.idle))
    jobs = [(each, award_of(session, cluster, each.job)) for each in read_idle(held, unused)]
    rows = [("job", "award", "held GPU-seconds", "idle GPU-seconds", "idle")]
    rows += [
        (
            each.job,
            award or "–",
            number(each.held),
            number(each.idle),
            f"{each.idle / max(each.held, 1):.0%}",
        )
        for each, award in jobs
    ]
    told = [
        {
            "job": each.job,
            "award": award,
            "held_gpu_seconds": each.held,
            "idle_gpu_seconds": each.idle,
        }
        for each, award in jobs
    ]
    session.show(told, columns(rows, left=2) if told else "No job held a GPU in this time.")


def answered(prometheus: str, expression: str) -> Mapping[str, Any]:
    """Return what a Prometheus answers now.

    Raises:
        CommandRefused: If it cannot be reached or is none.
    """
    address = f"{prometheus.rstrip('/')}/api/v1/query"
    try:
        answer = httpx.get(address, params={"query": expression}, timeout=PROMETHEUS_SECONDS)
        body: Mapping[str, Any] = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as refusal:
        raise CommandRefused(f"{address}: {refusal}", ExitCode.TRY_LATER) from refusal
    return body


def award_of(session: Session, cluster: str, job: str) -> str | None:
    """Return the award that a job's use is charged to, if any."""
    entries = session.client.pages("usage", cluster=cluster, job=job, limit=500)
    return next((each["award"] for each in entries if each["award"]), None)
