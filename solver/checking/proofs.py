"""What a certificate states, and whether it proves it; standard library only."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from fractions import Fraction

from solver.checking.bounds import HolderName, ValuePrices, value_bound
from solver.checking.case import CLOSE, Case, broken
from solver.checking.claims import Policy, digest_of, read_policy
from solver.checking.goals import gap_scale, mean_one_weights, objectives
from solver.checking.levels import StatedEntitlement, by_market, read_entitlement
from solver.checking.rows import MILLI, Row, Unreadable, exact
from solver.checking.stability import least_moved
from solver.checking.verdict import Checks, Proved, Witness, as_fraction
from solver.checking.weighing import weighted_bound, weighted_costs

KINDS = ("group", "fellow", "institute", "track")
EVIDENCE = ("dual", "arithmetic", "solver", "none")
SHORTFALLS = ("groups", "groups_total", "fellows", "moved")
"""Goals that nothing can bring below zero."""
PRICED = ("weighted", "value")
"""Goals whose bound prices can prove."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBound:
    """One bound as the certificate states it, and what it rests on."""

    objective: Fraction
    bound: Fraction
    gap: Fraction
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedCertificate:
    """A certificate as written.

    Attributes:
        policy: what the policy document in it asks; policy_found: that document's own digest.
        prices: the prices of the bound of value or of the weighted goal, when it has them.
        slack: price of one unit of weighted fellow shortfall, and the most of it.
    """

    round_digest: str
    policy_name: str
    policy_digest: str
    policy_found: str
    plan_digest: str
    policy: Policy
    entitlement: StatedEntitlement
    bounds: Mapping[str, StatedBound]
    prices: ValuePrices | None
    slack: tuple[Fraction, Fraction]


def read_certificate(document: object) -> StatedCertificate:
    """Return a `dure-certificate/1` document in exact numbers.

    Raises:
        Unreadable: With the place and the rule.
    """
    top = Row(document, "certificate", "schema round policy plan levels bounds", "evidence")
    if top.value["schema"] != "dure-certificate/1":
        raise Unreadable(
            f"certificate.schema: must be 'dure-certificate/1', not {top.value['schema']!r}."
        )
    policy = Row(top.value["policy"], "certificate.policy", "name digest document")
    evidence = top.table("evidence")
    priced = next((each for each in PRICED if each in evidence), "value")
    prices, slack = _prices(evidence.get(priced), f"certificate.evidence.{priced}")
    return StatedCertificate(
        round_digest=Row(top.value["round"], "certificate.round", "digest", "id").text("digest"),
        policy_name=policy.text("name"),
        policy_digest=policy.text("digest"),
        policy_found=digest_of(policy.value["document"], "certificate.policy"),
        plan_digest=Row(top.value["plan"], "certificate.plan", "digest").text("digest"),
        policy=read_policy(policy.value["document"]),
        entitlement=read_entitlement(top, evidence.get("entitle")),
        bounds={
            name: _bound(each, f"certificate.bounds.{name}", evidence.get(name))
            for name, each in top.table("bounds").items()
        },
        prices=prices,
        slack=slack,
    )


def _rational(value: object, path: str) -> Fraction:
    """Read an exact rational that is not negative."""
    try:
        number = as_fraction(value if isinstance(value, str) else "")
    except ValueError as error:
        raise Unreadable(f"{path}: {error}") from error
    if number < 0:
        raise Unreadable(f"{path}: {value} is negative.")
    return number


def _price(value: object, path: str) -> tuple[str, int, Fraction]:
    """Read ``[pool, slot, "n/d"]``."""
    if not isinstance(value, list) or len(value) != 3:  # noqa: PLR2004 - pool, slot, price
        raise Unreadable(f"{path}: {value!r} is not [pool, slot, price].")
    pool, slot, price = value
    if not isinstance(pool, str) or isinstance(slot, bool) or not isinstance(slot, int):
        raise Unreadable(f"{path}: {value!r} names no pool and slot.")
    return pool, slot, _rational(price, path)


def _named(value: object, path: str) -> tuple[str, str, Fraction]:
    """Read ``[kind, id, "n/d"]``."""
    if not isinstance(value, list) or len(value) != 3 or value[0] not in KINDS:  # noqa: PLR2004 - a triple
        raise Unreadable(f"{path}: {value!r} is not [kind, id, multiplier].")
    return value[0], str(value[1]), _rational(value[2], path)


def _cover(value: object, path: str) -> tuple[str, Fraction]:
    """Read ``[request, "n/d"]``."""
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise Unreadable(f"{path}: {value!r} is not [request, multiplier].")
    return str(value[0]), _rational(value[1], path)


def _bound(value: object, path: str, evidence: object) -> StatedBound:
    """Read a bound."""
    row = Row(value, path, "objective bound gap")
    kind = evidence.get("kind") if isinstance(evidence, Mapping) else "solver"
    if kind not in EVIDENCE:
        raise Unreadable(f"{path}: the evidence {kind!r} is none of {', '.join(EVIDENCE)}.")
    objective, bound, gap = (
        Fraction(exact(row.value[name], row.at(name))) for name in ("objective", "bound", "gap")
    )
    return StatedBound(objective=objective, bound=bound, gap=gap, evidence=str(kind))


def _prices(evidence: object, path: str) -> tuple[ValuePrices | None, tuple[Fraction, Fraction]]:
    """Read the prices behind the bound of value or of the weighted goal."""
    nothing = Fraction(0), Fraction(0)
    if not isinstance(evidence, Mapping) or "prices" not in evidence:
        return None, nothing
    row = Row(evidence, path, "kind prices holders", "fellow_shortfall covers")
    supply = {
        (pool, slot): price
        for pool, slot, price in (_price(each, row.at("prices")) for each in row.items("prices"))
    }
    holders: dict[HolderName, tuple[Fraction, Fraction]] = {}
    for each in row.items("holders"):
        if not isinstance(each, list) or len(each) != 4:  # noqa: PLR2004 - with the least amount
            raise Unreadable(f"{path}: {each!r} is not [kind, id, multiplier, least].")
        kind, name, rate = _named(each[:3], row.at("holders"))
        holders[kind, name] = rate, _rational(each[3], row.at("holders"))
    slack = row.items("fellow_shortfall")
    if slack and len(slack) != 2:  # noqa: PLR2004 - price and most
        raise Unreadable(f"{path}.fellow_shortfall: must be [price, most].")
    pair = [_rational(each, row.at("fellow_shortfall")) for each in slack]
    covers = dict(_cover(each, row.at("covers")) for each in row.items("covers"))
    prices = ValuePrices(supply=supply, holders=holders, covers=covers)
    return prices, (pair[0], pair[1]) if pair else nothing


def binding(
    case: Case, certificate: StatedCertificate, plan_digest: str, round_digest: str
) -> Checks:
    """Forbids a certificate of another round, policy or plan."""
    plan = case.plan
    truths = (
        ("round", certificate.round_digest, round_digest),
        ("plan", certificate.plan_digest, plan_digest),
        ("policy", certificate.policy_digest, certificate.policy_found),
        ("policy of the plan", plan.policy_digest, certificate.policy_found),
    )
    for what, stated, truth in truths:
        yield (
            None
            if stated == truth
            else broken(
                "binding", f"The digest of the {what} is {truth[:9]}…; stated is {stated[:9]}…."
            )
        )
    names = {certificate.policy_name, certificate.policy.name, plan.policy_name}
    yield (
        None
        if len(names) == 1
        else broken("binding", f"The policy has several names: {', '.join(sorted(names))}.")
    )
    yield (
        None
        if certificate.policy.unit == plan.unit
        else broken(
            "binding", f"The policy counts {certificate.policy.unit}; the plan counts {plan.unit}."
        )
    )


def places(case: Case, certificate: StatedCertificate) -> Checks:
    """Forbids prices and multipliers of what the round does not have."""
    if certificate.prices is None:
        return
    round_ = case.round
    known: dict[str, Container[str | None]] = {
        "group": round_.groups,
        "fellow": round_.fellows,
        "institute": {round_.institute_of(each): each for each in round_.fellows.values()},
        "track": round_.tracks,
    }
    for pool, slot in certificate.prices.supply:
        found = pool in round_.pools and 0 <= slot < round_.slots
        yield None if found else broken("places", f"There is no slot {slot} of pool {pool!r}.")
    for name in certificate.prices.covers:
        found = name in round_.requests
        yield None if found else broken("places", f"There is no request {name!r}.")
    for kind, name in certificate.prices.holders:
        yield None if name in known[kind] else broken("places", f"There is no {kind} {name!r}.")


def bounds(case: Case, certificate: StatedCertificate) -> Checks:
    """Forbids bounds that differ from the plan's, that a plan beats, or that are not proved."""
    truths = objectives(case)
    for stage in case.plan.stages:
        stated = certificate.bounds.get(stage.name)
        yield (
            None
            if stated is not None
            else broken(
                "bounds", f"Stage {stage.name} of the plan has no bound in the certificate."
            )
        )
        if stated is None:
            continue
        same = (stated.objective, stated.bound, stated.gap)
        yield (
            None
            if same == (stage.objective, stage.bound, stage.gap)
            else broken("bounds", f"Stage {stage.name} differs between plan and certificate.")
        )
        if stage.name in truths:
            yield _beaten(stage.name, truths[stage.name], stated.bound)
        if stated.evidence == "arithmetic":
            least = least_moved(case) if stage.name == "moved" else 0
            fine = stage.name in SHORTFALLS and stated.bound <= least
            yield (
                None
                if fine
                else broken("bounds", f"Stage {stage.name}: its bound is not plain arithmetic.")
            )
        if stage.name == "value" and certificate.prices is not None:
            yield from _promises(case, certificate)
        if stage.name == "weighted" and certificate.prices is not None:
            yield from weighted_costs(case, certificate.prices)
        if stated.evidence == "dual":
            yield _dual(case, certificate, stage.name, stated.bound)


def _beaten(stage: str, objective: Fraction, bound: Fraction) -> Witness | None:
    """Say whether a plan is better than what is stated as the best."""
    size = CLOSE * max(Fraction(1), abs(bound))
    fine = objective >= bound - size if stage in SHORTFALLS else objective <= bound + size
    if fine:
        return None
    text = f"Stage {stage} reaches {float(objective):,.9g}, beyond its bound {float(bound):,.9g}."
    return broken("bounds", text)


def _dual(
    case: Case, certificate: StatedCertificate, stage: str, bound: Fraction
) -> Witness | None:
    """Check a bound that prices are said to prove."""
    if stage == "entitle" and certificate.entitlement.division is not None:
        return None  # levels and division are rules of their own
    if stage == "nash" and by_market(case):
        return None  # so are the prices of a market
    if stage not in PRICED or certificate.prices is None:
        return broken("bounds", f"Stage {stage} has no prices that prove its bound.")
    found = proved_value(case, certificate)
    if found <= bound + CLOSE * abs(bound):
        return None
    return broken(
        "bounds",
        f"The prices prove that no plan's {stage} exceeds {float(found):,.9g}; "
        f"stated is {float(bound):,.9g}.",
    )


def proved_value(case: Case, certificate: StatedCertificate) -> Fraction:
    """Return the bound of value or of the weighted goal that the prices prove."""
    assert certificate.prices is not None
    if certificate.policy.weights:
        return weighted_bound(case, certificate.prices)
    price, most = certificate.slack
    return value_bound(case, certificate.prices) + price * most


def _promises(case: Case, certificate: StatedCertificate) -> Checks:
    """Check that the plan keeps what the bound takes for kept.

    Fellows priced as part of their shortfall: the multiplier of each is at most its weight times
    the price of a unit of shortfall, and its least at most its entitlement.
    """
    assert certificate.prices is not None
    received = case.held
    price, most = certificate.slack
    weights = mean_one_weights(case)
    for (kind, name), (rate, least) in certificate.prices.holders.items():
        within = Fraction(received[kind].get(name, 0), MILLI)
        if kind == "fellow" and price:
            owed = Fraction(case.plan.fellows.get(name, 0), MILLI)
            fine = rate <= price * weights[name] and least <= owed
        else:
            fine = least <= within
        yield (
            None
            if fine
            else broken(
                "bounds",
                f"The value bound takes {float(least):,.3f} of {kind} {name} for kept; "
                f"the plan does not.",
            )
        )
    if price:
        short = objectives(case)["fellows"]
        yield (
            None
            if price > 0 and short <= most + CLOSE * max(Fraction(1), most)
            else broken(
                "bounds",
                f"The value bound takes a fellow shortfall of {float(most):,.9g} for kept; "
                f"the plan has {float(short):,.9g}.",
            )
        )


def proved(case: Case, certificate: StatedCertificate) -> tuple[Proved, ...]:
    """Return what is known of every goal: the bound proved here, or else the stated one."""
    truths = objectives(case)
    found = []
    for stage in case.plan.stages:
        stated = certificate.bounds.get(stage.name)
        if stated is None or stage.name not in truths:
            continue
        bound, objective, evidence = stated.bound, truths[stage.name], stated.evidence
        if stage.name in PRICED and certificate.prices is not None:
            bound, evidence = proved_value(case, certificate), "dual"
        size = max(abs(bound), abs(objective), gap_scale(case, stage.name))
        found.append(
            Proved(
                stage=stage.name,
                objective=float(objective),
                bound=float(bound),
                evidence=evidence,
                gap=float(abs(bound - objective) / size) if size else 0.0,
            )
        )
    return tuple(found)
