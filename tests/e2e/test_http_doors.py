"""What the HTTP door promises of every answer: who may, what is refused, and how it is said."""

from datetime import timedelta

import pytest

from api.app import assemble, house
from api.middleware import SECURITY_HEADERS, Limits
from tests.e2e.center import SECRET, Center, TestClient, call_terms

MISSING = "req_01jd0000000000000000000000"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/time", "/api/v1/version"])
def test_the_service_tells_about_itself_without_a_token(center: Center, path):
    """Health, time and version need no token."""
    assert 200 == center.get(path).status_code


def test_the_servers_clock_is_the_one_that_decides(center: Center):
    """The time shown is the clock by which deadlines are decided."""
    center.clock.move(hours=1)
    body = center.get("time").json()
    assert ("2026-11-02T10:00:00.000000Z", "2026-11-02T19:00:00.000+09:00") == (
        body["now"],
        body["now_kst"],
    )


def test_every_error_code_has_a_page_in_both_languages(center: Center):
    """Each listed code is explained, in Korean when asked."""
    for kind in center.get("problems").json()["items"]:
        page = f"problems/{kind['code']}"
        english = center.get(page).json()
        korean = center.get(page, headers={"Accept-Language": "ko"}).json()
        assert english["status"] == korean["status"]
        assert english["title"] != korean["title"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "me"), ("POST", "calls"), ("GET", "requests/x")]
)
def test_without_a_token_there_is_nothing(center: Center, method, path):
    """Every answer without a token is 401, whatever lies behind the address."""
    answer = center.send(method, path)
    assert (401, "unauthenticated") == (answer.status_code, answer.json()["code"])
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_malformed_body_tells_a_stranger_nothing(center: Center):
    """Who calls is found out before the body is looked at."""
    content = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert 401 == center.send("POST", "calls", **content).status_code


def test_a_revoked_or_expired_token_ends_at_once(center: Center):
    """A token counts until the instant it is revoked or expires."""
    made = center.create("me/tokens", "kim", {"name": "laptop", "scopes": ["request.*"]})
    assert 201 == made.status_code
    body = made.json()
    center.tokens["laptop"] = body["token"]
    assert 200 == center.get("requests", "laptop").status_code
    assert 403 == center.get("awards", "laptop").status_code
    assert 204 == center.send("DELETE", f"me/tokens/{body['id']}", "kim").status_code
    assert "revoked" in center.get("requests", "laptop").json()["detail"]
    center.clock.now += timedelta(days=80)
    assert "expired" in center.get("requests", "kim").json()["detail"]


def test_a_token_is_shown_once_and_never_listed(center: Center):
    """A replay of the same key and the list of tokens show everything but the token."""
    headers = {"Idempotency-Key": "token-0001"}
    body = {"name": "laptop", "scopes": ["*"]}
    first = center.create("me/tokens", "kim", body, headers=headers).json()
    again = center.create("me/tokens", "kim", body, headers=headers).json()
    assert first["token"].startswith("dure_pat_")
    assert {**first, "token": None} == again
    listed = center.get("me/tokens", "kim").json()["items"]
    assert all("token" not in each and "hash" not in each for each in listed)


def test_nobody_revokes_another_persons_token_but_an_admin(center: Center):
    """Somebody else's token does not exist for a fellow; an admin may revoke it."""
    token = center.create("me/tokens", "kim", {"name": "a", "scopes": ["*"]}).json()["id"]
    assert 404 == center.send("DELETE", f"me/tokens/{token}", "lee").status_code
    assert 403 == center.send("DELETE", f"tokens/{token}", "lee").status_code
    assert 204 == center.send("DELETE", f"tokens/{token}", "adm").status_code


def test_me_tells_roles_and_rights(center: Center):
    """The caller learns who they are and whose things each right reaches."""
    body = center.get("me", "lead").json()
    assert (["group_lead"], ["g1"]) == (body["roles"], body["leads"])
    assert "groups" == body["permissions"]["request.endorse"]
    assert "round.approve" not in body["permissions"]


def test_an_unknown_field_is_refused_by_name(center: Center):
    """A field that no schema knows is named in the refusal."""
    body = {**call_terms(), "colour": "blue"}
    refused = center.create("calls", "op", body)
    assert (422, "invalid-input") == (refused.status_code, refused.json()["code"])
    assert ["#/colour"] == [each["pointer"] for each in refused.json()["errors"]]


def test_a_wrong_field_is_told_in_the_callers_language(center: Center):
    """Pointer, code, limit and value are the same; the message follows Accept-Language."""
    body = {**call_terms(), "max_requests": 0, "pools": "h200"}
    answers = [
        center.create("calls", "op", body, headers={"Accept-Language": language}).json()["errors"]
        for language in ("en", "ko")
    ]
    english, korean = ({each["pointer"]: each for each in errors} for errors in answers)
    assert {"#/max_requests", "#/pools"} == set(english) == set(korean)
    assert (1, 0) == (korean["#/max_requests"]["limit"], korean["#/max_requests"]["got"])
    assert "1 이상이어야 합니다." == korean["#/max_requests"]["message"]
    assert "greater than or equal to 1" in english["#/max_requests"]["message"]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff", b"[" * 40 + b"]" * 40, b"1" * 5000],
    ids=["cut off", "not a number", "key twice", "not UTF-8", "too deep", "too long a number"],
)
def test_a_body_that_is_not_json_is_refused(center: Center, body):
    """What strict JSON does not know is a malformed body, never a guess."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "malformed-1"}
    refused = center.send("POST", "calls", "op", content=body, headers=headers)
    assert (400, "malformed-body") == (refused.status_code, refused.json()["code"])


def test_another_content_type_is_refused(center: Center):
    """A form is not JSON."""
    headers = {"Content-Type": "text/plain", "Idempotency-Key": "plain-0001"}
    refused = center.send("POST", "calls", "op", content=b"a=b", headers=headers)
    assert (415, "unsupported-media-type") == (refused.status_code, refused.json()["code"])


def test_a_large_body_is_refused_by_its_length_and_by_its_bytes(center: Center):
    """256 KiB is the limit, whether the length is announced or not."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "large-0001"}
    big = b'"' + b"a" * 300_000 + b'"'
    announced = center.send("POST", "calls", "op", content=big, headers=headers)
    unannounced = center.send("POST", "calls", "op", content=iter([big]), headers=headers)
    assert (413, 413) == (announced.status_code, unannounced.status_code)
    assert {"limit": 262_144, "code": "payload-too-large"}.items() <= unannounced.json().items()


def test_a_create_needs_a_key(center: Center):
    """A create without an Idempotency-Key is refused before anything else is looked at."""
    refused = center.send("POST", "calls", "op", json=call_terms())
    assert (400, "idempotency-key-required") == (refused.status_code, refused.json()["code"])


def test_an_unknown_address_and_method_are_problems_too(center: Center):
    """Even what no route answers is said as a problem, with what would be possible."""
    unknown = center.get("/nowhere")
    assert (404, "unknown-address") == (unknown.status_code, unknown.json()["code"])
    method = center.send("DELETE", "/healthz")
    assert (405, "GET") == (method.status_code, method.headers["Allow"])


def test_every_answer_is_guarded(center: Center):
    """Security headers and no-store stand on successes, refusals and unknown addresses."""
    for answer in (center.get("time"), center.get("me"), center.get("/nowhere")):
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "no-store" == answer.headers["Cache-Control"]


def test_a_trace_is_taken_up_and_given_back(center: Center):
    """The trace of the caller is the trace of the answer, in header and problem."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = center.get("me", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert trace == answer.json()["trace_id"]
    assert trace in answer.headers["traceresponse"]


def test_another_host_is_refused(center: Center):
    """A service that knows its names answers to no other."""
    app = assemble(house(center.store, SECRET), hosts=["dure.example"])
    http = TestClient(app)
    assert 400 == http.get("/healthz").status_code
    assert 200 == http.get("/healthz", headers={"Host": "dure.example:8000"}).status_code


def test_a_breakdown_shows_a_trace_and_nothing_else(center: Center, monkeypatch):
    """An error of ours is a 500 with a trace id, without a word of what broke."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.routes.policies.policies.list_policies", broken)
    answer = center.get("policies", "op")
    assert (500, "internal-error") == (answer.status_code, answer.json()["code"])
    assert "secret" not in answer.text
    assert 32 == len(answer.json()["trace_id"])


def test_requests_are_observed_by_route(center: Center):
    """Who measures is told method, route template, status and seconds of each request."""
    told: list[tuple[str, str, int]] = []
    center.app.state.observe_request = lambda *seen: told.append(seen[:3])
    center.get(f"requests/{MISSING}", "kim")
    center.get("/nowhere")
    assert [("GET", "/api/v1/requests/{request_id}", 404), ("GET", "unmatched", 404)] == told


def test_pages_follow_one_another_without_overlap(center: Center):
    """Pages of two make the whole list, each item once, in one order."""
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        answer = center.get("people", "op", params=query)
        seen += [each["id"] for each in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
        assert cursor in answer.headers["Link"]
        query["cursor"] = cursor
    assert sorted(center.tokens) == seen


def test_a_cursor_works_for_its_caller_and_filter_only(center: Center):
    """A cursor of somebody else, of another filter, or a changed one is refused."""
    cursor = center.get("people", "op", params={"limit": 2}).json()["next_cursor"]
    for who, query in (
        ("op2", {"limit": 2, "cursor": cursor}),
        ("op", {"limit": 2, "group": "g1", "cursor": cursor}),
        ("op", {"limit": 2, "cursor": "A" + cursor[1:]}),
        ("op", {"limit": 2, "cursor": "!"}),
    ):
        refused = center.get("people", who, params=query)
        assert (400, "invalid-cursor") == (refused.status_code, refused.json()["code"])


def test_a_large_body_limit_can_be_chosen(center: Center):
    """The composition root sets the limits."""
    app = assemble(house(center.store, SECRET), limits=Limits(body_bytes=10))
    answer = TestClient(app).post("/api/v1/calls", content=b"x" * 11)
    assert 413 == answer.status_code


def test_series_of_fellows_are_off_until_a_setting_says_otherwise(center: Center):
    """The address is unknown to the scraper; others may not even ask."""
    assert 404 == center.get("/metrics/fellows", "scr").status_code
    assert 403 == center.get("/metrics/fellows", "op").status_code
    center.app.state.fellow_metrics = True
    assert 200 == center.get("/metrics/fellows", "scr").status_code
