"""The tables of the center. A column's key is the name of the field that it keeps.

References are plain text columns with an index where they are asked for; rows are never deleted.
Amounts are integer thousandths unless the field's class says otherwise.
"""

from scheduler.storage.tables.books import (
    accounts,
    gauges,
    proposals,
    reconciliations,
    transfers,
    usage,
)
from scheduler.storage.tables.calls import (
    calls,
    documents,
    endorsements,
    requests,
    scores,
    submissions,
)
from scheduler.storage.tables.center import (
    capacity_changes,
    groups,
    institutes,
    people,
    person_moves,
    policies,
    policy_versions,
    pools,
    role_grants,
    tokens,
)
from scheduler.storage.tables.delivery import (
    notifications,
)
from scheduler.storage.tables.rounds import (
    award_changes,
    awards,
    change_requests,
    decisions,
    explanations,
    reserve,
    rounds,
    scenarios,
)
from scheduler.storage.tables.schema import metadata

__all__ = [
    "accounts",
    "award_changes",
    "awards",
    "calls",
    "capacity_changes",
    "change_requests",
    "decisions",
    "documents",
    "endorsements",
    "explanations",
    "gauges",
    "groups",
    "institutes",
    "metadata",
    "notifications",
    "people",
    "person_moves",
    "policies",
    "policy_versions",
    "pools",
    "proposals",
    "reconciliations",
    "requests",
    "reserve",
    "role_grants",
    "rounds",
    "scenarios",
    "scores",
    "submissions",
    "tokens",
    "transfers",
    "usage",
]
