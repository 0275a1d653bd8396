"""All repositories of the nouns over one connection."""

from functools import cached_property

from sqlalchemy import Connection

from scheduler.storage.asked import SqlRequests, SqlScores
from scheduler.storage.changes import SqlChangeRequests
from scheduler.storage.decided import (
    SqlAwards,
    SqlDecisions,
    SqlDocuments,
    SqlReserve,
    SqlRounds,
    SqlScenarios,
)
from scheduler.storage.deliveries import SqlContacts, SqlDeliveries, SqlWatches
from scheduler.storage.directory import (
    SqlGroups,
    SqlInstitutes,
    SqlPeople,
    SqlRoleGrants,
    SqlTokens,
)
from scheduler.storage.enforcement import SqlEnforcement
from scheduler.storage.ledger import SqlLedger
from scheduler.storage.metering import SqlGauges, SqlReconciliations
from scheduler.storage.notifications import SqlNotifications
from scheduler.storage.offers import SqlCalls, SqlCapacityChanges, SqlPolicies, SqlPools
from scheduler.storage.usage import SqlProposals, SqlUsage


class Repositories:
    """What a transaction reaches; each part is made when first asked for.

    Args:
        connection: whose transaction everything happens in.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def institutes(self) -> SqlInstitutes:
        """Institutes."""
        return SqlInstitutes(self._connection)

    @cached_property
    def groups(self) -> SqlGroups:
        """Groups."""
        return SqlGroups(self._connection)

    @cached_property
    def people(self) -> SqlPeople:
        """People."""
        return SqlPeople(self._connection)

    @cached_property
    def role_grants(self) -> SqlRoleGrants:
        """Role grants."""
        return SqlRoleGrants(self._connection)

    @cached_property
    def tokens(self) -> SqlTokens:
        """Tokens."""
        return SqlTokens(self._connection)

    @cached_property
    def pools(self) -> SqlPools:
        """Pools."""
        return SqlPools(self._connection)

    @cached_property
    def capacity_changes(self) -> SqlCapacityChanges:
        """Capacity changes."""
        return SqlCapacityChanges(self._connection)

    @cached_property
    def policies(self) -> SqlPolicies:
        """Policies."""
        return SqlPolicies(self._connection)

    @cached_property
    def calls(self) -> SqlCalls:
        """Calls."""
        return SqlCalls(self._connection)

    @cached_property
    def requests(self) -> SqlRequests:
        """Requests, submissions, endorsements."""
        return SqlRequests(self._connection)

    @cached_property
    def scores(self) -> SqlScores:
        """Review scores."""
        return SqlScores(self._connection)

    @cached_property
    def documents(self) -> SqlDocuments:
        """Large JSON texts."""
        return SqlDocuments(self._connection)

    @cached_property
    def rounds(self) -> SqlRounds:
        """Rounds."""
        return SqlRounds(self._connection)

    @cached_property
    def scenarios(self) -> SqlScenarios:
        """Scenarios."""
        return SqlScenarios(self._connection)

    @cached_property
    def decisions(self) -> SqlDecisions:
        """Decisions."""
        return SqlDecisions(self._connection)

    @cached_property
    def awards(self) -> SqlAwards:
        """Awards."""
        return SqlAwards(self._connection)

    @cached_property
    def change_requests(self) -> SqlChangeRequests:
        """Change requests."""
        return SqlChangeRequests(self._connection)

    @cached_property
    def reserve(self) -> SqlReserve:
        """Reserve lists."""
        return SqlReserve(self._connection)

    @cached_property
    def ledger(self) -> SqlLedger:
        """Accounts and transfers."""
        return SqlLedger(self._connection)

    @cached_property
    def notifications(self) -> SqlNotifications:
        """What people are told."""
        return SqlNotifications(self._connection)

    @cached_property
    def deliveries(self) -> SqlDeliveries:
        """What is to be told outside."""
        return SqlDeliveries(self._connection)

    @cached_property
    def contacts(self) -> SqlContacts:
        """How people want to be told."""
        return SqlContacts(self._connection)

    @cached_property
    def watches(self) -> SqlWatches:
        """What was told last."""
        return SqlWatches(self._connection)

    @cached_property
    def usage(self) -> SqlUsage:
        """What jobs used."""
        return SqlUsage(self._connection)

    @cached_property
    def gauges(self) -> SqlGauges:
        """What controllers count."""
        return SqlGauges(self._connection)

    @cached_property
    def reconciliations(self) -> SqlReconciliations:
        """What comparisons found."""
        return SqlReconciliations(self._connection)

    @cached_property
    def proposals(self) -> SqlProposals:
        """Acts that wait for a second person."""
        return SqlProposals(self._connection)

    @cached_property
    def enforcement(self) -> SqlEnforcement:
        """What clusters are told, and what they have."""
        return SqlEnforcement(self._connection)
