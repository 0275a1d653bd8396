"""A policy as a file: this year's meaning of fair, read from TOML into frozen values."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from scheduler.document import Document, Fields, InvalidRound
from solver.problem import (
    MILLI,
    Cut,
    Fairness,
    FellowWeight,
    GroupWeight,
    Lottery,
    Merit,
    Method,
    Rules,
    Tier,
    Unit,
    ValueOf,
)

PRESETS = Path(__file__).resolve().parent.parent / "configs" / "policies"
PARTS = 10**6
"""Parts of one are counted in millionths."""
FULL_SCORE = 100 * MILLI
FORMS = ("lexicographic", "weighted")
ALL_TIERS = (Tier.GROUPS, Tier.FELLOWS, Tier.VALUE)


class InvalidPolicy(ValueError):  # noqa: N818 - a refusal, named as the rule names it
    """A policy breaks a rule of the format; the message names field, value and rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Floor and cap of a track or institute as parts of the supply, in millionths."""

    floor: int = 0
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """How far what earlier rounds left owing is carried into the weights of this one.

    Attributes:
        half_life_days: after so many days half of it still counts.
        cap: most that a weight is raised or lowered by, in millionths of itself.
        groups, fellows: whose weights bear it.
    """

    half_life_days: int
    cap: int
    groups: bool
    fellows: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy: what the solver obeys, and what formulation turns into floors and caps.

    Attributes:
        fellow_cap_share: most of the supply that one fellow may hold, in millionths.
        carry: how earlier rounds count, if they do.
        document: the file as parsed, for its digest.
    """

    name: str
    rules: Rules
    fellow_cap_share: int | None
    tracks: Mapping[str, Shares]
    institutes: Mapping[str, Shares]
    carry: Carry | None
    document: Document


def presets() -> tuple[str, ...]:
    """Return the names of the presets that ship with Dure."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def find_policy(name_or_path: str) -> Policy:
    """Return a preset by name, or the policy in a TOML file.

    Raises:
        InvalidPolicy: If there is neither, or it breaks the format.
    """
    path = PRESETS / f"{name_or_path}.toml"
    if name_or_path not in presets():
        path = Path(name_or_path)
        if path.suffix != ".toml" or not path.is_file():
            raise InvalidPolicy(
                f"policy {name_or_path!r}: must be one of {', '.join(presets())}, or a .toml file."
            )
    try:
        return parse_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPolicy(f"policy {name_or_path!r}: must be text in UTF-8: {error}") from error


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML text.

    Raises:
        InvalidPolicy: With the field, its value and the rule.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"policy: must be TOML: {error}") from error
    return read_policy(document)


def read_policy(document: Document) -> Policy:
    """Read a parsed policy document, refusing unknown keys.

    Without ``[select] tiers`` a policy with any of the tables fairness, groups, fellows has all
    three tiers, and one with none of them has the value tier alone.

    Raises:
        InvalidPolicy: With the field, its value and the rule.
    """
    try:
        return _read(document)
    except InvalidRound as error:
        raise InvalidPolicy(f"policy {error}") from error


def _read(document: Document) -> Policy:
    """Read the tables one by one."""
    top = Fields(document, "#")
    name = top.text("name")
    fairness, groups, fellows = (_table(top, each) for each in ("fairness", "groups", "fellows"))
    value, select, stability = (_table(top, each) for each in ("value", "select", "stability"))
    minimum, lottery = _table(top, "minimum"), _table(top, "lottery")
    carry = _table(top, "carry")
    minimum.choice("rule", ("all_or_nothing",), "all_or_nothing")
    method = Method(select.choice("method", list(Method), Method.OPTIMIZE))
    tiers = _tiers(select, document)
    cut = Cut(stability.choice("cut", list(Cut), Cut.NEVER))
    rules = Rules(
        unit=Unit(fairness.choice("unit", list(Unit), Unit.SERVICE_UNITS)),
        fairness=Fairness(fairness.choice("rule", list(Fairness), Fairness.LEXIMIN)),
        group_weight=GroupWeight(groups.choice("weight", list(GroupWeight), GroupWeight.WEIGHT)),
        fellow_weight=FellowWeight(
            fellows.choice("weight", list(FellowWeight), FellowWeight.SCORE)
        ),
        value_of=ValueOf(value.choice("of", list(ValueOf), ValueOf.HOURS)),
        merit=Merit(value.choice("merit", list(Merit), Merit.SCORE)),
        method=method,
        lottery=_lottery(lottery) if method is Method.LOTTERY else Lottery(),
        tiers=tiers,
        weights=_weights(select, tiers),
        keep_accepted=cut is Cut.NEVER
        and (not stability.has("keep_accepted") or stability.flag("keep_accepted")),
        move_cost=stability.count("move_cost", default=1),
        cut=cut,
    )
    policy = Policy(
        name=name,
        rules=rules,
        fellow_cap_share=_share(fellows, "cap_share"),
        tracks=_shares(top, "tracks"),
        institutes=_shares(top, "institutes"),
        carry=_carry(carry, rules) if top.has("carry") else None,
        document=document,
    )
    for table in (
        fairness,
        groups,
        fellows,
        value,
        select,
        stability,
        minimum,
        lottery,
        carry,
        top,
    ):
        table.finish()
    return policy


def _table(top: Fields, name: str) -> Fields:
    """Return an optional table."""
    return top.fields(name) if top.has(name) else Fields({}, top.at(name))


def _carry(table: Fields, rules: Rules) -> Carry:
    """Return how earlier rounds are carried; only stated weights can bear it."""
    cap = _share(table, "cap")
    if cap is None or cap >= PARTS:
        raise InvalidRound(table.at("cap"), table.value.get("cap"), "Must lie in 0 … 1, below 1.")
    carry = Carry(
        half_life_days=table.count("half_life_days", least=1),
        cap=cap,
        groups=not table.has("groups") or table.flag("groups"),
        fellows=table.flag("fellows"),
    )
    if carry.groups and rules.group_weight is not GroupWeight.WEIGHT:
        rule = "Must be false, or groups be weighed by 'weight'."
        raise InvalidRound(table.at("groups"), True, rule)  # noqa: FBT003 - the value
    if carry.fellows and rules.fellow_weight is not FellowWeight.WEIGHT:
        rule = "Must be false, or fellows be weighed by 'weight'."
        raise InvalidRound(table.at("fellows"), True, rule)  # noqa: FBT003 - the value
    return carry


def _lottery(table: Fields) -> Lottery:
    """Return the bands of a lottery: two scores, or two parts of the requests of each track."""
    by_part = table.has("top_part") or table.has("bottom_part")
    top, bottom = (
        _share(table, f"{edge}_part") if by_part else _points(table, f"{edge}_score")
        for edge in ("top", "bottom")
    )
    if top is None or bottom is None:
        rule = "Must state top_score and bottom_score, or top_part and bottom_part."
        raise InvalidRound(table.at("top_part" if by_part else "top_score"), None, rule)
    if (top + bottom > PARTS) if by_part else bottom > top:
        rule = "The top must not reach into the bottom."
        raise InvalidRound(table.at("top_part" if by_part else "top_score"), top, rule)
    return Lottery(by_part=by_part, top=top, bottom=bottom)


def _tiers(select: Fields, document: Mapping[str, Any]) -> tuple[Tier, ...]:
    """Return the goals of the selection in order."""
    if not select.has("tiers"):
        fair = any(name in document for name in ("fairness", "groups", "fellows"))
        return ALL_TIERS if fair else (Tier.VALUE,)
    names = select.items("tiers")
    allowed = list(Tier)
    if not names or any(each not in allowed for each in names) or len(set(names)) != len(names):
        raise InvalidRound(
            select.at("tiers"), names, f"Must be some of {', '.join(allowed)}, each once."
        )
    return tuple(Tier(each) for each in names)


def _weights(select: Fields, tiers: tuple[Tier, ...]) -> tuple[int, ...]:
    """Return what each tier counts in the weighted form, in thousandths; 1 where nothing is said.

    The lexicographic form has none.
    """
    if select.choice("form", FORMS, FORMS[0]) == FORMS[0]:
        return ()
    table = _table(select, "weights")
    given = [table.optional_milli(each) for each in tiers]
    table.finish()
    if 0 in given:
        rule = "Must be above 0; a goal that does not count is left out of the tiers."
        raise InvalidRound(table.at(tiers[given.index(0)]), 0, rule)
    return tuple(MILLI if each is None else each for each in given)


def _shares(top: Fields, name: str) -> dict[str, Shares]:
    """Return floors and caps by the id of a track or institute."""
    if not top.has(name):
        return {}
    table = top.fields(name)
    shares = {}
    for each in table.value:
        row = table.fields(each)
        shares[each] = Shares(floor=_share(row, "floor_share") or 0, cap=_share(row, "cap_share"))
        row.finish()
    return shares


def _points(row: Fields, name: str) -> int | None:
    """Return a score in thousandths of a point."""
    points = row.optional_milli(name)
    if points is not None and points > FULL_SCORE:
        raise InvalidRound(row.at(name), row.value[name], "Must lie in 0 … 100.")
    return points


def _share(row: Fields, name: str) -> int | None:
    """Return a part of one in millionths."""
    if not row.has(name):
        return None
    value = row.take(name)
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    scaled = Decimal(value) * PARTS if is_number else Decimal("NaN")
    if scaled.is_nan() or not 0 <= scaled <= PARTS or scaled != scaled.to_integral_value():
        raise InvalidRound(row.at(name), value, "Must lie in 0 … 1, with at most six places.")
    return int(scaled)
