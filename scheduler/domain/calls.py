"""Calls: the invitation, with opening, closing and policy."""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from scheduler.domain.errors import (
    CallClosed,
    CallNotOpen,
    DeadlineNotLater,
    InvalidTransition,
    InvalidValue,
    SecondPersonRequired,
)
from scheduler.domain.events import Happening, Json
from scheduler.domain.names import line, reason, slug
from scheduler.domain.pools import Calendar

SEAL: Final = re.compile("[0-9a-f]{64}")
LARGEST_PRICE: Final = 10**9
"""Won for a service unit."""
LONGEST_ANSWER: Final = 366
"""Days."""


class CallState(StrEnum):
    """Whether a call takes requests."""

    DRAFT = "draft"
    """Written, not binding."""
    OPEN = "open"
    """Opened; takes requests from `opens_at` until `closes_at`."""
    CLOSED = "closed"
    """Takes no more requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A part of the call with its own floor and cap, in thousandths of a GPU-hour, and its price.

    Attributes:
        won_per_service_unit: what whoever pays for a fellow owes for a used service unit.
    """

    id: str
    floor_gpu_hours: int = 0
    cap_gpu_hours: int | None = None
    won_per_service_unit: int = 0

    def __post_init__(self) -> None:
        slug(self.id, field="/tracks")
        if self.cap_gpu_hours is not None and self.floor_gpu_hours > self.cap_gpu_hours:
            raise InvalidValue(
                field="/tracks", value=self.floor_gpu_hours, rule="a floor at most the cap"
            )
        if not 0 <= self.won_per_service_unit <= LARGEST_PRICE:
            raise InvalidValue(
                field="/tracks",
                value=self.won_per_service_unit,
                rule=f"a price of 0 to {LARGEST_PRICE} won",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerms:
    """What a call says; frozen when it opens, but for a deadline that may move later.

    Attributes:
        policy, policy_version: the locked policy that will decide.
        pools: offered pools.
        max_requests: most live requests of one fellow.
        max_gpu_hours: largest ask of one request, in thousandths of reference GPU-hours.
        seed_seal: SHA-256 by which the seed of a lottery is fixed before anyone may know it.
        seed, seed_salt: that seed and the salt of its seal, once they are revealed.
        answer_days: days after publication within which an offer is to be answered.
        appeal_days: days after publication within which an outcome may be appealed.
    """

    title: str
    opens_at: datetime
    closes_at: datetime
    policy: str
    policy_version: int
    calendar: Calendar
    pools: tuple[str, ...]
    tracks: tuple[Track, ...] = ()
    max_requests: int | None = None
    max_gpu_hours: int | None = None
    description: str = ""
    seed_seal: str | None = None
    seed: int | None = None
    seed_salt: str | None = None
    answer_days: int = 14
    appeal_days: int = 30

    def __post_init__(self) -> None:
        if not line(self.title, field="/title"):
            raise InvalidValue(field="/title", value="", rule="required")
        if self.opens_at >= self.closes_at:
            raise InvalidValue(
                field="/closes_at", value=self.closes_at.isoformat(), rule="later than opens_at"
            )
        if not self.pools or len(set(self.pools)) != len(self.pools):
            raise InvalidValue(field="/pools", value=list(self.pools), rule="one or more, once")
        if self.max_requests is not None and self.max_requests < 1:
            raise InvalidValue(field="/max_requests", value=self.max_requests, rule="1 or more")
        if self.seed_seal is not None and not SEAL.fullmatch(self.seed_seal):
            raise InvalidValue(
                field="/seed_seal", value=self.seed_seal[:80], rule="64 lower-case hex digits"
            )
        for name in ("answer_days", "appeal_days"):
            if not 1 <= getattr(self, name) <= LONGEST_ANSWER:
                raise InvalidValue(
                    field=f"/{name}", value=getattr(self, name), rule=f"1 to {LONGEST_ANSWER}"
                )

    def track(self, id_: str | None) -> Track | None:
        """Return the track of this id."""
        return next((each for each in self.tracks if each.id == id_), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An invitation to ask for GPU-hours."""

    id: str
    terms: CallTerms
    state: CallState
    drafted_by: str
    created_at: datetime
    opened_by: str | None = None
    opened_at: datetime | None = None
    closed_by: str | None = None
    closed_at: datetime | None = None
    extensions: tuple["Extension", ...] = field(default=())
    version: int = 1

    def state_at(self, now: datetime) -> CallState:
        """Return the state that the clock makes of the stored one."""
        if self.state is CallState.OPEN and now >= self.terms.closes_at:
            return CallState.CLOSED
        return self.state

    def patch(self, terms: CallTerms, by: str) -> tuple["Call", Happening]:
        """Change what a draft says; whoever changes it is its drafter from now on."""
        self._refuse_unless(CallState.DRAFT, self.state, "patch")
        patched = replace(self, terms=terms, drafted_by=by, version=self.version + 1)
        return patched, Happening(kind="call.patched", subject=self.id)

    def open(self, by: str, at: datetime) -> tuple["Call", Happening]:
        """Let the call take requests from its `opens_at` on.

        Raises:
            SecondPersonRequired: If its drafter opens it.
            InvalidValue: If its deadline has passed.
        """
        self._refuse_unless(CallState.DRAFT, self.state, "open")
        if by == self.drafted_by:
            raise SecondPersonRequired(action="call.open", person=by, part="drafter")
        if at >= self.terms.closes_at:
            raise InvalidValue(
                field="/closes_at", value=self.terms.closes_at.isoformat(), rule="later than now"
            )
        opened = replace(
            self, state=CallState.OPEN, opened_by=by, opened_at=at, version=self.version + 1
        )
        body: dict[str, Json] = {
            "policy": self.terms.policy,
            "policy_version": self.terms.policy_version,
            "closes_at": self.terms.closes_at.isoformat(),
        }
        if self.terms.seed_seal is not None:
            body["seed_seal"] = self.terms.seed_seal
        return opened, Happening(kind="call.opened", subject=self.id, body=body)

    def extend(
        self, closes_at: datetime, *, why: str, by: str, at: datetime
    ) -> tuple["Call", Happening]:
        """Move the deadline later, for all.

        Raises:
            DeadlineNotLater: If the new deadline is not later than the old one and than now.
            SecondPersonRequired: If the drafter of the call extends it.
        """
        self._refuse_unless(CallState.OPEN, self.state_at(at), "extend")
        if by == self.drafted_by:
            raise SecondPersonRequired(action="call.extend_deadline", person=by, part="drafter")
        before = self.terms.closes_at
        if closes_at <= max(before, at):
            raise DeadlineNotLater(
                call=self.id, closes_at=before.isoformat(), asked=closes_at.isoformat()
            )
        extension = Extension(before=before, after=closes_at, by=by, at=at, reason=reason(why))
        extended = replace(
            self,
            terms=replace(self.terms, closes_at=closes_at),
            extensions=(*self.extensions, extension),
            version=self.version + 1,
        )
        body = {"before": before.isoformat(), "after": closes_at.isoformat()}
        return extended, Happening(
            kind="call.extended", subject=self.id, body={**body, "reason": extension.reason}
        )

    def close(self, *, why: str, by: str, at: datetime) -> tuple["Call", Happening]:
        """Take no more requests before the deadline.

        Raises:
            SecondPersonRequired: If the drafter of the call closes it.
        """
        self._refuse_unless(CallState.OPEN, self.state_at(at), "close")
        if by == self.drafted_by:
            raise SecondPersonRequired(action="call.close", person=by, part="drafter")
        closed = replace(
            self, state=CallState.CLOSED, closed_by=by, closed_at=at, version=self.version + 1
        )
        return closed, Happening(kind="call.closed", subject=self.id, body={"reason": reason(why)})

    def reveal_seed(self, seed: int, salt: str, *, at: datetime) -> tuple["Call", Happening]:
        """Tell the seed of the lottery, once nobody can ask any more.

        Raises:
            InvalidTransition: If the call still takes requests, or its seed is told already.
        """
        self._refuse_unless(CallState.CLOSED, self.state_at(at), "reveal_seed")
        if self.terms.seed is not None:
            raise InvalidTransition(
                kind="call", id=self.id, state=self.state, action="reveal_seed", allowed=[]
            )
        revealed = replace(
            self,
            terms=replace(self.terms, seed=seed, seed_salt=salt),
            version=self.version + 1,
        )
        body: dict[str, Json] = {"seed": seed, "salt": salt}
        return revealed, Happening(kind="call.seed_revealed", subject=self.id, body=body)

    def refuse_unless_taking(self, received_at: datetime) -> None:
        """Refuse a submission before the opening and from the deadline on.

        Raises:
            CallNotOpen: If it has not opened yet.
            CallClosed: If it arrived at the deadline or later.
        """
        if self.state is CallState.DRAFT or received_at < self.terms.opens_at:
            raise CallNotOpen(call=self.id, opens_at=self.terms.opens_at.isoformat())
        deadline = self.deadline
        if received_at >= deadline:
            raise CallClosed(
                call=self.id,
                closed_at=deadline.isoformat(),
                received_at=received_at.isoformat(),
                late_ms=milliseconds(deadline, received_at),
            )

    @property
    def deadline(self) -> datetime:
        """The instant from which on nothing is taken."""
        if self.closed_at is not None:
            return min(self.closed_at, self.terms.closes_at)
        return self.terms.closes_at

    def _refuse_unless(self, state: CallState, current: CallState, action: str) -> None:
        if current is not state:
            allowed = {
                CallState.DRAFT: ["patch", "open"],
                CallState.OPEN: ["extend", "close"],
                CallState.CLOSED: [],
            }[current]
            raise InvalidTransition(
                kind="call", id=self.id, state=current, action=action, allowed=allowed
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One move of a deadline."""

    before: datetime
    after: datetime
    by: str
    at: datetime
    reason: str


def milliseconds(earlier: datetime, later: datetime) -> int:
    """Return whole milliseconds from one instant to another, rounded down."""
    elapsed = later - earlier
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000
