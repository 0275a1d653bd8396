"""Sheets of the awards of a round, for other systems and for letters."""

from collections.abc import Iterable, Mapping

from scheduler.domain.access import Permit
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.calls import Call
from scheduler.domain.limits import AwardLimit
from scheduler.domain.requests import Ask, RequestState
from scheduler.domain.sheets import Sheet
from scheduler.operations.attribution import window
from scheduler.operations.limits import award_limits
from scheduler.operations.pacing import published_call
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


def round_sheets(
    tx: Transaction, permit: Permit, round_id: str, states: frozenset[AwardState]
) -> tuple[Sheet, ...]:
    """Return the sheets of the visible awards of a round that are in one of these states.

    Raises:
        NotFound: If the round does not exist or is not published.
    """
    call = published_call(tx, round_id)
    where = AwardFilter(round=round_id)
    awards = everything(lambda part: tx.awards.list(permit.scope, part, where=where))
    chosen = [each for each in awards if each.state in states]
    limits: dict[str, list[AwardLimit]] = {}
    for limit in award_limits(tx, permit, where=where):
        limits.setdefault(limit.award, []).append(limit)
    return tuple(_sheets(tx, call, chosen, limits))


def _sheets(
    tx: Transaction, call: Call, awards: list[Award], limits: Mapping[str, list[AwardLimit]]
) -> Iterable[Sheet]:
    people = {each.id: each for each in tx.people.of({award.fellow for award in awards})}
    groups = {each.group for each in people.values() if each.group is not None}
    institutes = {each.id: each.institute for each in tx.groups.of(groups)}
    asks = _asks(tx, call)
    for award in awards:
        person, ask = people[award.fellow], asks[award.request]
        scenario = tx.scenarios.find(award.scenario)
        assert scenario is not None, "an award belongs to a scenario"
        yield Sheet(
            award=award,
            person=person,
            group=person.group,
            institute=person.institute or institutes.get(person.group or ""),
            title=ask.title,
            abstract=ask.abstract,
            call=call.id,
            call_title=call.terms.title,
            digest=scenario.digest,
            window=window(award, call.terms.calendar),
            limits=tuple(limits.get(award.id, ())),
        )


def _asks(tx: Transaction, call: Call) -> Mapping[str, Ask]:
    """Return what each request of a call last submitted."""
    asked = tx.requests.latest(call.id, RequestState)
    return {request.id: submission.ask for request, submission in asked}
