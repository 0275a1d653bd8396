"""Every route asks the permission matrix, for every role: no cell is left to chance."""

import re
from collections.abc import Iterator

import pytest

from api.app import permission_matrix
from api.describe import without_store
from api.permissions import ANYONE, PUBLIC, declarations
from scheduler.domain.access import Code, Role
from tests.e2e.center import Center, build

HOLDERS = {
    Role.FELLOW: "kim",
    Role.GROUP_LEAD: "lead",
    Role.COORDINATOR: "coord",
    Role.REVIEWER: "rev",
    Role.OPERATOR: "op",
    Role.APPROVER: "appr",
    Role.AUDITOR: "aud",
    Role.SCRAPER: "scr",
    Role.COLLECTOR: "coll",
    Role.AGENT: "agent",
    Role.ADMIN: "adm",
}
NAMING = {"/api/v1/rounds/{round_id}/snapshot", "/api/v1/scenarios/{scenario_id}/plan"}
"""Files that name people: refused to whoever reads without names."""


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    """A center with somebody of every role."""
    made = build(tmp_path_factory.mktemp("matrix"))
    yield made
    made.close()


@pytest.mark.parametrize("role", HOLDERS)
def test_the_matrix_decides_for_every_route(center: Center, role: Role):
    """A denied action is 403 before anything else is looked at; an allowed one never is."""
    matrix = permission_matrix()
    for route, said in declarations(without_store()):
        if said.action in {PUBLIC, ANYONE}:
            continue
        code = matrix[said.action][role]
        for method in route.methods:
            address = re.sub(r"\{\w+\}", "1", route.path)
            answer = center.send(method, address, HOLDERS[role])
            refused = answer.status_code == 403
            unnamed = route.path in NAMING and code is Code.PSEUDONYMOUS
            assert refused == (code is Code.DENIED or unnamed), f"{role} {method} {route.path}"


def test_every_route_but_the_public_ones_asks_for_a_token(center: Center):
    """Without a token exactly the public routes answer."""
    for route, said in declarations(without_store()):
        for method in route.methods:
            answer = center.send(method, re.sub(r"\{\w+\}", "1", route.path))
            assert (answer.status_code != 401) == (said.action == PUBLIC), route.path
