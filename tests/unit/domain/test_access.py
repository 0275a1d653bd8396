"""The permission matrix, cell by cell."""

import csv
from pathlib import Path

import pytest

from scheduler.domain.access import (
    Code,
    Matrix,
    Permit,
    Principal,
    Role,
    Scope,
    permit,
    read_matrix,
    scope_of,
)
from scheduler.domain.errors import Forbidden

PATH = Path(__file__).parents[3] / "configs" / "permission_matrix.csv"
TEXT = PATH.read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines()))
CELLS = [
    (row["action"], role, code) for row in ROWS for role, code in row.items() if role != "action"
]
SCOPES = {
    ".": None,
    "A": Scope(everything=True),
    "4": Scope(everything=True, second_person=True),
    "N": Scope(pseudonymous=True),
    "O": Scope(own="me"),
    "G": Scope(groups=frozenset({"g"})),
    "I": Scope(institutes=frozenset({"i"})),
    "C": Scope(clusters=frozenset({"c"})),
    "S": Scope(reviewer="me"),
    "P": Scope(published=True, own="me"),
}


@pytest.fixture(scope="module")
def matrix() -> Matrix:
    """The one table."""
    return read_matrix(TEXT)


def me(*roles: Role, **more) -> Principal:
    """Somebody with these roles, leading group g, coordinating institute i, agent of cluster c."""
    return Principal(
        person="me",
        roles=frozenset(roles),
        groups=frozenset({"g"}),
        institutes=frozenset({"i"}),
        clusters=frozenset({"c"}),
        **more,
    )


@pytest.mark.parametrize(("action", "role", "code"), CELLS)
def test_every_cell_reaches_what_its_code_says(
    matrix: Matrix, action: str, role: str, code: str
) -> None:
    """One role reaches exactly what its cell says."""
    assert SCOPES[code] == scope_of(action, me(Role(role)), matrix)


def test_roles_add_up(matrix: Matrix) -> None:
    """A fellow who leads a group reaches both; nobody without a role reaches anything."""
    both = scope_of("request.read", me(Role.FELLOW, Role.GROUP_LEAD), matrix)
    assert both == Scope(own="me", groups=frozenset({"g"}))
    assert scope_of("request.read", me(), matrix) is None


@pytest.mark.parametrize("scope", ["request.read", "request.*", "*"])
def test_a_token_covers_actions_areas_or_all(matrix: Matrix, scope: str) -> None:
    """A token never reaches more than its scopes, nor more than its owner."""
    fellow = me(Role.FELLOW, scopes=frozenset({scope}))
    assert scope_of("request.read", fellow, matrix) == Scope(own="me")
    assert scope_of("round.freeze", fellow, matrix) is None
    reaches = scope_of("award.read", fellow, matrix) is not None
    assert reaches is (scope == "*")


def test_a_refused_action_is_forbidden(matrix: Matrix) -> None:
    """A permit carries person and scope; without one there is a refusal naming the action."""
    allowed = permit("request.read", me(Role.FELLOW), matrix)
    assert allowed == Permit(action="request.read", person="me", scope=Scope(own="me"))
    with pytest.raises(Forbidden) as refusal:
        permit("round.freeze", me(Role.FELLOW), matrix)
    assert refusal.value.fields == {"action": "round.freeze"}


def test_an_undeclared_action_is_our_mistake(matrix: Matrix) -> None:
    """Asking for an action outside the matrix is a broken promise, not a refusal."""
    with pytest.raises(ValueError, match="does not know"):
        scope_of("request.steal", me(Role.ADMIN), matrix)


@pytest.mark.parametrize(
    "text", ["action,fellow\na,A\na,A\n", "action,king\na,A\n", "action,fellow\na,X\n"]
)
def test_a_broken_matrix_is_refused(text: str) -> None:
    """Double actions, unknown roles and unknown codes stop the start."""
    with pytest.raises(ValueError, match=r"twice|not a valid"):
        read_matrix(text)


def test_names_are_shown_to_those_who_reach_the_person() -> None:
    """A pseudonymous scope sees the thing and not the name."""
    person = {"person": "mina", "group": "vision", "institute": "kaist"}
    assert Scope(own="mina").names(**person)
    assert Scope(groups=frozenset({"vision"})).names(**person)
    assert Scope(institutes=frozenset({"kaist"})).names(**person)
    assert not Scope(pseudonymous=True).names(**person)
    assert not Scope(own="jun").names(person="mina", group=None, institute=None)
    assert set(Code) == {Code(code) for code in SCOPES}
