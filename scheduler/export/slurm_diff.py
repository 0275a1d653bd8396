"""The smallest difference between what a cluster's accounting holds and what it should.

Fellows who need the same change are changed together: one command takes as long for four hundred
names as for one. Nothing is ever deleted: who holds nothing any more is frozen, so that what was
used stays counted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, TypeVar

from scheduler.domain.enforcement import Difference
from scheduler.domain.events import Document, Json
from scheduler.export.slurm_state import (
    GPU,
    Association,
    Place,
    SlurmAccount,
    SlurmLimits,
    SlurmState,
)
from solver.canonical import digest

SCHEMA: Final = "dure-slurm-difference/1"
NO_LIMIT: Final = -1
"""How Slurm is told to forget a limit."""

Named = TypeVar("Named", Place, str)
Settings: TypeAlias = tuple[tuple[str, str], ...]
"""What a command sets: names and values, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QosChange:
    """The same settings for some QOS."""

    names: tuple[str, ...]
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceChange:
    """The same settings for some associations: all of these users under any of these accounts."""

    accounts: tuple[str, ...]
    users: tuple[str, ...]
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmDifference:
    """What has to happen on a cluster, in this order.

    Attributes:
        cluster: whose accounting it is.
        new_qos: names of QOS to make, without limits; nobody may use them yet.
        qos: their settings, and of others.
        accounts: new ones, each after the one it stands below.
        associations: new ones.
        above: accounts on the way to new ones, that are there already.
        moved: accounts that stand below another one now.
        places: settings of associations that are there.
    """

    cluster: str
    new_qos: tuple[str, ...] = ()
    qos: tuple[QosChange, ...] = ()
    accounts: tuple[SlurmAccount, ...] = ()
    associations: tuple[Association, ...] = ()
    above: tuple[SlurmAccount, ...] = ()
    moved: tuple[SlurmAccount, ...] = ()
    places: tuple[PlaceChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to happen."""
        parts = self.new_qos, self.qos, self.accounts, self.associations, self.moved, self.places
        return not any(parts)

    def document(self) -> Document:
        """Return the difference as JSON, with its digest."""
        body: Document = {
            "schema": SCHEMA,
            "cluster": self.cluster,
            "new_qos": list(self.new_qos),
            "qos": [{"names": list(each.names), "set": dict(each.settings)} for each in self.qos],
            "accounts": [_account(each) for each in self.accounts],
            "associations": [_association(each) for each in self.associations],
            "moved": [_account(each) for each in self.moved],
            "places": [
                {
                    "accounts": list(each.accounts),
                    "users": list(each.users),
                    "set": dict(each.settings),
                }
                for each in self.places
            ],
        }
        return {**body, "digest": digest(body)}


def difference(cluster: str, wanted: SlurmState, live: SlurmState) -> SlurmDifference:
    """Return the smallest difference that makes a cluster what is wanted.

    Args:
        cluster: whose accounting it is.
        wanted: what it should hold.
        live: what it holds.
    """
    aim = _aim(wanted, live)
    new = tuple(each for place, each in aim.items() if place not in live.associations)
    accounts = tuple(each for name, each in wanted.accounts.items() if name not in live.accounts)
    needed = {each.account for each in new} | {each.name for each in accounts}
    changed = {
        place: settings
        for place, each in aim.items()
        if place in live.associations
        and (settings := _place_settings(each, live.associations[place]))
    }
    bare = SlurmLimits()
    qos = {
        name: settings
        for name, limits in wanted.qos.items()
        if (settings := limit_settings(limits, live.qos.get(name, bare)))
    }
    return SlurmDifference(
        cluster=cluster,
        new_qos=tuple(sorted(set(wanted.qos) - set(live.qos))),
        qos=tuple(_together(qos)),
        accounts=accounts,
        associations=new,
        above=_above(needed, wanted, live),
        moved=tuple(
            each
            for name, each in wanted.accounts.items()
            if name in live.accounts and live.accounts[name].parent != each.parent
        ),
        places=tuple(_places(changed, {*aim, *live.associations})),
    )


def differences(wanted: SlurmState, live: SlurmState) -> Iterator[Difference]:
    """Yield each association and QOS that is not as it should be."""
    bare = SlurmLimits()
    for place, each in sorted(_aim(wanted, live).items()):
        found = live.associations.get(place)
        name = "/".join(place)
        if found is None:
            yield Difference(name=name, expected=_words(new_settings(each)), found="–")
        elif settings := _place_settings(each, found):
            back = _place_settings(replace(found, qos=found.qos if each.qos else None), each)
            yield Difference(name=name, expected=_words(settings), found=_words(back) or "–")
    for name, limits in sorted(wanted.qos.items()):
        known = live.qos.get(name)
        if known is None:
            expected = _words(limit_settings(limits, bare))
            yield Difference(name=f"qos/{name}", expected=expected, found="–")
        elif settings := limit_settings(limits, known):
            found_ = _words(limit_settings(known, limits))
            yield Difference(name=f"qos/{name}", expected=_words(settings), found=found_)


def new_settings(association: Association) -> Settings:
    """Return what a new association is made with."""
    settings = limit_settings(association.limits, SlurmLimits())
    return settings + _qos_settings(association.qos)


def limit_settings(wanted: SlurmLimits, live: SlurmLimits) -> Settings:
    """Return what must be set to make limits what they should be; nothing when they are."""
    minutes = {
        name: wanted.minutes.get(name, NO_LIMIT)
        for name in sorted({*wanted.minutes, *live.minutes})
        if wanted.minutes.get(name) != live.minutes.get(name)
    }
    settings: list[tuple[str, str]] = []
    if minutes:
        amounts = ",".join(f"{name}={amount}" for name, amount in minutes.items())
        settings.append(("GrpTRESMins", amounts))
    if wanted.per_job != live.per_job:
        most = NO_LIMIT if wanted.per_job is None else wanted.per_job
        settings.append(("MaxTRESPerJob", f"{GPU}={most}"))
    if wanted.frozen != live.frozen:
        settings.append(("GrpSubmitJobs", "0" if wanted.frozen else str(NO_LIMIT)))
    return tuple(settings)


def _place_settings(wanted: Association, live: Association) -> Settings:
    settings = limit_settings(wanted.limits, live.limits)
    same = wanted.qos is None or wanted.qos == live.qos
    return settings if same else settings + _qos_settings(wanted.qos)


def _qos_settings(names: tuple[str, ...] | None) -> Settings:
    return (("QOS", ",".join(names)), ("DefaultQOS", names[0])) if names else ()


def _words(settings: Settings) -> str:
    return " ".join(f"{name}={value}" for name, value in settings)


def _aim(wanted: SlurmState, live: SlurmState) -> dict[Place, Association]:
    """Return what each association below the center's account must be.

    Who is not wanted, or is wanted to use nothing, is frozen with the limits that are there: one
    change for all of them, whatever they used. Minutes that a fellow's other associations have
    counted, such as that of an earlier group, count against the limit of the present one.
    """
    aim = {place: _carried(each, live) for place, each in wanted.associations.items()}
    for place, each in live.associations.items():
        if place not in aim or aim[place].limits.frozen:
            frozen = replace(each.limits, frozen=True)
            aim[place] = Association(account=each.account, user=each.user, limits=frozen)
    return aim


def _carried(each: Association, live: SlurmState) -> Association:
    elsewhere: Counter[str] = Counter()
    for (account, user), amounts in live.used.items():
        ours = (account, user) in live.associations
        if ours and user == each.user and account != each.account:
            elsewhere.update(amounts)
    if not elsewhere:
        return each
    minutes = {
        name: max(amount - elsewhere[name], 0) for name, amount in each.limits.minutes.items()
    }
    return replace(each, limits=replace(each.limits, minutes=minutes))


def _above(needed: set[str], wanted: SlurmState, live: SlurmState) -> tuple[SlurmAccount, ...]:
    """Return the accounts that are there already on the way to those that are needed."""
    way = set()
    for name in needed:
        while name in wanted.accounts:
            way.add(name)
            name = wanted.accounts[name].parent  # noqa: PLW2901 - one step up
    return tuple(
        each for name, each in wanted.accounts.items() if name in way and name in live.accounts
    )


def _together(changed: Mapping[str, Settings]) -> Iterator[QosChange]:
    """Yield one change for each set of settings."""
    for settings, names in _by_settings(changed.items()):
        yield QosChange(names=tuple(names), settings=settings)


def _places(changed: Mapping[Place, Settings], known: Iterable[Place]) -> Iterator[PlaceChange]:
    """Yield one change for each set of settings.

    A command reaches all of its users under any of its accounts. So those who have a place under
    several accounts, new ones counted, are changed by commands of one account each.
    """
    count = Counter(user for _, user in known)
    alone = {place: each for place, each in changed.items() if count[place[1]] == 1}
    for settings, places in _by_settings(alone.items()):
        yield _change(places, settings)
    several = {place: each for place, each in changed.items() if place not in alone}
    for account in sorted({place[0] for place in several}):
        ours = [(place, each) for place, each in several.items() if place[0] == account]
        for settings, places in _by_settings(ours):
            yield _change(places, settings)


def _change(places: list[Place], settings: Settings) -> PlaceChange:
    return PlaceChange(
        accounts=tuple(sorted({account for account, _ in places})),
        users=tuple(sorted({user for _, user in places})),
        settings=settings,
    )


def _by_settings(items: Iterable[tuple[Named, Settings]]) -> list[tuple[Settings, list[Named]]]:
    groups: dict[Settings, list[Named]] = {}
    for name, settings in items:
        groups.setdefault(settings, []).append(name)
    return sorted((settings, sorted(names)) for settings, names in groups.items())


def _account(account: SlurmAccount) -> Json:
    return {"name": account.name, "parent": account.parent}


def _association(each: Association) -> Json:
    return {"account": each.account, "user": each.user, "set": dict(new_settings(each))}
