"""Plans that an agent can trust: signed with a key that the center and one cluster share.

The key is derived from the center's secret for the cluster's name, so the center keeps no list,
and an agent that is taken over can forge nothing but plans for the cluster it rules anyway.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from scheduler.domain.enforcement import EnforcementPlan, read_plan
from scheduler.domain.errors import InvalidValue
from solver.canonical import canonical, digest

PURPOSE: Final = b"dure enforcement of "
SIGNED: Final = ("target", "through", "apply", "digest")
"""What a signature covers; the digest covers the plan."""


class UntrustedPlan(Exception):  # noqa: N818 - it says what it is
    """A plan is not the center's, not for this cluster, or older than one that was applied."""


def cluster_key(secret: bytes, cluster: str) -> str:
    """Return the key that the center shares with the agent of a cluster, as hexadecimal digits."""
    return hmac.new(secret, PURPOSE + cluster.encode(), hashlib.sha256).hexdigest()


def signed(plan: EnforcementPlan, *, through: int, apply: bool, key: str) -> dict[str, Any]:
    """Return a plan as its agent gets it.

    Args:
        plan: of one target.
        through: position in the log that it knows.
        apply: whether the cluster is to be made as it says.
        key: of the cluster.
    """
    document = plan.document()
    envelope: dict[str, Any] = {
        "target": plan.target,
        "through": through,
        "apply": apply,
        "digest": digest(document),
    }
    return {**envelope, "signature": _signature(envelope, key), "plan": document}


def trusted(envelope: Mapping[str, Any], *, cluster: str, key: str, newest: int) -> EnforcementPlan:
    """Return the plan in an envelope.

    Args:
        envelope: as the center answered.
        cluster: that this agent rules.
        key: of the cluster.
        newest: position in the log that the latest applied plan knew.

    Raises:
        UntrustedPlan: If the signature, the digest or the cluster is another, or it knows less.
    """
    try:
        said = {name: envelope[name] for name in SIGNED}
        right = hmac.compare_digest(str(envelope["signature"]), _signature(said, key))
        whole = right and digest(envelope["plan"]) == said["digest"]
    except (KeyError, TypeError, ValueError) as broken:
        raise UntrustedPlan(f"The answer is no signed plan: {broken!r}.") from broken
    if not whole:
        raise UntrustedPlan("The signature does not fit: another key, or a changed plan.")
    if said["target"] != cluster:
        raise UntrustedPlan(f"The plan is for {said['target']}, not for {cluster}.")
    if said["through"] < newest:
        raise UntrustedPlan(f"The plan knows the log up to {said['through']}; {newest} is applied.")
    try:
        return read_plan(envelope["plan"])
    except InvalidValue as refusal:
        raise UntrustedPlan(str(refusal)) from refusal


def _signature(envelope: Mapping[str, Any], key: str) -> str:
    return hmac.new(bytes.fromhex(key), canonical(dict(envelope)), hashlib.sha256).hexdigest()
