"""Letters: gather what a fellow is told of an outcome, once it is published."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from scheduler.domain.access import Permit
from scheduler.domain.amounts import thousandths
from scheduler.domain.awards import Award
from scheduler.domain.errors import NotFound
from scheduler.domain.letters import Letter, Outcome
from scheduler.domain.requests import Request
from scheduler.domain.rounds import Decision, DecisionKind, Round
from scheduler.operations.attribution import window
from scheduler.ports.paging import everything
from scheduler.ports.store import Transaction

REASONS: Final = 3
"""How many reasons a letter gives; the whole explanation gives all."""


def award_letter(tx: Transaction, permit: Permit, award_id: str) -> Letter:
    """Return the letter of a visible award."""
    award = tx.awards.get(permit.scope, award_id)
    round_, request = tx.rounds.find(award.round), tx.requests.find(award.request)
    assert round_ is not None, "an award belongs to a round"
    assert request is not None, "an award belongs to a request"
    return _letter(tx, request, round_, award)


def request_letter(tx: Transaction, permit: Permit, request_id: str) -> Letter:
    """Return the letter of a visible request's outcome.

    Raises:
        NotFound: If it is not visible, or no round that it was in is published.
    """
    request = tx.requests.get(permit.scope, request_id)
    award = tx.awards.of_request(request.id)
    if award is not None:
        return award_letter(tx, permit, award.id)
    for round_ in tx.rounds.of_call(request.call):
        if round_.is_public and _told(tx, round_, request) is not None:
            return _letter(tx, request, round_, None)
    raise NotFound(kind="letter", id=request_id)


def _told(tx: Transaction, round_: Round, request: Request) -> Mapping[str, Any] | None:
    if round_.scenario is None:
        return None
    return tx.scenarios.explanation(round_.scenario, request.label)


def _letter(tx: Transaction, request: Request, round_: Round, award: Award | None) -> Letter:
    told, published = _told(tx, round_, request), _publication(tx, round_)
    person, call = tx.people.find(request.fellow), tx.calls.find(request.call)
    submission = tx.requests.submission(request.id, request.submitted)
    assert told is not None, "a published outcome is explained"
    assert person is not None, "a request belongs to a person"
    assert call is not None, "a request belongs to a call"
    terms, rank = call.terms, told["reserve_rank"]
    hours, none = told["gpu_hours"], Outcome.DECLINED if rank is None else Outcome.RESERVE
    return Letter(
        outcome=none if award is None else Outcome.AWARD,
        request=request.id,
        award=None if award is None else award.id,
        fellow=person.name,
        title=(request.draft if submission is None else submission.ask).title,
        call=terms.title,
        published_at=published.at,
        answer_by=published.at + timedelta(days=terms.answer_days),
        appeal_until=published.at + timedelta(days=terms.appeal_days),
        requested=_milli(hours["asked"]) if award is None else award.requested,
        recommended=_milli(hours["awarded"]) if award is None else award.recommended,
        awarded=0 if award is None else award.awarded,
        service_units=0 if award is None else award.service_units,
        score=_milli(told["score"]),
        gpu_hours={} if award is None else _by_type(tx, award),
        window=None if award is None else window(award, terms.calendar),
        reasons=tuple(each["text"] for each in told["reasons"][:REASONS]),
        change=_change(told),
        rank=rank,
        digest=published.scenario_digest,
    )


def _publication(tx: Transaction, round_: Round) -> Decision:
    return next(
        each for each in tx.decisions.of(round_.id) if each.kind is DecisionKind.PUBLICATION
    )


def _by_type(tx: Transaction, award: Award) -> Mapping[str, int]:
    types = {pool.id: pool.gpu_type for pool in everything(tx.pools.list)}
    hours: Counter[str] = Counter()
    for cell in award.cells:
        hours[types[cell.pool]] += cell.gpu_hours
    return dict(sorted(hours.items()))


def _change(told: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Return the first counterfactual that brings more than was awarded."""
    now = told["gpu_hours"]["awarded"]
    for each in told.get("counterfactuals", ()):
        if each["gpu_hours"] > now and each["change"]:
            found: Mapping[str, str] = each["text"]
            return found
    return None


def _milli(value: float) -> int:
    return thousandths(value, field="/explanation")
