"""Solves: start one on a frozen round, hand its task to a worker, keep what comes back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from scheduler.document import parse_document
from scheduler.domain.access import Permit
from scheduler.domain.errors import (
    InvalidTransition,
    InvalidValue,
    NotFound,
    SeedMismatch,
    SeedNotRevealed,
    SeedNotSealed,
)
from scheduler.domain.events import Happening, Json
from scheduler.domain.jobs import SOLVE, Job, JobState, Progress
from scheduler.domain.rounds import Round
from scheduler.domain.scenarios import Scenario
from scheduler.operations import jobs
from scheduler.operations.policies import draws_lots, get_policy, get_policy_version
from scheduler.policy import find_policy, presets, read_policy
from scheduler.ports.acts import Act
from scheduler.ports.paging import FIRST, LARGEST_LIMIT, Page, Slice
from scheduler.ports.store import Transaction
from solver.canonical import canonical, digest
from solver.problem import Method

PREFIX: Final = "slv"
DEFAULT_GAP: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveOrder:
    """What to solve a round by.

    Attributes:
        policy: name of a stored policy or of a preset.
        policy_version: number of a stored version; without it a preset of that name, or else
            the latest version.
        gap: relative gap at which a goal counts as proved.
        work: limit of work, which repeats exactly; or
        seconds: limit of time, which may not.
    """

    policy: str
    policy_version: int | None = None
    seed: int = 0
    gap: float = DEFAULT_GAP
    work: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.work is not None and self.seconds is not None:
            raise InvalidValue(field="/seconds", value=self.seconds, rule="work or seconds")
        if not 0 <= self.gap < 1:
            raise InvalidValue(field="/gap", value=self.gap, rule="in [0, 1)")
        if not 0 <= self.seed < 1 << 31:
            raise InvalidValue(field="/seed", value=self.seed, rule="in [0, 2³¹)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPolicy:
    """A policy as it was found: a preset has neither version nor author."""

    name: str
    version: int | None
    author: str | None
    text: str
    digest: str


def start_solve(tx: Transaction, act: Act, round_id: str, order: SolveOrder) -> Job:
    """Queue a solve of a frozen round.

    Raises:
        InvalidTransition: If the round is not frozen, or decided already.
        NotFound: If there is no such policy.
        AlreadyExists: If the same solve waits or runs.
        SeedNotRevealed, SeedNotSealed, SeedMismatch: If the policy draws lots by another seed
            than the one that was sealed when the call opened.
    """
    round_ = tx.rounds.get(act.scope, round_id)
    act.expect("round", round_id, round_.version)
    refuse_unless_solvable(round_)
    chosen = choose_policy(tx, act.permit, order)
    _refuse_another_method(round_, chosen)
    if draws_lots(json.loads(chosen.text)):
        _refuse_other_seed(tx, round_, chosen, order)
    tx.documents.put(chosen.digest, chosen.text)
    work = jobs.Work(
        prefix=PREFIX,
        kind=SOLVE,
        subject=round_id,
        identity=identity_of(round_, chosen, order),
        payload=payload_of(round_, chosen, order),
    )
    return jobs.enqueue(tx, act, work)


def _refuse_another_method(round_: Round, chosen: ChosenPolicy) -> None:
    """Refuse to continue a round by a policy that does not reallocate, or to begin one by such."""
    method = read_policy(parse_document(chosen.text.encode())).rules.method
    if (round_.continues is not None) != (method is Method.REALLOCATE):
        rule = "one that reallocates" if round_.continues else "one that does not reallocate"
        raise InvalidValue(field="/policy", value=chosen.name, rule=rule)


def refuse_unless_solvable(round_: Round) -> None:
    """Refuse a question to a round that is not frozen, or decided already.

    Raises:
        InvalidTransition: Naming what is allowed.
    """
    if not round_.is_solvable:
        raise InvalidTransition(
            kind="round",
            id=round_.id,
            state=round_.state,
            action="solve",
            allowed=list(round_.allowed),
        )


def _refuse_other_seed(
    tx: Transaction, round_: Round, chosen: ChosenPolicy, order: SolveOrder
) -> None:
    """Refuse to draw with a seed that was not fixed before the requests were known."""
    call = tx.calls.find(round_.call)
    if call is None or call.terms.seed_seal is None:
        raise SeedNotSealed(call=round_.call, policy=chosen.name)
    if call.terms.seed is None:
        raise SeedNotRevealed(round=round_.id)
    if order.seed != call.terms.seed:
        raise SeedMismatch(round=round_.id, seed=order.seed)


def get_solve(tx: Transaction, permit: Permit, id_: str) -> Job:
    """Return a solve of a visible round.

    Raises:
        NotFound: If there is none.
    """
    job = tx.jobs.get(id_)
    if job.kind != SOLVE:
        raise NotFound(kind="solve", id=id_)
    tx.rounds.get(permit.scope, job.subject)
    return job


def list_solves(
    tx: Transaction,
    permit: Permit,
    round_id: str,
    slice_: Slice = FIRST,
    *,
    state: JobState | None = None,
) -> Page[Job]:
    """List the solves of a visible round."""
    tx.rounds.get(permit.scope, round_id)
    return tx.jobs.list(slice_, subject=round_id, kind=SOLVE, state=state)


def solve_progress(
    tx: Transaction, permit: Permit, id_: str, after: int = 0, limit: int = LARGEST_LIMIT
) -> Sequence[Progress]:
    """Return what a visible solve has told later than a position, oldest first."""
    return tx.jobs.progress(get_solve(tx, permit, id_).id, after, limit)


def cancel_solve(tx: Transaction, act: Act, id_: str, reason: str) -> Job:
    """Stop a solve; its worker learns of it at its next heartbeat.

    Raises:
        InvalidTransition: If it has ended.
    """
    return jobs.cancel(tx, act, get_solve(tx, act.permit, id_).id, reason)


def solve_task(tx: Transaction, job: Job) -> dict[str, Json]:
    """Return all that a solving process needs, which knows no store: texts and limits."""
    return {
        "round": tx.documents.text(str(job.payload["snapshot"])),
        "policy": tx.documents.text(str(job.payload["policy_digest"])),
        **{name: job.payload[name] for name in ("seed", "gap", "work", "seconds")},
    }


def keep_scenario(
    tx: Transaction, hand: jobs.Hand, job: Job, made: Mapping[str, Any]
) -> dict[str, Json]:
    """Keep the documents of a solve as a scenario; call it in the transaction that ends the job.

    What was made is `plan` and `certificate` as canonical texts, `explanations` by label, and
    `seconds`; the answer holds id and digest of the scenario, its status and gap.
    """
    plan = json.loads(made["plan"])
    names = {name: digest(json.loads(made[name])) for name in ("plan", "certificate")}
    for name, document in names.items():
        tx.documents.put(document, made[name])
    scenario = _scenario(hand, job, plan, names, made["seconds"])
    tx.scenarios.add(scenario, made["explanations"])
    told: dict[str, Json] = {
        "scenario": scenario.id,
        "digest": scenario.digest,
        "status": scenario.status,
        "gap": scenario.gap,
    }
    tx.events.append(
        Happening(kind="scenario.kept", subject=scenario.id, body={**told, "solve": job.id}),
        actor=f"worker:{hand.worker}",
        at=hand.now,
        id_=hand.ids.new("evt", hand.now),
    )
    return told


def _scenario(
    hand: jobs.Hand, job: Job, plan: Mapping[str, Any], names: Mapping[str, str], seconds: float
) -> Scenario:
    payload: Mapping[str, Any] = job.payload
    return Scenario(
        id=hand.ids.new("scn", hand.now),
        round=job.subject,
        solve=job.id,
        digest=digest({"round": payload["snapshot"], "policy": payload["policy_digest"], **names}),
        policy=payload["policy"],
        policy_version=payload["policy_version"],
        policy_author=payload["policy_author"],
        policy_digest=payload["policy_digest"],
        snapshot=payload["snapshot"],
        plan=names["plan"],
        certificate=names["certificate"],
        started_by=job.created_by,
        seed=payload["seed"],
        status=plan["status"],
        gap=max((stage["gap"] for stage in plan["stages"]), default=None),
        stages=tuple(plan["stages"]),
        measures=plan["measures"],
        created_at=hand.now,
        seconds=seconds,
    )


def choose_policy(tx: Transaction, permit: Permit, order: SolveOrder) -> ChosenPolicy:
    """Return the stored version, the preset, or the latest version of a policy."""
    number = order.policy_version
    if number is None and order.policy in presets():
        document = find_policy(order.policy).document
        text = canonical(document).decode()
        return ChosenPolicy(
            name=order.policy, version=None, author=None, text=text, digest=digest(document)
        )
    latest = get_policy(tx, permit, order.policy).latest if number is None else number
    stored = get_policy_version(tx, permit, order.policy, latest)
    return ChosenPolicy(
        name=order.policy,
        version=stored.number,
        author=stored.author,
        text=canonical(stored.content).decode(),
        digest=stored.digest,
    )


def identity_of(round_: Round, chosen: ChosenPolicy, order: SolveOrder) -> str:
    """Return what two live solves of a snapshot never share."""
    return digest(
        {
            "snapshot": round_.snapshot,
            "round": round_.id,
            "policy": chosen.digest,
            "seed": order.seed,
            "gap": order.gap,
            "work": order.work,
            "seconds": order.seconds,
        }
    )


def payload_of(round_: Round, chosen: ChosenPolicy, order: SolveOrder) -> dict[str, Json]:
    """Return what a worker must know of an order."""
    return {
        "snapshot": round_.snapshot,
        "policy": chosen.name,
        "policy_version": chosen.version,
        "policy_author": chosen.author,
        "policy_digest": chosen.digest,
        "seed": order.seed,
        "gap": order.gap,
        "work": order.work,
        "seconds": order.seconds,
    }
