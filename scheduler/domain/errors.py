"""What the center refuses.

    DureError
    ├── InvalidValue               a value breaks a rule of its field
    ├── NotFound                   unknown, or not visible to the one who asks
    ├── Unauthenticated            no token, or one that is unknown, expired, revoked
    ├── Forbidden                  no role of the person allows the action
    ├── SecondPersonRequired       the one who acts took an earlier part in it
    ├── VersionMismatch            the object has changed since it was read
    ├── AlreadyExists              the id is taken
    ├── InvalidTransition          the state does not allow the action
    ├── CallNotOpen, CallClosed, CallStillOpen, DeadlineNotLater
    ├── RequestNotReady            the entry checks found errors
    ├── PolicyNotLocked, InvalidPolicy
    ├── SeedNotSealed, SeedNotRevealed, SeedMismatch
    ├── InvalidScores, InvalidRoundFile, NothingToFreeze
    ├── ScenarioMismatch, NotVerified, HoldingsChanged
    ├── AppealClosed, OfferLapsed, ReturnTooLarge, BalanceTooSmall
    ├── NoticeRunning, PartyRequired, InvalidUsage, UndatedRound
    ├── ExemptionsWaiting, ExemptionTooLate
    ├── AlreadyFounded             the first administrators exist
    └── IdempotencyKeyReused, IdempotencyInFlight, LeaseLost, StoreBusy, StoreUnavailable

Each class has a `code` that never changes; the text of a code is in `scheduler.domain.messages`,
its HTTP status in the doors.
"""

# ruff: noqa: N818 - a refusal is named as the rule names it

from typing import ClassVar

from scheduler.domain.messages import Language, render


class DureError(Exception):
    """A rule of the center refuses; `fields` are what the text of the code speaks about."""

    code: ClassVar[str] = "refused"

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(render(self.code, fields, Language.ENGLISH).detail)


class InvalidValue(DureError):
    """A value breaks a rule of its field. Fields: field, value, rule."""

    code = "invalid-value"


class NotFound(DureError):
    """Nothing of this name is visible to the one who asks. Fields: kind, id."""

    code = "not-found"


class Unauthenticated(DureError):
    """Nobody is known by this token. Fields: why (missing, unknown, expired, revoked, inactive)."""

    code = "unauthenticated"


class Forbidden(DureError):
    """No role of the person allows the action. Fields: action."""

    code = "forbidden"


class SecondPersonRequired(DureError):
    """The act needs someone who took no earlier part. Fields: action, person, part."""

    code = "second-person-required"


class VersionMismatch(DureError):
    """The object has changed since it was read. Fields: kind, id, expected, current."""

    code = "version-mismatch"


class AlreadyExists(DureError):
    """The id is taken. Fields: kind, id."""

    code = "already-exists"


class InvalidTransition(DureError):
    """The state does not allow the action. Fields: kind, id, state, action, allowed."""

    code = "invalid-transition"


class CallNotOpen(DureError):
    """The call takes no requests yet. Fields: call, opens_at."""

    code = "call-not-open"


class CallClosed(DureError):
    """The call takes no more requests. Fields: call, closed_at, received_at, late_ms."""

    code = "call-closed"


class CallStillOpen(DureError):
    """The call still takes requests. Fields: call, closes_at."""

    code = "call-still-open"


class DeadlineNotLater(DureError):
    """An extension moves a deadline later, for all. Fields: call, closes_at, asked."""

    code = "deadline-not-later"


class RequestNotReady(DureError):
    """The entry checks found errors. Fields: request, findings, count."""

    code = "request-not-ready"


class PolicyNotLocked(DureError):
    """A call opens only under a locked policy version. Fields: policy, policy_version."""

    code = "policy-not-locked"


class SeedNotSealed(DureError):
    """A lottery needs a seed fixed before the call opens. Fields: call, policy."""

    code = "seed-not-sealed"


class SeedNotRevealed(DureError):
    """A lottery is drawn with the revealed seed. Fields: round."""

    code = "seed-not-revealed"


class SeedMismatch(DureError):
    """The seed is not the one that the call was sealed with. Fields: round, seed."""

    code = "seed-mismatch"


class InvalidPolicy(DureError):
    """The content of a policy is refused. Fields: policy, rule."""

    code = "invalid-policy"


class InvalidScores(DureError):
    """Some rows of a score import are refused; none is taken. Fields: findings, count."""

    code = "invalid-scores"


class InvalidRoundFile(DureError):
    """A round file is refused. Fields: rule."""

    code = "invalid-round-file"


class NothingToFreeze(DureError):
    """No valid submission is left to decide on. Fields: round, call."""

    code = "nothing-to-freeze"


class ScenarioMismatch(DureError):
    """The digest names another scenario than the selected one. Fields: round, expected, got."""

    code = "scenario-mismatch"


class NotVerified(DureError):
    """The checker found broken rules. Fields: round, scenario, findings, count."""

    code = "not-verified"


class HoldingsChanged(DureError):
    """What awards hold has changed since the snapshot. Fields: round, awards, count."""

    code = "holdings-changed"


class AppealClosed(DureError):
    """The time for appeals is over. Fields: award, closed_at."""

    code = "appeal-closed"


class OfferLapsed(DureError):
    """The time to accept an offer is over. Fields: award, answer_by."""

    code = "offer-lapsed"


class ReturnTooLarge(DureError):
    """More is returned than is held. Fields: award, held, returned."""

    code = "return-too-large"


class BalanceTooSmall(DureError):
    """An account of the ledger does not hold as much. Fields: account, available, amount."""

    code = "balance-too-small"


class NoticeRunning(DureError):
    """What was announced takes no effect before its day. Fields: proposal, not_before."""

    code = "notice-running"


class PartyRequired(DureError):
    """It is another's to agree: they are a party to it. Fields: proposal, person, party."""

    code = "party-required"


class InvalidUsage(DureError):
    """A file of usage is refused, whole. Fields: row, value, rule."""

    code = "invalid-usage"


class UndatedRound(DureError):
    """The calendar has no first day, so nothing can be said of a date. Fields: round."""

    code = "undated-round"


class ExemptionsWaiting(DureError):
    """A reclaim waits until every asked exemption is decided. Fields: reclaim, count."""

    code = "exemptions-waiting"


class ExemptionTooLate(DureError):
    """An exemption was asked after its last day. Fields: reclaim, until."""

    code = "exemption-too-late"


class AlreadyFounded(DureError):
    """The center has its first administrators already."""

    code = "already-founded"


class IdempotencyKeyReused(DureError):
    """The key was used with another body. Fields: key."""

    code = "idempotency-key-reused"


class IdempotencyInFlight(DureError):
    """The first call with this key is still running. Fields: key."""

    code = "idempotency-in-flight"


class LeaseLost(DureError):
    """Another worker holds the job. Fields: job, fence, current."""

    code = "lease-lost"


class StoreUnavailable(DureError):
    """The store takes no writes. Fields: why."""

    code = "store-unavailable"


class StoreBusy(DureError):
    """Too many writers wait; trying again soon may help. Fields: why."""

    code = "store-busy"
