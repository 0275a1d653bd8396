"""Calls: draft, patch, open, extend, close, list."""

from datetime import datetime

from scheduler.domain.access import Permit
from scheduler.domain.calls import Call, CallState, CallTerms
from scheduler.domain.errors import InvalidValue, NotFound, PolicyNotLocked, SeedNotSealed
from scheduler.domain.events import Event, Happening
from scheduler.domain.policies import PolicyState
from scheduler.operations.policies import draws_lots
from scheduler.operations.pools import supplies
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


def draft_call(tx: Transaction, act: Act, terms: CallTerms) -> Call:
    """Write a new call.

    Raises:
        InvalidValue: If a pool or the policy version is unknown.
    """
    _refuse_unknown(tx, terms)
    call = Call(
        id=act.new("call"),
        terms=terms,
        state=CallState.DRAFT,
        drafted_by=act.person,
        created_at=act.now,
    )
    tx.calls.add(call)
    record(tx, act, Happening(kind="call.drafted", subject=call.id))
    return call


def patch_call(tx: Transaction, act: Act, id_: str, terms: CallTerms) -> Call:
    """Change what a draft says.

    Raises:
        InvalidTransition: If the call is no draft any more.
        InvalidValue: If a pool or the policy version is unknown.
    """
    call = get_call(tx, act.permit, id_, with_drafts=True)
    act.expect("call", id_, call.version)
    _refuse_unknown(tx, terms)
    patched, told = call.patch(terms, act.person)
    tx.calls.save(patched)
    record(tx, act, told)
    return patched


def open_call(tx: Transaction, act: Act, id_: str) -> tuple[Call, Event]:
    """Let a call take requests from its `opens_at` on, under its locked policy.

    Raises:
        SecondPersonRequired: If its drafter opens it.
        PolicyNotLocked: If its policy version is not locked.
        SeedNotSealed: If the policy draws lots and the call does not state the seal of a seed.
    """
    call = get_call(tx, act.permit, id_, with_drafts=True)
    act.expect("call", id_, call.version)
    version = tx.policies.version(call.terms.policy, call.terms.policy_version)
    if version is None or version.state is not PolicyState.LOCKED:
        raise PolicyNotLocked(policy=call.terms.policy, policy_version=call.terms.policy_version)
    if call.terms.seed_seal is None and draws_lots(version.content):
        raise SeedNotSealed(call=call.id, policy=call.terms.policy)
    opened, told = call.open(act.person, act.now)
    tx.calls.save(opened)
    return opened, record(tx, act, told)


def extend_call(
    tx: Transaction, act: Act, id_: str, closes_at: datetime, reason: str
) -> tuple[Call, Event]:
    """Move a deadline later, for all.

    Raises:
        DeadlineNotLater: If it would not be later than before and than now.
    """
    call = get_call(tx, act.permit, id_, with_drafts=True)
    act.expect("call", id_, call.version)
    extended, told = call.extend(closes_at, why=reason, by=act.person, at=act.now)
    tx.calls.save(extended)
    return extended, record(tx, act, told)


def close_call(tx: Transaction, act: Act, id_: str, reason: str) -> tuple[Call, Event]:
    """Close a call before its deadline, with a reason."""
    call = get_call(tx, act.permit, id_, with_drafts=True)
    act.expect("call", id_, call.version)
    closed, told = call.close(why=reason, by=act.person, at=act.now)
    tx.calls.save(closed)
    return closed, record(tx, act, told)


def get_call(tx: Transaction, permit: Permit, id_: str, *, with_drafts: bool = False) -> Call:
    """Return a call; a draft only to those who work on drafts."""
    del permit
    call = tx.calls.find(id_)
    if call is None or (call.state is CallState.DRAFT and not with_drafts):
        raise NotFound(kind="call", id=id_)
    return call


def list_calls(
    tx: Transaction,
    permit: Permit,
    slice_: Slice = FIRST,
    *,
    with_drafts: bool = False,
    state: CallState | None = None,
) -> Page[Call]:
    """List calls by stored state; drafts only for those who work on drafts."""
    del permit
    return tx.calls.list(slice_, drafts=with_drafts, state=state)


def call_timeline(
    tx: Transaction, permit: Permit, id_: str, *, with_drafts: bool = False
) -> tuple[Event, ...]:
    """Return what happened to a call, oldest first."""
    get_call(tx, permit, id_, with_drafts=with_drafts)
    return tuple(tx.events.of(id_))


def _refuse_unknown(tx: Transaction, terms: CallTerms) -> None:
    supplies(tx, terms.pools, terms.calendar)
    if tx.policies.version(terms.policy, terms.policy_version) is None:
        raise InvalidValue(
            field="/policy",
            value=f"{terms.policy}/{terms.policy_version}",
            rule="a known policy version",
        )
