"""Writes down why a plan is as good as it says: digests, levels, bounds, prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol, TypeAlias

from solver.canonical import digest
from solver.checking.duality import level_to_document
from solver.checking.rows import MILLI
from solver.plan import Entitlement, Plan, Stage, ValueDual
from solver.verify import proved_value_bound

Document: TypeAlias = dict[str, Any]
SCHEMA = "dure-certificate/1"
PRICED = ("value", "weighted")
"""Stages whose bound prices can prove; a plan has one of them."""


class Names(Protocol):
    """The ids behind the indices of a problem."""

    @property
    def requests(self) -> tuple[str, ...]:
        """Return ids by request index."""

    @property
    def fellows(self) -> tuple[str, ...]:
        """Return ids by fellow index."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Return ids by group index."""

    @property
    def institutes(self) -> tuple[str, ...]:
        """Return ids by institute index."""

    @property
    def tracks(self) -> tuple[str, ...]:
        """Return ids by track index."""

    @property
    def pools(self) -> tuple[str, ...]:
        """Return ids by pool index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What a certificate is about: the documents as they are written and read."""

    round: Mapping[str, Any]
    policy: Mapping[str, Any]
    plan: Mapping[str, Any]


def certificate(documents: Documents, plan: Plan, names: Names) -> Document:
    """Return the `dure-certificate/1` document of a plan.

    Args:
        documents: the round and the policy as parsed, the plan as it is written.
        plan: the plan that the document states.
        names: ids of the plan's indices.
    """
    round_, policy, stated = documents.round, documents.policy, documents.plan
    entitlement = plan.entitlement
    document: Document = {
        "schema": SCHEMA,
        "round": {"id": round_["id"], "digest": digest(round_)},
        "policy": {"name": policy["name"], "digest": digest(policy), "document": plain(policy)},
        "plan": {"digest": digest(stated)},
        "levels": [] if entitlement is None else _levels(entitlement, names),
        "bounds": {
            stage["name"]: plain({name: stage[name] for name in ("objective", "bound", "gap")})
            for stage in stated["stages"]
        },
        "evidence": {stage.name: {"kind": stage.evidence} for stage in plan.stages},
    }
    evidence = document["evidence"]
    if entitlement is not None and entitlement.fluid.size:
        evidence["entitle"] = {"kind": "dual", "division": _division(entitlement, names)}
    priced = next((each for each in plan.stages if each.name in PRICED), None)
    if plan.value_dual is not None and priced is not None:
        evidence[priced.name] = _value(plan.value_dual, names)
        evidence[priced.name]["kind"] = _kind(documents, document, priced)
    return document


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Return a parsed document in what `json` can write: numbers instead of decimals."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _levels(entitlement: Entitlement, names: Names) -> list[Document]:
    """Return the levels with ids for indices."""
    ids: dict[str, Sequence[str]] = {
        "group": names.groups,
        "fellow": names.fellows,
        "institute": names.institutes,
        "track": names.tracks,
        "pool": names.pools,
    }
    return [level_to_document(level, ids) for level in entitlement.levels]


def _division(entitlement: Entitlement, names: Names) -> list[list[Any]]:
    """Return the division of the fluid round that gives the entitlements."""
    rows = entitlement.fluid.tolist()
    return [
        [names.requests[request], names.pools[pool], slot, _amount(hours)]
        for request, pool, slot, hours in rows
    ]


def _amount(milli: int) -> int | float:
    """Return thousandths as a JSON number."""
    whole, rest = divmod(milli, MILLI)
    return milli / MILLI if rest else whole


def _value(dual: ValueDual, names: Names) -> Document:
    """Return the prices behind the bound of value or the weighted goal, per GPU-hour and unit."""
    rows = [("group", names.groups, dual.groups), ("fellow", names.fellows, dual.fellows)]
    covers = [[names.requests[index], _text(rate * MILLI)] for index, rate in dual.covers]
    price, most = dual.shortfall
    return {
        "kind": "dual",
        "prices": [
            [names.pools[pool], slot, _text(each * MILLI)]
            for pool, slot, each in sorted(dual.pool_slots)
            if each
        ],
        "holders": [
            [kind, ids[index], _text(rate * MILLI), _text(Fraction(least, MILLI))]
            for kind, ids, holders in rows
            for index, rate, least in sorted(holders)
            if rate
        ],
        **({"covers": covers} if covers else {}),
        **({"fellow_shortfall": [_text(price * MILLI), _text(most / MILLI)]} if price else {}),
    }


def _text(number: Fraction) -> str:
    """Return a rational as ``n/d``."""
    return f"{number.numerator}/{number.denominator}"


def _kind(documents: Documents, document: Document, stage: Stage) -> str:
    """Return what the priced bound rests on: its prices, where they prove all that is stated."""
    found = proved_value_bound(documents.round, documents.plan, document)
    near = abs(stage.bound) * 1e-10
    return "dual" if found is not None and found <= stage.bound + near else "solver"
