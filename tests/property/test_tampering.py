"""A thousand tamperings of round, plan and certificate, drawn by seed: none is taken for honest."""

import re
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from scheduler.policy import find_policy
from solver.canonical import canonical, digest
from solver.checking.verdict import Verdict
from solver.verify import verify
from tests.plans import as_parsed
from tests.proofs import Proof, prove
from tests.rounds import Document, a_request, a_round

EACH = 250
POLICIES = ["entitlement", "nash", "weighted"]
WORD = {"seed", "versions", "envy", "work", "limit", "status", "reserve"}
"""What a checker without a solver takes as stated."""
RATIONAL = re.compile(r"\d+/\d+")
Path = tuple[Any, ...]


@cache
def honest(policy: str) -> Proof:
    """Return the proof of a scarce round with several groups, pools, rules and shapes."""
    pools = [
        {
            "id": name,
            "gpu_type": name,
            "nodes": 1,
            "gpus_per_node": 4,
            "su_per_gpu_hour": charge,
            "supply_gpu_hours": [14, 12, 13.5],
        }
        for name, charge in (("a", 1), ("b", 1.6))
    ]
    both = {"a": 1, "b": 1.6}
    requests = [
        a_request(minimum_gpu_hours=5, window=[0, 3]),
        a_request(id="r2", fellow="f2", score=60.5, gpu_hours=33.5, speeds=both, window=[0, 3]),
        a_request(id="r3", fellow="f2", score=90, minimum_gpu_hours=20, window=[0, 2]),
        a_request(id="r4", fellow="f3", speeds=both, single_pool=True, gang_gpus=2, window=[1, 3]),
        a_request(id="r5", fellow="f3", gpu_hours=60, speeds=both, window=[0, 3], score=71),
    ]
    fellows = [{"id": f"f{n}", "group": f"g{n % 2 + 1}"} for n in (1, 2, 3)]
    groups = [{"id": "g1", "weight": 2}, {"id": "g2", "weight": 1.5}]
    calendar = {"starts_on": None, "slot_hours": 8, "slots": 3}
    round_ = a_round(
        calendar=calendar, pools=pools, groups=groups, fellows=fellows, requests=requests
    )
    proof = prove(round_, find_policy(policy).document)
    assert proof is not None
    assert verify(proof.round, proof.plan, proof.certificate).holds
    return proof


def leaves(value: Any, path: Path = ()) -> list[Path]:
    """Return the paths of all values that hold no others."""
    if isinstance(value, dict):
        return [each for key in sorted(value) for each in leaves(value[key], (*path, key))]
    if isinstance(value, list):
        return [each for at, item in enumerate(value) for each in leaves(item, (*path, at))]
    return [path]


def at(document: Any, path: Path) -> Any:
    """Return the value at a path."""
    for step in path:
        document = document[step]
    return document


def other(value: Any, rng: np.random.Generator) -> Any:
    """Return a value of the same kind that is not the same."""
    if isinstance(value, bool) or value is None:
        return value is not True
    if isinstance(value, (int, Decimal)):
        by = [Decimal(each) for each in ("1", "2", "0.5", "-1", "10", "0.001")]
        changed = Decimal(value) + by[int(rng.integers(len(by)))]
        return changed if changed >= 0 and changed != value else Decimal(value) + 1
    if isinstance(value, str) and RATIONAL.fullmatch(value):
        factors = (Fraction(9, 10), Fraction(1, 2), Fraction(11, 10), Fraction(3))
        changed = Fraction(value) * factors[int(rng.integers(4))] or Fraction(1, 3)
        return f"{changed.numerator}/{changed.denominator}"
    return f"{value}x"


def tampered(document: Document, paths: list[Path], rng: np.random.Generator) -> Document:
    """Return a document with one value changed, or one element of a list left out or doubled."""
    forged = deepcopy(document)
    path = paths[int(rng.integers(len(paths)))]
    inner = at(forged, path[:-1])
    if isinstance(inner, list) and len(path) > 1 and rng.random() < 0.2:
        row = inner.pop(path[-1])
        inner += [row, row] if rng.random() < 0.5 else []
    else:
        inner[path[-1]] = other(inner[path[-1]], rng)
    return as_parsed_again(forged)


def as_parsed_again(document: Document) -> Document:
    """Return a document as it would be read from its file."""
    return as_parsed(plain(document))


def plain(value: Any) -> Any:
    """Return a document in which decimals are numbers of JSON."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


@pytest.mark.parametrize("policy", POLICIES)
def test_no_changed_round_is_taken_for_the_one_that_was_solved(policy: str) -> None:
    """Whatever is changed in the round, the digest that plan and certificate name tells."""
    rng, proof = np.random.default_rng(1), honest(policy)
    paths = leaves(proof.round)
    for _ in range(EACH // 2):
        forged = tampered(proof.round, paths, rng)
        assert canonical(forged) != canonical(proof.round)
        assert not verify(forged, proof.plan, proof.certificate).holds


@pytest.mark.parametrize("policy", POLICIES)
def test_no_changed_plan_is_taken_for_the_one_that_was_certified(policy: str) -> None:
    """Whatever is changed in the plan, the digest that the certificate names tells."""
    rng, proof = np.random.default_rng(2), honest(policy)
    paths = leaves(proof.plan)
    for _ in range(EACH // 2):
        forged = tampered(proof.plan, paths, rng)
        assert not verify(proof.round, forged, proof.certificate).holds


@pytest.mark.parametrize("policy", POLICIES)
def test_no_changed_plan_passes_by_itself(policy: str) -> None:
    """A plan that is changed and certified anew is refused for what it says, not for its digest."""
    rng, proof = np.random.default_rng(3), honest(policy)
    truth = verify(proof.round, proof.plan, proof.certificate)
    paths = [path for path in leaves(proof.plan) if not is_word(proof.plan, path)]
    for _ in range(EACH // 2):
        forged, written = tampered(proof.plan, paths, rng), deepcopy(proof.certificate)
        written["plan"]["digest"] = digest(forged)
        stages = {each["name"]: each for each in forged["stages"] if isinstance(each, dict)}
        for name, bound in written["bounds"].items():
            stage = stages.get(name, {})
            bound.update({key: stage.get(key, bound[key]) for key in bound})
        found = verify(proof.round, forged, written)
        assert not found.holds or proves_no_more(found, truth)


@pytest.mark.parametrize("policy", POLICIES)
def test_no_changed_certificate_proves_more(policy: str) -> None:
    """A changed certificate is refused, or proves what the honest one proves, or less."""
    rng, proof = np.random.default_rng(4), honest(policy)
    truth = verify(proof.round, proof.plan, proof.certificate)
    refused = 0
    paths = leaves(proof.certificate)
    for _ in range(EACH // 2):
        forged = tampered(proof.certificate, paths, rng)
        found = verify(proof.round, proof.plan, forged)
        refused += not found.holds
        assert not found.holds or proves_no_more(found, truth)
    assert refused >= EACH // 4


def is_word(plan: Document, path: Path) -> bool:
    """Say whether a value is taken as stated."""
    divide = path[0] == "stages" and plan["stages"][path[1]]["name"] == "divide"
    return divide or bool(WORD & set(path))


def proves_no_more(found: Verdict, truth: Verdict) -> bool:
    """Say whether every bound is as far from the plan as the honest one, or farther."""
    honest_gaps = {each.stage: each for each in truth.proved}
    return all(
        each.gap >= honest_gaps[each.stage].gap - 1e-12
        and (each.evidence == honest_gaps[each.stage].evidence or each.evidence in "solver none")
        for each in found.proved
    )
