"""The client: what it repeats, what it refuses, what it sends."""

import json
from decimal import Decimal

import httpx
import pytest

from api.client import Client, Refusal, Rehearsed, Unreachable, parse_events


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("api.client.PAUSE_SECONDS", 0.0)


def client_of(answer, **options):
    """Return a client whose network is a function."""
    return Client("http://center", "t0ken", transport=httpx.MockTransport(answer), **options)


def test_a_create_is_repeated_with_the_same_key():
    """After a lost answer the same idempotency key is sent again."""
    keys = []

    def answer(request):
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1:
            raise httpx.ReadError("lost")
        return httpx.Response(201, json={"id": "call_1"})

    with client_of(answer) as client:
        body = client.create("calls", {"title": "A"}).body

    assert {"id": "call_1"} == body
    assert 2 == len(keys)
    assert 1 == len(set(keys))


def test_a_patch_is_never_repeated():
    """Without an idempotency key a lost answer is an error."""
    calls = []

    def answer(request):
        calls.append(request)
        raise httpx.ReadError("lost")

    with client_of(answer) as client, pytest.raises(Unreachable):
        client.patch("calls/call_1", {}, etag='"v1"')

    assert 1 == len(calls)


def test_a_busy_server_means_try_later():
    """503 to the end is `Unreachable`, with the server's words."""

    def answer(request):
        return httpx.Response(503, json={"detail": "The store is busy."})

    with client_of(answer) as client, pytest.raises(Unreachable, match="store is busy"):
        client.get("calls")


def test_a_refusal_carries_its_code():
    """A problem document becomes a `Refusal` with code, status and text."""

    def answer(request):
        return httpx.Response(409, json={"code": "call-closed", "detail": "Too late."})

    with client_of(answer) as client, pytest.raises(Refusal, match="Too late") as refused:
        client.create("calls")

    assert ("call-closed", 409) == (refused.value.code, refused.value.status)


def test_a_change_names_the_version_it_was_made_against():
    """The ETag of the subject is read first and sent as If-Match."""
    sent = []

    def answer(request):
        sent.append((request.method, request.url.path, request.headers.get("If-Match")))
        return httpx.Response(200, json={}, headers={"ETag": '"v3-abc"'})

    with client_of(answer) as client:
        client.change("rounds/rnd_1", "rounds/rnd_1/freezes")

    assert [
        ("GET", "/api/v1/rounds/rnd_1", None),
        ("POST", "/api/v1/rounds/rnd_1/freezes", '"v3-abc"'),
    ] == sent


def test_a_rehearsal_reads_and_sends_nothing():
    """Only the read goes out; the change is told instead."""
    sent = []

    def answer(request):
        sent.append(request.method)
        return httpx.Response(200, json={})

    with client_of(answer, rehearsal=True) as client, pytest.raises(Rehearsed) as told:
        client.change("awards/awd_1", "awards/awd_1/acceptances")

    assert ["GET"] == sent
    assert "/api/v1/awards/awd_1/acceptances" == told.value.request["path"]


def test_lists_are_read_to_their_end():
    """Pages are followed by their cursors."""

    def answer(request):
        if request.url.params.get("cursor") == "2":
            return httpx.Response(200, json={"items": [3], "next_cursor": None})
        return httpx.Response(200, json={"items": [1, 2], "next_cursor": "2"})

    with client_of(answer) as client:
        assert [1, 2, 3] == list(client.pages("calls"))


def test_decimals_travel_as_numbers():
    """Amounts read exactly from a file are sent as JSON numbers."""
    bodies = []

    def answer(request):
        bodies.append(request.content)
        return httpx.Response(201, json={})

    with client_of(answer) as client:
        client.create("requests", {"gpu_hours": Decimal("64152.217"), "whole": Decimal("8.000")})

    assert {"gpu_hours": 64152.217, "whole": 8} == json.loads(bodies[0])


def test_two_people_share_a_connection():
    """A sibling client speaks as somebody else."""
    tokens = []

    def answer(request):
        tokens.append(request.headers["Authorization"])
        return httpx.Response(200, json={})

    with client_of(answer) as client:
        client.as_person("other").get("me")
        client.get("me")

    assert ["Bearer other", "Bearer t0ken"] == tokens


def test_events_are_read_as_the_standard_says():
    """Names, ids and data are taken; comments are heartbeats."""
    lines = [
        ": hello",
        "",
        "event: bound",
        "id: 7",
        'data: {"gap":',
        "data: 0.5}",
        "",
        "data: 1",
        "",
    ]

    events = list(parse_events(iter(lines)))

    assert [("bound", {"gap": 0.5}, "7"), ("message", 1, "")] == [
        (event.name, event.body, event.id) for event in events
    ]


def test_a_broken_stream_resumes_where_it_broke():
    """The second connection names the last event that was seen."""
    seen = []

    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield b"event: bound\nid: 1\ndata: 1\n\n"
            raise httpx.ReadError("cut")

    def answer(request):
        seen.append(request.headers.get("Last-Event-ID"))
        if len(seen) == 1:
            return httpx.Response(200, stream=Broken())
        return httpx.Response(200, text="event: done\nid: 2\ndata: 2\n\n")

    with client_of(answer) as client:
        assert [1, 2] == [event.body for event in client.events("solves/slv_1/events")]

    assert [None, "1"] == seen
