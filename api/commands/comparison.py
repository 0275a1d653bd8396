"""The scenario board for people: one column a scenario, then who gains and who loses."""

from collections.abc import Sequence
from typing import Any

from api.commands.tables import columns, number
from scheduler.document import Document
from scheduler.export.board import at_part
from solver.checking.report import percent

UNKNOWN = "–"
PARTS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Where a Lorenz curve is read off: what the poorest of so many parts have."""


def board_text(board: Document) -> str:
    """Return a board for people."""
    told = [difference_text(each) for each in board["differences"]]
    tables = [kpi_table(board), lorenz_table(board)]
    if "frontier" in board:
        tables.append(frontier_table(board["frontier"]))
    return "\n\n".join([*tables, *told])


def kpi_table(board: Document) -> str:
    """Return the measures of the scenarios, one row a measure, one column a scenario."""
    scenarios = board["scenarios"]
    measures = [each["measures"] for each in scenarios]
    rows = [("", *(each["policy"] for each in scenarios))]
    rows.append(("awarded GPU-hours", *_numbers(measures, "awarded_gpu_hours")))
    for pool in measures[0]["utilization"]:
        shares = (percent(float(each["utilization"][pool])) for each in measures)
        rows.append((f"utilization {pool}", *shares))
    rows.append(("requests funded", *_numbers(measures, "funded")))
    rows.append(("minimum met", *_numbers(measures, "minimum_met")))
    rows.append(("worst group's share", *(_part(each["worst_group_share"]) for each in scenarios)))
    rows.append(("score × GPU-hours", *(number(each["value"]) for each in scenarios)))
    if board["best"] is not None:
        rows.append(("price of fairness", *(_price(each) for each in scenarios)))
    for name, label in (
        ("at_entitlement", "fellows at entitlement"),
        ("at_half", "fellows at half of it"),
        ("at_zero", "fellows at zero"),
    ):
        rows.append((label, *(str(each["fellows"][name]) for each in measures)))
    rows += [_index(name, measures) for name in ("jain", "gini")]
    for part in ("between", "within"):
        figures = (f"{float(each['theil'][part]):.4f}" for each in measures)
        rows.append((f"Theil {part} groups", *figures))
    rows += [_index("atkinson", measures), ("envy", *_numbers(measures, "envy"))]
    rows.append(("gap", *(_part(each["gap"]) for each in scenarios)))
    rows.append(("status", *(each["status"] for each in scenarios)))
    if all(each["seconds"] is not None for each in scenarios):
        rows.append(("seconds", *(f"{each['seconds']:.1f}" for each in scenarios)))
    return columns(rows)


def lorenz_table(board: Document) -> str:
    """Return what the worst served parts of groups and fellows have of all awards."""
    scenarios = board["scenarios"]
    rows = [("Lorenz, awards per entitlement", *(each["policy"] for each in scenarios))]
    for who in ("groups", "fellows"):
        for part in PARTS:
            held = (percent(at_part(each["lorenz"][who], part)[1]) for each in scenarios)
            rows.append((f"lowest {part:.0%} of {who}", *held))
    return columns(rows)


def frontier_table(points: Sequence[Document]) -> str:
    """Return the front of fairness against value, or why there is none."""
    if not points:
        return "No group is entitled to anything in this round: there is no front to draw."
    heading = ("each group at least", "worst group", "score × GPU-hours", "at most", "", "")
    rows = [heading]
    for each in points:
        level = "the policy itself" if each["level"] is None else percent(each["level"])
        if each["value"] is None:
            rows.append((level, UNKNOWN, UNKNOWN, UNKNOWN, each["status"], ""))
            continue
        bound = UNKNOWN if each["bound"] is None else number(each["bound"])
        rows.append(
            (
                level,
                _part(each["worst_group_share"]),
                number(each["value"]),
                bound,
                "checked" if each["verified"] else "not checked",
                "" if each["on_front"] else "another is better",
            )
        )
    return columns(rows)


def difference_text(found: Document, *, most: int = 3) -> str:
    """Return winners and losers in words."""
    gain, lose = len(found["gains"]), len(found["losses"])
    counts = f"requests that gain: {gain}, that lose: {lose}."
    lines = [f"{found['name']} against {found['against']}: {counts}"]
    for word, rows in (("gain", found["gains"]), ("lose", found["losses"])):
        if rows:
            named = ", ".join(f"{request} {hours:+,.0f}" for request, hours in rows[:most])
            lines.append(f"  most {word}: {named}")
    groups = found["groups"]
    if not groups:
        return lines[0]
    table = [("  group", *groups), ("  GPU-hours", *map("{:+,.0f}".format, groups.values()))]
    return "\n".join([*lines, columns(table)])


def _numbers(measures: Sequence[Document], name: str) -> tuple[str, ...]:
    """Return one row of counts or amounts."""
    return tuple(number(float(each[name])) for each in measures)


def _index(name: str, measures: Sequence[Document]) -> tuple[str, ...]:
    """Return one row of an index between 0 and 1."""
    return (name.capitalize(), *(f"{float(each[name]):.4f}" for each in measures))


def _part(part: Any) -> str:  # noqa: ANN401 - a number or nothing
    """Return a part of one, if it is known."""
    return UNKNOWN if part is None else percent(float(part))


def _price(scenario: Document) -> str:
    """Return the price of fairness, from the least to the most that it may be."""
    price = scenario["price_of_fairness"]
    least, most = percent(price["least"]), percent(price["most"])
    return least if least == most else f"{least} … {most}"
