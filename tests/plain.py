"""A Problem in the checker's plain numbers, and what entitlements claim in it."""

from solver.checking.pricing import Holder
from solver.plain import plain_round as plain_round  # noqa: PLC0414 - tests look for it here
from solver.plan import Entitlement


def claimed(entitlement: Entitlement) -> dict[Holder, int]:
    """Return what each group and fellow is said to hold."""
    groups = {("group", g): amount for g, amount in enumerate(entitlement.groups.tolist())}
    fellows = {("fellow", f): amount for f, amount in enumerate(entitlement.fellows.tolist())}
    return groups | fellows
