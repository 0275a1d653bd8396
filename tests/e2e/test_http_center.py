"""The directory, roles, capacity, policies and calls over HTTP; each four-eyes act by two."""

from datetime import UTC, datetime

from tests.e2e.center import Center, call_terms


def test_a_person_is_put_read_and_changed_by_version(center: Center):
    """A PUT makes a person; a second one must name the version it saw."""
    body = {"name": "Choi", "group": "g1"}
    made = center.send("PUT", "people/choi", "adm", json=body)
    assert (201, "choi") == (made.status_code, made.json()["id"])
    blind = center.send("PUT", "people/choi", "adm", json=body)
    assert 428 == blind.status_code
    headers = {"If-Match": made.headers["ETag"]}
    kept = center.send("PUT", "people/choi", "adm", json={**body, "name": "C."}, headers=headers)
    assert (200, 2) == (kept.status_code, kept.json()["version"])


def test_institutes_and_groups_are_put_and_listed(center: Center):
    """An administrator keeps institutes and groups; everybody who sees people sees them."""
    assert 201 == center.send("PUT", "institutes/gist", "adm", json={"name": "GIST"}).status_code
    group = {"name": "Optics", "institute": "gist", "weight": 2.5, "cap_gpu_hours": 100}
    assert 201 == center.send("PUT", "groups/optics", "adm", json=group).status_code
    listed = center.get("groups", "op", params={"institute": "gist"}).json()["items"]
    assert [("optics", 2.5, 100)] == [
        (each["id"], each["weight"], each["cap_gpu_hours"]) for each in listed
    ]
    assert "GIST" == center.get("institutes/gist", "kim").json()["name"]


def test_an_unknown_group_is_refused_with_its_field(center: Center):
    """A person of an unknown group is refused by the domain, field and value named."""
    refused = center.send("PUT", "people/choi", "adm", json={"name": "C", "group": "nowhere"})
    assert (422, "invalid-value") == (refused.status_code, refused.json()["code"])
    error = refused.json()["errors"][0]
    assert ("#/group", "nowhere") == (error["pointer"], error["got"])


def test_fellows_see_themselves_and_approvers_no_names(center: Center):
    """A fellow sees one person; an approver everybody, without names."""
    assert ["kim"] == [each["id"] for each in center.get("people", "kim").json()["items"]]
    assert 404 == center.get("people/park", "kim").status_code
    shown = center.get("people/kim", "appr").json()
    assert (None, None) == (shown["name"], shown["email"])


def test_a_deactivated_person_is_out_at_once(center: Center):
    """Deactivation ends a person's token on the next request."""
    assert 201 == center.create("people/kim/deactivations", "adm").status_code
    assert 401 == center.get("me", "kim").status_code


def test_a_role_counts_once_a_second_person_approves(center: Center):
    """A proposed role gives nothing; its proposer may not approve it; another administrator may."""
    made = center.create("role-grants", "adm", {"person": "kim", "role": "operator"})
    assert (202, "proposed") == (made.status_code, made.json()["state"])
    grant = made.json()["id"]
    path = f"role-grants/{grant}"
    assert f"/api/v1/{path}" == made.headers["Location"]
    assert 403 == center.create("calls", "kim", call_terms()).status_code
    own = center.change(path, f"{path}/approvals", "adm")
    assert (409, "second-person-required") == (own.status_code, own.json()["code"])
    assert 201 == center.change(path, f"{path}/approvals", "adm2").status_code
    assert "operator" in center.get("me", "kim").json()["roles"]
    tag = center.get(path, "adm").headers["ETag"]
    gone = center.send("DELETE", path, "adm", headers={"If-Match": tag})
    assert (200, "revoked") == (gone.status_code, gone.json()["state"])
    assert "operator" not in center.get("me", "kim").json()["roles"]


def test_capacity_changes_by_two_operators(center: Center):
    """A proposed maintenance changes nothing; approved by a second operator it does."""
    change = {
        "kind": "maintenance",
        "gpus": 8,
        "starts_at": "2027-01-04T00:00:00Z",
        "ends_at": "2027-01-11T00:00:00Z",
        "reason": "New cables.",
    }
    weeks = {"starts_on": "2027-01-04", "slot_hours": 168, "slots": 2}
    whole = 160 * 168
    made = center.create("pools/h200/capacity-changes", "op", change)
    assert 202 == made.status_code
    path = f"capacity-changes/{made.json()['id']}"
    before = center.get("pools/h200/capacity", "kim", params=weeks).json()
    assert [whole, whole] == before["supply_gpu_hours"]
    assert 409 == center.change(path, f"{path}/approvals", "op").status_code
    assert 201 == center.change(path, f"{path}/approvals", "op2").status_code
    after = center.get("pools/h200/capacity", "kim", params=weeks).json()
    assert [whole - 8 * 168, whole] == after["supply_gpu_hours"]
    assert [made.json()["id"]] == [each["id"] for each in after["changes"]]


def test_a_pool_is_put_once_and_resized_by_changes_only(center: Center):
    """An operator makes a pool; its size changes by capacity changes, which take two."""
    pool = {"gpu_type": "A100", "nodes": 4, "gpus_per_node": 8, "su_per_gpu_hour": 0.45}
    made = center.send("PUT", "pools/a100", "op", json=pool)
    assert (201, 32, 0.45) == (
        made.status_code,
        made.json()["gpus"],
        made.json()["su_per_gpu_hour"],
    )
    headers = {"If-Match": made.headers["ETag"]}
    bigger = center.send("PUT", "pools/a100", "op", json={**pool, "nodes": 5}, headers=headers)
    assert (409, "second-person-required") == (bigger.status_code, bigger.json()["code"])


def test_a_policy_is_drafted_versioned_compared_and_locked(center: Center):
    """Versions never change; a second person locks one; the difference is told key by key."""
    center.policy()
    content = {"name": "fair", "select": {"method": "rank"}}
    second = center.change("policies/fair", "policies/fair/versions", "op", {"content": content})
    assert (201, 2, "draft") == (
        second.status_code,
        second.json()["number"],
        second.json()["state"],
    )
    path = "policies/fair/versions/1/differences"
    diff = center.get(path, "kim", params={"to": 2}).json()["differences"]
    assert [{"key": "select.method", "before": "optimize", "after": "rank"}] == diff
    assert "locked" == center.get("policies/fair/versions/1", "kim").json()["state"]
    version = "policies/fair/versions/2"
    assert 403 == center.change(version, f"{version}/locks", "op").status_code


def test_a_policy_with_a_typo_is_refused(center: Center):
    """A key that no policy knows is refused with its name."""
    body = {"name": "odd", "title": "Odd", "content": {"selekt": {"method": "rank"}}}
    refused = center.create("policies", "op", body)
    assert (422, "invalid-policy") == (refused.status_code, refused.json()["code"])
    assert "selekt" in refused.json()["detail"]


def test_a_draft_call_is_seen_by_those_who_work_on_it(center: Center):
    """A drafted call does not exist for a fellow until it opens."""
    center.policy()
    call = center.create("calls", "op", call_terms()).json()["id"]
    assert 404 == center.get(f"calls/{call}", "kim").status_code
    assert [] == center.get("calls", "kim").json()["items"]
    patched = center.patch(f"calls/{call}", "op", {"title": "Winter", "max_requests": 2})
    assert ("Winter", 2) == (patched.json()["title"], patched.json()["max_requests"])
    opened = center.change(f"calls/{call}", f"calls/{call}/openings", "appr")
    assert (201, "open") == (opened.status_code, opened.json()["state"])
    assert opened.json()["receipt"]["log_index"] > 0
    assert "Winter" == center.get(f"calls/{call}", "kim").json()["title"]


def test_a_call_closes_by_the_clock_and_moves_later_only(center: Center):
    """A deadline moves later for all while the call is open; the clock closes it."""
    call = center.call()
    path = f"calls/{call}"
    early = {"closes_at": "2026-11-10T00:00:00Z", "reason": "Hurry."}
    refused = center.change(path, f"{path}/extensions", "appr", early)
    assert (409, "deadline-not-later") == (refused.status_code, refused.json()["code"])
    later = {"closes_at": "2026-11-29T15:00:00Z", "reason": "The portal was down."}
    extended = center.change(path, f"{path}/extensions", "appr", later)
    assert (201, 1) == (extended.status_code, len(extended.json()["extensions"]))
    center.clock.now = datetime(2026, 11, 29, 15, tzinfo=UTC)
    assert "closed" == center.get(path, "kim").json()["state"]


def test_a_call_closed_early_tells_why(center: Center):
    """An approver closes a call early; the timeline tells the reason and no name."""
    path = f"calls/{center.call()}"
    closed = center.change(path, f"{path}/closings", "appr", {"reason": "Power cut."})
    assert (201, "closed") == (closed.status_code, closed.json()["state"])
    told = center.get(f"{path}/timeline", "kim").json()["items"]
    assert ("call.closed", "Power cut.", None) == (
        told[-1]["kind"],
        told[-1]["body"]["reason"],
        told[-1]["actor"],
    )


def test_statistics_count_and_name_nobody(center: Center):
    """Everybody may know how much is asked of what; drafts do not count."""
    call = center.call()
    center.submit(center.request(call))
    center.request(call, "lee")
    body = center.get(f"calls/{call}/statistics", "park").json()
    assert (1, 1000, 1) == (
        body["counts"]["submitted"],
        body["requested_gpu_hours"],
        body["fellows"],
    )
    assert body["oversubscription"] == 1000 / (160 * 168 * 4)


def test_scores_come_by_csv_and_by_json_all_or_none(center: Center):
    """One wrong row keeps the whole import out; a right one replaces earlier scores."""
    call = center.call()
    request = center.request(call)
    center.submit(request)
    path = f"calls/{call}/score-imports"
    csv = {"Content-Type": "text/csv", "Idempotency-Key": "scores-csv-1"}
    wrong = f"request,score\n{request},80\nunknown,70\n"
    refused = center.send("POST", path, "op", content=wrong, headers=csv)
    assert (422, "invalid-scores") == (refused.status_code, refused.json()["code"])
    assert ["score-request-unknown"] == [each["code"] for each in refused.json()["errors"]]
    right = f"request,score,reviewer,conflict\n{request},80.5,r1,\n{request},10,r2,yes\n"
    csv["Idempotency-Key"] = "scores-csv-2"
    taken = center.send("POST", path, "op", content=right, headers=csv)
    assert (201, 2, 1) == (
        taken.status_code,
        taken.json()["imported"],
        taken.json()["conflicted"],
    )
    row = {"request": request, "score": 90.125, "reviewer": "r1"}
    assert 201 == center.create(path, "op", {"scores": [row]}).status_code
    listed = center.get(f"calls/{call}/scores", "aud").json()["items"]
    assert {90.125, 10} == {each["score"] for each in listed}
    assert [] == center.get(f"calls/{call}/scores", "kim").json()["items"]


def test_auditors_read_an_unbroken_chain(center: Center):
    """Each event of the log names the hash of the one before."""
    center.call()
    events = center.get("audit/events", "aud", params={"limit": 500}).json()["items"]
    assert [each["hash"] for each in events[:-1]] == [each["previous_hash"] for each in events[1:]]
    assert 403 == center.get("audit/events", "op").status_code
