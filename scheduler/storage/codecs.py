"""Nested values as JSON for a column, and back."""

from datetime import date, datetime
from typing import Any

from scheduler.domain.awards import Cell
from scheduler.domain.calls import CallTerms, Extension, Track
from scheduler.domain.moves import Place
from scheduler.domain.pools import Calendar

Json = Any


def encode_terms(terms: CallTerms) -> Json:
    """Return the terms of a call as JSON, amounts in thousandths."""
    calendar = terms.calendar
    return {
        "title": terms.title,
        "description": terms.description,
        "opens_at": terms.opens_at.isoformat(),
        "closes_at": terms.closes_at.isoformat(),
        "policy": terms.policy,
        "policy_version": terms.policy_version,
        "calendar": [
            None if calendar.starts_on is None else calendar.starts_on.isoformat(),
            calendar.slot_hours,
            calendar.slots,
        ],
        "pools": list(terms.pools),
        "tracks": [
            [track.id, track.floor_gpu_hours, track.cap_gpu_hours, track.won_per_service_unit]
            for track in terms.tracks
        ],
        "max_requests": terms.max_requests,
        "max_gpu_hours": terms.max_gpu_hours,
        "seed_seal": terms.seed_seal,
        "seed": terms.seed,
        "seed_salt": terms.seed_salt,
        "answer_days": terms.answer_days,
        "appeal_days": terms.appeal_days,
    }


def decode_terms(json: Json) -> CallTerms:
    """Return the terms of a call."""
    starts_on, slot_hours, slots = json["calendar"]
    return CallTerms(
        title=json["title"],
        description=json["description"],
        opens_at=datetime.fromisoformat(json["opens_at"]),
        closes_at=datetime.fromisoformat(json["closes_at"]),
        policy=json["policy"],
        policy_version=json["policy_version"],
        calendar=Calendar(
            starts_on=None if starts_on is None else date.fromisoformat(starts_on),
            slot_hours=slot_hours,
            slots=slots,
        ),
        pools=tuple(json["pools"]),
        tracks=tuple(_track(*row) for row in json["tracks"]),
        max_requests=json["max_requests"],
        max_gpu_hours=json["max_gpu_hours"],
        seed_seal=json.get("seed_seal"),
        seed=json.get("seed"),
        seed_salt=json.get("seed_salt"),
        **{name: json[name] for name in ("answer_days", "appeal_days") if name in json},
    )


def _track(id_: str, floor: int, cap: int | None, price: int = 0) -> Track:
    """Return a track; those of calls that are older than prices have none."""
    return Track(id=id_, floor_gpu_hours=floor, cap_gpu_hours=cap, won_per_service_unit=price)


def encode_extensions(extensions: tuple[Extension, ...]) -> Json:
    """Return the moves of a deadline as JSON."""
    return [
        [one.before.isoformat(), one.after.isoformat(), one.by, one.at.isoformat(), one.reason]
        for one in extensions
    ]


def decode_extensions(json: Json) -> tuple[Extension, ...]:
    """Return the moves of a deadline."""
    return tuple(
        Extension(
            before=datetime.fromisoformat(before),
            after=datetime.fromisoformat(after),
            by=by,
            at=datetime.fromisoformat(at),
            reason=reason,
        )
        for before, after, by, at, reason in json
    )


def encode_cells(cells: tuple[Cell, ...]) -> Json:
    """Return the cells of an award as JSON."""
    return [[cell.pool, cell.slot, cell.gpu_hours] for cell in cells]


def decode_cells(json: Json) -> tuple[Cell, ...]:
    """Return the cells of an award."""
    return tuple(Cell(pool=pool, slot=slot, gpu_hours=hours) for pool, slot, hours in json)


def encode_place(place: Place) -> Json:
    """Return where a person belongs as JSON."""
    return [place.group, place.institute, place.track]


def decode_place(json: Json) -> Place:
    """Return where a person belongs."""
    group, institute, track = json
    return Place(group=group, institute=institute, track=track)


def encode_plain(value: Any) -> Json:  # noqa: ANN401 - any JSON
    """Return a value that is JSON already; tuples and mappings become lists and dicts."""
    return list(value) if isinstance(value, tuple) else value


def decode_plain(json: Json) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON as it is."""
    return json


def decode_tuple(json: Json) -> tuple[Any, ...]:
    """Return a JSON list as a tuple."""
    return tuple(json)
