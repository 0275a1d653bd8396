"""Directory, roles by two people, tokens."""

from datetime import timedelta

import pytest

from scheduler.domain.access import Role, Scope
from scheduler.domain.directory import GrantState, Group, Person
from scheduler.domain.errors import (
    AlreadyFounded,
    Forbidden,
    InvalidTransition,
    InvalidValue,
    NotFound,
    SecondPersonRequired,
    Unauthenticated,
    VersionMismatch,
)
from scheduler.domain.tokens import mint
from scheduler.operations.directory import (
    deactivate_person,
    get_group,
    get_institute,
    get_person,
    list_groups,
    list_institutes,
    list_people,
    put_group,
    put_person,
)
from scheduler.operations.roles import (
    ProposedRole,
    approve_role_grant,
    found_center,
    get_role_grant,
    list_role_grants,
    principal_of,
    propose_role_grant,
    reject_role_grant,
    revoke_role_grant,
)
from scheduler.operations.tokens import (
    NewToken,
    authenticate,
    issue_token,
    list_tokens,
    revoke_token,
)
from scheduler.ports.store import Transaction
from tests.unit.operations.center import ALL, OPENS, SECOND, a_directory, act, as_fellow, seen

PEPPER = b"pepper"
COORDINATOR = Scope(institutes=frozenset({"kaist"}))


def a_token(tx: Transaction, person: str = "mina", **changes):
    """Issue a token to a person; return its text and record."""
    text = mint(bytes([7]) * 22 + bytes([len(tx.tokens.list(Scope(everything=True)).items)]))
    new = NewToken(
        person=person,
        name="laptop",
        scopes=("request.*",),
        expires_at=OPENS + timedelta(days=30),
        text=text,
        pepper=PEPPER,
    )
    values = {key: getattr(new, key) for key in new.__dataclass_fields__}
    return text, issue_token(tx, act("admin"), NewToken(**{**values, **changes}))


def test_putting_twice_makes_a_next_version(tx: Transaction) -> None:
    """A put creates once and changes afterwards; a stale version is refused."""
    a_directory(tx)
    changed, created = put_group(tx, act("admin"), Group(id="vision", name="Sight"))
    assert (False, 2, "Sight") == (created, changed.version, get_group(tx, ALL, "vision").name)
    with pytest.raises(VersionMismatch):
        put_group(tx, act("admin", if_version=1), Group(id="vision", name="Old"))
    assert get_institute(tx, ALL, "kaist").name == "KAIST"
    assert [one.id for one in list_institutes(tx, ALL).items] == ["gist", "kaist"]
    assert [one.id for one in list_groups(tx, ALL, institute="gist").items] == ["folding"]
    for get in (get_group, get_institute, get_person):
        with pytest.raises(NotFound):
            get(tx, ALL, "unknown")


def test_a_coordinator_stays_inside_the_institute(tx: Transaction) -> None:
    """People are added and moved within one's institute alone."""
    a_directory(tx)
    by = act("coordinator", scope=COORDINATOR)
    assert put_person(tx, by, Person(id="sora", name="Sora", group="vision"))[1]
    for person in (
        Person(id="ara", name="Ara", group="vision"),
        Person(id="new", name="New", group="folding"),
        Person(id="new", name="New"),
    ):
        with pytest.raises(Forbidden):
            put_person(tx, by, person)
    assert [one.id for one in list_people(tx, seen(COORDINATOR)).items] == ["jun", "mina", "sora"]
    assert [one.id for one in list_people(tx, ALL, institute="gist").items] == ["ara"]


def test_unknown_references_are_named(tx: Transaction) -> None:
    """A person of an unknown group or institute is refused by field."""
    a_directory(tx)
    with pytest.raises(InvalidValue) as refusal:
        put_person(tx, act(), Person(id="x", name="X", group="nobody"))
    assert refusal.value.fields["field"] == "/group"
    with pytest.raises(InvalidValue):
        put_person(tx, act(), Person(id="x", name="X", institute="nowhere"))
    with pytest.raises(InvalidValue):
        put_group(tx, act(), Group(id="x", name="X", institute="nowhere"))


def test_a_center_is_founded_once_by_two(tx: Transaction) -> None:
    """The first two administrators exist at once; a third is granted by both."""
    with pytest.raises(InvalidValue):
        found_center(tx, act("machine"), [Person(id="one", name="One")] * 2)
    admins = [Person(id="one", name="One"), Person(id="two", name="Two")]
    assert len(found_center(tx, act("machine"), admins)) == 2
    with pytest.raises(AlreadyFounded):
        found_center(tx, act("machine"), admins)
    put_person(tx, act("one"), Person(id="three", name="Three"))
    grant = propose_role_grant(tx, act("one"), ProposedRole(person="three", role=Role.OPERATOR))
    assert principal_of(tx, get_person(tx, ALL, "three")).roles == frozenset()
    for by in ("one", "three"):
        with pytest.raises(SecondPersonRequired):
            approve_role_grant(tx, act(by), grant.id)
    approve_role_grant(tx, act("two"), grant.id)
    assert principal_of(tx, get_person(tx, ALL, "three")).roles == {Role.OPERATOR}
    revoke_role_grant(tx, act("one"), grant.id)
    assert principal_of(tx, get_person(tx, ALL, "three")).roles == frozenset()
    with pytest.raises(InvalidTransition):
        approve_role_grant(tx, act("two"), grant.id)


def test_a_rejected_role_never_counts(tx: Transaction) -> None:
    """A grant names a person, group or institute that exists, and may be refused."""
    a_directory(tx)
    lead = ProposedRole(person="jun", role=Role.GROUP_LEAD, group="vision")
    grant = propose_role_grant(tx, act("admin"), lead)
    rejected = reject_role_grant(tx, act("admin"), grant.id)
    assert rejected.state is GrantState.REJECTED
    assert get_role_grant(tx, seen(Scope(groups=frozenset({"vision"}))), grant.id) == rejected
    assert list_role_grants(tx, ALL, state=GrantState.EFFECTIVE).items == ()
    for wrong in (
        ProposedRole(person="nobody", role=Role.OPERATOR),
        ProposedRole(person="jun", role=Role.GROUP_LEAD),
        ProposedRole(person="jun", role=Role.GROUP_LEAD, group="nothing"),
        ProposedRole(person="jun", role=Role.OPERATOR, group="vision"),
        ProposedRole(person="jun", role=Role.FELLOW),
        ProposedRole(person="jun", role=Role.COORDINATOR, institute="nowhere"),
    ):
        with pytest.raises(InvalidValue):
            propose_role_grant(tx, act("admin"), wrong)


def test_a_lead_is_known_with_the_relations_of_now(tx: Transaction) -> None:
    """Roles, own group, institute by the group, led groups: all read at the moment of asking."""
    a_directory(tx)
    lead = ProposedRole(person="jun", role=Role.GROUP_LEAD, group="vision")
    grant = propose_role_grant(tx, act("admin"), lead)
    approve_role_grant(tx, act("second"), grant.id)
    text, _ = a_token(tx, "jun")
    known = authenticate(tx, text, pepper=PEPPER, now=OPENS)
    assert {Role.FELLOW, Role.GROUP_LEAD} == known.roles
    assert ("vision", "kaist", {"vision"}, {"request.*"}) == (
        known.group,
        known.institute,
        known.groups,
        known.scopes,
    )


def test_tokens_end_at_once(tx: Transaction) -> None:
    """Unknown, expired, revoked and inactive are told apart; none lets anyone in."""
    a_directory(tx)
    text, token = a_token(tx)
    assert text not in {token.hash, token.hint}

    def why(at=OPENS, text=text) -> str:
        with pytest.raises(Unauthenticated) as refusal:
            authenticate(tx, text, pepper=PEPPER, now=at)
        return str(refusal.value.fields["why"])

    assert authenticate(tx, text, pepper=PEPPER, now=OPENS).person == "mina"
    assert why(text="dure_pat_nonsense") == "unknown"
    assert why(text=mint(bytes(23))) == "unknown"
    assert why(token.expires_at) == "expired"
    revoke_token(tx, as_fellow("mina"), token.id)
    assert why() == "revoked"
    with pytest.raises(InvalidTransition):
        revoke_token(tx, as_fellow("mina"), token.id)
    again, _ = a_token(tx)
    deactivate_person(tx, act("admin"), "mina")
    assert why(text=again) == "inactive"
    with pytest.raises(InvalidTransition):
        deactivate_person(tx, act("admin"), "mina")


def test_tokens_are_one_s_own(tx: Transaction) -> None:
    """Nobody sees, revokes or makes another's token without reaching everything."""
    a_directory(tx)
    _, token = a_token(tx)
    assert list_tokens(tx, seen(Scope(own="mina"))).items == (token,)
    assert list_tokens(tx, seen(Scope(own="jun"))).items == ()
    with pytest.raises(NotFound):
        revoke_token(tx, as_fellow("jun"), token.id)
    new = NewToken(
        person="mina",
        name="x",
        scopes=("*",),
        expires_at=OPENS + SECOND,
        text=mint(bytes(23)),
        pepper=PEPPER,
    )
    with pytest.raises(Forbidden):
        issue_token(tx, as_fellow("jun"), new)
    with pytest.raises(InvalidValue):
        a_token(tx, "nobody")


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": OPENS},
        {"expires_at": OPENS + timedelta(days=91)},
        {"scopes": ()},
        {"scopes": ("everything",)},
        {"name": "a\nb"},
    ],
)
def test_a_token_keeps_its_bounds(tx: Transaction, changes: dict) -> None:
    """Expiry within 90 days, scopes that are actions, a name of one line."""
    a_directory(tx)
    with pytest.raises(InvalidValue):
        a_token(tx, **changes)
