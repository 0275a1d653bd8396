"""`dure usage`: what jobs used, from the clusters' accounting into the books."""

from typing import Annotated, Final

import typer

from api.commands.documents import read_bytes
from api.commands.grammar import commands
from api.commands.session import Session, reading, writing
from api.commands.tables import columns, number
from api.commands.terminal import CommandRefused, ExitCode

app = commands(
    "What jobs used: import, list, correct, forecast.",
    "TZ=UTC sacct -a -X -D -n -P -S now-2days \\",
    "  -o jobid,user,account,state,elapsedraw,alloctres,start,end,qos > sacct.txt",
    "dure usage import --cluster duru sacct.txt",
    "dure usage list --person mina",
    "dure usage forecast rnd_01jd…",
)
HOUR: Final = 3600
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
