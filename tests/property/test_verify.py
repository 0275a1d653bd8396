"""The checker under chance: silent on every solve, never silent on a forgery, never at a loss."""

import json
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from solver.canonical import digest
from solver.verify import verify
from tests.plans import as_parsed
from tests.proofs import Proof, prove
from tests.rounds import Document, a_request, a_round, rounds

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
QUICK = settings(max_examples=100, deadline=None)


@st.composite
def policies(draw: st.DrawFn) -> Document:
    """Draw a policy of any kind."""
    document: Document = {
        "name": "drawn",
        "value": {
            "of": draw(st.sampled_from(["hours", "projects", "mix"])),
            "merit": draw(st.sampled_from(["score", "none"])),
        },
        "select": {
            "method": draw(st.sampled_from(["optimize", "optimize", "rank", "proportional", "rac"]))
        },
    }
    if draw(st.booleans()):
        document["fairness"] = {"unit": draw(st.sampled_from(["service_units", "reference_hours"]))}
        document["groups"] = {"weight": draw(st.sampled_from(["weight", "demand", "fellows"]))}
        document["fellows"] = {"weight": draw(st.sampled_from(["score", "equal", "weight"]))}
    return document


@cache
def small() -> Proof:
    """Return the proof of a small round in which not everyone gets all."""
    round_ = a_round(
        requests=[
            a_request(minimum_gpu_hours=5),
            a_request(id="r2", fellow="f2", score=60, gpu_hours=33.5),
            a_request(id="r3", fellow="f2", score=90, minimum_gpu_hours=30),
        ]
    )
    proof = prove(round_, {"name": "entitlement", "fairness": {}})
    assert proof is not None
    return proof


@SLOW
@given(round_=rounds(), policy=policies())
def test_every_solve_holds(round_: Document, policy: Document) -> None:
    """Whatever is solved under whatever policy passes the checker, certificate and all."""
    proof = prove(round_, policy)
    assume(proof is not None)
    assert proof is not None
    assert verify(proof.round, proof.plan, proof.certificate).witnesses == ()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values that are no containers."""
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [each for at, item in enumerate(value) for each in leaves(item, (*path, at))]
    return [path]


def put(document: Document, path: tuple[Any, ...], value: Any) -> Any:
    """Set the value at a path and return what stood there."""
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    before, inner[path[-1]] = inner[path[-1]], value
    return before


FREE = {"seed", "versions", "envy", "work", "limit", "status"}
"""What a checker without a solver takes as stated."""


@QUICK
@given(data=st.data())
def test_no_number_of_a_plan_can_be_changed(data: st.DataObject) -> None:
    """Any figure changed in a plan is found, even when the certificate is bound to it anew."""
    proof = small()
    plan, written = deepcopy(proof.plan), deepcopy(proof.certificate)
    numbers = [
        path
        for path in leaves(plan)
        if not FREE & set(path) and not isinstance(get(plan, path), (str, bool, type(None)))
    ]
    path = data.draw(st.sampled_from(numbers))
    before = float(get(plan, path))
    after = before + data.draw(st.sampled_from([-2, -1, 0.5, 1, 3]))
    assume(after >= 0)
    put(plan, path, after)
    plan = as_parsed(plan_as_json(plan))
    written["plan"]["digest"] = digest(plan)
    assert verify(proof.round, plan, written).witnesses != ()


def get(document: Any, path: tuple[Any, ...]) -> Any:
    """Return the value at a path."""
    for step in path:
        document = document[step]
    return document


def plan_as_json(document: Any) -> Any:
    """Return a document in which decimals are doubles."""
    return json.loads(json.dumps(document, default=float))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 10**13)
    | st.decimals(places=4, min_value=-2, max_value=200)
    | st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999999"), "\ud800"])
    | st.sampled_from(["", "a", "r1", "g1", "f1", "1/0", "2/3", "x", "optimal"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def everywhere(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values, containers too."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [each for key, item in value.items() for each in everywhere(item, (*path, key))]
    if isinstance(value, list):
        found += [each for at, item in enumerate(value) for each in everywhere(item, (*path, at))]
    return found


@QUICK
@given(data=st.data())
def test_no_document_leaves_the_checker_at_a_loss(data: st.DataObject) -> None:
    """Whatever stands in a document, the answer is a verdict, never an exception."""
    proof = small()
    documents = [deepcopy(each) for each in (proof.round, proof.plan, proof.certificate)]
    changed = data.draw(st.sampled_from(documents))
    put(changed, data.draw(st.sampled_from(everywhere(changed))), data.draw(JSON))
    verdict = verify(*documents)
    assert verdict.rules
