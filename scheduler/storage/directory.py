"""Institutes, groups, people, role grants and tokens in SQL."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from scheduler.domain.access import Scope
from scheduler.domain.directory import GrantState, Group, Institute, Person, RoleGrant
from scheduler.domain.moves import PersonMove
from scheduler.domain.tokens import Token
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.storage import tables
from scheduler.storage.rows import Rows, equal
from scheduler.storage.visibility import visible_people, visible_role_grants, visible_tokens


class SqlInstitutes:
    """Institutes over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.institutes, Institute, "institute")

    def find(self, id_: str) -> Institute | None:
        """Return the institute, if there is one."""
        return self._rows.with_id(id_)

    def add(self, institute: Institute) -> None:
        """Keep a new institute."""
        self._rows.insert([institute])

    def save(self, institute: Institute) -> None:
        """Keep the next version."""
        self._rows.update(institute)

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Institute]:
        """List institutes; all are visible to whoever sees anyone."""
        del scope
        return self._rows.page(slice_)


class SqlGroups:
    """Groups over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.groups, Group, "group")

    def find(self, id_: str) -> Group | None:
        """Return the group, if there is one."""
        return self._rows.with_id(id_)

    def add(self, group: Group) -> None:
        """Keep a new group."""
        self._rows.insert([group])

    def save(self, group: Group) -> None:
        """Keep the next version."""
        self._rows.update(group)

    def list(
        self, scope: Scope, slice_: Slice = FIRST, *, institute: str | None = None
    ) -> Page[Group]:
        """List groups."""
        del scope
        return self._rows.page(slice_, equal(tables.groups.c.institute, institute))

    def of(self, ids: Iterable[str]) -> Sequence[Group]:
        """Return the groups of these ids, in order of id."""
        return self._rows.all(tables.groups.c.id.in_(set(ids)))


class SqlPeople:
    """People over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.people, Person, "person")
        self._moves = Rows(connection, tables.person_moves, PersonMove, "move")

    def find(self, id_: str) -> Person | None:
        """Return the person, whoever asks."""
        return self._rows.with_id(id_)

    def get(self, scope: Scope, id_: str) -> Person:
        """Return the person, if visible."""
        return self._rows.get(id_, visible_people(scope))

    def add(self, person: Person) -> None:
        """Keep a new person."""
        self._rows.insert([person])

    def save(self, person: Person) -> None:
        """Keep the next version."""
        self._rows.update(person)

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        group: str | None = None,
        institute: str | None = None,
    ) -> Page[Person]:
        """List visible people."""
        return self._rows.page(
            slice_,
            visible_people(scope),
            equal(tables.people.c.group, group),
            None if institute is None else _speaks_for(institute),
        )

    def of(self, ids: Iterable[str]) -> Sequence[Person]:
        """Return the people of these ids, in order of id."""
        return self._rows.all(tables.people.c.id.in_(set(ids)))

    def add_move(self, move: PersonMove) -> None:
        """Keep a move, for good."""
        self._moves.insert([move])

    def moves(self, people: Iterable[str]) -> Sequence[PersonMove]:
        """Return the moves of some people, oldest first, whoever asks."""
        table = tables.person_moves
        return self._moves.all(table.c.person.in_(set(people)), by=table.c.event)


class SqlRoleGrants:
    """Role grants over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows = Rows(connection, tables.role_grants, RoleGrant, "role grant")

    def get(self, scope: Scope, id_: str) -> RoleGrant:
        """Return the grant, if visible."""
        return self._rows.get(id_, visible_role_grants(scope))

    def add(self, grant: RoleGrant) -> None:
        """Keep a new grant."""
        self._rows.insert([grant])

    def save(self, grant: RoleGrant) -> None:
        """Keep the next version."""
        self._rows.update(grant)

    def of(self, person: str) -> Sequence[RoleGrant]:
        """Return the effective grants of a person."""
        table = tables.role_grants
        return self._rows.all(table.c.person == person, table.c.state == GrantState.EFFECTIVE)

    def any(self) -> bool:
        """Return whether any role was ever granted."""
        query = select(exists().where(tables.role_grants.c.id.is_not(None)))
        return bool(self._connection.execute(query).scalar_one())

    def list(
        self,
        scope: Scope,
        slice_: Slice = FIRST,
        *,
        person: str | None = None,
        state: GrantState | None = None,
    ) -> Page[RoleGrant]:
        """List visible grants."""
        return self._rows.page(
            slice_,
            visible_role_grants(scope),
            equal(tables.role_grants.c.person, person),
            equal(tables.role_grants.c.state, state),
        )


class SqlTokens:
    """Tokens over a connection."""

    def __init__(self, connection: Connection) -> None:
        self._rows = Rows(connection, tables.tokens, Token, "token")

    def by_hash(self, hash_: str) -> Token | None:
        """Return the token with this hash."""
        return self._rows.find(tables.tokens.c.hash == hash_)

    def get(self, scope: Scope, id_: str) -> Token:
        """Return the token, if visible."""
        return self._rows.get(id_, visible_tokens(scope))

    def add(self, token: Token) -> None:
        """Keep a new token."""
        self._rows.insert([token])

    def save(self, token: Token) -> None:
        """Keep a changed token."""
        self._rows.update(token)

    def list(self, scope: Scope, slice_: Slice = FIRST) -> Page[Token]:
        """List visible tokens."""
        return self._rows.page(slice_, visible_tokens(scope))


def _speaks_for(institute: str) -> ColumnElement[bool]:
    people, groups = tables.people, tables.groups
    of_institute = select(groups.c.id).where(groups.c.institute == institute)
    return or_(
        people.c.institute == institute,
        people.c.institute.is_(None) & people.c.group.in_(of_institute),
    )
