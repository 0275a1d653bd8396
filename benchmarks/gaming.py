"""What lies bring under every preset: entitlements exactly, plans for a sample.

Every lie is a solve of its own, six for a request and one for the truth: `DURE_GAMING_FELLOWS`,
`DURE_GAMING_SAMPLE` and `DURE_GAMING_WORK` set the round, the requests, and the work of a solve.
"""

import os

from api.commands.audit import Audit, audit_text, fitting
from benchmarks.instances import SHIPPED
from benchmarks.rounds_like import innocore_like
from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from scheduler.snapshot import Snapshot
from solver.gaming import Solving
from solver.pipeline import Limits
from solver.spread import here

FELLOWS = int(os.environ.get("DURE_GAMING_FELLOWS", "24"))
SAMPLE = int(os.environ.get("DURE_GAMING_SAMPLE", "1"))
WORK = int(os.environ.get("DURE_GAMING_WORK", "50"))
ENTITLED = 40
PLENTY = 3
"""In the round of plenty every supply is so many times what it was."""


def main() -> None:
    """Audit a small round under every preset, and a round of plenty under the default."""
    print("### The gaming audit\n")
    small = innocore_like(FELLOWS)
    plenty = load_document(SHIPPED / "innocore-400.json.gz")
    for pool in plenty["pools"]:
        pool["supply_gpu_hours"] = [PLENTY * each for each in pool["supply_gpu_hours"]]
    report("Scarce, " + str(FELLOWS) + " fellows", read_round(small), SAMPLE)
    report("Plenty, 400 fellows", read_round(plenty), 0, ["entitlement"])


def report(title: str, snapshot: Snapshot, count: int, policies: list[str] | None = None) -> None:
    """Print what every lie brings on one round, policy by policy."""
    how = Solving(seed=0, gap=0.001, limits=Limits(work=WORK))
    audit = Audit(only=ENTITLED, count=count, how=how, crew=here())
    print(f"{title}:\n")
    for name in policies or fitting(snapshot):
        audited = audit.document(name, formulate(snapshot, find_policy(name)))
        print(f"```\n{audit_text([audited])}\n```\n", flush=True)


if __name__ == "__main__":
    main()
