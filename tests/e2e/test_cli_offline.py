"""The offline command line as scripts call it: real processes, files, exit codes."""

import gzip
import io
import json
import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.command_line import run
from api.commands.terminal import Terminal
from solver.canonical import canonical
from tests.rounds import a_request, a_round

ROOT = Path(__file__).resolve().parents[2]
KOREA = ROOT / "benchmarks" / "rounds" / "kr2026.json.gz"


class Done:
    """What a finished command left: exit code and both streams."""

    def __init__(self, returncode, stdout, stderr):
        self.returncode, self.stdout, self.stderr = returncode, stdout, stderr


def dure(*arguments, given=""):
    """Run one command in this process, with streams of its own."""
    streams = [io.TextIOWrapper(io.BytesIO(text), "utf-8") for text in (given.encode(), b"", b"")]
    terminal = Terminal(
        environ={"LANG": "C.UTF-8"},
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        seconds=time.monotonic,
    )
    kept = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = streams
    try:
        run([str(each) for each in arguments], terminal)
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept
    for stream in streams[1:]:
        stream.flush()
    return Done(code, *(stream.buffer.getvalue().decode() for stream in streams[1:]))


def process(*arguments, given="", module="api.cli"):
    """Run one command in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        check=False,
    )


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A small round with its plan, certificate and the summary of the solve."""
    folder = tmp_path_factory.mktemp("solved")
    paths = [folder / name for name in ("round.json", "plan.json", "certificate.json")]
    paths[0].write_text(json.dumps(a_round()), encoding="utf-8")
    done = dure("solve", paths[0], "-o", paths[1], "--certificate", paths[2], "--json")
    assert 0 == done.returncode, done.stderr
    return paths, json.loads(done.stdout)


def test_solve_says_what_scripts_rely_on(solved):
    """`--json` prints one object with the agreed keys; files lie where they were asked for."""
    (_, plan, certificate), summary = solved

    assert {"status", "gap", "stages", "measures", "seconds", "versions"} == summary.keys()
    assert "dure-plan/1" == json.loads(plan.read_bytes())["schema"]
    assert "dure-certificate/1" == json.loads(certificate.read_bytes())["schema"]


def test_solving_twice_gives_the_same_bytes(solved, tmp_path):
    """Round, policy and seed decide every byte; so does the way the round comes in."""
    (round_, plan, _), _ = solved
    packed = tmp_path / "round.json.gz"
    packed.write_bytes(gzip.compress(round_.read_bytes()))

    again = dure("solve", packed, "-o", tmp_path / "again.json", "--quiet")
    piped = process("solve", "-", "-o", "-", "--quiet", given=round_.read_text(encoding="utf-8"))

    assert (0, 0) == (again.returncode, piped.returncode)
    assert plan.read_bytes() == (tmp_path / "again.json").read_bytes()
    assert plan.read_text(encoding="utf-8") == piped.stdout
    assert "" == piped.stderr


def test_verify_needs_no_solver(solved):
    """Where OR-Tools, numba and numpy cannot be imported, the checker still says yes."""
    paths, _ = solved

    checked = process("verify", *paths, module="api.without_solver")

    assert 0 == checked.returncode, checked.stderr
    assert "Every rule holds." in checked.stdout


def test_verify_needs_nothing_but_python(solved):
    """`python -S -m solver.verify` sees no installed package at all and still says yes."""
    paths, _ = solved

    checked = subprocess.run(
        [sys.executable, "-S", "-m", "solver.verify", *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
    )

    assert 0 == checked.returncode, checked.stderr
    assert checked.stdout == dure("verify", *paths).stdout


def test_the_blocker_blocks(solved):
    """The same interpreter cannot solve, so nothing slips in by another way."""
    (round_, _, _), _ = solved

    refused = process("solve", round_, module="api.without_solver")

    assert 0 != refused.returncode
    assert "is blocked here" in refused.stderr


def test_a_forged_plan_is_caught_with_its_witness(solved, tmp_path):
    """One GPU-hour too many ends with 7 and names the request."""
    (round_, plan, _), _ = solved
    forged = json.loads(plan.read_bytes())
    forged["awards"][0]["cells"][0][2] += 100
    path = tmp_path / "forged.json"
    path.write_text(json.dumps(forged), encoding="utf-8")

    checked = dure("verify", round_, path)

    assert 7 == checked.returncode
    assert "broken:" in checked.stderr
    assert forged["awards"][0]["request"] in checked.stderr


@pytest.mark.parametrize("spoilt", [False, True])
def test_verify_is_fast_and_says_the_same(solved, tmp_path, spoilt):
    """`--fast` prints the plain checker's lines, of an honest plan and of a spoilt one."""
    (round_, plan, certificate), _ = solved
    told = json.loads(plan.read_bytes())
    told["awards"][0]["gpu_hours"] += int(spoilt)
    paths = tmp_path / "round.json", tmp_path / "plan.json", certificate
    paths[0].write_bytes(canonical(json.loads(round_.read_bytes())))
    paths[1].write_bytes(canonical(told))

    plain = dure("verify", *paths)
    fast = dure("verify", "--fast", *paths)

    assert (7 if spoilt else 0) == fast.returncode == plain.returncode
    assert (plain.stdout, plain.stderr) == (fast.stdout, fast.stderr)


@pytest.mark.parametrize(
    ("which", "options"),
    [
        ("honest", ()),
        ("honest", ("-q",)),
        ("spoilt", ("--quiet",)),
        ("without its certificate", ()),
        ("absent", ()),
    ],
)
def test_verify_fast_is_answered_at_once_and_alike(solved, tmp_path, which, options):
    """A process that need not load the command line says and ends as one that does."""
    (round_, plan, certificate), _ = solved
    told = json.loads(plan.read_bytes())
    told["awards"][0]["gpu_hours"] += int(which == "spoilt")
    paths = [tmp_path / "round.json", tmp_path / "plan.json", certificate]
    paths[0].write_bytes(canonical(json.loads(round_.read_bytes())))
    if which != "absent":
        paths[1].write_bytes(canonical(told))

    files = paths[: 2 if which == "without its certificate" else 3]
    plain = process("verify", *files, *options)
    fast = process("verify", "--fast", *options, *files)

    assert {"spoilt": 7, "absent": 2}.get(which, 0) == fast.returncode == plain.returncode
    assert (plain.stdout, plain.stderr) == (fast.stdout, fast.stderr)


def test_verify_fast_ends_quietly_when_nobody_reads(solved, tmp_path):
    """Where the reader of a pipe has gone, both ways end with 1 and say nothing."""
    (round_, plan, certificate), _ = solved
    for name, path in (("round.json", round_), ("plan.json", plan)):
        (tmp_path / name).write_bytes(canonical(json.loads(path.read_bytes())))
    for options in ([], ["--fast"]):
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "api.cli", "verify", *options]
        files = [tmp_path / "round.json", tmp_path / "plan.json", certificate]
        done = subprocess.run(
            [*command, *files], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False
        )
        os.close(writer)
        assert (1, b"") == (done.returncode, done.stderr)


def test_verify_answers_programs(solved):
    """`verify --json` lists the rules with their counts."""
    paths, _ = solved

    verdict = json.loads(dure("verify", *paths, "--json").stdout)

    assert verdict["holds"]
    assert all(rule["broken"] == 0 for rule in verdict["rules"])


def test_entitle_prints_the_fairness_stage(solved):
    """Unit, groups, fellows and levels come as JSON."""
    (round_, _, _), _ = solved

    found = json.loads(dure("entitle", round_).stdout)

    assert {"unit", "groups", "fellows", "levels"} == found.keys()
    assert {"g1", "g2"} == found["groups"].keys()


def test_entitle_obeys_a_policy_file(solved, tmp_path):
    """A TOML file is a policy like a preset."""
    (round_, _, _), _ = solved
    policy = tmp_path / "mine.toml"
    policy.write_text(
        'name = "mine"\n[fairness]\nunit = "reference_hours"\n[groups]\nweight = "demand"\n',
        encoding="utf-8",
    )

    found = json.loads(dure("entitle", round_, "--policy", policy).stdout)

    assert "reference_hours" == found["unit"]


@pytest.mark.parametrize(("lang", "word"), [("en", "asked"), ("ko", "신청")])
def test_explain_speaks_both_languages(solved, lang, word):
    """The reason comes in Korean and in English."""
    (round_, plan, _), _ = solved

    told = dure("explain", round_, plan, "r1", "--lang", lang)

    assert 0 == told.returncode, told.stderr
    assert word in told.stdout


def test_explain_shows_what_would_have_changed_it(solved):
    """Counterfactuals come as data, each with its claim, its change and the plan that shows it."""
    (round_, plan, _), _ = solved

    everyone = json.loads(dure("explain", round_, plan, "--json").stdout)

    assert {"r1", "r2"} == everyone.keys()
    found = [each for told in everyone.values() for each in told["counterfactuals"]]
    assert found
    for each in found:
        assert {"lever", "change", "claim", "gpu_hours", "goals", "delta", "text"} <= each.keys()


def test_explain_can_leave_it_at_the_reasons(solved):
    """`--only-reasons` looks for nothing."""
    (round_, plan, _), _ = solved

    told = json.loads(dure("explain", round_, plan, "r1", "--only-reasons", "--json").stdout)

    assert "counterfactuals" not in told


def test_several_workers_explain_alike(solved):
    """The number of processes leaves no trace."""
    (round_, plan, _), _ = solved

    alone = dure("explain", round_, plan, "--json")
    together = dure("explain", round_, plan, "--json", "--workers", "2")

    assert alone.stdout == together.stdout


def test_explain_gives_data_too(solved):
    """`--json` holds the same as data."""
    (round_, plan, _), _ = solved

    found = json.loads(dure("explain", round_, plan, "r1", "--json").stdout)

    assert "r1" == found["request"]
    assert found["reasons"]


def test_compare_sets_policies_side_by_side(solved):
    """Each policy is a column; winners and losers are against the first."""
    (round_, _, _), _ = solved

    shown = dure("compare", round_, "--policy", "entitlement", "--policy", "merit")
    data = dure("compare", round_, "--policy", "entitlement", "--policy", "merit", "--json")

    assert 0 == shown.returncode, shown.stderr
    assert "merit against entitlement" in shown.stdout
    assert ["entitlement", "merit"] == [
        each["policy"] for each in json.loads(data.stdout)["scenarios"]
    ]


def test_a_front_trades_fairness_for_value_and_every_point_is_checked(solved):
    """From the most value to the policy itself no group is held to less and none gains value."""
    (round_, _, _), _ = solved

    found = dure("compare", round_, "--policy", "entitlement", "--frontier", "4", "--json")
    shown = dure("compare", round_, "--policy", "entitlement", "--frontier", "4")

    board = json.loads(found.stdout)
    assert ("entitlement", "merit") == (board["base"], board["best"]["policy"])
    points = board["frontier"]
    assert [0.0, None] == [points[0]["level"], points[-1]["level"]]
    assert all(each["verified"] for each in points)
    held = [each for each in points if each["level"] is not None]
    assert all(each["worst_group_share"] >= each["level"] - 1e-6 for each in held)
    assert all(each["value"] <= held[0]["bound"] + 1e-6 for each in points)
    assert "the policy itself" in shown.stdout


def test_a_round_without_supply_has_no_front(tmp_path):
    """Nobody is entitled to anything: the board says so, and its data has no points."""
    pool = a_round()["pools"][0] | {"supply_gpu_hours": [0, 0]}
    round_ = tmp_path / "round.json"
    round_.write_text(json.dumps(a_round(pools=[pool])))
    asked = ("compare", round_, "--policy", "merit", "--frontier", "3")

    shown, found = dure(*asked), dure(*asked, "--json")

    assert (0, 0) == (shown.returncode, found.returncode), shown.stderr
    assert "there is no front" in shown.stdout
    assert [] == json.loads(found.stdout)["frontier"]


def test_a_floor_that_no_gang_can_serve_is_named_with_a_way_out(tmp_path):
    """Exit code 5 under an optimising policy and under a formula, with the same reason."""
    group = {"id": "g1", "floor_gpu_hours": 5}
    gang = {"gang_gpus": 4, "shape": "block", "block_slots": 1}
    request = a_request(gpu_hours=8, minimum_gpu_hours=0, **gang)
    others = a_round()["requests"][1:]
    round_ = tmp_path / "round.json"
    round_.write_text(
        json.dumps(a_round(groups=[group, {"id": "g2"}], requests=[request, *others]))
    )

    for policy in ("merit", "rank_and_fund"):
        told = dure("solve", round_, "--policy", policy)
        assert 5 == told.returncode, told.stderr
        assert "group g1 cannot be kept together in whole gang-hours" in told.stderr
        assert "way out: lower the floor of group g1 from 5 to 0" in told.stderr


def test_a_policy_without_a_plan_is_left_out_of_the_board(tmp_path):
    """The others are shown, the exit code is that of its solve; without its base no board is."""
    round_ = tmp_path / "round.json"
    groups = [{"id": "g1", "floor_gpu_hours": 55}, {"id": "g2"}]
    requests = [a_request(gpu_hours=60), a_request(id="r2", fellow="f2", gpu_hours=60)]
    round_.write_text(json.dumps(a_round(groups=groups, requests=requests)))
    alone = dure("solve", round_, "--policy", "proportional")
    assert 3 == alone.returncode, alone.stderr

    boards = [
        dure("compare", round_, "--policy", one, "--policy", other, "--json")
        for one, other in (("merit", "proportional"), ("proportional", "merit"))
    ]

    assert [3, 3] == [each.returncode for each in boards]
    shown = json.loads(boards[0].stdout)
    assert ["merit"] == [each["policy"] for each in shown["scenarios"]]
    assert "proportional: The policy's formula gives no plan" in boards[0].stderr
    assert "It is left out." in boards[0].stderr
    assert "" == boards[1].stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--policy", "merit", "--base", "nash"),
        ("--policy", "merit", "--policy", "merit"),
        ("--policy", "merit", "--frontier", "1"),
    ],
)
def test_a_board_that_cannot_be_is_refused(solved, arguments):
    """Exit code 2, before anything is solved."""
    (round_, _, _), _ = solved
    assert 2 == dure("compare", round_, *arguments).returncode


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "Must be JSON"),
        (json.dumps(a_round(surprise=1)), "#/surprise"),
        (json.dumps(a_round(requests=[a_request(gpu_hours=-1)])), "#/requests/0/gpu_hours"),
        (json.dumps(a_round(requests=[a_request(window=[0, 99])])), "#/requests/0/window"),
        (json.dumps(a_round(requests=[a_request(fellow="ghost")])), "#/requests/0/fellow"),
    ],
)
def test_a_malformed_round_is_refused_by_field_value_and_rule(tmp_path, document, fault):
    """Exit code 2, the field on standard error, and no plan file."""
    plan = tmp_path / "plan.json"

    refused = dure("solve", "-", "-o", plan, given=document)

    assert 2 == refused.returncode
    assert fault in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not plan.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("solve", "absent.json"),
        ("solve", KOREA, "--policy", "absent"),
        ("solve", KOREA, "--limit", "1", "--work", "1"),
        ("solve", KOREA, "-o", "-", "--json"),
        ("verify", "-", "-"),
    ],
)
def test_a_wrong_call_is_a_usage_error(arguments):
    """Exit code 2 and a sentence, not a traceback."""
    refused = dure(*arguments, given="")

    assert 2 == refused.returncode
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("how", [(), ("--fast",)])
def test_a_file_given_twice_is_no_plan(solved, how):
    """Exit code 7: the round is checked as a plan, and breaks the format of one."""
    (round_, _, _), _ = solved

    found = dure("verify", *how, round_, round_)

    assert 7 == found.returncode
    assert "broken: formats: plan: " in found.stderr


def test_an_impossible_guarantee_is_named(tmp_path):
    """Exit code 5, the reason in words, and nothing written."""
    plan = tmp_path / "plan.json"
    impossible = a_round(
        requests=[a_request(gpu_hours=400, minimum_gpu_hours=400, guaranteed=True)]
    )

    refused = dure("solve", "-", "-o", plan, given=json.dumps(impossible))

    assert 5 == refused.returncode
    assert "infeasible: " in refused.stderr
    assert "way out: lower the minimum of request r1 from 400 to 60 GPU-hours" in refused.stderr
    assert not plan.exists()


def test_a_plan_short_of_the_asked_gap_says_so(tmp_path):
    """With one unit of work and no tolerance a valid plan comes out, and exit code 3."""
    plan = tmp_path / "plan.json"

    short = dure("solve", KOREA, "--policy", "whole_server", "--work", "1", "--gap", "0",
                 "-o", plan, "--quiet")  # fmt: skip

    assert 3 == short.returncode, short.stderr
    assert 0 == dure("verify", KOREA, plan, "--quiet").returncode


def test_a_full_disk_leaves_nothing_half_written(solved, tmp_path):
    """Writing to a full device is an error with a sentence; the other file is not written."""
    (round_, _, _), _ = solved
    certificate = tmp_path / "certificate.json"

    failed = dure("solve", round_, "-o", "/dev/full", "--certificate", certificate)

    assert 1 == failed.returncode
    assert "No space left on device" in failed.stderr
    assert [] == list(tmp_path.iterdir())


def test_an_unwritable_folder_is_named(solved, tmp_path):
    """A folder that is not there is named; there is no traceback."""
    (round_, _, _), _ = solved

    failed = dure("solve", round_, "-o", tmp_path / "absent" / "plan.json")

    assert 1 == failed.returncode
    assert f"{tmp_path / 'absent' / 'plan.json'}: No such file or directory" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_written_plan_has_ordinary_rights(solved):
    """The plan is readable as far as the umask says, not only by its owner."""
    (_, plan, _), _ = solved

    assert stat.S_IMODE(plan.stat().st_mode) & 0o400
    assert stat.S_IMODE(plan.stat().st_mode) == 0o666 & ~_umask()


def _umask():
    """Return the process's umask."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_the_gaming_audit_tells_every_lie_by_policy(solved):
    """Entitlements of all, plans of a sample; a policy without rights has plans alone."""
    (round_, _, _), _ = solved
    policies = ("--policy", "entitlement", "--policy", "proportional", "--policy", "merit")

    found = dure("audit", "gaming", round_, *policies, "--sample", "1", "--json", "--quiet")
    shown = dure("audit", "gaming", round_, *policies[:4], "--sample", "1", "--limit", "60")

    assert 0 == found.returncode, found.stderr
    fair, cut, merit = json.loads(found.stdout)
    assert ["entitlement", "proportional", "merit"] == [
        each["policy"] for each in (fair, cut, merit)
    ]
    (asked,) = [each for each in fair["entitlements"]["all"] if each["lie"] == "ask"]
    assert (2, 0) == (asked["count"], asked["gains"])
    assert 0 == sum(each["count"] for each in merit["entitlements"]["all"])
    assert all(any(row["count"] for row in each["plans"]["all"]) for each in (fair, cut, merit))
    assert "twice the ask" in shown.stdout
