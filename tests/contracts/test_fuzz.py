"""Hostile and odd inputs over the whole interface: never a server error, always as documented."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.describe import without_store
from api.openapi import describe
from tests.e2e.center import Center, build
from tests.e2e.test_http_rounds import published

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 5
"""Drawn cases of each operation, besides some forty that its schema's limits give."""
SENT = 2
"""One in so many cases is sent, always the same ones: all of them would take a minute."""
CONFIG = {"phases": {"coverage": {"unexpected-methods": []}}}
schema = schemathesis.openapi.from_dict(
    describe(without_store()), config=schemathesis.Config.from_dict(CONFIG)
)
turns = count()


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    """A center with an open call, a draft, and a published round, so that ids lead somewhere."""
    center = build(tmp_path_factory.mktemp("fuzz"))
    published(center)
    center.clock.now = center.clock.now.replace(day=2)
    center.request(center.call())
    yield center
    center.close()


@pytest.fixture(scope="module")
def known(busy: Center) -> dict[str, str]:
    """Ids that exist, by the name of the path parameter."""
    first = {
        "call_id": "calls",
        "request_id": "requests",
        "award_id": "awards",
        "round_id": "rounds",
    }
    ids = {name: busy.get(path, "op").json()["items"][-1]["id"] for name, path in first.items()}
    path = f"rounds/{busy.get('rounds', 'op').json()['items'][0]['id']}"
    solve = busy.get(f"{path}/solves", "op").json()["items"][0]
    fixed = {"person_id": "kim", "group_id": "g1", "pool_id": "h200", "policy_id": "fair"}
    more = {"institute_id": "inst", "solve_id": solve["id"], "scenario_id": solve["scenario"]}
    return {**ids, **fixed, **more, "number": "1", "code": "not-found"}


@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_input_breaks_the_doors(case: Any, busy: Center, known: dict[str, str]):
    """Every answer is a documented one and none is a server error, whoever sends whatever."""
    turn, rest = divmod(next(turns), SENT)
    if rest:
        return
    if turn % 3:
        case.path_parameters = {
            name: known.get(name, value) for name, value in case.path_parameters.items()
        }
    people = sorted(busy.tokens)
    headers = {"Authorization": f"Bearer {busy.tokens[people[turn % len(people)]]}"}
    if turn % 2:
        headers["If-Match"] = "*"
    sent = case.as_transport_kwargs(base_url="http://testserver", headers=headers)
    sent.pop("cookies", None)
    sent["headers"] = {name: value.encode() for name, value in sent["headers"].items()}
    if isinstance(sent.get("data"), bytes | str):
        sent["content"] = sent.pop("data")
    answer = busy.http.request(**sent)
    case.validate_response(answer, checks=CHECKS)
