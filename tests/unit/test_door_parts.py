"""The small parts of the HTTP door: strict JSON, tags, cursors, preferences, streams, the key."""

import gzip
import stat
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from api import sse
from api.body import Malformed, fingerprint, parse
from api.errors import InvalidCursor, MalformedBody, PayloadTooLarge
from api.etags import etag, names, version_named
from api.middleware import Limits, Surroundings
from api.pagination import seal, unseal
from api.preferences import LONGEST_WAIT, prefers_waiting, until
from api.raw_body import LARGEST, unpacked
from api.secret import InvalidSecret, read_secret
from api.sse import Frame, News, resume_after
from scheduler.domain.errors import Unauthenticated

KEY = b"k" * 32


def test_decimals_stay_exact():
    """A decimal is read as it was written, never through a binary float."""
    assert {"a": Decimal("0.1"), "b": 2} == parse(b'{"a": 0.1, "b": 2}')


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"NaN", b'{"a":1,"a":2}', b"\xff", b"[" * 33 + b"]" * 33, b"[" * 99_999]
)
def test_what_json_does_not_know_is_malformed(raw):
    """Nothing is guessed: each is refused with what is wrong."""
    found = parse(raw)
    assert isinstance(found, Malformed)
    assert found.reason


def test_thirty_two_levels_are_allowed():
    """The limit of depth is what is said: 32 levels pass."""
    assert not isinstance(parse(b"[" * 32 + b"]" * 32), Malformed)


def test_equal_bodies_have_one_fingerprint():
    """Order of keys and trailing zeros make no other body."""
    one, other = parse(b'{"a": 1.50, "b": 1}'), parse(b'{"b": 1, "a": 1.5}')
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(parse(b'{"a": 1.51, "b": 1}'))


def test_a_tag_names_its_version_and_bytes():
    """A tag is matched whole when reading, and by its version when changing."""
    tag = etag(7, b"{}")
    assert tag == '"v7-44136fa3"'
    assert names(f'"x", {tag}', tag)
    assert names("*", tag)
    assert not names(etag(7, b"[]"), tag)
    assert (7, None, 0, 0) == tuple(version_named(text) for text in (tag, "*", "7", 'W/"v7-1"'))


@pytest.mark.parametrize("changed", [{"binding": "b"}, {"key": b"j" * 32}])
def test_a_cursor_opens_only_with_its_binding_and_key(changed):
    """A cursor of another caller, list or center is refused."""
    cursor = seal("req_1", binding="a", key=KEY)
    assert "req_1" == unseal(cursor, binding="a", key=KEY)
    with pytest.raises(InvalidCursor):
        unseal(cursor, **{"binding": "a", "key": KEY, **changed})


@pytest.mark.parametrize("text", ["", "!", "AAAA", "한글", "a" * 500])
def test_a_made_up_cursor_is_refused(text):
    """Whatever is no cursor of ours is refused the same way."""
    with pytest.raises(InvalidCursor):
        unseal(text, binding="a", key=KEY)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0), ("wait=3", 3), ("respond-async, Wait = 10", 10), ("wait=x", 0), ("wait=9999", 30)],
)
def test_a_wish_to_wait_is_read_and_bounded(header, seconds):
    """RFC 7240's wait is taken up to half a minute."""
    assert seconds == prefers_waiting(header) <= LONGEST_WAIT


def test_waiting_ends_when_it_is_over_or_time_is():
    """Waiting says whether what was waited for came."""
    assert until(lambda: True, 0)
    assert not until(lambda: False, 0)


def test_a_stream_tells_each_frame_once_with_heartbeats_between(monkeypatch):
    """A silent stream beats; a frame moves the position; the end ends it."""
    monkeypatch.setattr(sse, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.002)
    frame = Frame(4, "progress", {"gap": 0.5})
    said = iter(
        [News([], ended=False)] * 2
        + [News([frame], ended=False), News([Frame(4, "done", {})], ended=True)]
    )
    asked: list[int] = []

    def news(after: int) -> News:
        asked.append(after)
        return next(said)

    told = anyio.run(collected, news)
    assert [b": connected\n\n", b": heartbeat\n\n", frame.encode()] == told[:3]
    assert told[3].startswith(b"id: 4\nevent: done\n")
    assert [0, 0, 0, 4] == asked


def test_a_stream_ends_when_the_caller_may_no_longer_see_it():
    """Who loses the right to see is told nothing more."""

    def news(_after: int) -> News:
        raise Unauthenticated(why="revoked")

    assert [b": connected\n\n"] == anyio.run(collected, news)


@pytest.mark.parametrize(
    ("header", "position"), [(None, 0), ("7", 7), ("x", 0), ("-1", 0), ("9" * 30, 0)]
)
def test_a_client_resumes_behind_what_it_saw(header, position):
    """Last-Event-ID is a position; whatever else begins at the beginning."""
    assert position == resume_after(header)


def test_a_body_held_open_is_received_when_its_last_byte_arrives():
    """Whoever begins before a deadline and sends the rest after it is late."""
    clock = iter([1, 2, 3]).__next__
    chunks = iter(
        [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.request", "body": b"}", "more_body": False},
        ]
    )
    seen: list[int] = []

    async def app(scope, receive, send) -> None:
        await receive()
        seen.append(scope["state"]["received_at"])
        await receive()
        seen.append(scope["state"]["received_at"])
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def receive() -> dict:
        return next(chunks)

    async def send(_message) -> None:
        pass

    around = Surroundings(
        app,
        clock=clock,
        trace=lambda: "0" * 32,
        hosts=["*"],
        limits=Limits(),
        observe=lambda: lambda *_: None,
    )
    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    anyio.run(around, scope, receive, send)
    assert [1, 2] == seen


def test_files_are_unpacked_within_bounds():
    """A gzip is unpacked; a damaged, cut off or enormous one is refused."""
    assert b"{}" == unpacked(gzip.compress(b"{}")) == unpacked(b"{}")
    with pytest.raises(PayloadTooLarge):
        unpacked(gzip.compress(bytes(LARGEST + 1)))
    for raw in (b"\x1f\x8bnonsense", gzip.compress(b"{}")[:-4]):
        with pytest.raises(MalformedBody):
            unpacked(raw)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path):
    """Two first starts agree on one key, which nobody else may read."""
    path = tmp_path / "var" / "secret"
    first = read_secret(path, lambda length: b"a" * length)
    assert first == read_secret(path, lambda length: b"b" * length)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def test_a_short_key_is_refused(tmp_path: Path):
    """A key that could be guessed is none."""
    path = tmp_path / "secret"
    path.write_bytes(b"short\n")
    with pytest.raises(InvalidSecret, match="5 bytes"):
        read_secret(path, bytes)


async def collected(news) -> list[bytes]:
    """Return everything a stream sends."""
    response = sse.stream(news, 0)
    return [bytes(part) async for part in response.body_iterator]
