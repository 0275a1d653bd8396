"""The seed of a lottery: sealed before the call opens, told after the freeze, and no other."""

import pytest

from scheduler.domain.calls import Call
from scheduler.domain.errors import (
    InvalidTransition,
    InvalidValue,
    SeedMismatch,
    SeedNotRevealed,
    SeedNotSealed,
)
from scheduler.operations.calls import call_timeline, draft_call, open_call
from scheduler.operations.policies import draft_policy, lock_policy_version
from scheduler.operations.rounds import create_round, reveal_seed
from scheduler.operations.solves import SolveOrder, start_solve
from scheduler.ports.store import Transaction
from solver.draw import seal
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    OPENS,
    SECOND,
    a_directory,
    a_frozen_round,
    a_submitted_request,
    act,
    an_open_call,
    some_pools,
    terms,
)

SEED, SALT = 20_261, "pepper"
DRAWS = {"select": {"method": "lottery"}, "lottery": {"top_score": 80, "bottom_score": 20}}
ORDER = SolveOrder(policy="tiers_lottery", seed=SEED)


def a_drawn_call(tx: Transaction, seed_seal: str | None = seal(SEED, SALT)) -> Call:
    """A call under a locked policy that draws lots, open."""
    a_directory(tx)
    some_pools(tx)
    draft_policy(tx, act("operator"), "drawn", "By lot", DRAWS)
    lock_policy_version(tx, act("approver"), "drawn", 1)
    said = terms(policy="drawn", seed_seal=seed_seal)
    call = draft_call(tx, act("operator", OPENS - SECOND), said)
    return open_call(tx, act("approver", OPENS - SECOND), call.id)[0]


def test_a_call_that_draws_lots_opens_only_with_a_seal(tx: Transaction) -> None:
    """Whoever could choose the seed later could choose who wins."""
    with pytest.raises(SeedNotSealed):
        a_drawn_call(tx, None)


def test_the_seal_is_in_the_log_when_the_call_opens(tx: Transaction) -> None:
    """Everybody may note the seal before anybody asks."""
    call = a_drawn_call(tx)
    opened = [each for each in call_timeline(tx, ALL, call.id) if each.kind == "call.opened"]
    assert [seal(SEED, SALT)] == [each.body["seed_seal"] for each in opened]


def test_a_seal_is_a_digest() -> None:
    """Anything but 64 hex digits is refused."""
    with pytest.raises(InvalidValue):
        terms(seed_seal="soon")


def test_only_the_sealed_seed_is_drawn_with(tx: Transaction) -> None:
    """Not before it is revealed, and never with another one."""
    call = a_drawn_call(tx)
    a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    with pytest.raises(SeedNotRevealed):
        start_solve(tx, act("starter"), round_.id, ORDER)
    with pytest.raises(SeedMismatch):
        reveal_seed(tx, act("operator", CLOSES), round_.id, SEED + 1, SALT)
    with pytest.raises(SeedMismatch):
        reveal_seed(tx, act("operator", CLOSES), round_.id, SEED, "salt")
    revealed, event = reveal_seed(tx, act("operator", CLOSES), round_.id, SEED, SALT)
    assert (SEED, SALT) == (revealed.terms.seed, revealed.terms.seed_salt)
    assert {"seed": SEED, "salt": SALT} == dict(event.body)
    with pytest.raises(SeedMismatch):
        start_solve(tx, act("starter"), round_.id, SolveOrder(policy="tiers_lottery", seed=1))
    assert SEED == start_solve(tx, act("starter"), round_.id, ORDER).payload["seed"]


def test_a_seed_is_told_once_and_not_before_the_freeze(tx: Transaction) -> None:
    """While people may still ask, nobody may know it."""
    call = a_drawn_call(tx)
    a_submitted_request(tx, call)
    early = create_round(tx, act("operator", CLOSES), call.id)
    with pytest.raises(InvalidTransition):
        reveal_seed(tx, act(), early.id, SEED, SALT)
    round_ = a_frozen_round(tx, call)
    reveal_seed(tx, act("operator", CLOSES), round_.id, SEED, SALT)
    with pytest.raises(InvalidTransition):
        reveal_seed(tx, act("operator", CLOSES), round_.id, SEED, SALT)


def test_a_round_whose_call_had_no_seal_is_never_drawn(tx: Transaction) -> None:
    """A lottery thought of after the deadline has no seed that anyone could trust."""
    call = an_open_call(tx)
    a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    for act_of in (
        lambda: start_solve(tx, act("starter"), round_.id, ORDER),
        lambda: reveal_seed(tx, act("operator", CLOSES), round_.id, SEED, SALT),
    ):
        with pytest.raises(SeedNotSealed):
            act_of()
    assert start_solve(tx, act("starter"), round_.id, SolveOrder(policy="merit", seed=3)).is_live
