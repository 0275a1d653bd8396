"""The order of a formulated round is its content's."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from tests.rounds import rounds

POLICY = find_policy("entitlement")
ARRAYS = ("supply", "charge", "ask", "minimum", "gang", "first", "end", "speed", "score", "shape")


def problem_of(document):
    """Return the problem of a document."""
    return formulate(read_round(parse_document(json.dumps(document).encode())), POLICY).problem


def relabelled(document):
    """Return the round with every id replaced by another that sorts the other way."""
    text = json.dumps(document)
    for kind in "rfg":
        for index in range(9):
            text = text.replace(f'"{kind}{index}"', f'"{kind}x{9 - index}"')
    return json.loads(text)


@given(rounds())
def test_relabelling_changes_no_array(document):
    """New ids give the same problem."""
    first, second = problem_of(document), problem_of(relabelled(document))
    for name in (*ARRAYS, "fellow", "fellow_group", "group_weight"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(rounds(), st.randoms(use_true_random=False))
def test_shuffling_the_file_changes_no_array(document, random):
    """Rows in another order give the same problem."""
    first = problem_of(document)
    shuffled = document | {
        name: random.sample(document[name], len(document[name]))
        for name in ("requests", "fellows", "groups", "pools")
    }
    second = problem_of(shuffled)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@given(rounds())
def test_scaling_all_amounts_keeps_the_order(document):
    """Hours counted in another unit give the same order of requests."""
    scaled = json.loads(json.dumps(document))
    for request in scaled["requests"]:
        request["gpu_hours"] *= 3
        request["minimum_gpu_hours"] *= 3
    for pool in scaled["pools"]:
        pool["supply_gpu_hours"] = [3 * each for each in pool["supply_gpu_hours"]]
    first, second = problem_of(document), problem_of(scaled)
    np.testing.assert_array_equal(first.ask * 3, second.ask)
    np.testing.assert_array_equal(first.score, second.score)
