"""How long does a cluster take to be told? Four hundred fellows on a real Slurm, diff included.

``python -m benchmarks.enforce`` starts slurmctld, slurmdbd, MariaDB and a node on loopback (root
and Debian's Slurm are needed), and measures: the first load with limits that all differ, a second
look, a new limit for each, one change that is the same for all. Seconds are of the whole machine.
"""

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from scheduler.domain.enforcement import EnforcementPlan, Form, PlannedAward, PlannedPerson
from scheduler.export.slurm_commands import stages
from scheduler.export.slurm_diff import difference
from scheduler.export.slurm_state import wanted
from tests.slurm_site import slurm_site

FELLOWS = 400
GROUPS = 8
GOAL_SECONDS = 15.0
HOUR = 3600


def a_plan(left, form=Form.ASSOCIATIONS, fellows=FELLOWS):
    """Return a plan of fellows with one award each, of so many GPU-seconds by number."""
    people = tuple(
        PlannedPerson(
            person=f"f{number:03}",
            group=f"core{number % GROUPS}",
            institute=f"inst{number % 4}",
            counted={},
            awards=(
                PlannedAward(
                    award=f"awd_{number:03}", usable=True, gpus=8, left={"H200": left(number)}
                ),
            ),
        )
        for number in range(fellows)
    )
    return EnforcementPlan(target="duru", form=form, gpu_types={"H200": "h200"}, people=people)


def enforced(cluster, plan):
    """Read, compare, apply and read again; return seconds and commands."""
    begun = time.perf_counter()
    change = difference("duru", wanted(plan), cluster.live(plan))
    commands = sum(len(stage) for stage in stages(change))
    cluster.apply(change)
    assert difference("duru", wanted(plan), cluster.live(plan)).is_empty
    return time.perf_counter() - begun, commands


def main():
    """Print the table."""
    home = Path(tempfile.mkdtemp(prefix="dure-slurm-", dir="/tmp"))
    names = [f"f{number:03}" for number in range(FELLOWS)]
    begun = time.perf_counter()
    with slurm_site(home, name="duru", fellows=names, nodes=["h200"]) as site:
        rows = [("start of the cluster", time.perf_counter() - begun, 0)]
        first = a_plan(lambda number: (number + 1) * HOUR)
        few = a_plan(lambda number: (number + 1) * HOUR + (number < 20) * 60)
        each = a_plan(lambda number: (number + 2) * 2 * HOUR)
        alike = a_plan(lambda _: 9 * HOUR)
        over = replace(alike, people=())
        qos = a_plan(lambda number: (number // 10 + 1) * HOUR, Form.QOS)
        for title, plan in (
            ("first load, 400 limits that differ", first),
            ("again, nothing to do", first),
            ("20 limits that differ", few),
            ("a new limit for each of the 400", each),
            ("one limit for all", alike),
            ("nobody holds anything any more", over),
            ("400 QOS of 40 amounts", qos),
        ):
            rows.append((title, *enforced(site.cluster, plan)))
    shutil.rmtree(home)
    print("| on a real Slurm 22.05 | seconds | commands |\n|---|---|---|")
    for title, seconds, commands in rows:
        print(f"| {title} | {seconds:.1f} | {commands} |")
    for title, seconds, _ in (rows[1], rows[4]):
        met = "yes" if seconds < GOAL_SECONDS else "NO"
        print(f"\nUnder {GOAL_SECONDS:.0f} s, {title}: {met}.")


if __name__ == "__main__":
    main()
