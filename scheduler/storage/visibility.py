"""What a scope may see, as conditions in SQL: the only place where rows are filtered by person."""

from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true

from scheduler.domain.access import Scope
from scheduler.domain.ledger import AccountKind
from scheduler.domain.rounds import PUBLIC
from scheduler.ports.usage import Reach
from scheduler.storage.tables import (
    accounts,
    awards,
    change_requests,
    enforcement,
    gauges,
    groups,
    people,
    proposals,
    requests,
    role_grants,
    rounds,
    scenarios,
    scores,
    tokens,
    transfers,
    usage,
)

OF_AWARDS = (AccountKind.AWARD, AccountKind.CONSUMED, AccountKind.LAPSED)
"""Kinds of account that an award may own."""


def visible_people(scope: Scope) -> ColumnElement[bool]:
    """People: oneself, those of a led group, those of a coordinated institute."""
    return true() if scope.sees_all else _reached_people(scope)


def visible_role_grants(scope: Scope) -> ColumnElement[bool]:
    """Role grants of visible people."""
    return _of_person(scope, role_grants.c.person)


def visible_tokens(scope: Scope) -> ColumnElement[bool]:
    """Tokens: one's own."""
    return true() if scope.everything else tokens.c.person == scope.own


def visible_requests(scope: Scope) -> ColumnElement[bool]:
    """Requests of visible people, and those that a reviewer scores free of conflict."""
    if scope.reviewer is None:
        return _of_person(scope, requests.c.fellow)
    assigned = exists().where(
        scores.c.request == requests.c.id,
        scores.c.reviewer == scope.reviewer,
        scores.c.conflict.is_(False),
    )
    return or_(_of_person(scope, requests.c.fellow), assigned)


def named_requests(scope: Scope) -> ColumnElement[bool]:
    """Requests whose fellow the scope may name; to ask by name reaches no others."""
    return _of_person(replace(scope, pseudonymous=False), requests.c.fellow)


def named_awards(scope: Scope) -> ColumnElement[bool]:
    """Awards whose fellow the scope may name."""
    return _of_person(replace(scope, pseudonymous=False), awards.c.fellow)


def visible_awards(scope: Scope) -> ColumnElement[bool]:
    """Awards of visible people."""
    return _of_person(scope, awards.c.fellow)


def visible_change_requests(scope: Scope) -> ColumnElement[bool]:
    """What visible people ask about their awards."""
    return _of_person(scope, change_requests.c.fellow)


def visible_scores(scope: Scope) -> ColumnElement[bool]:
    """Scores: all, those one gave, and those of one's own requests once published."""
    if scope.sees_all:
        return true()
    parts: list[ColumnElement[bool]] = []
    if scope.reviewer is not None:
        parts.append(scores.c.reviewer == scope.reviewer)
    if scope.published:
        own = select(requests.c.id).where(
            _of_person(scope, requests.c.fellow), requests.c.call.in_(_published_calls())
        )
        parts.append(scores.c.request.in_(own))
    return or_(*parts) if parts else false()


def visible_rounds(scope: Scope) -> ColumnElement[bool]:
    """Rounds: all, or those whose result is published."""
    if scope.sees_all:
        return true()
    return rounds.c.state.in_(PUBLIC) if scope.published else false()


def visible_scenarios(scope: Scope) -> ColumnElement[bool]:
    """Scenarios: all, or the one that was published of each round."""
    if scope.sees_all:
        return true()
    if not scope.published:
        return false()
    chosen = select(rounds.c.scenario).where(rounds.c.state.in_(PUBLIC))
    return scenarios.c.id.in_(chosen)


def visible_accounts(scope: Scope) -> ColumnElement[bool]:
    """Accounts: all, or those of visible awards, of led and of coordinated groups."""
    if scope.sees_all:
        return true()
    of_awards = select(awards.c.id).where(visible_awards(scope))
    of_groups = select(groups.c.id).where(
        or_(groups.c.id.in_(scope.groups), groups.c.institute.in_(scope.institutes))
    )
    return or_(
        and_(accounts.c.kind.in_(OF_AWARDS), accounts.c.owner.in_(of_awards)),
        and_(accounts.c.kind == AccountKind.GROUP, accounts.c.owner.in_(of_groups)),
    )


def visible_transfers(scope: Scope) -> ColumnElement[bool]:
    """Transfers from or to visible accounts."""
    if scope.sees_all:
        return true()
    seen = select(accounts.c.id).where(visible_accounts(scope))
    return or_(transfers.c.debit.in_(seen), transfers.c.credit.in_(seen))


def visible_usage(scope: Scope) -> ColumnElement[bool]:
    """Usage of visible people, and of visible awards whoever used them."""
    if scope.sees_all:
        return true()
    of_awards = select(awards.c.id).where(visible_awards(scope))
    return or_(_of_person(scope, usage.c.person), usage.c.award.in_(of_awards))


def visible_proposals(reach: Reach) -> ColumnElement[bool]:
    """Proposals of the kinds one may decide: all, or those that visible people are to agree to."""
    parts = (
        and_(proposals.c.kind == kind, _of_person(scope, proposals.c.party))
        for kind, scope in sorted(reach.items())
    )
    return or_(false(), *parts)


def visible_targets(scope: Scope) -> ColumnElement[bool]:
    """Clusters that enforce: all, or those one is the agent of."""
    return true() if scope.sees_all else enforcement.targets.c.id.in_(scope.clusters)


def visible_drifts(scope: Scope) -> ColumnElement[bool]:
    """What visible clusters have otherwise."""
    return true() if scope.sees_all else enforcement.drifts.c.target.in_(scope.clusters)


def visible_gauges(scope: Scope) -> ColumnElement[bool]:
    """Gauges of visible people."""
    return _of_person(scope, gauges.c.person)


def _of_person(scope: Scope, person: ColumnElement[str]) -> ColumnElement[bool]:
    if scope.sees_all:
        return true()
    reached = person.in_(select(people.c.id).where(_reached_people(scope)))
    return reached if scope.own is None else or_(person == scope.own, reached)


def _reached_people(scope: Scope) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if scope.own is not None:
        parts.append(people.c.id == scope.own)
    if scope.groups:
        parts.append(people.c.group.in_(scope.groups))
    if scope.institutes:
        of_institute = select(groups.c.id).where(groups.c.institute.in_(scope.institutes))
        parts.append(people.c.institute.in_(scope.institutes))
        parts.append(and_(people.c.institute.is_(None), people.c.group.in_(of_institute)))
    return or_(*parts) if parts else false()


def _published_calls() -> Select[tuple[str]]:
    return select(rounds.c.call).where(rounds.c.state.in_(PUBLIC))
