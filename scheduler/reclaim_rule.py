"""A reclaim rule as a file: TOML read into frozen values, unknown keys refused."""

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from scheduler.document import Fields, InvalidRound
from scheduler.domain.amounts import MILLI
from scheduler.domain.reclaim import Band, Checkpoint, Counted, Measure, Part, ReclaimRule

PRESETS = Path(__file__).resolve().parent.parent / "configs" / "reclaim"
LONGEST_DAYS = 366
LEAP_YEAR = 2000


class InvalidReclaimRule(ValueError):  # noqa: N818 - a refusal, named as the rule names it
    """A reclaim rule breaks the format; the message names field, value and rule."""


def presets() -> tuple[str, ...]:
    """Return the names of the reclaim rules that ship with Dure."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def find_rule(name_or_path: str) -> ReclaimRule:
    """Return a preset by name, or the rule in a TOML file.

    Raises:
        InvalidReclaimRule: If there is neither, or it breaks the format.
    """
    path = PRESETS / f"{name_or_path}.toml"
    if name_or_path not in presets():
        path = Path(name_or_path)
        if path.suffix != ".toml" or not path.is_file():
            raise InvalidReclaimRule(
                f"reclaim rule {name_or_path!r}: must be one of {', '.join(presets())}, "
                "or a .toml file."
            )
    return parse_rule(path.read_text(encoding="utf-8"))


def parse_rule(text: str) -> ReclaimRule:
    """Read a reclaim rule from TOML text.

    Raises:
        InvalidReclaimRule: With the field, its value and the rule.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InvalidReclaimRule(f"reclaim rule: must be TOML: {error}") from error
    return read_rule(document)


def read_rule(document: dict[str, Any]) -> ReclaimRule:
    """Read a parsed reclaim rule, refusing unknown keys; every key is required.

    Raises:
        InvalidReclaimRule: With the field, its value and the rule.
    """
    try:
        return _read(document)
    except InvalidRound as error:
        raise InvalidReclaimRule(f"reclaim rule {error}") from error


def rule_document(rule: ReclaimRule) -> dict[str, Any]:
    """Return a rule as the document that reads back to it."""
    return {
        "name": rule.name,
        "title": rule.title,
        "source": rule.source,
        "measure": str(rule.measure),
        "of": str(rule.of),
        "counts": str(rule.counts),
        "cumulative": rule.cumulative,
        "keep_even": rule.keep_even,
        "grace_days": rule.grace_days,
        "notice_days": rule.notice_days,
        "exemption_days": rule.exemption_days,
        "checkpoints": [_checkpoint_document(each) for each in rule.checkpoints],
    }


def _read(document: dict[str, Any]) -> ReclaimRule:
    top = Fields(document, "#")
    rule = ReclaimRule(
        name=top.text("name"),
        title=top.text("title"),
        source=top.text("source"),
        measure=Measure(_word(top, "measure", list(Measure))),
        of=Part(_word(top, "of", list(Part))),
        counts=Counted(_word(top, "counts", list(Counted))),
        cumulative=_stated_flag(top, "cumulative"),
        keep_even=_stated_flag(top, "keep_even"),
        grace_days=_days(top, "grace_days"),
        notice_days=_days(top, "notice_days"),
        exemption_days=_days(top, "exemption_days"),
        checkpoints=tuple(_checkpoint(each) for each in top.rows("checkpoints")),
    )
    if not rule.checkpoints:
        raise InvalidRound("#/checkpoints", [], "Must hold at least one.")
    if len({each.on is None for each in rule.checkpoints}) > 1:
        raise InvalidRound("#/checkpoints", "…", "Must all have a day, or all a share.")
    if rule.cumulative and rule.of is Part.UNUSED:
        raise InvalidRound("#/cumulative", "true", "Must be false: unused is after takings.")
    if rule.exemption_days >= rule.notice_days > 0:
        raise InvalidRound(
            "#/exemption_days", rule.exemption_days, "Must be fewer than notice_days."
        )
    top.finish()
    return rule


def _checkpoint(row: Fields) -> Checkpoint:
    if row.has("on") == row.has("at_share"):
        raise InvalidRound(row.pointer, row.value, "Must have either on or at_share.")
    on = _day(row) if row.has("on") else None
    share = _share(row, "at_share") if row.has("at_share") else None
    bands = tuple(_band(each) for each in row.rows("bands"))
    limits, takes = ([getattr(each, name) for each in bands] for name in ("below", "take"))
    if not bands or sorted(set(limits)) != limits or sorted(takes, reverse=True) != takes:
        raise InvalidRound(
            row.at("bands"),
            limits,
            "Must hold bands, each higher than the last and taking no more.",
        )
    row.finish()
    return Checkpoint(on=on, at_share=share, bands=bands)


def _band(row: Fields) -> Band:
    band = Band(below=_share(row, "below"), take=_share(row, "take"))
    row.finish()
    return band


def _day(row: Fields) -> tuple[int, int]:
    text = row.text("on")
    try:
        day = date.fromisoformat(f"{LEAP_YEAR}-{text}")
    except ValueError as error:
        raise InvalidRound(row.at("on"), text, "Must be MONTH-DAY, such as 04-15.") from error
    if (day.month, day.day) == (2, 29):
        raise InvalidRound(row.at("on"), text, "Must be a day that every year has.")
    return day.month, day.day


def _share(row: Fields, name: str) -> int:
    value = row.milli(name, positive=True)
    if value > MILLI:
        raise InvalidRound(row.at(name), str(row.value[name]), "Must be above 0 and at most 1.")
    return value


def _days(top: Fields, name: str) -> int:
    value = top.count(name)
    if value > LONGEST_DAYS:
        raise InvalidRound(top.at(name), value, f"Must be at most {LONGEST_DAYS} days.")
    return value


def _word(top: Fields, name: str, allowed: list[str]) -> str:
    return top.choice(name, allowed, str(top.take(name)))


def _stated_flag(top: Fields, name: str) -> bool:
    top.take(name)
    return top.flag(name)


def _checkpoint_document(checkpoint: Checkpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "bands": [
            {"below": _part(each.below), "take": _part(each.take)} for each in checkpoint.bands
        ]
    }
    if checkpoint.on is not None:
        month, day = checkpoint.on
        return {"on": f"{month:02}-{day:02}", **shown}
    assert checkpoint.at_share is not None, "a checkpoint has a day or a share"
    return {"at_share": _part(checkpoint.at_share), **shown}


def _part(thousandths: int) -> Decimal:
    """Return a share as an exact decimal."""
    return Decimal(thousandths) / MILLI
