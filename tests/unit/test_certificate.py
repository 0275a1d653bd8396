"""Certificates: what the prover writes the checker proves again, and nothing more."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from scheduler.formulate import formulate
from scheduler.plan_file import plan_document
from scheduler.policy import find_policy, read_policy
from scheduler.round_file import read_round
from solver.canonical import digest
from solver.certificate import Documents, certificate
from solver.checking.verdict import as_fraction
from solver.measures import measure
from solver.pipeline import solve
from solver.plan import Plan
from solver.verify import proved_value_bound, verify
from tests.plans import as_parsed
from tests.rounds import Document, a_request, a_round


@dataclass(frozen=True)
class Proof:
    """A solved round with its documents."""

    round: Document
    policy: Document
    plan: Document
    certificate: Document
    solved: Plan


def crowded() -> Document:
    """Return a round of two groups in which not everyone gets all."""
    return a_round(
        fellows=[
            {"id": "f1", "group": "g1"},
            {"id": "f2", "group": "g2"},
            {"id": "f3", "group": "g2"},
        ],
        requests=[
            a_request(minimum_gpu_hours=5),
            a_request(id="r2", fellow="f2", score=60, minimum_gpu_hours=7),
            a_request(id="r3", fellow="f3", score=90, gang_gpus=2, gpu_hours=33.5),
            a_request(id="r4", fellow="f3", score=20, window=[1, 2], minimum_gpu_hours=20),
        ],
    )


def prove(
    round_: Document, policy: Document, change: Callable[[Plan], Plan] = lambda p: p
) -> Proof:
    """Solve a round, write plan and certificate, and read them back."""
    parsed = as_parsed(round_)
    formulation = formulate(read_round(parsed), read_policy(policy))
    plan = change(solve(formulation.problem))
    measures = measure(formulation.problem, plan)
    written = as_parsed(plan_document(formulation, plan, measures, {"dure": "0"}))
    documents = Documents(round=parsed, policy=policy, plan=written)
    proof = json.loads(json.dumps(certificate(documents, plan, formulation.names)))
    return Proof(parsed, policy, written, as_parsed(proof), plan)


@cache
def proof_of(name: str) -> Proof:
    """Return the proof of the crowded round under a preset."""
    return prove(crowded(), find_policy(name).document)


def broken(proof: Proof) -> set[str]:
    """Return the rules that a proof breaks."""
    found = verify(proof.round, proof.plan, proof.certificate)
    return {witness.rule for witness in found.witnesses}


SOLVED = ["entitlement", "merit", "nash", "weighted", "whole_server", "rank_and_fund"]


@pytest.mark.parametrize("name", SOLVED)
def test_what_is_solved_is_proved(name: str) -> None:
    """Plan and certificate of a solve hold under every kind of policy."""
    proof = proof_of(name)
    assert broken(proof) == set()


@pytest.mark.parametrize("rule", ["leximin", "nash"])
@pytest.mark.parametrize("method", ["proportional", "rac", "rank"])
def test_a_formula_is_proved_beside_its_yardstick(method: str, rule: str) -> None:
    """A formula with a fairness rule states entitlements, and a market how near to it they are."""
    fairness, select = {"rule": rule}, {"method": method}
    proof = prove(crowded(), {"name": "mine", "fairness": fairness, "select": select})
    assert proof.plan["entitlements"]["groups"]
    assert broken(proof) == set()


def test_the_value_bound_is_proved_by_prices() -> None:
    """The checker's own bound, from the prices alone, is no better than what can be reached."""
    proof = proof_of("entitlement")
    verdict = verify(proof.round, proof.plan, proof.certificate)
    (value,) = (each for each in verdict.proved if each.stage == "value")
    assert value.evidence == "dual"
    assert value.objective <= value.bound <= value.objective * 1.25


def test_unit_and_weights_of_a_policy_are_checked() -> None:
    """Entitlements in reference hours by demand, equal among fellows, are proved as well."""
    policy = {
        "name": "other",
        "fairness": {"unit": "reference_hours"},
        "groups": {"weight": "demand"},
        "fellows": {"weight": "equal"},
        "value": {"of": "mix", "merit": "none"},
    }
    assert broken(prove(crowded(), policy)) == set()


def rebound(proof: Proof, change: Callable[[Document], object]) -> Proof:
    """Return the proof with a changed plan, its digest written into the certificate."""
    plan, written = deepcopy(proof.plan), deepcopy(proof.certificate)
    change(plan)
    written["plan"]["digest"] = digest(plan)
    return replace(proof, plan=plan, certificate=written)


def recertified(proof: Proof, change: Callable[[Document], object]) -> Proof:
    """Return the proof with a changed certificate."""
    written = deepcopy(proof.certificate)
    change(written)
    return replace(proof, certificate=written)


def a_stage(document: Document, name: str) -> Document:
    """Return a stage of a plan."""
    return next(stage for stage in document["stages"] if stage["name"] == name)


def grow(table: Document, name: str, by: float = 1) -> None:
    """Add to a number."""
    table[name] = float(table[name]) + by


PLAN_CHANGES: list[tuple[str, Callable[[Document], Any]]] = [
    ("levels", lambda plan: grow(plan["entitlements"]["groups"], "g1")),
    ("levels", lambda plan: grow(plan["entitlements"]["fellows"], "f3", -1)),
    ("stages", lambda plan: grow(a_stage(plan, "value"), "objective")),
    ("stages", lambda plan: grow(a_stage(plan, "fellows"), "objective")),
    ("stages", lambda plan: grow(a_stage(plan, "value"), "bound", 100)),
    ("bounds", lambda plan: plan["stages"].append(a_stage(plan, "value") | {"name": "other"})),
    ("binding", lambda plan: plan["policy"].update(digest="0" * 64)),
    ("binding", lambda plan: plan["policy"].update(name="merit")),
    ("binding", lambda plan: plan.update(unit="reference_hours")),
]


@pytest.mark.parametrize(("rule", "change"), PLAN_CHANGES)
def test_a_changed_plan_is_found(rule: str, change: Callable[[Document], Any]) -> None:
    """Changing a plan is found even when its digest is written into the certificate anew."""
    assert rule in broken(rebound(proof_of("entitlement"), change))


def scale(rows: list[list[Any]], place: int, factor: Fraction) -> None:
    """Multiply an exact rational in every row."""
    for row in rows:
        number = as_fraction(row[place]) * factor
        row[place] = f"{number.numerator}/{number.denominator}"


def dual(document: Document) -> Document:
    """Return the evidence of the value bound."""
    return document["evidence"]["value"]


CERTIFICATE_CHANGES: list[tuple[str, Callable[[Document], Any]]] = [
    ("formats", lambda proof: proof.update(schema="dure-certificate/2")),
    ("formats", lambda proof: proof.pop("levels")),
    ("formats", lambda proof: proof.update(note="trust me")),
    ("formats", lambda proof: dual(proof)["prices"].append(["a", 0])),
    ("formats", lambda proof: dual(proof)["prices"].append(["a", 0, "1/0"])),
    ("formats", lambda proof: dual(proof)["holders"].append(["king", "f1", "1/1", "1/1"])),
    ("binding", lambda proof: proof["plan"].update(digest="0" * 64)),
    ("binding", lambda proof: proof["round"].update(digest="0" * 64)),
    ("binding", lambda proof: proof["policy"]["document"]["value"].update(merit="none")),
    ("places", lambda proof: dual(proof)["prices"].append(["z", 0, "1/1"])),
    ("places", lambda proof: dual(proof)["prices"].append(["a", 9, "1/1"])),
    ("places", lambda proof: dual(proof)["holders"].append(["group", "g9", "1/1", "1/1"])),
    ("levels", lambda proof: proof["levels"].pop()),
    ("levels", lambda proof: proof["levels"].reverse()),
    ("levels", lambda proof: scale(proof["levels"][0]["prices"], 3, Fraction(9, 10))),
    ("levels", lambda proof: proof["levels"][0].update(agents=["nobody"])),
    ("division", lambda proof: proof["evidence"]["entitle"]["division"].pop()),
    ("division", lambda proof: grow_row(proof["evidence"]["entitle"]["division"][0], 30)),
    ("division", lambda proof: proof["evidence"]["entitle"]["division"][0].__setitem__(0, "r9")),
    ("bounds", lambda proof: proof["bounds"].pop("value")),
    ("bounds", lambda proof: grow(proof["bounds"]["value"], "bound")),
    ("bounds", lambda proof: grow(proof["bounds"]["value"], "gap")),
    ("formats", lambda proof: dual(proof)["prices"].append(["a", 0, "-1/1"])),
    ("bounds", lambda proof: proof["evidence"]["entitle"].pop("division")),
    ("bounds", lambda proof: dual(proof)["holders"].append(["group", "g1", "1/1", "900/1"])),
    ("bounds", lambda proof: proof["evidence"]["guarantees"].update(kind="arithmetic")),
    ("bounds", lambda proof: proof["evidence"]["guarantees"].update(kind="dual")),
]


def grow_row(row: list[Any], by: int) -> None:
    """Add to the hours of a row of the division."""
    row[3] = float(row[3]) + by


@pytest.mark.parametrize(("rule", "change"), CERTIFICATE_CHANGES)
def test_a_changed_certificate_is_found(rule: str, change: Callable[[Document], Any]) -> None:
    """Whatever in a certificate is not so is found by the rule that looks there."""
    assert rule in broken(recertified(proof_of("entitlement"), change))


def hold(proof: Document, kind: str, *row: str) -> None:
    """Add a holder's multiplier and what is due to it."""
    proof["evidence"]["weighted"]["holders"].append([kind, *row])


WEIGHTED_CHANGES: list[Callable[[Document], Any]] = [
    lambda proof: scale(proof["evidence"]["weighted"]["holders"], 2, Fraction(10)),
    lambda proof: hold(proof, "group", "g1", "9/1", "1/1"),
    lambda proof: hold(proof, "fellow", "f1", "1/999999", "99/1"),
    lambda proof: grow(proof["bounds"]["weighted"], "bound", 0.1),
    lambda proof: proof["evidence"]["weighted"].update(kind="arithmetic"),
]


@pytest.mark.parametrize("change", WEIGHTED_CHANGES)
def test_a_changed_proof_of_the_weighted_goal_is_found(change: Callable[[Document], Any]) -> None:
    """Multipliers are no more than lacking costs, what is due is no more than the entitlement."""
    assert "bounds" in broken(recertified(proof_of("weighted"), change))


def test_a_cover_of_nobody_is_found() -> None:
    """What a request is said to cover names a request of the round."""

    def cover(proof: Document) -> None:
        proof["evidence"]["weighted"]["covers"] = [["r9", "1/1"]]

    assert "places" in broken(recertified(proof_of("weighted"), cover))


def test_a_minimum_above_the_entitlement_does_not_loosen_the_bound() -> None:
    """Pieces of requests that cannot start serve nobody: the prices know what covers what."""
    requests = [each | {"minimum_gpu_hours": each["gpu_hours"]} for each in crowded()["requests"]]
    proof = prove(crowded() | {"requests": requests}, find_policy("weighted").document)
    loose = recertified(proof, lambda each: each["evidence"]["weighted"].pop("covers"))
    tight, other = (
        proved_value_bound(each.round, each.plan, each.certificate) for each in (proof, loose)
    )
    assert broken(proof) == set()
    assert tight is not None
    assert other is not None
    assert tight < other


def test_the_weighted_bound_is_proved_by_prices() -> None:
    """The checker recomputes what is attained, proves a bound from prices and takes the gap."""
    proof = proof_of("weighted")
    verdict = verify(proof.round, proof.plan, proof.certificate)
    (found,) = (each for each in verdict.proved if each.stage == "weighted")
    assert found.evidence == "dual"
    assert found.objective <= found.bound <= 1
    assert found.gap == pytest.approx(1 - found.objective / found.bound)
    assert found.bound <= found.objective * 1.1


def test_worse_prices_prove_less() -> None:
    """Prices other than the best still prove a bound, but a weaker one."""
    proof = proof_of("entitlement")
    best = proved_value_bound(proof.round, proof.plan, proof.certificate)
    for factor in (Fraction(0), Fraction(1, 2), Fraction(3, 2)):
        other = recertified(proof, lambda each, f=factor: scale(dual(each)["prices"], 2, f))
        found = proved_value_bound(other.round, other.plan, other.certificate)
        assert best is not None
        assert found is not None
        assert found > best


def test_a_bound_that_prices_do_not_prove_is_called_the_solvers_word() -> None:
    """Where the stated bound is tighter than what the prices prove, the evidence says so."""

    def worsen(plan: Plan) -> Plan:
        assert plan.value_dual is not None
        return replace(plan, value_dual=replace(plan.value_dual, pool_slots=()))

    proof = prove(crowded(), find_policy("entitlement").document, worsen)
    assert proof.certificate["evidence"]["value"]["kind"] == "solver"
    assert broken(proof) == set()
    forged = recertified(proof, lambda each: dual(each).update(kind="dual"))
    assert broken(forged) == {"bounds"}
