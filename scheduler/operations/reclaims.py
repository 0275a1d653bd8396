"""Reclaim: propose what a rule takes at a checkpoint, hear exemptions, take it after the notice.

The notice names the most that an award can lose: what the rule would take if nothing more were
used. When a second person approves, the rule looks again, and the lesser of both is taken.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from scheduler.document import parse_document
from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import Award
from scheduler.domain.burn import Basis
from scheduler.domain.changes import AwardChangeKind
from scheduler.domain.errors import (
    AlreadyExists,
    ExemptionsWaiting,
    ExemptionTooLate,
    InvalidTransition,
    InvalidValue,
    NotFound,
)
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.proposals import Proposal, ProposalKind, ProposalState
from scheduler.domain.reclaim import Checkpoint, ReclaimRule, midnight, taking
from scheduler.domain.rounds import Round, RoundState
from scheduler.operations.dues import reallocation_due
from scheduler.operations.holdings import Wanted, holding_of, take_hours
from scheduler.operations.proposals import Intent, propose
from scheduler.operations.record import record
from scheduler.operations.use_records import (
    AwardUse,
    calendar_of,
    expected_taking,
    span,
    use_records,
)
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction
from scheduler.reclaim_rule import read_rule, rule_document
from solver.canonical import canonical, digest

RECLAIMABLE = frozenset({RoundState.PUBLISHED, RoundState.ACTIVE})
"""States of a round whose awards are in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """What an award is told that it will lose of one GPU type, in GPU-seconds.

    Attributes:
        at_most: if nothing more is used.
        expected: at the present rate.
    """

    award: str
    fellow: str
    group: str | None
    gpu_type: str
    held: int
    used: int
    measure: int
    at_most: int
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaim:
    """A proposed reclaim with all that it says.

    Attributes:
        day: of the checkpoint.
        exemption_until: the last day on which an exemption may be asked.
        exemptions: what was asked, oldest first.
    """

    proposal: Proposal
    rule: ReclaimRule
    day: date
    exemption_until: date
    lines: tuple[NoticeLine, ...]
    exemptions: tuple[Proposal, ...]


def propose_reclaim(  # noqa: PLR0913 - what a rule takes, of which round, when and why
    tx: Transaction, act: Act, round_id: str, rule: ReclaimRule, day: date, *, reason: str
) -> tuple[Reclaim, Event]:
    """Propose what a rule takes at a checkpoint of a round, and tell the holders.

    Raises:
        InvalidTransition: If the round's awards are not in use.
        UndatedRound: If its calendar has no first day.
        InvalidValue: If the rule has no such checkpoint, or would take nothing.
        AlreadyExists: If this checkpoint has been proposed, and was not refused.
    """
    round_ = _in_use(tx, act, round_id)
    checkpoint = _checkpoint(rule, span(round_, calendar_of(tx, round_)), day)
    for earlier in reclaims_of(tx, round_id):
        proposal = earlier.at(act.now)
        undone = {ProposalState.REJECTED, ProposalState.EXPIRED}
        if proposal.body["day"] == day.isoformat() and proposal.state not in undone:
            raise AlreadyExists(kind="reclaim", id=proposal.id)
    lines = tuple(_notices(tx, round_id, rule, checkpoint, day=day, now=act.now))
    if not lines:
        raise InvalidValue(field="/day", value=day.isoformat(), rule="a day that takes something")
    begins = max(midnight(day), act.now + timedelta(days=rule.notice_days))
    until = begins.date() - timedelta(days=rule.exemption_days)
    body: dict[str, Json] = {
        "rule": rule.name,
        "rule_digest": _keep(tx, rule_document(rule)),
        "day": day.isoformat(),
        "exemption_until": until.isoformat(),
        "lines": _keep(tx, {"lines": [asdict(line) for line in lines]}),
        "awards": len({line.award for line in lines}),
        "at_most_gpu_seconds": sum(line.at_most for line in lines),
    }
    intent = Intent(
        kind=ProposalKind.RECLAIM,
        subject=round_id,
        body=body,
        reason=reason,
        notice=begins - act.now,
    )
    proposal, event = propose(tx, act, intent)
    for line in lines:
        record(tx, act, _noticed(proposal, line))
    return get_reclaim(tx, proposal.id), event


def ask_exemption(
    tx: Transaction, act: Act, reclaim_id: str, award_id: str, reason: str
) -> tuple[Proposal, Event]:
    """Ask that an award be spared; a second person decides.

    Raises:
        NotFound: If the award is not visible, or the reclaim does not speak of it.
        InvalidTransition: If the reclaim is decided.
        ExemptionTooLate: If the last day is over.
        AlreadyExists: If it was asked before and was not refused.
    """
    reclaim, award = get_reclaim(tx, reclaim_id), tx.awards.get(act.scope, award_id)
    proposal = reclaim.proposal.at(act.now)
    if award.id not in {line.award for line in reclaim.lines}:
        raise NotFound(kind="reclaim", id=reclaim_id)
    if proposal.state is not ProposalState.PENDING:
        raise InvalidTransition(
            kind="reclaim", id=reclaim_id, state=proposal.state, action="exempt", allowed=[]
        )
    if act.now.date() > reclaim.exemption_until:
        raise ExemptionTooLate(reclaim=reclaim_id, until=reclaim.exemption_until.isoformat())
    earlier = _asked(reclaim, award_id)
    if earlier is not None:
        raise AlreadyExists(kind="exemption", id=earlier.id)
    intent = Intent(
        kind=ProposalKind.EXEMPTION,
        subject=award_id,
        body={"reclaim": reclaim_id},
        reason=reason,
        until=proposal.expires_at,
    )
    return propose(tx, act, intent)


def enter_exemption(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Let an exemption take effect: it is read when its reclaim is entered."""
    del tx, act, proposal, event


def enter_reclaim(tx: Transaction, act: Act, proposal: Proposal, event: Event) -> None:
    """Take back what the rule takes now, at most what the notice said, in whole gang-hours.

    Raises:
        ExemptionsWaiting: If an exemption is undecided.
    """
    del event  # every award tells its own change
    reclaim = get_reclaim(tx, proposal.id)
    waiting = sum(each.state is ProposalState.PENDING for each in reclaim.exemptions)
    if waiting:
        raise ExemptionsWaiting(reclaim=proposal.id, count=waiting)
    round_ = _in_use(tx, act, proposal.subject)
    checkpoint = _checkpoint(reclaim.rule, span(round_, calendar_of(tx, round_)), reclaim.day)
    noticed = {(line.award, line.gpu_type): line.at_most for line in reclaim.lines}
    exempt = _exempt(reclaim)
    taken, awards = 0, set[str]()
    for each in use_records(tx, _awards(tx, round_.id), exempt=exempt):
        found = taking(reclaim.rule, checkpoint, reclaim.day, each.use)
        amount = min(found.gpu_seconds, noticed.get((each.award.id, each.gpu_type), 0))
        gone = _take(tx, act, reclaim, each, amount)
        taken, awards = taken + gone, awards | ({each.award.id} if gone else set())
    body: dict[str, Json] = {
        "reclaim": proposal.id,
        "rule": reclaim.rule.name,
        "gpu_seconds": taken,
        "awards": len(awards),
        "exempt": len(exempt),
    }
    told = record(tx, act, Happening(kind="reclaim.entered", subject=round_.id, body=body))
    if taken:
        reallocation_due(tx, act, round_.call, told)


def get_reclaim(tx: Transaction, id_: str) -> Reclaim:
    """Return a reclaim with its rule, its lines and the exemptions asked.

    Raises:
        NotFound: If there is none.
    """
    proposal = tx.proposals.find(id_)
    if proposal is None or proposal.kind is not ProposalKind.RECLAIM:
        raise NotFound(kind="reclaim", id=id_)
    body = proposal.body
    kept = json.loads(tx.documents.text(str(body["lines"])))
    asked = everything(lambda part: tx.proposals.list({ProposalKind.EXEMPTION: EVERYTHING}, part))
    return Reclaim(
        proposal=proposal,
        rule=read_rule(parse_document(tx.documents.text(str(body["rule_digest"])).encode())),
        day=date.fromisoformat(str(body["day"])),
        exemption_until=date.fromisoformat(str(body["exemption_until"])),
        lines=tuple(NoticeLine(**line) for line in kept["lines"]),
        exemptions=tuple(each for each in asked if each.body["reclaim"] == id_),
    )


def exemptions_open(tx: Transaction, now: datetime) -> Iterator[tuple[Reclaim, str]]:
    """Yield the awards in use that may still ask to be exempt, each with its reclaim."""
    waiting = everything(
        lambda part: tx.proposals.list(
            {ProposalKind.RECLAIM: EVERYTHING}, part, state=ProposalState.PENDING
        )
    )
    for proposal in list(waiting):
        reclaim = get_reclaim(tx, proposal.id)
        if now.date() > reclaim.exemption_until or now > proposal.expires_at:
            continue
        for award in sorted({line.award for line in reclaim.lines}):
            if tx.awards.get(EVERYTHING, award).is_live and _asked(reclaim, award) is None:
                yield reclaim, award


def reclaims_of(tx: Transaction, round_id: str) -> tuple[Proposal, ...]:
    """Return the reclaims proposed of a round, oldest first."""
    found = everything(lambda part: tx.proposals.list({ProposalKind.RECLAIM: EVERYTHING}, part))
    return tuple(each for each in found if each.subject == round_id)


def notices_of(tx: Transaction, permit: Permit, award_id: str) -> tuple[Reclaim, ...]:
    """Return the reclaims that speak of a visible award, with its own lines and exemptions only.

    Raises:
        NotFound: If the award is not visible.
    """
    award = tx.awards.get(permit.scope, award_id)
    found = (get_reclaim(tx, each.id) for each in reclaims_of(tx, award.round))
    own = (_only(each, award.id) for each in found)
    return tuple(each for each in own if each.lines)


def _only(reclaim: Reclaim, award: str) -> Reclaim:
    return Reclaim(
        proposal=reclaim.proposal,
        rule=reclaim.rule,
        day=reclaim.day,
        exemption_until=reclaim.exemption_until,
        lines=tuple(line for line in reclaim.lines if line.award == award),
        exemptions=tuple(each for each in reclaim.exemptions if each.subject == award),
    )


def _notices(  # noqa: PLR0913 - a rule at a checkpoint of a round, as of now
    tx: Transaction,
    round_id: str,
    rule: ReclaimRule,
    checkpoint: Checkpoint,
    *,
    day: date,
    now: datetime,
) -> Iterator[NoticeLine]:
    """Yield what each award is to be told, if it can lose anything."""
    for each in use_records(tx, _awards(tx, round_id)):
        worst = taking(rule, checkpoint, day, each.use)
        if not worst.gpu_seconds:
            continue
        likely = expected_taking(rule, checkpoint, day, each.use, now=now, basis=Basis.RATE)
        yield NoticeLine(
            award=each.award.id,
            fellow=each.award.fellow,
            group=each.group,
            gpu_type=each.gpu_type,
            held=each.use.burn.held,
            used=worst.used,
            measure=worst.measure,
            at_most=worst.gpu_seconds,
            expected=likely.gpu_seconds,
        )


def _take(tx: Transaction, act: Act, reclaim: Reclaim, each: AwardUse, amount: int) -> int:
    """Take whole gang-hours off an award and return the GPU-seconds that went."""
    award, hours = tx.awards.get(EVERYTHING, each.award.id), amount // SECONDS_PER_HOUR
    if hours < holding_of(tx, award).ask.gang_gpus:
        return 0
    wanted = Wanted(
        kind=AwardChangeKind.RECLAIMED,
        gpu_type=each.gpu_type,
        gpu_hours=hours,
        reason=f"{reclaim.rule.title} ({reclaim.proposal.id}, {reclaim.day.isoformat()})",
        since=0,
    )
    changed, change = take_hours(tx, act, award, wanted)
    if not changed.cells:
        emptied, told = changed.reclaim()
        tx.awards.save(emptied)
        record(tx, act, told)
    return -sum(cell.gpu_hours for cell in change.cells) * SECONDS_PER_HOUR


def _noticed(proposal: Proposal, line: NoticeLine) -> Happening:
    body: dict[str, Json] = {
        "reclaim": proposal.id,
        "gpu_type": line.gpu_type,
        "at_most_gpu_seconds": line.at_most,
        "expected_gpu_seconds": line.expected,
        "on": proposal.not_before.date().isoformat(),
        "exemption_until": proposal.body["exemption_until"],
    }
    return Happening(kind="award.reclaim_noticed", subject=line.award, body=body)


def _asked(reclaim: Reclaim, award: str) -> Proposal | None:
    """Return the exemption that was asked of an award and was not refused."""
    undone = ProposalState.REJECTED
    own = (each for each in reclaim.exemptions if each.subject == award)
    return next((each for each in own if each.state is not undone), None)


def _exempt(reclaim: Reclaim) -> frozenset[str]:
    """Return the awards whose exemption a second person granted."""
    granted = ProposalState.APPROVED
    return frozenset(each.subject for each in reclaim.exemptions if each.state is granted)


def _awards(tx: Transaction, round_id: str) -> tuple[Award, ...]:
    where = AwardFilter(round=round_id)
    return tuple(everything(lambda part: tx.awards.list(EVERYTHING, part, where=where)))


def _in_use(tx: Transaction, act: Act, round_id: str) -> Round:
    round_ = tx.rounds.get(act.scope, round_id)
    if round_.state not in RECLAIMABLE:
        raise InvalidTransition(
            kind="round", id=round_id, state=round_.state, action="reclaim", allowed=[]
        )
    return round_


def _checkpoint(rule: ReclaimRule, within: tuple[date, date], day: date) -> Checkpoint:
    """Return the checkpoint of a day.

    Raises:
        InvalidValue: If the rule has none on this day within the round.
    """
    days = dict(rule.calendar(*within))
    if day not in days:
        known = ", ".join(each.isoformat() for each in days) or "none in this round"
        raise InvalidValue(field="/day", value=day.isoformat(), rule=f"one of {known}")
    return days[day]


def _keep(tx: Transaction, document: Mapping[str, Any]) -> str:
    """Keep a document and return its digest."""
    name = digest(document)
    tx.documents.put(name, canonical(document).decode())
    return name
