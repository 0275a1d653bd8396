"""Kubernetes objects held against the schemas of `configs/schemas/`, as an API server would."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[1] / "configs" / "schemas"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")

Rule = Callable[[Any, Any], bool]
"""Takes a value and, if it replaces one, the former value (else None)."""


def _same_lengths(group: Any, _old: Any) -> bool:
    covered = len(group["coveredResources"])
    return all(covered == len(each["resources"]) for each in group["flavors"])


def _no_borrowing_alone(spec: Any, _old: Any) -> bool:
    return "cohortName" in spec or all(
        "borrowingLimit" not in resource
        for group in spec.get("resourceGroups", ())
        for flavor in group["flavors"]
        for resource in flavor["resources"]
    )


CEL: Mapping[str, Rule] = {
    "!has(self.cohortName) && has(self.resourceGroups) ? self.resourceGroups.all(rg, rg.flavors"
    ".all(f, f.resources.all(r, !has(r.borrowingLimit)))) : true": _no_borrowing_alone,
    "self.flavors.all(x, size(x.resources) == size(self.coveredResources))": _same_lengths,
    "!(self.reclaimWithinCohort == 'Never' && has(self.borrowWithinCohort) &&  "
    "self.borrowWithinCohort.policy != 'Never')": lambda self, _: (
        not (
            self["reclaimWithinCohort"] == "Never"
            and self.get("borrowWithinCohort", {"policy": "Never"})["policy"] != "Never"
        )
    ),
    "!has(self.preference) || (self.whenCanBorrow == 'TryNextFlavor' && self.whenCanPreempt == "
    "'TryNextFlavor')": lambda self, _: (
        "preference" not in self
        or (self["whenCanBorrow"], self["whenCanPreempt"]) == ("TryNextFlavor",) * 2
    ),
    "self == oldSelf": lambda self, old: old is None or self == old,
    "self.all(x, x.effect in ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])": lambda self, _: all(
        each["effect"] in EFFECTS for each in self
    ),
    "self.all(x, !has(x.effect) || x.effect in ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])": (
        lambda self, _: all(each.get("effect", EFFECTS[0]) in EFFECTS for each in self)
    ),
    "self.all(x, !has(x.key) ? x.operator == 'Exists' : true)": lambda self, _: all(
        "key" in each or each.get("operator") == "Exists" for each in self
    ),
    "self.all(x, has(x.tolerationSeconds) ? x.effect == 'NoExecute' : true)": lambda self, _: all(
        "tolerationSeconds" not in each or each.get("effect") == "NoExecute" for each in self
    ),
    "self.all(x, !has(x.operator) || x.operator in ['Equal', 'Exists'])": lambda self, _: all(
        each.get("operator", "Equal") in ("Equal", "Exists") for each in self
    ),
    "self.all(x, has(x.operator) && x.operator == 'Exists' ? !has(x.value) : true)": (
        lambda self, _: all(
            each.get("operator") != "Exists" or "value" not in each for each in self
        )
    ),
    "!has(self.topologyName) || self.nodeLabels.size() >= 1": lambda self, _: (
        "topologyName" not in self or len(self.get("nodeLabels", ())) >= 1
    ),
    "!has(oldSelf.topologyName) || (has(self.topologyName) && self.topologyName == "
    "oldSelf.topologyName)": lambda self, old: (
        "topologyName" not in (old or {}) or self.get("topologyName") == old["topologyName"]
    ),
}
"""The CEL rules of the schemas in Python, by their text."""


@cache
def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the shipped schemas by apiVersion and kind."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.json"))]
    return {(each["apiVersion"], each["kind"]): each for each in found}


def strict(schema: Any) -> Any:
    """Return a structural schema as JSON Schema: unknown fields are refused, quantities are both.

    Source:
        Kubernetes, Custom Resources: structural schemas, pruning, int-or-string.
    """
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(each) for name, each in schema.items()}
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    open_ended = made.get("x-kubernetes-preserve-unknown-fields")
    if made.get("type") == "object" and "properties" in made and not open_ended:
        made["additionalProperties"] = False
    return made


def defaulted(schema: Mapping[str, Any], value: Any) -> Any:
    """Return a value with the defaults of its schema filled in."""
    if isinstance(value, list):
        return [defaulted(schema.get("items", {}), each) for each in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    filled = {name: each["default"] for name, each in known.items() if "default" in each} | value
    return {name: defaulted(known.get(name, {}), each) for name, each in filled.items()}


def rules_of(schema: Any) -> Iterator[str]:
    """Yield the text of each CEL rule of a schema."""
    if isinstance(schema, dict):
        for rule in schema.get("x-kubernetes-validations", ()):
            yield rule["rule"]
        for name, each in schema.items():
            if name != "x-kubernetes-validations":
                yield from rules_of(each)


def _broken(schema: Mapping[str, Any], value: Any, old: Any, at: str) -> Iterator[str]:
    """Yield the CEL rules that a value breaks, with its place."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if not CEL[rule["rule"]](value, old):
            yield f"{at}: {rule['message']}"
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, each in schema.get("properties", {}).items():
            if name in value:
                yield from _broken(each, value[name], before.get(name), f"{at}.{name}")
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _broken(schema.get("items", {}), each, None, f"{at}[{index}]")


def _metadata(made: Mapping[str, Any], scope: str) -> Iterator[str]:
    """Yield what is wrong with the metadata, which no schema of a definition looks at."""
    meta = made["metadata"]
    if not SUBDOMAIN.fullmatch(meta["name"]) or len(meta["name"]) > 253:
        yield f"metadata.name {meta['name']!r}"
    if ("namespace" in meta) != (scope == "Namespaced"):
        yield f"metadata.namespace of a {scope} kind"
    if "namespace" in meta and ("." in meta["namespace"] or len(meta["namespace"]) > 63):
        yield f"metadata.namespace {meta['namespace']!r}"
    for value in meta.get("labels", {}).values():
        if not LABEL_VALUE.fullmatch(value) or len(value) > 63:
            yield f"label {value!r}"
    if not all(isinstance(each, str) for each in meta.get("annotations", {}).values()):
        yield "annotations"


@cache
def _validator(version: str, kind: str) -> Draft202012Validator:
    return Draft202012Validator(strict(definitions()[version, kind]["openAPIV3Schema"]))


def faults(made: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> list[str]:
    """Return everything an API server would refuse about an object.

    Args:
        made: as it is sent.
        old: what it replaces.
    """
    definition = definitions()[made["apiVersion"], made["kind"]]
    schema = definition["openAPIV3Schema"]
    found = [
        f"{'.'.join(map(str, each.path))}: {each.message}"
        for each in _validator(made["apiVersion"], made["kind"]).iter_errors(made)
    ]
    full, before = defaulted(schema, dict(made)), defaulted(schema, dict(old)) if old else None
    return (
        found + list(_broken(schema, full, before, "")) + list(_metadata(made, definition["scope"]))
    )
