"""A relabelled round gets the relabelled plan, byte for byte."""

import json
import random
from pathlib import Path

import pytest

from api.solving import Question, answer
from scheduler.document import load_document, parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.pipeline import Limits

ROUNDS = Path(__file__).parents[2] / "benchmarks" / "rounds"


def relabelled(document, seed):
    """Return the round under new ids, in the same order, and the way back."""
    chance = random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    back = {}
    for kind in ("requests", "fellows", "groups", "pools"):
        ids = [row["id"] for row in document[kind]]
        fresh = [f"{kind[0]}-{number:05d}" for number in range(len(ids))]
        chance.shuffle(fresh)
        back |= dict(zip(fresh, ids, strict=True))
    there = {old: new for new, old in back.items()}
    copy = json.loads(json.dumps(document, default=float))
    for kind in ("requests", "fellows", "groups", "pools"):
        for row in copy[kind]:
            row["id"] = there[row["id"]]
    for fellow in copy["fellows"]:
        fellow["group"] = there[fellow["group"]]
    for request in copy["requests"]:
        request["fellow"] = there[request["fellow"]]
        request["speeds"] = {there[pool]: speed for pool, speed in request["speeds"].items()}
    return copy, back


def awards(document, policy, back=None):
    """Return what is awarded, under the ids that `back` leads to."""
    snapshot = read_round(parse_document(json.dumps(document, default=float).encode()))
    question = Question(
        formulation=formulate(snapshot, find_policy(policy)), seed=0, gap=0.001, limits=Limits()
    )
    plan = answer(question, lambda _: None).document
    name = (back or {}).get
    rows = [
        {
            "request": name(award["request"], award["request"]),
            "cells": sorted(
                [name(pool, pool), slot, hours] for pool, slot, hours in award["cells"]
            ),
        }
        for award in plan["awards"]
    ]
    reserve = [(name(row["request"], row["request"]), row["rank"]) for row in plan["reserve"]]
    return canonical([sorted(rows, key=lambda row: row["request"]), reserve])


@pytest.mark.parametrize(
    ("round_", "policy"),
    [
        ("kr2026", "whole_server"),
        ("kr2026", "rank_and_fund"),
        ("innocore-400", "entitlement"),
        ("innocore-400", "rac_scaling"),
    ],
)
def test_new_ids_change_nothing_but_ids(round_, policy):
    """Whoever is called what, the same work gets the same hours in the same places."""
    document = load_document(ROUNDS / f"{round_}.json.gz")
    other, back = relabelled(document, seed=7)
    assert awards(document, policy) == awards(other, policy, back)
