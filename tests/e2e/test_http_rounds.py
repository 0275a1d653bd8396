"""A whole round over HTTP: from frozen requests to awards that fellows answer."""

import gzip
import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.center import Center
from tests.e2e.solving import fail_one, solve_one, work_one
from tests.rounds import a_request, a_round

ROUNDS = Path(__file__).parents[2] / "benchmarks" / "rounds"


def a_frozen_round(center: Center, *asks: dict) -> tuple[str, list[str]]:
    """Return a frozen round and its requests: one of kim, one of park, unless told."""
    call = center.call()
    people = ("kim", "park", "lee")
    requests = []
    for who, ask in zip(people, asks or ({}, {}), strict=False):
        requests.append(center.request(call, who, **ask))
        assert 201 == center.submit(requests[-1], who).status_code
    center.clock.now = datetime(2026, 11, 22, 15, tzinfo=UTC)
    round_ = center.create(f"calls/{call}/rounds", "op", {"title": "Autumn"}).json()["id"]
    path = f"rounds/{round_}"
    frozen = center.change(path, f"{path}/freezes", "op")
    assert (201, "frozen", len(requests)) == (
        frozen.status_code,
        frozen.json()["state"],
        frozen.json()["requests"],
    )
    return round_, requests


def a_scenario(center: Center, round_: str, who: str = "op", **order: object) -> str:
    """Return the id of a solved scenario."""
    path = f"rounds/{round_}"
    body = {"preset": "rank_and_fund", **order}
    started = center.change(path, f"{path}/solves", who, body)
    assert 202 == started.status_code, started.text
    return solve_one(center)


def published(center: Center, *asks: dict) -> tuple[str, list[str]]:
    """Return a published round and its requests."""
    round_, requests = a_frozen_round(center, *asks)
    publish(center, round_, a_scenario(center, round_))
    return round_, requests


def publish(center: Center, round_: str, scenario: str) -> None:
    """Let an operator select, a second person sign, and the operator publish."""
    path = f"rounds/{round_}"
    body = {"scenario_id": scenario, "reason": "Best."}
    digest = center.change(path, f"{path}/selections", "op", body).json()["scenario_digest"]
    signature = {"scenario_digest": digest, "reason": "Checked."}
    assert 201 == center.change(path, f"{path}/approvals", "appr", signature).status_code
    offered = center.change(path, f"{path}/publications", "op")
    assert 201 == offered.status_code, offered.text


def test_a_round_is_solved_and_its_scenario_verified(center: Center):
    """A solve becomes a scenario whose documents the checker accepts, now and here."""
    round_, requests = a_frozen_round(center)
    scenario = a_scenario(center, round_)
    shown = center.get(f"scenarios/{scenario}", "op").json()
    assert ("rank_and_fund", round_) == (shown["policy"], shown["round"])
    verdict = center.send("POST", f"scenarios/{scenario}/verifications", "aud").json()
    assert (True, [], []) == (verdict["verified"], verdict["broken"], verdict["altered"])
    assert all(rule["broken"] == 0 for rule in verdict["rules"])
    allocations = center.get(f"scenarios/{scenario}/allocations", "op").json()["items"]
    assert set(requests) >= {each["request"] for each in allocations}


def test_the_documents_of_a_scenario_are_files(center: Center):
    """Snapshot, plan and certificate come as the documents that their digests name."""
    round_, _ = a_frozen_round(center)
    scenario = a_scenario(center, round_)
    snapshot = center.get(f"rounds/{round_}/snapshot", "op")
    assert "dure-round/1" == snapshot.json()["schema"]
    plan = center.get(f"scenarios/{scenario}/plan", "aud").json()
    certificate = center.get(f"scenarios/{scenario}/certificate", "appr").json()
    assert ("dure-plan/1", "dure-certificate/1") == (plan["schema"], certificate["schema"])
    assert 403 == center.get(f"scenarios/{scenario}/plan", "appr").status_code


def test_a_publication_brings_its_checker(center: Center, tmp_path: Path):
    """The program of a publication runs alone on its files; its digest is logged and it is public.

    Publishing again with the same key gives the same answer, though nothing is left to check.
    """
    round_, _ = a_frozen_round(center)
    scenario = a_scenario(center, round_)
    path = f"rounds/{round_}"
    assert 404 == center.get(f"scenarios/{scenario}/verifier", "kim").status_code
    body = {"scenario_id": scenario, "reason": "Best."}
    digest = center.change(path, f"{path}/selections", "op", body).json()["scenario_digest"]
    signature = {"scenario_digest": digest, "reason": "Checked."}
    center.change(path, f"{path}/approvals", "appr", signature)
    key = {"Idempotency-Key": "published-once", "If-Match": center.get(path, "op").headers["ETag"]}
    answers = [center.create(f"{path}/publications", "op", headers=key) for _ in range(2)]
    assert [201, 201] == [each.status_code for each in answers]
    assert answers[0].json() == answers[1].json()
    facts = answers[0].json()["facts"]
    program = center.get(f"scenarios/{scenario}/verifier", "kim")
    assert program.headers["content-type"].startswith("text/x-python")
    assert facts["verifier"] == hashlib.sha256(program.content).hexdigest()
    files = {
        "dure-verify.py": program.content,
        "round.json": center.get(f"{path}/snapshot", "op").content,
        "plan.json": center.get(f"scenarios/{scenario}/plan", "aud").content,
        "certificate.json": center.get(f"scenarios/{scenario}/certificate", "kim").content,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-I", "-S", *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("Every rule holds.\n")


def test_a_solve_is_watched_to_its_end(center: Center):
    """The stream tells each line once, in order, and ends with the scenario."""
    round_, _ = a_frozen_round(center)
    scenario = a_scenario(center, round_)
    solve = center.get(f"rounds/{round_}/solves", "op").json()["items"][0]["id"]
    frames = parsed(center.get(f"solves/{solve}/events", "op").text)
    assert ["progress", "progress", "done"] == [event for _, event, _ in frames]
    assert ["1", "2", "2"] == [id_ for id_, _, _ in frames]
    assert scenario == frames[-1][2]["scenario"]
    resumed = center.get(f"solves/{solve}/events", "op", headers={"Last-Event-ID": "1"})
    assert ["progress", "done"] == [event for _, event, _ in parsed(resumed.text)]
    polled = center.get(f"solves/{solve}/incumbents", "op").json()["items"]
    assert [1, 2] == [each["seq"] for each in polled]


def test_the_same_solve_is_not_queued_twice(center: Center):
    """While a solve waits, the same order is refused; another seed is another solve."""
    round_, _ = a_frozen_round(center)
    path = f"rounds/{round_}"
    order = {"preset": "merit", "seed": 1}
    assert 202 == center.change(path, f"{path}/solves", "op", order).status_code
    again = center.change(path, f"{path}/solves", "op2", order)
    assert (409, "already-exists") == (again.status_code, again.json()["code"])
    other = center.change(path, f"{path}/solves", "op", {**order, "seed": 2})
    assert 202 == other.status_code


def test_a_solve_is_cancelled_and_says_so(center: Center):
    """A cancelled solve ends its stream and cannot be cancelled again."""
    round_, _ = a_frozen_round(center)
    path = f"rounds/{round_}"
    solve = center.change(path, f"{path}/solves", "op", {"preset": "merit"}).json()["id"]
    stopped = center.create(f"solves/{solve}/cancellations", "op", {"reason": "Wrong seed."})
    assert (202, "cancelled") == (stopped.status_code, stopped.json()["state"])
    frames = parsed(center.get(f"solves/{solve}/events", "op").text)
    assert ["cancelled"] == [event for _, event, _ in frames]
    assert 409 == center.create(f"solves/{solve}/cancellations", "op").status_code


def test_an_order_names_one_policy(center: Center):
    """Neither two policies nor none nor an unknown one can be solved under."""
    round_, _ = a_frozen_round(center)
    path = f"rounds/{round_}"
    for order, status in (
        ({}, 422),
        ({"preset": "merit", "policy": "fair"}, 422),
        ({"preset": "merit", "version": 1}, 422),
        ({"policy": "nowhere"}, 404),
        ({"preset": "merit", "seconds": 1, "work": 1}, 422),
    ):
        refused = center.change(path, f"{path}/solves", "op", order)
        assert status == refused.status_code, refused.text


def test_a_what_if_is_answered_and_becomes_no_scenario(center: Center):
    """A question with a changed request is answered from the frozen round and leaves no trace."""
    round_, requests = a_frozen_round(center)
    path = f"rounds/{round_}/what-ifs"
    question = {
        "preset": "rank_and_fund",
        "changes": [{"request": requests[0], "gpu_hours": 500}],
    }
    asked = center.send("POST", path, "op", json=question)
    again = center.send("POST", path, "aud", json=question)
    assert (202, "queued") == (asked.status_code, asked.json()["state"])
    assert asked.json()["id"] == again.json()["id"]
    work_one(center)
    answer = center.get(f"what-ifs/{asked.json()['id']}", "appr").json()["answer"]
    assert {requests[0]: 500, requests[1]: 1000} == answer["awards"]
    assert [] == center.get(f"rounds/{round_}/scenarios", "op").json()["items"]


def test_a_what_if_changes_only_what_can_be_changed(center: Center):
    """An unknown request, an unknown key and a broken round are refused."""
    round_, requests = a_frozen_round(center)
    path = f"rounds/{round_}/what-ifs"
    for change, code in (
        ({"request": "R-404", "score": 1}, "invalid-value"),
        ({"request": requests[0], "fellow": "lee"}, "invalid-input"),
        ({"request": requests[0], "minimum_gpu_hours": 9999}, "invalid-round-file"),
    ):
        question = {"preset": "merit", "changes": [change]}
        refused = center.send("POST", path, "op", json=question)
        assert (422, code) == (refused.status_code, refused.json()["code"])


def test_a_caller_may_rather_wait(center: Center):
    """Prefer: wait answers with what there is after that long, and says it is not over."""
    round_, _ = a_frozen_round(center)
    path = f"rounds/{round_}/what-ifs"
    headers = {"Prefer": "respond-async, wait=1"}
    slow = center.send("POST", path, "op", json={"preset": "merit"}, headers=headers)
    assert (202, "queued") == (slow.status_code, slow.json()["state"])


def test_scenarios_are_compared_side_by_side(center: Center):
    """Two scenarios of a round are shown together; one alone is no comparison."""
    round_, _ = a_frozen_round(center)
    both = [a_scenario(center, round_), a_scenario(center, round_, preset="proportional")]
    shown = center.get("scenario-comparisons", "op", params={"scenario": both}).json()
    assert both == [each["id"] for each in shown["scenarios"]]
    alone = center.get("scenario-comparisons", "op", params={"scenario": both[:1]})
    assert 422 == alone.status_code


def test_a_board_tells_single_requests_only_to_who_may_see_names(center: Center):
    """Gains and losses are against the base; an approver reads how many."""
    round_, _ = a_frozen_round(center)
    both = [a_scenario(center, round_), a_scenario(center, round_, preset="merit")]
    asked = {"scenario": both, "base": both[1]}
    board = center.get("scenario-comparisons", "op", params=asked).json()["board"]
    assert (both[1], both[1]) == (board["base"], board["best"]["policy"])
    assert set(both) == {each["policy"] for each in board["scenarios"]}
    assert isinstance(board["differences"][0]["gains"], list)
    other = {**asked, "base": "scn_other"}
    assert 422 == center.get("scenario-comparisons", "op", params=other).status_code
    unnamed = center.get("scenario-comparisons", "appr", params=asked).json()["board"]
    assert isinstance(unnamed["differences"][0]["gains"], int)


def test_nobody_approves_what_they_selected_or_solved(center: Center):
    """The approver signs the digest that was read, and took no earlier part."""
    role = center.create("role-grants", "adm", {"person": "op2", "role": "approver"}).json()["id"]
    grant = f"role-grants/{role}"
    assert 201 == center.change(grant, f"{grant}/approvals", "adm2").status_code
    round_, _ = a_frozen_round(center)
    scenario = a_scenario(center, round_, who="op2")
    path = f"rounds/{round_}"
    body = {"scenario_id": scenario, "reason": "Best."}
    digest = center.change(path, f"{path}/selections", "op", body).json()["scenario_digest"]
    signature = {"scenario_digest": digest, "reason": "Checked."}
    own = center.change(path, f"{path}/approvals", "op2", signature)
    assert (409, "second-person-required") == (own.status_code, own.json()["code"])
    other = {"scenario_digest": "0" * 64, "reason": "Checked."}
    wrong = center.change(path, f"{path}/approvals", "appr", other)
    assert (409, "scenario-mismatch") == (wrong.status_code, wrong.json()["code"])
    back = center.change(path, f"{path}/rejections", "appr", signature)
    assert (201, "rejection") == (back.status_code, back.json()["kind"])
    assert "frozen" == center.get(path, "op").json()["state"]


def test_only_the_next_steps_are_allowed(center: Center):
    """What a round offers next is what it accepts; the rest is refused with what is allowed."""
    round_, _ = a_frozen_round(center)
    path = f"rounds/{round_}"
    acts = {each["name"]: each["allowed"] for each in center.get(path, "op").json()["_actions"]}
    assert {"solves", "what-ifs", "selections"} == {name for name, may in acts.items() if may}
    early = center.change(path, f"{path}/publications", "op")
    assert (409, ["select"]) == (early.status_code, early.json()["allowed"])


def test_published_awards_reach_their_fellows_with_reasons(center: Center):
    """After publication a fellow reads award, reason and receipt, and answers the offer."""
    round_, requests = published(center)
    (award,) = center.get("awards", "kim").json()["items"]
    assert (requests[0], "offered") == (award["request"], award["state"])
    path = f"awards/{award['id']}"
    why = center.get(f"{path}/explanation", "kim", headers={"Accept-Language": "ko"}).json()
    assert requests[0] == why["request"]
    assert any("가" <= letter <= "힣" for letter in why["text"])
    same = center.get(f"requests/{requests[0]}/explanation", "kim", params={"lang": "en"}).json()
    assert same["text"].isascii() or why["text"] != same["text"]
    assert why["explanation"] == same["explanation"]
    receipt = center.get(f"{path}/receipt", "kim").json()
    assert "publication" == receipt["publication"]["kind"]
    assert 404 == center.get(path, "park").status_code
    accepted = center.change(path, f"{path}/acceptances", "kim")
    assert (201, "accepted") == (accepted.status_code, accepted.json()["state"])
    some = {"gpu_hours": 100, "reason": "The data came late."}
    returned = center.change(path, f"{path}/returns", "kim", some)
    assert award["awarded"] - 100 == returned.json()["held"]
    too_much = {"gpu_hours": 10**6, "reason": "All."}
    refused = center.change(path, f"{path}/returns", "kim", too_much)
    assert (409, "return-too-large") == (refused.status_code, refused.json()["code"])
    assert "published" == center.get(f"rounds/{round_}", "op").json()["state"]


def test_who_got_nothing_learns_why_and_stands_in_line(center: Center):
    """A request without an award is explained too, and its fellow sees its place in the line."""
    whole = 160 * 168 * 4
    big = {"gpu_hours": whole, "minimum_gpu_hours": whole, "max_gpus": 160}
    round_, requests = published(center, big, big)
    funded = {each["request"] for each in center.get("awards", "op").json()["items"]}
    assert 1 == len(funded)
    (left,) = set(requests) - funded
    who = "kim" if left == requests[0] else "park"
    line = center.get(f"rounds/{round_}/reserve", who).json()["items"]
    assert [(left, 1)] == [(each["request"], each["rank"]) for each in line]
    assert 200 == center.get(f"requests/{left}/explanation", who).status_code


def test_a_round_file_goes_in_and_comes_out_unchanged(center: Center):
    """An imported round is frozen under the digest of its file and exported as it came."""
    packed = (ROUNDS / "kr2026.json.gz").read_bytes()
    headers = {"Content-Type": "application/gzip", "Idempotency-Key": "import-0001"}
    made = center.send("POST", "rounds/imports", "op", content=packed, headers=headers)
    assert (201, "frozen") == (made.status_code, made.json()["state"])
    exported = center.get(f"rounds/{made.json()['id']}/snapshot", "op").json()
    assert json.loads(gzip.decompress(packed)) == exported


def test_a_round_file_names_institutes_by_any_text(center: Center):
    """The directory keeps such an institute under an id of its own; the file stays as it came."""
    name = "광주과학기술원 (GIST)"
    file = a_round(groups=[{"id": "g1", "institute": name}, {"id": "g3", "institute": name}])
    file["fellows"] = [{"id": "f1", "group": "g3"}, {"id": "f2", "group": "g3"}]
    made = imported(center, file)
    assert 201 == made.status_code, made.text
    known = center.get("institutes", "op").json()["items"]
    (kept,) = (each for each in known if each["name"] == name)
    assert kept["id"] == center.get("groups/g3", "op").json()["institute"]
    assert file == center.get(f"rounds/{made.json()['id']}/snapshot", "op").json()
    assert a_scenario(center, made.json()["id"])


def test_ids_that_the_directory_cannot_keep_are_refused_by_their_field(center: Center):
    """The refusal names the field of the file, the value and the rule."""
    refused = imported(center, a_round(groups=[{"id": "g1"}, {"id": "g2"}, {"id": "누구"}]))
    assert (422, "invalid-round-file") == (refused.status_code, refused.json()["code"])
    assert '#/groups/2/id: "누구": Must be' in refused.json()["detail"]


def impossible(center: Center) -> str:
    """Return a round whose guarantee no supply can keep."""
    more = a_request(guaranteed=True, gpu_hours=500, minimum_gpu_hours=400)
    made = imported(center, a_round(requests=[more, a_request(id="r2", fellow="f2")]))
    assert 201 == made.status_code, made.text
    return str(made.json()["id"])


@pytest.mark.parametrize(
    ("language", "title", "why", "way"),
    [
        ("en", "There is no plan.", "Request r1 is guaranteed", "release the guarantee"),
        ("ko", "배분안이 없습니다.", "신청 r1", "보장"),
    ],
)
def test_a_solve_without_a_plan_says_why_in_the_readers_language(
    center: Center, language: str, title: str, why: str, way: str
):
    """The error has title, detail, the rules that cannot hold together and what would help."""
    round_ = impossible(center)
    path = f"rounds/{round_}"
    assert 202 == center.change(path, f"{path}/solves", "op", {"preset": "merit"}).status_code
    solve = fail_one(center)
    shown = center.get(f"solves/{solve}", "op", headers={"Accept-Language": language}).json()
    error = shown["error"]
    assert ("failed", "no-plan", title) == (shown["state"], error["code"], error["title"])
    assert why in error["detail"]
    assert ".." not in error["detail"]
    assert any(why in each for each in error["conflicts"])
    assert any(way in each for each in error["ways_out"])
    assert "korean" not in error


def imported(center: Center, file: dict) -> Any:
    """Return the answer to a round file."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "import-0003"}
    return center.send("POST", "rounds/imports", "op", json=file, headers=headers)


def test_a_broken_round_file_makes_nothing(center: Center):
    """A file that breaks the format is refused with the place, and nothing of it stays."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "import-0002"}
    body = b'{"schema": "dure-round/1", "id": "x", "surprise": 1}'
    refused = center.send("POST", "rounds/imports", "op", content=body, headers=headers)
    assert (422, "invalid-round-file") == (refused.status_code, refused.json()["code"])
    damaged = center.send("POST", "rounds/imports", "op", content=b"\x1f\x8bxx", headers=headers)
    assert 400 == damaged.status_code
    assert [] == center.get("rounds", "op").json()["items"]


def test_fellows_see_no_rounds(center: Center):
    """A fellow holds no right to read rounds at all."""
    assert 403 == center.get("rounds", "kim").status_code


def parsed(text: str) -> list[tuple[str, str, dict]]:
    """Return id, event and data of each frame of a stream."""
    frames = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if fields:
            frames.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return frames


def test_a_lottery_is_drawn_with_the_seed_that_was_sealed(center: Center):
    """The seal goes out with the call, the seed after the freeze, and then it is drawn."""
    salt = "5f0c2a9b41d7e683"
    sealed = hashlib.sha256(f"dure-seed/1\n{salt}\n7".encode()).hexdigest()
    call = center.call(seed_seal=sealed)
    assert sealed == center.get(f"calls/{call}", "kim").json()["seed_seal"]
    assert 201 == center.submit(center.request(call, "kim"), "kim").status_code
    center.clock.now = datetime(2026, 11, 22, 15, tzinfo=UTC)
    round_ = center.create(f"calls/{call}/rounds", "op", {"title": "Drawn"}).json()["id"]
    path = f"rounds/{round_}"
    assert 201 == center.change(path, f"{path}/freezes", "op").status_code
    order = {"preset": "tiers_lottery", "seed": 7}
    early = center.change(path, f"{path}/solves", "op", order)
    assert (409, "seed-not-revealed") == (early.status_code, early.json()["code"])
    wrong = center.change(path, f"{path}/seed-revelations", "op", {"seed": 8, "salt": salt})
    assert (409, "seed-mismatch") == (wrong.status_code, wrong.json()["code"])
    told = center.change(path, f"{path}/seed-revelations", "op", {"seed": 7, "salt": salt})
    assert (201, 7) == (told.status_code, told.json()["seed"])
    scenario = a_scenario(center, round_, **order)
    verified = center.create(f"scenarios/{scenario}/verifications", "op")
    assert verified.json()["verified"], verified.text


def test_a_decline_is_reallocated_to_the_reserve_list(center: Center):
    """Declined hours reach the next in line over HTTP; who stays keeps award and cells."""
    half = {"gpu_hours": 160 * 168 * 2, "minimum_gpu_hours": 160 * 300, "max_gpus": 80}
    small = {"gpu_hours": 160 * 168, "minimum_gpu_hours": 160 * 100, "max_gpus": 160}
    round_, requests = published(center, half, half, small)
    (declined,) = center.get("awards", "kim").json()["items"]
    (stays,) = center.get("awards", "park").json()["items"]
    address = f"awards/{declined['id']}"
    assert 201 == center.change(address, f"{address}/returns", "kim", {"reason": "No."}).status_code
    path = f"rounds/{round_}"
    body = {"reason": "An award came back."}
    assert 403 == center.create(f"{path}/reallocations", "kim", body).status_code
    going = center.change(path, f"{path}/reallocations", "op", body)
    assert (201, "frozen", round_) == (
        going.status_code,
        going.json()["state"],
        going.json()["continues"],
    )
    next_ = f"rounds/{going.json()['id']}"
    wrong = center.change(next_, f"{next_}/solves", "op", {"preset": "rank_and_fund"})
    assert 422 == wrong.status_code
    scenario = a_scenario(center, going.json()["id"], preset="reallocation")
    verdict = center.send("POST", f"scenarios/{scenario}/verifications", "aud").json()
    assert verdict["verified"]
    stages = {
        each["name"]: each for each in center.get(f"scenarios/{scenario}", "op").json()["stages"]
    }
    assert (0, 0, 1) == (
        stages["moved"]["objective"],
        stages["moved"]["bound"],
        stages["line"]["objective"],
    )
    chosen = {"scenario_id": scenario, "reason": "The line is served."}
    digest = center.change(next_, f"{next_}/selections", "op", chosen).json()["scenario_digest"]
    signature = {"scenario_digest": digest, "reason": "Checked."}
    assert 201 == center.change(next_, f"{next_}/approvals", "appr", signature).status_code
    done = center.change(next_, f"{next_}/publications", "op")
    assert (201, 0) == (done.status_code, done.json()["facts"]["moved_gpu_hours"])
    (drawn,) = center.get("awards", "lee").json()["items"]
    assert (requests[2], "offered") == (drawn["request"], drawn["state"])
    (kept,) = center.get("awards", "park").json()["items"]
    assert (stays["id"], stays["cells"]) == (kept["id"], kept["cells"])
    assert center.get("ledger/trial-balance", "op").json()["holds"]
