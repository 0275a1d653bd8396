"""From a draft to a receipt over HTTP."""

from datetime import UTC, datetime

from tests.e2e.center import Center, an_ask


def test_a_fellow_goes_from_draft_to_receipt(center: Center):
    """A complete draft becomes submission 1, and its receipt can be read again unchanged."""
    request = center.request(center.call())
    submitted = center.submit(request)
    assert 201 == submitted.status_code
    receipt = submitted.json()["receipt"]
    assert (1, request) == (receipt["number"], receipt["request"])
    again = center.get(f"requests/{request}/submissions/1/receipt", "kim")
    assert receipt == again.json()
    assert "submitted" == center.get(f"requests/{request}", "kim").json()["state"]


def test_an_incomplete_draft_is_kept_and_its_submission_refused(center: Center):
    """A draft may leave parts open; submitting it names every missing field."""
    call = center.call()
    made = center.create("requests", "kim", {"call": call, "title": "Later"})
    assert 201 == made.status_code
    request = made.json()["id"]
    refused = center.submit(request)
    assert 422 == refused.status_code
    problem = refused.json()
    assert "request-not-ready" == problem["code"]
    assert {"#/gpu_hours", "#/window", "#/speeds"} <= {e["pointer"] for e in problem["errors"]}


def test_checks_name_field_value_and_rule_in_korean(center: Center):
    """The checks of a draft speak the caller's language."""
    request = center.request(center.call(), minimum_gpu_hours=2000)
    path = f"requests/{request}/checks"
    body = center.send("POST", path, "kim", headers={"Accept-Language": "ko"}).json()
    assert not body["ready"]
    found = next(each for each in body["findings"] if each["code"] == "minimum-above-ask")
    assert ("#/minimum_gpu_hours", 2000, 1000) == (found["pointer"], found["got"], found["limit"])
    assert "신청량" in found["message"]


def test_editing_after_submission_keeps_the_submission(center: Center):
    """A new edit is a new draft; the old submission stays valid and unchanged."""
    request = center.request(center.call())
    center.submit(request)
    edited = center.patch(f"requests/{request}", "kim", {"gpu_hours": 800})
    assert (200, True, 1) == (
        edited.status_code,
        edited.json()["edited"],
        edited.json()["submitted"],
    )
    assert 1000 == center.get(f"requests/{request}/submissions/1", "kim").json()["ask"]["gpu_hours"]
    assert 2 == center.submit(request).json()["number"]


def test_the_deadline_is_the_servers_clock(center: Center):
    """One microsecond before the deadline is in time; the deadline itself is too late."""
    call = center.call()
    first, second = center.request(call), center.request(call, "lee")
    center.clock.now = datetime(2026, 11, 22, 14, 59, 59, 999_999, tzinfo=UTC)
    assert 0 == center.submit(first).json()["receipt"]["margin_ms"]
    center.clock.now = datetime(2026, 11, 22, 15, tzinfo=UTC)
    late = center.submit(second, "lee")
    assert (409, "call-closed", 0) == (
        late.status_code,
        late.json()["code"],
        late.json()["late_ms"],
    )


def test_the_same_key_gives_the_same_answer_once(center: Center):
    """A retried create is answered byte for byte as the first and makes nothing new."""
    body = {"call": center.call(), **an_ask()}
    headers = {"Idempotency-Key": "retry-0001"}
    first = center.create("requests", "kim", body, headers=headers)
    again = center.create("requests", "kim", body, headers=headers)
    assert first.content == again.content
    assert "true" == again.headers["Idempotency-Replayed"]
    assert 1 == len(center.get("requests", "kim").json()["items"])


def test_a_key_with_another_body_is_refused(center: Center):
    """A key belongs to one body."""
    call = center.call()
    headers = {"Idempotency-Key": "retry-0002"}
    center.create("requests", "kim", {"call": call, **an_ask()}, headers=headers)
    other = center.create("requests", "kim", {"call": call}, headers=headers)
    assert (422, "idempotency-key-reused") == (other.status_code, other.json()["code"])


def test_a_change_must_name_the_version_it_saw(center: Center):
    """Without If-Match a change is refused by 428, with an old one by 412."""
    path = f"requests/{center.request(center.call())}"
    blind = center.send("PATCH", path, "kim", json={"title": "A"})
    assert (428, "precondition-required") == (blind.status_code, blind.json()["code"])
    tag = center.get(path, "kim").headers["ETag"]
    headers = {"If-Match": tag}
    assert (
        200 == center.send("PATCH", path, "kim", headers=headers, json={"title": "A"}).status_code
    )
    stale = center.send("PATCH", path, "kim", headers=headers, json={"title": "B"})
    assert (412, "version-mismatch") == (stale.status_code, stale.json()["code"])


def test_polling_costs_nothing_when_nothing_changed(center: Center):
    """If-None-Match with the current tag is answered by 304 without a body."""
    path = f"requests/{center.request(center.call())}"
    tag = center.get(path, "kim").headers["ETag"]
    same = center.get(path, "kim", headers={"If-None-Match": tag})
    assert (304, b"") == (same.status_code, same.content)


def test_other_peoples_requests_do_not_exist(center: Center):
    """A stranger's answer to a hidden request is that of an unknown one, but for its name."""
    request = center.request(center.call())
    hidden = center.get(f"requests/{request}", "park")
    unknown = center.get("requests/req_01jd0000000000000000000000", "park")
    assert 404 == hidden.status_code == unknown.status_code
    same = ("type", "title", "status", "code", "kind", "errors")
    assert [hidden.json()[name] for name in same] == [unknown.json()[name] for name in same]
    assert [] == center.get("requests", "park").json()["items"]


def test_who_may_not_know_names_sees_none(center: Center):
    """An approver sees every request without its fellow and draft; an operator with both."""
    request = center.request(center.call())
    shown = center.get(f"requests/{request}", "appr").json()
    assert (None, None) == (shown["fellow"], shown["draft"])
    assert "kim" == center.get(f"requests/{request}", "op").json()["fellow"]


def test_a_lead_asks_and_endorses_for_the_group(center: Center):
    """A lead reaches the requests of the group and of no other."""
    call = center.call()
    own = center.create("requests", "lead", {"call": call, "fellow": "lee", **an_ask()})
    assert 201 == own.status_code
    request = own.json()["id"]
    center.submit(request, "lee")
    path = f"requests/{request}"
    word = center.change(path, f"{path}/endorsements", "lead", {"rank": 1})
    assert (201, 1) == (word.status_code, word.json()["rank"])
    other = center.create("requests", "lead", {"call": call, "fellow": "park", **an_ask()})
    assert 403 == other.status_code


def test_an_operator_decides_eligibility_and_the_fellow_sees_why(center: Center):
    """The reason of an eligibility decision reaches the fellow."""
    path = f"requests/{center.request(center.call())}"
    center.submit(path.removeprefix("requests/"))
    body = {"eligible": False, "reason": "Out of scope."}
    decided = center.change(path, f"{path}/eligibility-decisions", "op", body)
    assert 201 == decided.status_code
    shown = center.get(path, "kim").json()
    assert ("ineligible", "Out of scope.") == (shown["state"], shown["state_reason"])


def test_a_withdrawn_request_allows_nothing(center: Center):
    """After a withdrawal every next act is refused in advance, with the code of the refusal."""
    path = f"requests/{center.request(center.call())}"
    gone = center.change(path, f"{path}/withdrawals", "kim", {"reason": "Moved abroad."})
    assert (201, "withdrawn") == (gone.status_code, gone.json()["state"])
    acts = {each["name"]: each for each in center.get(path, "kim").json()["_actions"]}
    assert (False, "invalid-transition") == (
        acts["submissions"]["allowed"],
        acts["submissions"]["why_not"],
    )
    refused = center.change(path, f"{path}/submissions", "kim")
    assert (409, []) == (refused.status_code, refused.json()["allowed"])


def test_history_tells_the_story_in_order(center: Center):
    """A request's history is its events, oldest first, each with its hash."""
    request = center.request(center.call())
    center.submit(request)
    told = center.get(f"requests/{request}/history", "kim").json()["items"]
    assert ["request.created", "request.submitted"] == [each["kind"] for each in told]
