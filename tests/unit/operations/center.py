"""Builders of a center in memory: people, pools, a policy, calls, requests, rounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from scheduler.domain.access import EVERYTHING, Permit, Scope
from scheduler.domain.calls import Call, CallTerms, Track
from scheduler.domain.directory import Group, Institute, Person
from scheduler.domain.pools import Calendar, Pool
from scheduler.domain.requests import Request
from scheduler.domain.rounds import Decision, Round
from scheduler.domain.scenarios import Scenario
from scheduler.operations.calls import draft_call, open_call
from scheduler.operations.decisions import publish_round
from scheduler.operations.directory import put_group, put_institute, put_person
from scheduler.operations.evidence import Verify, approved_documents, check_documents
from scheduler.operations.policies import draft_policy, lock_policy_version
from scheduler.operations.pools import put_pool
from scheduler.operations.requests import create_request, submit_request
from scheduler.operations.rounds import create_round, freeze_round
from scheduler.ports.acts import Act
from scheduler.ports.store import Transaction
from solver.canonical import canonical, digest

OPENS = datetime(2026, 3, 2, tzinfo=UTC)
CLOSES = datetime(2026, 3, 16, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = {"fairness": {"unit": "service_units"}, "value": {"of": "hours", "merit": "score"}}


@dataclass
class Counted:
    """Ids that count up."""

    numbers: count = field(default_factory=lambda: count(1))

    def new(self, prefix: str, now: datetime) -> str:
        """Return the next id; it sorts by the order of making."""
        del now
        return f"{prefix}_{next(self.numbers):026d}"


IDS = Counted()


def act(
    person: str = "operator", now: datetime = OPENS, *, scope: Scope = EVERYTHING, **more
) -> Act:
    """Somebody acting, with everything in reach unless said otherwise."""
    permit = Permit(action="test", person=person, scope=scope)
    return Act(permit=permit, now=now, ids=IDS, **more)


def as_fellow(person: str, now: datetime = OPENS, **more) -> Act:
    """A fellow acting on what is their own."""
    return act(person, now, scope=Scope(own=person), **more)


def seen(scope: Scope, person: str = "reader") -> Permit:
    """A permission to read within a scope."""
    return Permit(action="test", person=person, scope=scope)


ALL = seen(EVERYTHING)


def a_directory(tx: Transaction) -> None:
    """Two institutes, two groups, three fellows and the center's own people."""
    by = act("admin", OPENS - timedelta(days=30))
    for name in ("kaist", "gist"):
        put_institute(tx, by, Institute(id=name, name=name.upper()))
    put_group(tx, by, Group(id="vision", name="Vision", institute="kaist"))
    put_group(tx, by, Group(id="folding", name="Folding", institute="gist", weight=2000))
    for name, group in (("mina", "vision"), ("jun", "vision"), ("ara", "folding")):
        put_person(tx, by, Person(id=name, name=name.title(), group=group))
    for name in ("operator", "second", "approver", "admin"):
        put_person(tx, by, Person(id=name, name=name.title()))


def some_pools(tx: Transaction) -> None:
    """Two pools of 32 and 16 GPUs."""
    by = act("operator", OPENS - timedelta(days=30))
    put_pool(tx, by, Pool(id="h200", gpu_type="H200", nodes=4, gpus_per_node=8))
    put_pool(
        tx,
        by,
        Pool(id="b200", gpu_type="B200", nodes=2, gpus_per_node=8, su_per_gpu_hour=1600),
    )


def a_policy(tx: Transaction, name: str = "entitlement") -> None:
    """A policy with one locked version."""
    before = OPENS - timedelta(days=20)
    draft_policy(tx, act("operator", before), name, "This year", POLICY)
    lock_policy_version(tx, act("approver", before), name, 1)


def terms(**changes) -> CallTerms:
    """What a small call says: four weeks, two pools."""
    return replace(
        CallTerms(
            title="Spring call",
            opens_at=OPENS,
            closes_at=CLOSES,
            policy="entitlement",
            policy_version=1,
            calendar=Calendar(starts_on=date(2026, 4, 1), slot_hours=168_000, slots=4),
            pools=("h200", "b200"),
            tracks=(Track(id="academia"),),
        ),
        **changes,
    )


def an_open_call(tx: Transaction, **changes) -> Call:
    """A center with an open call."""
    a_directory(tx)
    some_pools(tx)
    a_policy(tx)
    call = draft_call(tx, act("operator", OPENS - SECOND), terms(**changes))
    return open_call(tx, act("approver", OPENS - SECOND), call.id)[0]


def an_ask(**changes) -> dict:
    """A complete ask that fits the small call."""
    return {
        "title": "Folding at scale",
        "gpu_hours": 1200,
        "minimum_gpu_hours": 400.5,
        "gang_gpus": 8,
        "max_gpus": 16,
        "window": [0, 3],
        "speeds": {"h200": 1, "b200": 1.6},
        **changes,
    }


def a_submitted_request(
    tx: Transaction, call: Call, fellow: str = "mina", now: datetime = OPENS, **changes
) -> Request:
    """A request with one valid submission."""
    request = create_request(tx, as_fellow(fellow, now), call.id, an_ask(**changes))
    return submit_request(tx, as_fellow(fellow, now), request.id)[0]


def a_frozen_round(tx: Transaction, call: Call) -> Round:
    """A round of a call, frozen after its deadline."""
    round_ = create_round(tx, act("operator", CLOSES), call.id)
    return freeze_round(tx, act("operator", CLOSES), round_.id)[0]


def a_scenario(
    tx: Transaction,
    round_: Round,
    funded: Mapping[str, float],
    reserve: tuple = (),
    *,
    cells: list | None = None,
    **changes,
) -> Scenario:
    """A scenario that funds some requests, by label, in the first slot of h200 unless said."""
    plan = {
        "schema": "dure-plan/1",
        "awards": [
            {
                "request": label,
                "gpu_hours": hours,
                "service_units": hours,
                "cells": cells or [["h200", 0, int(hours)]],
            }
            for label, hours in sorted(funded.items())
        ],
        "reserve": [{"request": label, "rank": rank} for rank, label in enumerate(reserve, 1)],
    }
    certificate = {"schema": "dure-certificate/1", "plan": digest(plan)}
    policy = {"name": "entitlement", **POLICY}
    for document in (plan, certificate, policy):
        tx.documents.put(digest(document), canonical(document).decode())
    number = next(IDS.numbers)
    scenario = Scenario(
        **{
            "id": f"scn_{number:026d}",
            "round": round_.id,
            "solve": f"slv_{number:026d}",
            "digest": digest(
                {
                    "round": round_.snapshot,
                    "policy": digest(policy),
                    "plan": digest(plan),
                    "certificate": digest(certificate),
                }
            ),
            "policy": "entitlement",
            "policy_version": 1,
            "policy_author": "author",
            "policy_digest": digest(policy),
            "snapshot": round_.snapshot,
            "plan": digest(plan),
            "certificate": digest(certificate),
            "started_by": "starter",
            "seed": 0,
            "status": "optimal",
            "gap": 0.0,
            "stages": (),
            "measures": {"funded": len(funded)},
            "created_at": CLOSES,
            **changes,
        }
    )
    labels = [*funded, *reserve]
    tx.scenarios.add(scenario, {label: {"request": label, "reasons": []} for label in labels})
    return scenario


def publish(
    tx: Transaction, acting: Act, round_: str, scenario: str, *, verify: Verify
) -> tuple[Round, Decision]:
    """Check what is approved and publish it, in one transaction for once."""
    kept = approved_documents(tx, round_)
    checked = kept and check_documents(kept, verify=verify, verifier="print('checked')\n")
    return publish_round(tx, acting, round_, scenario, checked=checked)
