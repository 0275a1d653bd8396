"""The demo's round, step by step over HTTP, each person with a token of their own."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from api.commands.demo_center import (
    APPROVER,
    OPERATOR,
    SECOND_OPERATOR,
    THREADS,
    Center,
)
from api.commands.progress import SolveProgress
from api.commands.terminal import CommandRefused
from scheduler.document import Document
from scheduler.policy import find_policy

POLICIES = ("entitlement", "rank_and_fund", "proportional")
ASKED = (
    "gpu_hours",
    "minimum_gpu_hours",
    "gang_gpus",
    "max_gpus",
    "window",
    "speeds",
    "shape",
    "block_slots",
    "single_pool",
    "track",
    "urgency",
)
"""Keys of a request in a round file that its fellow states."""
AGREED = "Agreed by the allocation committee."


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came of the requests.

    Attributes:
        ids: the center's id by the file's id.
        receipts: one for each request.
        seconds: how long each submission took to be answered.
    """

    ids: Mapping[str, str]
    receipts: Sequence[Mapping[str, Any]]
    seconds: Sequence[float]

    def percentile(self, part: int) -> float:
        """Return the seconds within which so many percent were answered."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[part - 1]


def open_call(center: Center, round_: Document) -> str:
    """Draft the policy and the call as operator; lock and open them as approver."""
    operator, approver = center.as_person(OPERATOR), center.as_person(APPROVER)
    content = find_policy(POLICIES[0]).document
    sent = {"name": "innocore", "title": "Shares by right, then merit", "content": content}
    version = operator.create("policies", sent).body["number"]
    path = f"policies/innocore/versions/{version}"
    approver.change(path, f"{path}/locks")
    call = operator.create("calls", _call(center, round_, version)).body["id"]
    approver.change(f"calls/{call}", f"calls/{call}/openings")
    return str(call)


def _call(center: Center, round_: Document, version: int) -> dict[str, Any]:
    """Return the call that a round file answers."""
    now = center.terminal.now()
    return {
        "title": str(round_.get("title", round_["id"]))[:120],
        "opens_at": (now - timedelta(minutes=1)).isoformat(),
        "closes_at": (now + timedelta(hours=1)).isoformat(),
        "policy": "innocore",
        "policy_version": version,
        "calendar": round_["calendar"],
        "pools": [pool["id"] for pool in round_["pools"]],
        "tracks": round_.get("tracks") or [],
    }


def submit_all(
    center: Center, call: str, round_: Document, advance: Callable[[], None]
) -> Submitted:
    """Write and submit every request as its fellow; those that follow others come second."""
    ids: dict[str, str] = {}
    receipts, seconds = [], []

    def submit(request: Document) -> tuple[str, str, dict[str, Any], float]:
        client = center.as_person(request["fellow"])
        created = client.create("requests", _ask(call, request, ids))
        began = center.terminal.seconds()
        path = f"requests/{created.body['id']}"
        answer = client.create(f"{path}/submissions", etag=created.etag)
        waited = center.terminal.seconds() - began
        advance()
        return request["id"], created.body["id"], answer.body["receipt"], waited

    with ThreadPoolExecutor(THREADS) as threads:
        for wave in _waves(round_["requests"]):
            for file_id, id_, receipt, waited in threads.map(submit, wave):
                ids[file_id] = id_
                receipts.append(receipt)
                seconds.append(waited)
    return Submitted(ids=ids, receipts=receipts, seconds=seconds)


def _ask(call: str, request: Document, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return a request of the file as its fellow writes it."""
    stated = {name: request[name] for name in ASKED if request.get(name) is not None}
    if request.get("after") is not None:
        stated["after"] = ids[request["after"]]
    return {"call": call, "title": f"Request {request['id']}", **stated}


def _waves(requests: Sequence[Document]) -> Iterable[list[Document]]:
    """Yield the requests so that each comes later than the one it follows."""
    done: set[str] = set()
    left = list(requests)
    while left:
        wave = [each for each in left if each.get("after") is None or each["after"] in done]
        yield wave
        done.update(each["id"] for each in wave)
        left = [each for each in left if each["id"] not in done]


def import_scores(center: Center, call: str, round_: Document, ids: Mapping[str, str]) -> int:
    """Close the call and import the panel's scores."""
    sent = {"reason": "Everybody has submitted."}
    center.as_person(APPROVER).change(f"calls/{call}", f"calls/{call}/closings", sent)
    rows = [f"{ids[each['id']]},{each.get('score', 50)}" for each in round_["requests"]]
    text = "\n".join(["request,score", *rows])
    operator = center.as_person(OPERATOR)
    answer = operator.upload(f"calls/{call}/score-imports", text, media_type="text/csv")
    return int(answer.body["imported"])


def freeze(center: Center, call: str) -> dict[str, Any]:
    """Create the round of the call and take its snapshot."""
    operator = center.as_person(OPERATOR)
    round_ = operator.create(f"calls/{call}/rounds", {}).body["id"]
    operator.change(f"rounds/{round_}", f"rounds/{round_}/freezes")
    return dict(operator.get(f"rounds/{round_}").body)


def solve(center: Center, round_: str, preset: str) -> dict[str, Any]:
    """Queue a solve, follow it, and return its scenario.

    Raises:
        CommandRefused: If it does not end in a scenario.
    """
    operator = center.as_person(OPERATOR)
    sent = {"preset": preset, "seed": 0, "gap": 0.001}
    job = operator.change(f"rounds/{round_}", f"rounds/{round_}/solves", sent).body["id"]
    with SolveProgress(center.terminal, preset, shown=True) as line:
        for event in operator.events(f"solves/{job}/events"):
            told = event.body if isinstance(event.body, dict) else {}
            line.show(
                str(told.get("stage", "")),
                told.get("objective"),
                told.get("bound"),
                told.get("gap"),
            )
    body = operator.get(f"solves/{job}").body
    if body["scenario"] is None:
        raise CommandRefused(f"The solve under {preset} ended as {body['state']}: {body['error']}")
    return dict(operator.get(f"scenarios/{body['scenario']}").body)


def decide(center: Center, round_: str, scenario: Mapping[str, Any]) -> None:
    """Select as one person, approve by digest as another, publish."""
    path = f"rounds/{round_}"
    operator, approver = center.as_person(OPERATOR), center.as_person(APPROVER)
    chosen = {"scenario_id": scenario["id"], "reason": "Every group close to its entitlement."}
    operator.change(path, f"{path}/selections", chosen)
    signed = {"scenario_digest": scenario["digest"], "reason": AGREED}
    approver.change(path, f"{path}/approvals", signed)
    publisher = center.as_person(SECOND_OPERATOR)
    publisher.change(path, f"{path}/publications", {"scenario_digest": scenario["digest"]})


def outcomes(center: Center, call: str, round_: str) -> dict[str, dict[str, Any]]:
    """Return one request of each kind: the first funded, the first and the last in line."""
    auditor = center.as_person(OPERATOR)

    def first(state: str) -> list[dict[str, Any]]:
        return list(auditor.get("requests", call=call, state=state, limit=1).body["items"])

    waiting = auditor.get(f"rounds/{round_}/reserve").body["items"]
    found = {"funded": first("awarded"), "declined": first("declined")}
    if waiting:
        found["next in line"] = [auditor.get(f"requests/{waiting[0]['request']}").body]
    if waiting and not found["declined"]:
        title = f"last in line (rank {waiting[-1]['rank']})"
        found[title] = [auditor.get(f"requests/{waiting[-1]['request']}").body]
    return {kind: rows[0] for kind, rows in found.items() if rows}


def explained(center: Center, request: Mapping[str, Any], language: str) -> str:
    """Return why a request got what it got, as its own fellow reads it."""
    fellow = center.as_person(str(request["fellow"]))
    return str(fellow.get(f"requests/{request['id']}/explanation", lang=language).body["text"])


def documents_of(center: Center, round_: str, scenario: Mapping[str, Any]) -> dict[str, str]:
    """Return round, plan and certificate as the center keeps them, by file name."""
    operator = center.as_person(OPERATOR)
    paths = {
        "round.json": f"rounds/{round_}/snapshot",
        "plan.json": f"scenarios/{scenario['id']}/plan",
        "certificate.json": f"scenarios/{scenario['id']}/certificate",
    }
    return {name: operator.text(path, accept="application/json") for name, path in paths.items()}
