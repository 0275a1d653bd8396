"""How many years of a center fit into a minute, and what does reclaim bring?

``python -m benchmarks simulate`` runs a year of 20 fellows like those of innocore-400 (two half
years) through the real operations on SQLite, with and without NERSC's reclaim rule, on the same
chance. ``DURE_SIM_FELLOWS``, ``DURE_SIM_SEEDS`` and ``DURE_SIM_POLICIES`` make it smaller or
larger; with 0 fellows everybody of the file asks what stands there.
"""

import os
import time

from api.commands.sim import read_habits, read_rule, simulated
from benchmarks.instances import SHIPPED
from scheduler.document import load_document
from scheduler.policy import find_policy
from scheduler.simulation.world import Course, Options

HABITS = ("late=100", "late=60,steady=25,early=10,idle=5")
RULES = ("none", "nersc")


def main():
    """Print a row a year."""
    fellows = int(os.environ.get("DURE_SIM_FELLOWS", "20")) or None
    seeds = range(int(os.environ.get("DURE_SIM_SEEDS", "1")))
    policies = os.environ.get("DURE_SIM_POLICIES", "rank_and_fund").split(",")
    print("### A simulated year of innocore-400\n")
    print(
        "| habits | seed | policy | reclaim | utilization | jain used | drawn GPU-h "
        "| reclaimed GPU-h | lapsed GPU-h | churn | steps | CPU s | years/CPU min |"
    )
    print("|---" * 13 + "|")
    for habits in HABITS:
        for seed in seeds:
            for policy in policies:
                found = [measured(fellows, seed, habits, policy, rule) for rule in RULES]
                gain = found[1].utilization - found[0].utilization
                print(f"\n{habits}, seed {seed}, {policy}: {100 * gain:+.1f} points by reclaim\n")


def measured(fellows, seed, habits, policy, rule):
    """Run one course, print its row, return its figures."""
    options = Options(
        model=load_document(SHIPPED / "innocore-400.json.gz"),
        fellows=fellows,
        years=1,
        seed=seed,
        habits=read_habits(habits),
    )
    content = find_policy(policy).document
    course = Course(policy=policy, content=content, reclaim=read_rule(rule))
    began = time.process_time()
    each = simulated(options, course, lambda *_: None, "python -m benchmarks simulate")
    seconds = time.process_time() - began
    print(
        f"| {habits} | {seed} | {policy} | {rule} | {each.utilization:.4f} | {each.jain_used:.4f} "
        f"| {each.drawn:,} | {each.reclaimed:,} | {each.lapsed:,} | {each.churn:.4f} "
        f"| {each.steps} | {seconds:.0f} | {60 / seconds:.2f} |",
        flush=True,
    )
    return each


if __name__ == "__main__":
    main()
