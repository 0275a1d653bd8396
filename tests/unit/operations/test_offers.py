"""Pools, policies and calls: what is offered, under which rules."""

from datetime import timedelta

import pytest

from scheduler.domain.calls import CallState
from scheduler.domain.errors import (
    AlreadyExists,
    CallClosed,
    DeadlineNotLater,
    InvalidPolicy,
    InvalidTransition,
    InvalidValue,
    NotFound,
    PolicyNotLocked,
    SecondPersonRequired,
)
from scheduler.domain.policies import Difference, PolicyState
from scheduler.domain.pools import ChangeKind, ChangeState, Pool
from scheduler.domain.requests import RequestState
from scheduler.operations.calls import (
    call_timeline,
    close_call,
    draft_call,
    extend_call,
    get_call,
    list_calls,
    open_call,
    patch_call,
)
from scheduler.operations.policies import (
    add_policy_version,
    diff_policy_versions,
    draft_policy,
    get_policy,
    get_policy_version,
    list_policies,
    list_policy_versions,
    lock_policy_version,
)
from scheduler.operations.pools import (
    ProposedChange,
    approve_capacity_change,
    get_pool,
    list_capacity_changes,
    list_pools,
    pool_supply,
    propose_capacity_change,
    put_pool,
    reject_capacity_change,
)
from scheduler.operations.requests import create_request, withdraw_request
from scheduler.operations.statistics import call_statistics
from scheduler.ports.store import Transaction
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    OPENS,
    POLICY,
    SECOND,
    a_directory,
    a_policy,
    a_submitted_request,
    act,
    an_ask,
    an_open_call,
    as_fellow,
    some_pools,
    terms,
)


def a_change(tx: Transaction, **changes):
    """Propose 8 GPUs of h200 for maintenance over the second week."""
    start, end = terms().calendar.slot(1)
    values = {
        "pool": "h200",
        "kind": ChangeKind.MAINTENANCE,
        "gpus": 8,
        "starts_at": start,
        "ends_at": end,
        "reason": "New switches.",
    }
    return propose_capacity_change(tx, act("operator"), ProposedChange(**{**values, **changes}))


def test_a_capacity_change_counts_once_a_second_operator_approves(tx: Transaction) -> None:
    """The supply falls by GPUs × hours, and only after approval by somebody else."""
    some_pools(tx)
    calendar = terms().calendar
    whole = 32 * 168_000
    change = a_change(tx)
    assert (whole,) * 4 == pool_supply(tx, ALL, "h200", calendar).gpu_hours
    with pytest.raises(SecondPersonRequired):
        approve_capacity_change(tx, act("operator"), change.id)
    approved = approve_capacity_change(tx, act("second"), change.id)
    assert (ChangeState.APPROVED, "second") == (approved.state, approved.decided_by)
    assert (whole, whole * 3 // 4, whole, whole) == pool_supply(tx, ALL, "h200", calendar).gpu_hours
    with pytest.raises(InvalidTransition):
        reject_capacity_change(tx, act("second"), change.id)


def test_additions_add_and_rejected_changes_do_not_count(tx: Transaction) -> None:
    """An addition may exceed the pool; a removal may not."""
    some_pools(tx)
    more = a_change(tx, kind=ChangeKind.ADDITION, gpus=40)
    approve_capacity_change(tx, act("second"), more.id)
    refused = a_change(tx, kind=ChangeKind.RESERVATION)
    reject_capacity_change(tx, act("second"), refused.id)
    supply = pool_supply(tx, ALL, "h200", terms().calendar)
    assert supply.within(1, 2) == 72 * 168_000
    assert [refused.id] == [
        one.id for one in list_capacity_changes(tx, ALL, state=ChangeState.REJECTED).items
    ]
    with pytest.raises(InvalidValue):
        a_change(tx, gpus=33)
    with pytest.raises(NotFound):
        a_change(tx, pool="none")


def test_a_pool_keeps_its_size(tx: Transaction) -> None:
    """A put may rename what the pool is, not change what it can give or costs."""
    some_pools(tx)
    pool = get_pool(tx, ALL, "h200")
    with pytest.raises(SecondPersonRequired):
        put_pool(tx, act(), Pool(id="h200", gpu_type="H200", nodes=5, gpus_per_node=8))
    renamed, created = put_pool(
        tx, act(), Pool(id="h200", gpu_type="H200 SXM", nodes=4, gpus_per_node=8)
    )
    assert (False, pool.version + 1) == (created, renamed.version)
    assert ["b200", "h200"] == [one.id for one in list_pools(tx, ALL).items]


def test_a_policy_is_drafted_versioned_locked_and_compared(tx: Transaction) -> None:
    """Versions never change; a lock needs someone other than the author."""
    policy, first = draft_policy(tx, act("operator"), "fair", "Fair", POLICY)
    assert (1, 2) == (first.number, policy.version)
    changed = {**POLICY, "value": {"of": "projects", "merit": "score"}}
    _, second = add_policy_version(tx, act("operator"), "fair", changed, "More projects.")
    assert diff_policy_versions(tx, ALL, "fair", (1, 2)) == (
        Difference(key="value.of", before="hours", after="projects"),
    )
    with pytest.raises(SecondPersonRequired):
        lock_policy_version(tx, act("operator"), "fair", 2)
    locked = lock_policy_version(tx, act("approver"), "fair", 2)
    assert (PolicyState.LOCKED, second.digest) == (locked.state, locked.digest)
    with pytest.raises(InvalidTransition):
        lock_policy_version(tx, act("approver"), "fair", 2)
    assert get_policy_version(tx, ALL, "fair", 1) == first
    assert [1, 2] == [one.number for one in list_policy_versions(tx, ALL, "fair")]
    assert [get_policy(tx, ALL, "fair")] == list(list_policies(tx, ALL).items)


def test_what_is_no_policy_is_refused(tx: Transaction) -> None:
    """Unknown keys and values are named; names are taken once."""
    with pytest.raises(InvalidPolicy) as refusal:
        draft_policy(tx, act(), "odd", "Odd", {"fairness": {"unit": "goats"}})
    assert "goats" in str(refusal.value.fields["rule"])
    a_policy(tx)
    with pytest.raises(AlreadyExists):
        a_policy(tx)
    with pytest.raises(NotFound):
        get_policy_version(tx, ALL, "entitlement", 2)


def test_a_call_opens_by_a_second_person_under_a_locked_policy(tx: Transaction) -> None:
    """Drafted by one, opened by another, never under a draft of a policy."""
    some_pools(tx)
    a_policy(tx)
    add_policy_version(tx, act("operator"), "entitlement", POLICY)
    call = draft_call(tx, act("operator"), terms(policy_version=2))
    with pytest.raises(PolicyNotLocked):
        open_call(tx, act("approver"), call.id)
    call = patch_call(tx, act("operator"), call.id, terms())
    with pytest.raises(SecondPersonRequired):
        open_call(tx, act("operator"), call.id)
    assert list_calls(tx, ALL).items == ()
    with pytest.raises(NotFound):
        get_call(tx, ALL, call.id)
    assert get_call(tx, ALL, call.id, with_drafts=True) == call
    opened, event = open_call(tx, act("approver"), call.id)
    assert list_calls(tx, ALL, state=CallState.OPEN).items == (opened,)
    assert event.body["policy_version"] == 1
    with pytest.raises(InvalidTransition):
        patch_call(tx, act("operator"), call.id, terms(title="Other"))
    assert ["call.drafted", "call.patched", "call.opened"] == [
        one.kind for one in call_timeline(tx, ALL, call.id)
    ]


def test_a_call_names_what_exists(tx: Transaction) -> None:
    """Unknown pools and policies are refused; so is a deadline in the past."""
    some_pools(tx)
    a_policy(tx)
    for wrong in (terms(pools=("none",)), terms(policy="none"), terms(policy_version=9)):
        with pytest.raises(InvalidValue):
            draft_call(tx, act(), wrong)
    call = draft_call(tx, act("operator"), terms())
    with pytest.raises(InvalidValue):
        open_call(tx, act("approver", CLOSES), call.id)


def test_a_deadline_moves_later_only(tx: Transaction) -> None:
    """Not earlier, not by the drafter, not after it has passed."""
    call = an_open_call(tx)
    later = CLOSES + timedelta(days=2)
    with pytest.raises(DeadlineNotLater):
        extend_call(tx, act("approver"), call.id, CLOSES, "No later.")
    with pytest.raises(SecondPersonRequired):
        extend_call(tx, act("operator"), call.id, later, "Mine.")
    with pytest.raises(InvalidTransition):
        extend_call(tx, act("approver", CLOSES), call.id, later, "Too late.")
    extended, event = extend_call(tx, act("approver"), call.id, later, "Power cut.")
    assert (later, "Power cut.") == (extended.deadline, event.body["reason"])
    assert tx.calls.find(call.id).extensions == extended.extensions


def test_a_call_closed_early_takes_nothing_more(tx: Transaction) -> None:
    """Closing has a reason and a second person, and counts from that instant."""
    call = an_open_call(tx)
    with pytest.raises(SecondPersonRequired):
        close_call(tx, act("operator"), call.id, "Enough.")
    with pytest.raises(InvalidValue):
        close_call(tx, act("approver"), call.id, "  ")
    closed, _ = close_call(tx, act("approver", OPENS + SECOND), call.id, "Enough.")
    assert closed.deadline == OPENS + SECOND
    with pytest.raises(CallClosed):
        create_request(tx, as_fellow("mina", OPENS + SECOND), call.id, an_ask())


def test_statistics_count_what_is_asked_of_each_pool(tx: Transaction) -> None:
    """An ask over two pools is shared by what each could give; drafts and withdrawn are out."""
    call = an_open_call(tx)
    a_submitted_request(tx, call, "mina", speeds={"h200": 1})
    a_submitted_request(tx, call, "jun")
    a_submitted_request(tx, call, "jun", title="Another", gpu_hours=600)
    create_request(tx, as_fellow("ara"), call.id, an_ask())
    gone = a_submitted_request(tx, call, "ara")
    withdraw_request(tx, as_fellow("ara"), gone.id)

    figures = call_statistics(tx, ALL, call.id)
    assert {RequestState.SUBMITTED: 3, RequestState.DRAFT: 1, RequestState.WITHDRAWN: 1} == dict(
        figures.counts
    )
    assert (2, 3_000_000) == (figures.fellows, figures.requested_gpu_hours)
    h200, b200 = figures.pools
    # 1,800 hours over 21,504 × 1 and 10,752 × 1.6 reference hours a call.
    assert (1_200_000 + 1_000_000, 500_000) == (h200.requested_gpu_hours, b200.requested_gpu_hours)
    assert h200.oversubscription == pytest.approx(2_200 / 21_504)
    assert figures.oversubscription == pytest.approx(2_700 / 32_256)


def test_the_list_of_a_policy_needs_it_to_exist(tx: Transaction) -> None:
    """Versions of an unknown policy are not found, whatever the directory holds."""
    a_directory(tx)
    with pytest.raises(NotFound):
        list_policy_versions(tx, ALL, "none")
