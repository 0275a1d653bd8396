"""Whether amounts are a proportionally fair division of the fluid round; standard library only.

Every group brings its weight as money and its fellows share it by merit: fellow f can spend the
part b[f] of all money. The proportionally fair division makes the weighted geometric mean
Π u[f]^b[f] as large as can be; its prices are those of a market in which everyone spends what they
have. Whatever multipliers λ[f] > 0 are given, for every division u

    Σ b·log u  ≤  Σ b·(log(b / λ) − 1) + max over divisions of Σ λ·u,

as b·log u − λ·u is largest at u = b / λ. With z = λ·held / b and log z ≥ 1 − 1/z the distance to
what is held is at most

    Σ b·(z − 1)²/z + max Σ λ·u − Σ λ·held,

without a logarithm. Who has all that can be had alone has it whatever the prices. Prices bound the
maximum, as they do for levels.

Source: Eisenberg and Gale, Annals of Mathematical Statistics 30 (1959); Kelly, European
Transactions on Telecommunications 8 (1997).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, fsum, lcm, log
from typing import Protocol

from solver.checking.case import CLOSE, Case, broken, is_close
from solver.checking.levels import (
    StatedEntitlement,
    by_market,
    indices_of,
    names_of,
    plain_round,
    read_level,
)
from solver.checking.pricing import MILLI, most_together
from solver.checking.stakes import Stakes, reach, stakes
from solver.checking.verdict import Checks, Proved, shown

MARKET_STAGE = "nash"
"""The stage whose objective is the weighted geometric mean of what fellows hold by right."""
GRAIN = 10**30
"""Terms of the distance are rounded up to its part, so that their sum stays short."""


class PricesLike(Protocol):
    """Prices and multipliers, as the prover or a certificate states them."""

    @property
    def pool_slots(self) -> tuple[tuple[int, int, Fraction], ...]:
        """Return (pool, slot, price) rows."""

    @property
    def multipliers(self) -> tuple[tuple[str, int, Fraction], ...]:
        """Return (kind, index, multiplier) rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The money in the round.

    Attributes:
        case: what the round puts at stake.
        money: each fellow's part of all money; only those who can get anything have some.
    """

    case: Stakes
    money: Mapping[int, Fraction]

    def mean(self, held: Sequence[int]) -> float:
        """Return the geometric mean of what is held, weighted by money, in whole units."""
        if not self.money or any(held[fellow] <= 0 for fellow in self.money):
            return 0.0
        return exp(fsum(float(part) * log(held[f] / MILLI) for f, part in self.money.items()))

    def distance(self, held: Sequence[int], stated: PricesLike) -> Fraction | None:
        """Return how far the logarithm of the mean can lie below the best, by the prices.

        Args:
            held: thousandths of the unit of every fellow.
            stated: prices per thousandth of a GPU-hour, multipliers per thousandth of the unit.

        Returns:
            None when someone with money holds nothing, or the prices prove nothing.
        """
        rates = {(kind, index): rate for kind, index, rate in stated.multipliers}
        lifts = {fellow: rates.get(("fellow", fellow), Fraction(0)) for fellow in self.money}
        if any(lift < 0 or held[fellow] <= 0 for fellow, lift in lifts.items()):
            return None
        if any(price < 0 for _, _, price in stated.pool_slots):
            return None
        apart = sum(
            (
                _left_open(part, lifts[f], held[f], self.case.most_alone["fellow", f])
                for f, part in self.money.items()
            ),
            Fraction(0),
        )
        most = self._most(stated, rates)
        if most is None:
            return None
        spent = sum((lift * held[fellow] for fellow, lift in lifts.items()), Fraction(0))
        return max(Fraction(0), apart + most - spent)

    def _most(
        self, stated: PricesLike, rates: Mapping[tuple[str, int], Fraction]
    ) -> Fraction | None:
        """Return the most of Σ λ·u over the divisions that keep floors and caps."""
        paid = [price for _, _, price in stated.pool_slots]
        whole = lcm(*(each.denominator for each in (*rates.values(), *paid)))
        prices: dict[int, list[int]] = {}
        for pool, slot, price in stated.pool_slots:
            row = prices.setdefault(pool, [0] * len(self.case.fluid.lengths))
            row[slot] = int(price * whole)
        together = most_together(
            self.case.fluid, prices, {holder: int(rate * whole) for holder, rate in rates.items()}
        )
        most = together / whole
        for holder, rate in rates.items():
            if holder[0] == "fellow" and holder[1] in self.money:
                continue
            if rate < 0 and holder not in self.case.most:
                return None
            amount = self.case.least.get(holder, 0) if rate > 0 else self.case.most[holder]
            most -= rate * amount
        return most


def market(case: Stakes) -> Market:
    """Return who has how much money.

    A group's weight goes to its fellows who can get anything, in parts as their own weights.
    """
    able: set[int] = set()
    for request in case.fluid.requests:
        barred = any(case.most.get(holder) == 0 for holder in request.holders)
        if not barred and reach(case.fluid.supply, request) > 0:
            able |= {index for kind, index in request.holders if kind == "fellow"}
    groups, fellows = case.weights["groups"], case.weights["fellows"]
    able = {fellow for fellow in able if fellows[fellow] and groups[case.parents[fellow]]}
    shared: dict[int, int] = {}
    for fellow in able:
        group = case.parents[fellow]
        shared[group] = shared.get(group, 0) + fellows[fellow]
    together = sum(groups[group] for group in shared)
    return Market(
        case=case,
        money={
            fellow: Fraction(groups[group] * fellows[fellow], together * shared[group])
            for fellow in sorted(able)
            for group in (case.parents[fellow],)
        },
    )


def _left_open(part: Fraction, lift: Fraction, held: int, alone: int) -> Fraction:
    """Return at most how far b·log u − λ·u can rise above where it is held, u at most `alone`.

    Below the top of the curve it rises to the end, by (b / held − λ) · (alone − held) at most.
    """
    if lift * alone <= part:
        exact = (part / held - lift) * max(alone - held, 0)
    else:
        exact = (lift * held - part) ** 2 / (lift * held)
    return Fraction(-(-exact.numerator * GRAIN // exact.denominator), GRAIN)


def proved_mean(found: Market, held: Sequence[int], distance: Fraction | None) -> Fraction:
    """Return what no division's mean exceeds: by the prices, or what everyone could take alone."""
    alone = [found.case.most_alone["fellow", fellow] for fellow in range(len(held))]
    most = Fraction(found.mean(alone))
    if distance is None or distance >= 1:
        return most
    return min(most, Fraction(found.mean(held)) / (1 - distance))  # exp(d) <= 1 / (1 - d)


@dataclass(frozen=True, slots=True, kw_only=True)
class _JudgedMarket:
    """What the entitlements reach and what their prices prove."""

    objective: Fraction
    bound: Fraction
    fault: str = ""


def proportional(case: Case, stated: StatedEntitlement) -> Checks:
    """Forbids entitlements further from the proportionally fair ones than their prices prove."""
    if not by_market(case):
        return
    yield from _fellows_sums(case)
    stages = [stage for stage in case.plan.stages if stage.name == MARKET_STAGE]
    yield (
        None
        if len(stages) == 1
        else broken("proportional", f"The plan states {len(stages)} stages of name {MARKET_STAGE}.")
    )
    judged = _judge_market(case, stated)
    if judged.fault:
        yield broken("proportional", judged.fault)
    for stage in stages:
        for what, figure, fine in (
            ("objective", judged.objective, is_close(stage.objective, judged.objective)),
            ("bound", judged.bound, stage.bound >= judged.bound * (1 - CLOSE)),
        ):
            yield (
                None
                if fine
                else broken(
                    "proportional",
                    f"The {what} of stage {MARKET_STAGE} is {float(figure):,.9g}; "
                    f"stated is {float(getattr(stage, what)):,.9g}.",
                )
            )


def proved_market(case: Case, stated: StatedEntitlement) -> tuple[Proved, ...]:
    """Return what is known of the geometric mean, if the policy wants it large."""
    if not by_market(case):
        return ()
    judged = _judge_market(case, stated)
    size = max(judged.bound, judged.objective)
    return (
        Proved(
            stage=MARKET_STAGE,
            objective=float(judged.objective),
            bound=float(judged.bound),
            evidence="dual",
            gap=float((judged.bound - judged.objective) / size) if size else 0.0,
        ),
    )


def _judge_market(case: Case, stated: StatedEntitlement) -> _JudgedMarket:
    """Work out objective and bound from the round."""
    names = names_of(case)
    held = [case.plan.fellows.get(name, 0) for name in names["fellow"]]
    found = market(stakes(plain_round(case, names)))
    distance, fault = None, ""
    try:
        for document in stated.levels[:1]:
            distance = found.distance(held, read_level(case, indices_of(names), document))
    except ValueError as error:
        fault = str(error)
    if len(stated.levels) > 1:
        fault = f"There are {len(stated.levels)} sets of prices."
    return _JudgedMarket(
        objective=Fraction(found.mean(held)),
        bound=proved_mean(found, held, distance),
        fault=fault,
    )


def _fellows_sums(case: Case) -> Checks:
    """Check that a group holds what its fellows hold together."""
    sums = dict.fromkeys(case.plan.groups, 0)
    for name, amount in case.plan.fellows.items():
        sums[case.round.fellows[name].group] += amount
    for group, amount in case.plan.groups.items():
        yield (
            None
            if sums[group] == amount
            else broken(
                "proportional",
                f"The fellows of group {group} hold {shown(sums[group])}; "
                f"stated for it is {shown(amount)}.",
            )
        )
