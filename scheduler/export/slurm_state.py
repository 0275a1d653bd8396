"""What Slurm's accounting holds for a center: accounts, associations, QOS; and what it should.

Every account stands below one of the center's own, `dure`: what others keep on the cluster is not
looked at. Names are lower-case, for slurmdbd makes them so. Limits are cumulative minutes: what
the cluster has counted so far and what is left, so counters are never wiped.

A minute is Slurm's smallest unit of a limit. While something is left the limit is rounded up: no
award is cut, and none can grow by a whole minute of one GPU. When nothing is left it is rounded
down, so that no part of a minute lets another job start.

Source:
    sacctmgr(1), "LIMITS" and "FLAT FILE DUMP AND LOAD"; slurm.conf(5), AccountingStorageEnforce.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from scheduler.domain.enforcement import EnforcementPlan, Form, PlannedAward, PlannedPerson

ROOT: Final = "dure"
"""The account that all others of the center stand below."""
GPU: Final = "gres/gpu"
SECONDS_PER_MINUTE: Final = 60
FLAGS: Final = frozenset({"DenyOnLimit", "NoDecay"})
"""Of an award's QOS: a job beyond it is refused at once, and what was used is not forgotten."""

Place: TypeAlias = tuple[str, str]
"""Account and user of an association."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmLimits:
    """Limits on an association or a QOS; what is not stated is not limited.

    Attributes:
        minutes: GPU-minutes in all, by resource, such as `gres/gpu:h200`.
        per_job: most GPUs of one job.
        frozen: whether nothing may be submitted.
    """

    minutes: Mapping[str, int] = field(default_factory=dict)
    per_job: int | None = None
    frozen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmAccount:
    """An account below the center's own."""

    name: str
    parent: str
    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A user's place under an account.

    Attributes:
        qos: the QOS that its jobs may name, the first by default; none: whatever it has.
    """

    account: str
    user: str
    limits: SlurmLimits
    qos: tuple[str, ...] | None = None

    @property
    def place(self) -> Place:
        """What names it."""
        return self.account, self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmState:
    """Accounts by name, associations by place, QOS by name; and what is counted by place."""

    accounts: Mapping[str, SlurmAccount] = field(default_factory=dict)
    associations: Mapping[Place, Association] = field(default_factory=dict)
    qos: Mapping[str, SlurmLimits] = field(default_factory=dict)
    used: Mapping[Place, Mapping[str, int]] = field(default_factory=dict)


def whole_minutes(counted: int, left: int) -> int:
    """Return a cumulative limit in minutes.

    Args:
        counted: GPU-seconds that the cluster has counted.
        left: GPU-seconds that may still be used; less than nothing when overspent.
    """
    total = max(counted + left, 0)
    return -(-total // SECONDS_PER_MINUTE) if left > 0 else total // SECONDS_PER_MINUTE


def wanted(plan: EnforcementPlan) -> SlurmState:
    """Return what the accounting must hold for a plan."""
    accounts = {each.name: each for each in _accounts(plan.people)}
    by_award = plan.form is Form.QOS
    associations = {}
    for person in plan.people:
        if any(each.usable for each in person.awards):
            made = _by_award(person) if by_award else _total(person, plan.gpu_types)
        else:
            made = _nothing(person, plan.gpu_types)
        associations[made.place] = made
    qos = {
        award.award: _award(award, plan.gpu_types)
        for person in plan.people
        if by_award
        for award in person.awards
    }
    return SlurmState(accounts=accounts, associations=associations, qos=qos)


def _accounts(people: Iterable[PlannedPerson]) -> Iterator[SlurmAccount]:
    """Yield the accounts, each after the one it stands below."""
    yield SlurmAccount(name=ROOT, parent="root", organization=ROOT)
    institutes = sorted({each.institute for each in people if each.institute is not None})
    for institute in institutes:
        name = _institute(institute)
        yield SlurmAccount(name=name, parent=ROOT, organization=institute.lower())
    for group, institute_ in sorted(
        {(each.group, each.institute or "") for each in people if each.group is not None}
    ):
        parent = _institute(institute_) if institute_ else ROOT
        yield SlurmAccount(
            name=_group(group), parent=parent, organization=institute_.lower() or ROOT
        )


def _institute(id_: str) -> str:
    return f"i-{id_}".lower()


def _group(id_: str) -> str:
    return f"g-{id_}".lower()


def _account(person: PlannedPerson) -> str:
    return ROOT if person.group is None else _group(person.group)


def _total(person: PlannedPerson, gpu_types: Mapping[str, str]) -> Association:
    """Return the association of a fellow whose awards count as one total."""
    left: Counter[str] = Counter()
    usable = [each for each in person.awards if each.usable]
    for award in usable:
        left.update(award.left)
    most = [each.gpus for each in usable]
    stated = [each for each in most if each is not None]
    limits = SlurmLimits(
        minutes=_minutes(person.counted, left, gpu_types),
        per_job=max(stated) if len(stated) == len(most) else None,
    )
    return Association(account=_account(person), user=person.person.lower(), limits=limits)


def _nothing(person: PlannedPerson, gpu_types: Mapping[str, str]) -> Association:
    """Return the association of a fellow who may use nothing."""
    limits = SlurmLimits(minutes=_minutes(person.counted, {}, gpu_types), frozen=True)
    return Association(account=_account(person), user=person.person.lower(), limits=limits)


def _by_award(person: PlannedPerson) -> Association:
    """Return the association of a fellow whose jobs name their award; it has no total."""
    names = tuple(sorted(each.award for each in person.awards if each.usable))
    user = person.person.lower()
    return Association(account=_account(person), user=user, limits=SlurmLimits(), qos=names)


def _award(award: PlannedAward, gpu_types: Mapping[str, str]) -> SlurmLimits:
    left = award.left if award.usable else {}
    return SlurmLimits(
        minutes=_minutes(award.counted, left, gpu_types),
        per_job=award.gpus,
        frozen=not award.usable,
    )


def _minutes(
    counted: Mapping[str, int], left: Mapping[str, int], gpu_types: Mapping[str, str]
) -> dict[str, int]:
    """Return the limits by resource: of each GPU type that has a word, and of all together.

    The plain resource counts GPUs of every type. Without it, a job that names no type would stand
    outside the limits of the types.
    """
    minutes = {
        f"{GPU}:{word.lower()}": whole_minutes(counted.get(name, 0), left.get(name, 0))
        for name, word in gpu_types.items()
        if word
    }
    used = sum(counted.get(name, 0) for name in gpu_types)
    return {GPU: whole_minutes(used, sum(left.get(name, 0) for name in gpu_types)), **minutes}
