"""Calls: draft, open, extend, close, count."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.acts import Possible, acts
from api.body import StrictRoute
from api.door import Asking, Caller, everyone
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.receipts import receipt_of
from api.replies import Reply, reply
from api.schemas.calls import (
    CalendarIn,
    CallIn,
    CallOut,
    CallPatch,
    ExtensionIn,
    StatisticsOut,
    TrackIn,
)
from api.schemas.common import Because, HistoryEntry, Listing
from api.schemas.fields import milli, milli_or_none
from scheduler.domain.calls import Call, CallState, CallTerms, Track
from scheduler.domain.errors import InvalidValue
from scheduler.domain.events import Event
from scheduler.domain.pools import Calendar
from scheduler.operations import calls
from scheduler.operations.statistics import call_statistics
from scheduler.ports.store import Transaction

READ: Final = "call.read_open"
DRAFT: Final = "call.draft"
OPEN: Final = "call.open"
EXTEND: Final = "call.extend_deadline"
ADDRESS: Final = "/api/v1/calls"
CallId = Annotated[str, Path(max_length=64)]
POSSIBLE: Final = (
    Possible("patch", "patch", DRAFT, "PATCH"),
    Possible("openings", "open", OPEN),
    Possible("extensions", "extend", EXTEND),
    Possible("closings", "close", EXTEND),
    Possible("rounds", "round", "round.freeze"),
)
STEPS: Final = {
    CallState.DRAFT: ("patch", "open", "round"),
    CallState.OPEN: ("extend", "close", "round"),
    CallState.CLOSED: ("round",),
}
router = APIRouter(route_class=StrictRoute, prefix=ADDRESS, tags=["calls"])


@router.get("", **declared(READ, Listing[CallOut], flags="L"))
def list_calls(
    caller: Asking,
    cursor: Cursor = None,
    limit: Limit = STANDARD,
    state: Annotated[CallState | None, Query(description="The stored state.")] = None,
) -> Response:
    """List calls; drafts only for those who work on drafts."""
    part = caller.slice(cursor, limit)
    drafts = sees_drafts(caller)
    return caller.show(
        lambda tx: caller.listing(
            calls.list_calls(tx, caller.permit, part, with_drafts=drafts, state=state),
            lambda call: shown_call(caller, call),
        )
    )


@router.post("", **declared(DRAFT, CallOut, ok=201, flags="I"))
def draft_call(caller: Asking, body: CallIn) -> Response:
    """Write a new call; somebody else opens it."""
    terms = _terms(body)
    return caller.act(lambda tx: _one(caller, calls.draft_call(tx, caller.acting, terms), 201))


@router.get("/{call_id}", **declared(READ, CallOut))
def read_call(caller: Asking, call_id: CallId) -> Response:
    """Read one call."""
    return caller.show(lambda tx: _one(caller, _get(tx, caller, call_id)))


@router.patch("/{call_id}", **declared(DRAFT, CallOut, flags="M"))
def patch_call(caller: Asking, call_id: CallId, body: CallPatch) -> Response:
    """Change what a draft says; whoever changes it is its drafter from now on."""

    def command(tx: Transaction) -> Reply:
        terms = _patched(_get(tx, caller, call_id).terms, body)
        return _one(caller, calls.patch_call(tx, caller.acting, call_id, terms))

    return caller.act(command)


@router.post("/{call_id}/openings", **declared(OPEN, CallOut, ok=201, flags="IMW"))
def open_call(caller: Asking, call_id: CallId) -> Response:
    """Let the call take requests, as somebody who did not draft it."""
    return caller.act(lambda tx: _changed(caller, *calls.open_call(tx, caller.acting, call_id)))


@router.post("/{call_id}/extensions", **declared(EXTEND, CallOut, ok=201, flags="IMW"))
def extend_call(caller: Asking, call_id: CallId, body: ExtensionIn) -> Response:
    """Move the deadline later, for all."""
    return caller.act(
        lambda tx: _changed(
            caller,
            *calls.extend_call(tx, caller.acting, call_id, body.closes_at, body.reason),
        )
    )


@router.post("/{call_id}/closings", **declared(EXTEND, CallOut, ok=201, flags="IMW"))
def close_call(caller: Asking, call_id: CallId, body: Because) -> Response:
    """Take no more requests before the deadline, with a reason."""
    return caller.act(
        lambda tx: _changed(caller, *calls.close_call(tx, caller.acting, call_id, body.reason))
    )


@router.get("/{call_id}/timeline", **declared(READ, Listing[HistoryEntry]))
def read_timeline(caller: Asking, call_id: CallId) -> Response:
    """Tell what happened to a call, oldest first; people are not named."""
    drafts = sees_drafts(caller)
    return caller.show(
        lambda tx: caller.listing(
            everyone(calls.call_timeline(tx, caller.permit, call_id, with_drafts=drafts)),
            lambda event: HistoryEntry.model_validate(event).model_copy(update={"actor": None}),
        )
    )


@router.get("/{call_id}/statistics", **declared("report.public", StatisticsOut))
def read_statistics(caller: Asking, call_id: CallId) -> Response:
    """Tell what a call draws so far; it names nobody."""
    return caller.show(
        lambda tx: reply(StatisticsOut.model_validate(call_statistics(tx, caller.permit, call_id)))
    )


def sees_drafts(caller: Caller) -> bool:
    """Tell whether the caller works on drafts of calls."""
    return caller.may(DRAFT, OPEN)


def shown_call(caller: Caller, call: Call) -> CallOut:
    """Show a call in the state that the clock makes of it."""
    terms = call.terms
    said = {name: getattr(terms, name) for name in CallOut.model_fields if hasattr(terms, name)}
    known = {name: getattr(call, name) for name in CallOut.model_fields if hasattr(call, name)}
    return CallOut.model_validate({**said, **known, "state": call.state_at(caller.now)})


def _get(tx: Transaction, caller: Caller, call_id: str) -> Call:
    return calls.get_call(tx, caller.permit, call_id, with_drafts=sees_drafts(caller))


def _one(caller: Caller, call: Call, status: int = 200, **more: Any) -> Reply:  # noqa: ANN401 - further fields of the model
    address = f"{ADDRESS}/{call.id}"
    possible = acts(
        caller,
        address,
        POSSIBLE,
        allowed=STEPS[call.state_at(caller.now)],
        earlier=(call.drafted_by,),
    )
    shown = shown_call(caller, call).model_copy(update={"actions": possible, **more})
    return reply(shown, status, version=call.version, address=address)


def _changed(caller: Caller, call: Call, event: Event) -> Reply:
    return _one(caller, call, 201, receipt=receipt_of(event))


def _terms(body: CallIn) -> CallTerms:
    return CallTerms(
        title=body.title,
        opens_at=body.opens_at,
        closes_at=body.closes_at,
        policy=body.policy,
        policy_version=body.policy_version,
        calendar=_calendar(body.calendar),
        pools=tuple(body.pools),
        tracks=_tracks(body.tracks),
        max_requests=body.max_requests,
        max_gpu_hours=milli_or_none(body.max_gpu_hours),
        description=body.description,
        seed_seal=body.seed_seal,
        answer_days=body.answer_days,
        appeal_days=body.appeal_days,
    )


def _patched(terms: CallTerms, body: CallPatch) -> CallTerms:
    """Return the terms with the fields that came; null empties what may be empty."""
    changes: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    for name, value in changes.items():
        if value is None and name not in {"max_requests", "max_gpu_hours", "seed_seal"}:
            raise InvalidValue(field=f"/{name}", value=None, rule="required")
    if "max_gpu_hours" in changes:
        changes["max_gpu_hours"] = milli_or_none(body.max_gpu_hours)
    if body.calendar is not None:
        changes["calendar"] = _calendar(body.calendar)
    if body.pools is not None:
        changes["pools"] = tuple(body.pools)
    if body.tracks is not None:
        changes["tracks"] = _tracks(body.tracks)
    return replace(terms, **changes)


def _calendar(body: CalendarIn) -> Calendar:
    return Calendar(
        starts_on=None if body.starts_on is None else _day(body.starts_on),
        slot_hours=milli(body.slot_hours),
        slots=body.slots,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(
            field="/calendar/starts_on", value=text[:32], rule="a date, YYYY-MM-DD"
        ) from None


def _tracks(tracks: list[TrackIn]) -> tuple[Track, ...]:
    return tuple(
        Track(
            id=each.id,
            floor_gpu_hours=milli(each.floor_gpu_hours),
            cap_gpu_hours=milli_or_none(each.cap_gpu_hours),
            won_per_service_unit=each.won_per_service_unit,
        )
        for each in tracks
    )
