"""What quick instances cost in counts: flows, programs, nodes, ways worked out; never seconds.

``python -m benchmarks counts`` prints what is counted beside `ranges.toml`; a test compares.
Counts repeat on any machine, so a change in one is a change of the method.
"""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.few_pools import gavel_like, many_levels
from benchmarks.instances import HERE, SHIPPED, table
from benchmarks.rounds_like import innocore_like, problem_of
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy, parse_policy
from scheduler.round_file import read_round
from solver.entitle import entitle
from solver.pipeline import solve
from solver.pricespace.leximin import leximin

RANGES = HERE / "ranges.toml"
GAINS = 'name = "gains"\n[fairness]\nunit = "reference_hours"\n'


def _shipped(name):
    return read_round(load_document(Path(SHIPPED) / f"{name}.json.gz"))


def _entitled(name):
    return entitle(formulate(_shipped(name), find_policy("entitlement")).problem)


def _worked(name, policy):
    plan = solve(formulate(_shipped(name), find_policy(policy)).problem)
    return sum(stage.work for stage in plan.stages)


def _programs_of_one_pool_each(fellows):
    problem = problem_of(innocore_like(fellows), find_policy("entitlement"))
    alone = replace(problem, single_pool=np.ones(problem.requests, dtype=np.bool_))
    return sum(each.work for each in solve(alone).stages if each.name in {"fellows", "value"})


MEASURES = {
    "entitle innocore-400, flows": lambda: _entitled("innocore-400").work,
    "entitle innocore-400, levels": lambda: len(_entitled("innocore-400").levels),
    "entitle kr2026, flows": lambda: _entitled("kr2026").work,
    "entitle 60 fellows with gains, programs": lambda: (
        entitle(problem_of(innocore_like(60), parse_policy(GAINS))).work
    ),
    "few pools, one level, ways worked out": lambda: leximin(*gavel_like(1000)).work,
    "few pools, many levels, ways worked out": lambda: leximin(*many_levels(300)).work,
    "select kr2026 by merit, nodes and programs": lambda: _worked("kr2026", "merit"),
    "select 100 fellows, one pool each, programs": lambda: _programs_of_one_pool_each(100),
}


def ranges():
    """Return the expected counts by name."""
    return tomllib.loads(RANGES.read_text())


def main():
    """Print what is counted beside what is expected."""
    print("### Counts\n")
    expected = ranges()
    rows = []
    for name, measure in MEASURES.items():
        count, range_ = measure(), expected.get(name, {})
        rows.append([name, count, range_.get("mean", ""), range_.get("margin", "")])
    table(["count", "now", "expected", "margin"], rows)
