"""Reading `dure-round/1`."""

import gzip
import json
from decimal import Decimal

import pytest

from scheduler.document import InvalidRound, load_document, parse_document
from scheduler.round_file import read_round
from tests.rounds import a_request, a_round


def parsed(document):
    """Return the document as it would come from a file."""
    return parse_document(json.dumps(document).encode())


def test_amounts_become_exact_thousandths():
    """64152.217 GPU-hours are 64,152,217 thousandths, without binary floats."""
    round_ = a_round(requests=[a_request(gpu_hours=64152.217)])
    assert read_round(parsed(round_)).requests[0].gpu_hours == 64_152_217


def test_defaults_are_the_formats():
    """What may be missing takes the default that the format gives."""
    request = a_request()
    for name in ("minimum_gpu_hours", "gang_gpus", "score"):
        del request[name]
    read = read_round(parsed(a_round(requests=[request])))
    assert (0, 1, 50_000, "flexible", False) == (
        read.requests[0].minimum_gpu_hours,
        read.requests[0].gang_gpus,
        read.requests[0].score,
        read.requests[0].shape,
        read.requests[0].guaranteed,
    )
    assert (1000, 0, None) == (
        read.groups[0].weight,
        read.groups[0].floor_gpu_hours,
        read.groups[0].cap_gpu_hours,
    )
    assert read.pools[0].su_per_gpu_hour == 1000


def test_a_gzipped_file_reads_like_a_plain_one(tmp_path):
    """Compression changes nothing."""
    raw = json.dumps(a_round()).encode()
    (tmp_path / "round.json").write_bytes(raw)
    (tmp_path / "round.json.gz").write_bytes(gzip.compress(raw))
    assert load_document(tmp_path / "round.json") == load_document(tmp_path / "round.json.gz")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"schema": "dure-round/2"}, "#/schema"),
        ({"colour": "red"}, "#/colour"),
        ({"calendar": {"starts_on": "soon", "slot_hours": 1, "slots": 2}}, "#/calendar/starts_on"),
        ({"calendar": {"starts_on": None, "slot_hours": 0, "slots": 2}}, "#/calendar/slot_hours"),
        ({"groups": [{"id": "g1"}, {"id": "g1"}]}, "#/groups/1/id"),
        ({"groups": [{"id": "g1", "weight": -1}, {"id": "g2"}]}, "#/groups/0/weight"),
        ({"fellows": [{"id": "f1", "group": "nowhere"}]}, "#/fellows/0/group"),
        ({"requests": [a_request(gpu_hours=1.2345)]}, "#/requests/0/gpu_hours"),
        ({"requests": [a_request(gpu_hours="40")]}, "#/requests/0/gpu_hours"),
        ({"requests": [a_request(gpu_hours=True)]}, "#/requests/0/gpu_hours"),
        ({"requests": [a_request(gpu_hours=0)]}, "#/requests/0/gpu_hours"),
        ({"requests": [a_request(gpu_hours=1e300)]}, "#/requests/0/gpu_hours"),
        ({"requests": [a_request(minimum_gpu_hours=41)]}, "#/requests/0/minimum_gpu_hours"),
        ({"requests": [a_request(gang_gpus=5)]}, "#/requests/0/gang_gpus"),
        ({"requests": [a_request(window=[1, 1])]}, "#/requests/0/window"),
        ({"requests": [a_request(window=[0, 3])]}, "#/requests/0/window"),
        ({"requests": [a_request(speeds={})]}, "#/requests/0/speeds"),
        ({"requests": [a_request(speeds={"b": 1})]}, "#/requests/0/speeds/b"),
        ({"requests": [a_request(speeds={"a": 0})]}, "#/requests/0/speeds/a"),
        ({"requests": [a_request(shape="round")]}, "#/requests/0/shape"),
        ({"requests": [a_request(shape="block")]}, "#/requests/0/block_slots"),
        ({"requests": [a_request(shape="block", block_slots=3)]}, "#/requests/0/block_slots"),
        ({"requests": [a_request(block_slots=1)]}, "#/requests/0/block_slots"),
        ({"requests": [a_request(score=100.5)]}, "#/requests/0/score"),
        ({"requests": [a_request(after="r1")]}, "#/requests/0/after"),
        ({"requests": [a_request(guaranteed=1)]}, "#/requests/0/guaranteed"),
        ({"requests": [a_request(wish="more")]}, "#/requests/0/wish"),
        ({"requests": [a_request(fellow="nobody")]}, "#/requests/0/fellow"),
        ({"requests": {}}, "#/requests"),
        (
            {"tracks": [{"id": "industry"}], "requests": [a_request(track="x")]},
            "#/requests/0/track",
        ),
        (
            {"previous": {"awards": [{"request": "r1", "cells": [["a", 0]]}]}},
            "#/previous/awards/0/cells/0",
        ),
        (
            {"previous": {"awards": [{"request": "r1", "cells": [["a", 2, 1]]}]}},
            "#/previous/awards/0/cells/0",
        ),
        (
            {"previous": {"awards": [{"request": "r1", "cells": [["a", -1, 1]]}]}},
            "#/previous/awards/0/cells/0/slot",
        ),
    ],
)
def test_a_broken_rule_is_named_with_its_field(changes, pointer):
    """The refusal says which field stands wrong."""
    with pytest.raises(InvalidRound) as refusal:
        read_round(parsed(a_round(**changes)))
    assert pointer == refusal.value.pointer


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (1.2345, "1.2345"),
        ("큰", '"큰"'),
        ({"zz": True}, '{"zz": true}'),
        (["x" * 200], f'["{"x" * 78}…'),
    ],
)
def test_a_wrong_value_is_shown_as_it_is_written(value, shown):
    """The refusal repeats what the file says, not how Python holds it, and cuts what is long."""
    with pytest.raises(InvalidRound, match="Must be a whole number") as refusal:
        read_round(parsed(a_round(requests=[a_request(max_gpus=value)])))
    assert str(refusal.value).startswith(f"#/requests/0/max_gpus: {shown}: ")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"id": NaN}',
        b'{"id": 1, "id": 2}',
        b"\xff\xfe",
        b"\x1f\x8b broken",
        b"[" * 9**5,
    ],
)
def test_what_is_no_json_object_is_refused(raw):
    """Broken bytes give a refusal, never a traceback."""
    with pytest.raises(InvalidRound):
        parse_document(raw)


def test_tracks_that_only_requests_name_have_neither_floor_nor_cap():
    """A round without a list of tracks may still name them."""
    read = read_round(parsed(a_round(requests=[a_request(track="industry")])))
    assert [("industry", 0, None)] == [
        (track.id, track.floor_gpu_hours, track.cap_gpu_hours) for track in read.tracks
    ]


def test_decimals_survive_as_decimals():
    """The parsed document holds exact decimals for its digest."""
    assert parse_document(b'{"x": 0.1}') == {"x": Decimal("0.1")}
