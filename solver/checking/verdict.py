"""What a check answers: each rule with its count, each failure with its witness."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

MILLI = 1000
WITNESSES_PER_RULE = 5
"""So many witnesses of one broken rule are kept; the rest is counted."""

Number: TypeAlias = int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The smallest example of a broken rule.

    Attributes:
        rule: name of the rule.
        text: one sentence with the names and the numbers.
        request, pool, slot: where, as far as the rule is about one.
        numbers: the figures of the sentence by name; hours and units as decimals.
    """

    rule: str
    text: str
    request: str | None = None
    pool: str | None = None
    slot: int | None = None
    numbers: tuple[tuple[str, Number], ...] = ()


Checks: TypeAlias = Iterator[Witness | None]
"""One element per check: nothing when it holds, its witness when it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A rule that was looked at: what it forbids, how many checks were made, how many failed."""

    rule: str
    meaning: str
    checks: int
    broken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What is known of one goal after checking.

    Attributes:
        stage: name of the goal.
        objective: recomputed from the plan.
        bound: the bound that the checker proved itself, or else the stated one.
        evidence: ``dual`` or ``arithmetic`` when the checker proved the bound, ``solver`` when it
            is the word of the prover.
        gap: between the two, relative to the larger.
    """

    stage: str
    objective: float
    bound: float
    evidence: str
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer of the checker."""

    rules: tuple[Checked, ...]
    witnesses: tuple[Witness, ...]
    proved: tuple[Proved, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every rule holds."""
        return not any(rule.broken for rule in self.rules)

    @property
    def checks(self) -> int:
        """How many checks were made."""
        return sum(rule.checks for rule in self.rules)


@dataclass(slots=True)
class Tally:
    """Collects what the rules say, one rule after the other."""

    rules: list[Checked] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)

    def add(self, rule: str, meaning: str, checks: Checks) -> bool:
        """Run a rule to its end and return whether it holds."""
        count = broken = 0
        for witness in checks:
            count += 1
            if witness is not None:
                broken += 1
                if broken <= WITNESSES_PER_RULE:
                    self.witnesses.append(witness)
        self.rules.append(Checked(rule=rule, meaning=meaning, checks=count, broken=broken))
        return not broken

    def verdict(self, proved: tuple[Proved, ...] = ()) -> Verdict:
        """Return what was found."""
        return Verdict(rules=tuple(self.rules), witnesses=tuple(self.witnesses), proved=proved)


def decimal(milli: int) -> Decimal:
    """Return thousandths as an exact decimal number of hours or units."""
    whole, rest = divmod(abs(milli), MILLI)
    value = Decimal(f"{whole}.{rest:03d}").normalize() if rest else Decimal(whole)
    return -value if milli < 0 else value


def shown(milli: int) -> str:
    """Return thousandths as text with separators, such as ``1,200.5``."""
    return f"{decimal(milli):,f}"


def verdict_document(verdict: Verdict) -> Mapping[str, Any]:
    """Return a verdict as plain JSON values."""
    return {
        "holds": verdict.holds,
        "checks": verdict.checks,
        "rules": [
            {"rule": each.rule, "checks": each.checks, "broken": each.broken}
            for each in verdict.rules
        ],
        "witnesses": [_witness_document(each) for each in verdict.witnesses],
        "proved": [
            {
                "stage": each.stage,
                "objective": each.objective,
                "bound": each.bound,
                "gap": each.gap,
                "evidence": each.evidence,
            }
            for each in verdict.proved
        ],
    }


def _witness_document(witness: Witness) -> Mapping[str, Any]:
    """Return a witness without the places it does not speak of."""
    places = {"request": witness.request, "pool": witness.pool, "slot": witness.slot}
    return {
        "rule": witness.rule,
        "text": witness.text,
        **{name: value for name, value in places.items() if value is not None},
        "numbers": {
            name: value if isinstance(value, int) else float(value)
            for name, value in witness.numbers
        },
    }


def as_fraction(text: str) -> Fraction:
    """Return an exact rational written ``n/d`` or ``n``.

    Raises:
        ValueError: If the text is no such number.
    """
    numerator, _, denominator = text.partition("/")
    if not _is_whole(numerator) or (denominator and not denominator.isdecimal()):
        raise ValueError(f"{text!r} is no exact rational.")
    divisor = int(denominator or 1)
    if divisor == 0:
        raise ValueError(f"{text!r} divides by zero.")
    return Fraction(int(numerator), divisor)


def _is_whole(text: str) -> bool:
    """Say whether a text is an integer in plain digits."""
    return text.removeprefix("-").isdecimal() and text.isascii()
