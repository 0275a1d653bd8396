"""A round of a simulated year: call, decision, slots of use, reclaim, the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from scheduler.domain.access import EVERYTHING
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.errors import InvalidValue
from scheduler.domain.pools import Calendar
from scheduler.domain.reclaim import midnight
from scheduler.domain.rounds import RoundState
from scheduler.operations.approvals import decide_proposal
from scheduler.operations.awards import accept_award, return_award
from scheduler.operations.holdings import awards_of_call
from scheduler.operations.reclaims import ask_exemption, propose_reclaim
from scheduler.operations.rounds import activate_round, close_round, create_round, freeze_round
from scheduler.operations.scores import import_scores
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from scheduler.simulation.agenda import Act, Agenda
from scheduler.simulation.chance import chance
from scheduler.simulation.deciding import decide, reallocate
from scheduler.simulation.demand import resampled
from scheduler.simulation.founding import CALL_DAYS, ask, enrol, found, invite
from scheduler.simulation.using import Using
from scheduler.simulation.world import APPROVER, OPERATOR, SECOND_OPERATOR, World
from scheduler.snapshot import Snapshot

LEAD_DAYS: Final = CALL_DAYS + 21
"""From the opening of a call until its round's first day."""
ANSWER_DAYS: Final = 7
LATER_ANSWERS: Final = timedelta(days=3)
REALLOCATED_EVERY: Final = 4
"""Slots between two looks at what came back."""
EXEMPT_PERCENT: Final = 5
"""Noticed awards whose fellow asks to be exempt; every other one is granted."""


@dataclass(slots=True)
class Season:
    """One call and its rounds.

    Attributes:
        number: of the season, from 0.
        first_day: of its calendar.
    """

    world: World
    agenda: Agenda
    using: Using
    number: int
    first_day: date
    call: str = ""

    def begin(self) -> None:
        """Plan the opening of the call."""
        self.agenda.plan(
            midnight(self.first_day) - timedelta(days=LEAD_DAYS), "open the call", self._open
        )

    def _open(self, tx: Transaction, now: datetime) -> None:
        """Open the call; everybody asks; the panel scores once it is closed."""
        options = self.world.options
        name = f"season-{self.number}"
        document = {**options.model, "id": name, "title": name}
        if options.fellows is not None:
            seed = options.seed + self.number
            document = resampled(options.model, options.fellows, seed, name=name)
        snapshot = read_round(document)
        if not self.number:
            found(tx, self.world, snapshot, now)
        enrol(tx, self.world, snapshot, now)
        calendar = self._calendar(snapshot)
        call = invite(tx, self.world, document, calendar, now)
        self.call = call.id
        scores = tuple(ask(tx, self.world, call, document, now))
        import_scores(tx, self.world.act(OPERATOR, now), call.id, scores)
        self.agenda.plan(call.terms.closes_at, "decide the round", self._decide)
        self._plan_slots(calendar)

    def _calendar(self, snapshot: Snapshot) -> Calendar:
        shape = snapshot.calendar
        return Calendar(starts_on=self.first_day, slot_hours=shape.slot_hours, slots=shape.slots)

    def _plan_slots(self, calendar: Calendar) -> None:
        for slot in range(calendar.slots):
            span = calendar.slot(slot)
            assert span is not None, "a season has a first day"
            begins, ends = span
            self.agenda.plan(begins, f"begin slot {slot}", self._begin_slot)
            self.agenda.plan(ends, f"end slot {slot}", self._end_slot)
            if slot == calendar.slots - 1:
                self.agenda.plan(ends, "close the round", self._close)

    def _decide(self, tx: Transaction, now: datetime) -> None:
        """Freeze, solve, select, approve, publish; then wait for answers."""
        operator = self.world.act(OPERATOR, now)
        made = create_round(tx, operator, self.call)
        freeze_round(tx, operator, made.id)
        decide(tx, self.world, made.id, now)
        self.agenda.plan(
            now + timedelta(days=ANSWER_DAYS), "answer the offers", self._answerer(self.call)
        )
        self._plan_reclaims(tx)

    def _answerer(self, call: str) -> Act:
        """Return the step by which every fellow accepts, or turns down what they were offered."""

        def answer(tx: Transaction, now: datetime) -> None:
            for award in awards_of_call(tx, call):
                if award.state is not AwardState.OFFERED:
                    continue
                rng = chance(self.world.options.seed, "answer", self.number, award.fellow)
                fellow = self.world.as_fellow(award.fellow, now)
                if rng.integers(100) < self.world.options.decline_percent:
                    return_award(tx, fellow, award.id, reason="Other plans.")
                else:
                    accept_award(tx, fellow, award.id)

        return answer

    def _begin_slot(self, tx: Transaction, now: datetime) -> None:
        """Bring the round into use; nodes fail; fellows leave."""
        self._activate(tx, now)
        calendar = self._terms(tx)
        slot = calendar.slot_at(now)
        self.using.fail_nodes(tx, calendar, now)
        for award in list(self._awards(tx, AwardState.ACCEPTED)):
            if self._leaves(award) == slot:
                fellow = self.world.as_fellow(award.fellow, now)
                return_award(tx, fellow, award.id, reason="Left the center.")
        if not slot % REALLOCATED_EVERY:
            self._plan_reallocation(now)

    def _plan_reallocation(self, now: datetime) -> None:
        self.agenda.plan(now, "reallocate", self._reallocate)

    def _reallocate(self, tx: Transaction, now: datetime) -> None:
        """Do what is due since hours came back or nodes failed; new offers wait for answers."""
        for call in reallocate(tx, self.world, now):
            self.agenda.plan(now + LATER_ANSWERS, "answer later offers", self._answerer(call))

    def _activate(self, tx: Transaction, now: datetime) -> None:
        operator = self.world.act(OPERATOR, now)
        for round_ in tx.rounds.of_call(self.call):
            if round_.state is RoundState.PUBLISHED:
                activate_round(tx, operator, round_.id)

    def _leaves(self, award: Award) -> int | None:
        """Return the slot in which a fellow leaves, if they do within this round."""
        options = self.world.options
        rng = chance(options.seed, "dropout", self.number, award.fellow)
        slots = int(options.model["calendar"]["slots"])
        leaves = rng.integers(100) < options.dropout_percent
        return int(rng.integers(1, slots)) if leaves else None

    def _end_slot(self, tx: Transaction, now: datetime) -> None:
        """Use the slot, and enter what the feed tells by now."""
        awards = self._awards(tx, AwardState.ACCEPTED)
        self.using.use_slot(tx, self._terms(tx), awards, now)

    def _plan_reclaims(self, tx: Transaction) -> None:
        rule, calendar = self.world.course.reclaim, self._terms(tx)
        last = calendar.slot(calendar.slots - 1)
        if rule is None or last is None:
            return
        for day, _ in rule.calendar(self.first_day, last[1].date()):
            at = max(midnight(day) - timedelta(days=rule.notice_days), midnight(self.first_day))
            self.agenda.plan(at, f"propose the reclaim of {day}", self._reclaimer(day))

    def _reclaimer(self, day: date) -> Act:
        """Return the step that proposes the reclaim of a checkpoint."""

        def propose(tx: Transaction, now: datetime) -> None:
            for round_ in tx.rounds.of_call(self.call):
                if round_.is_public:
                    self._propose(tx, round_.id, day, now)

        return propose

    def _propose(self, tx: Transaction, round_id: str, day: date, now: datetime) -> None:
        rule = self.world.course.reclaim
        assert rule is not None, "reclaims are planned by a rule"
        try:
            made, _ = propose_reclaim(
                tx, self.world.act(OPERATOR, now), round_id, rule, day, reason="By the rule."
            )
        except InvalidValue:
            return  # the rule takes nothing at this checkpoint
        id_ = made.proposal.id
        for at, award in enumerate(sorted({line.award for line in made.lines})):
            rng = chance(self.world.options.seed, "exemption", self.number, day, award)
            if rng.integers(100) < EXEMPT_PERCENT:
                self._exempt(tx, id_, award, now, grant=not at % 2)
        self.agenda.plan(
            made.proposal.not_before, f"enter the reclaim of {day}", self._enterer(id_)
        )

    def _exempt(
        self, tx: Transaction, reclaim: str, award: str, now: datetime, *, grant: bool
    ) -> None:
        fellow = tx.awards.get(EVERYTHING, award).fellow
        asked, _ = ask_exemption(
            tx, self.world.as_fellow(fellow, now), reclaim, award, "The data came late."
        )
        approver = self.world.act(APPROVER, now)
        decide_proposal(tx, approver, asked.id, approve=grant, reason="As usual.")

    def _enterer(self, reclaim: str) -> Act:
        """Return the step by which a second person approves a reclaim."""

        def enter(tx: Transaction, now: datetime) -> None:
            approver = self.world.act(APPROVER, now)
            decide_proposal(tx, approver, reclaim, approve=True, reason="By the rule.")
            self._plan_reallocation(now)

        return enter

    def _close(self, tx: Transaction, now: datetime) -> None:
        """End the rounds, and enter what is still on its way."""
        self._activate(tx, now)
        for round_ in tx.rounds.of_call(self.call):
            if round_.state is RoundState.ACTIVE:
                close_round(tx, self.world.act(SECOND_OPERATOR, now), round_.id)
        self.using.deliver_rest(tx, now)

    def _awards(self, tx: Transaction, state: AwardState) -> Iterator[Award]:
        yield from (each for each in awards_of_call(tx, self.call) if each.state is state)

    def _terms(self, tx: Transaction) -> Calendar:
        call = tx.calls.find(self.call)
        assert call is not None, "the season has opened its call"
        return call.terms.calendar
