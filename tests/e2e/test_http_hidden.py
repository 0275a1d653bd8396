"""What one may not see does not exist: hidden and unknown things are answered alike."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.describe import without_store
from api.permissions import declarations
from tests.e2e.center import Center, build
from tests.e2e.test_http_rounds import published

UNKNOWN = {
    "request_id": "req_01jd0000000000000000000000",
    "award_id": "awd_01jd0000000000000000000000",
    "round_id": "rnd_01jd0000000000000000000000",
    "solve_id": "slv_01jd0000000000000000000000",
    "scenario_id": "scn_01jd0000000000000000000000",
    "token_id": "tok_01jd0000000000000000000000",
    "grant_id": "grt_01jd0000000000000000000000",
    "person_id": "nobody",
}
OWN = {
    "requests": ("request_id",),
    "awards": ("award_id",),
    "people": ("person_id",),
    "me": ("token_id",),
    "roles": ("grant_id",),
}
"""Parameters that name somebody's own things, by the tag of their routes."""
SAID = {"withdrawals": {"reason": "x"}, "returns": {"reason": "x"}, "endorsements": {"rank": 1}}
SAID |= {"transfers": {"to": "x", "gpu_type": "H200", "gpu_seconds": 1, "reason": "x"}}
SAID |= {"change-requests": {"kind": "advance", "gpu_type": "x", "gpu_hours": 1, "reason": "x"}}
SAID |= {"appeals": {"error": "x", "gpu_type": "x", "gpu_hours": 1, "reason": "x"}}
SAID |= {"moves": {"rule": "give_back", "reason": "x"}}
SAID |= {"suspensions": {"reason": "x"}, "resumptions": {"reason": "x"}, "renewals": {"call": "x"}}
SAID |= {"adjustments": {"gpu_type": "H200", "gpu_seconds": 1, "reason": "x"}}
SAID |= {"eligibility-decisions": {"eligible": True, "reason": "x"}}
OUTSIDERS = ("park", "rev", "lead")
"""Another group's fellow, a reviewer without assignments, and the lead of another group."""


def addresses() -> list[tuple[str, str, str]]:
    """Return method, path and parameter of every route to somebody's own thing."""
    found = []
    for route, _ in declarations(without_store()):
        for name in OWN.get(str(route.tags[0]), ()):
            if f"{{{name}}}" in route.path:
                found += [(method, route.path, name) for method in sorted(route.methods)]
    return found


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Center]:
    """A center with a published round of which kim and park hold awards."""
    center = build(tmp_path_factory.mktemp("hidden"))
    published(center)
    yield center
    center.close()


@pytest.fixture(scope="module")
def hidden(busy: Center) -> dict[str, str]:
    """Things of kim's, or park's where the outsider leads kim's group."""
    kim = busy.get("requests", "kim").json()["items"][0]["id"]
    award = busy.get("awards", "kim").json()["items"][0]["id"]
    token = busy.get("me/tokens", "kim").json()["items"][0]["id"]
    lead = {"request_id": busy.get("requests", "park").json()["items"][0]["id"]}
    lead |= {"award_id": busy.get("awards", "park").json()["items"][0]["id"]}
    grant = busy.get("role-grants", "adm", params={"person": "op"}).json()["items"][0]["id"]
    mine = {"request_id": kim, "award_id": award, "token_id": token, "person_id": "kim"}
    return {**mine, "grant_id": grant, **{f"lead {name}": id_ for name, id_ in lead.items()}}


LEADS_SEE = ("person_id", "token_id")
"""What a lead may see of the people of the group, and so is not hidden from one."""
HIDDEN = [
    (who, route)
    for who in OUTSIDERS
    for route in addresses()
    if who != "lead" or route[2] not in LEADS_SEE
]


@pytest.mark.parametrize(("who", "route"), HIDDEN, ids=str)
def test_hidden_things_are_answered_like_unknown_ones(
    busy: Center, hidden: dict[str, str], who: str, route: tuple[str, str, str]
):
    """Status, headers and every word but the id itself are the same for both."""
    method, path, name = route
    known = hidden.get(f"{who} {name}", hidden[name])
    shown = answer(busy, who, method, path, {name: known})
    unknown = answer(busy, who, method, path, {name: UNKNOWN[name]})
    assert shown == unknown
    assert shown[0] in {403, 404}


def answer(center: Center, who: str, method: str, path: str, ids: dict[str, str]) -> Any:
    """Return what somebody hears, without what differs in any two answers."""
    ((name, id_),) = ids.items()
    address = re.sub(r"\{\w+\}", "1", path.replace(f"{{{name}}}", id_))
    headers = {"If-Match": '"v1-00000000"', "Idempotency-Key": f"hidden-{who}-{id_}"}
    body = SAID.get(path.rsplit("/", 1)[1], {"name": "x"} if method == "PUT" else {})
    given = {"json": body} if method in {"POST", "PUT", "PATCH"} else {}
    heard = center.send(method, address, who, headers=headers, **given)
    said = json.loads(heard.text.replace(id_, "ID")) if heard.text else {}
    said.pop("trace_id", None)
    names = sorted(set(heard.headers) - {"content-length"})
    return heard.status_code, names, said
