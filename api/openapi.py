"""The OpenAPI document: served, committed as ``docs/openapi.json``, compared by a test."""

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
PROBLEM_RESPONSE: Final = {
    "description": "A refusal, as RFC 9457 says it; its `code` has a page under /problems.",
    "content": {"application/problem+json": {"schema": PROBLEM}},
}
BEARER: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token as `POST /api/v1/me/tokens` gives it: dure_pat_…",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    found: dict[str, Any] = get_openapi(
        title=app.title,
        version="1",
        description=app.description,
        routes=app.routes,
        separate_input_output_schemas=True,
    )
    components = found.setdefault("components", {})
    components["securitySchemes"] = {"bearer": BEARER}
    components["responses"] = {"Problem": PROBLEM_RESPONSE}
    for operation in _operations(found):
        operation["responses"] = {
            status: {"$ref": "#/components/responses/Problem"} if _is_problem(each) else each
            for status, each in operation["responses"].items()
        }
    return found


def text(app: FastAPI) -> str:
    """Return the document as it is committed: sorted, indented, ending in a line break."""
    return json.dumps(describe(app), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def breaking(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what a client of the older document would miss or be refused in the newer one.

    An operation or an answer that is gone, a field of an answer that is gone, and a field,
    parameter or header that is required now and was not. Additions are no break.
    """
    for path, operations in before["paths"].items():
        for method, old in operations.items():
            new = after["paths"].get(path, {}).get(method)
            name = f"{method.upper()} {path}"
            if new is None:
                yield f"{name} is gone"
                continue
            yield from _operation_breaks(name, old, new)
    yield from _schema_breaks(before, after)


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _is_problem(response: dict[str, Any]) -> bool:
    content = response.get("content", {})
    return any(kind.get("schema") == PROBLEM for kind in content.values())


def _operation_breaks(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for status in old["responses"]:
        if status not in new["responses"]:
            yield f"{name} no longer answers {status}"
    known = {_key(each) for each in old.get("parameters", [])}
    kept = {_key(each) for each in new.get("parameters", [])}
    for gone in sorted(known - kept):
        yield f"{name} no longer takes {gone}"
    required = {_key(each) for each in old.get("parameters", []) if each.get("required")}
    for each in new.get("parameters", []):
        if each.get("required") and _key(each) not in required:
            yield f"{name} now requires {_key(each)}"


def _schema_breaks(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    old_schemas = before.get("components", {}).get("schemas", {})
    new_schemas = after.get("components", {}).get("schemas", {})
    for name, old in old_schemas.items():
        new = new_schemas.get(name)
        if new is None:
            yield f"the schema {name} is gone"
            continue
        for field in old.get("properties", {}):
            if field not in new.get("properties", {}):
                yield f"{name}.{field} is gone"
        if old.get("additionalProperties") is False:
            for field in sorted(set(new.get("required", [])) - set(old.get("required", []))):
                yield f"{name}.{field} is required now"


def _key(parameter: dict[str, Any]) -> str:
    return f"{parameter['in']} {parameter['name']}"
