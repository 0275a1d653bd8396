"""The committed OpenAPI document is the application's, and nothing in it breaks older clients."""

import copy
import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel

from api.body import parse
from api.describe import COMMITTED, without_store
from api.openapi import breaking, describe, text
from api.schemas import (
    awards,
    calls,
    capacity,
    common,
    directory,
    enforcement,
    policies,
    requests,
    rounds,
    scores,
)
from api.schemas import scenarios as scenario_schemas
from api.schemas.fields import Model

MODULES = (
    awards,
    calls,
    capacity,
    common,
    directory,
    enforcement,
    policies,
    requests,
    rounds,
    scenario_schemas,
    scores,
)


def committed() -> dict[str, Any]:
    """Return the committed document."""
    return json.loads(COMMITTED.read_text("utf-8"))


def inputs() -> list[type[BaseModel]]:
    """Return every model that strangers may send."""
    found = [value for module in MODULES for value in vars(module).values()]
    models = {each for each in found if isinstance(each, type) and issubclass(each, Model)}
    return sorted(models - {Model}, key=lambda model: model.__name__)


def test_committed_document_is_the_applications():
    """docs/openapi.json is what `python -m api.describe` writes."""
    assert text(without_store()) == COMMITTED.read_text("utf-8")


def test_nothing_breaks_the_committed_document():
    """Every operation, answer and field of the committed document is still there."""
    assert [] == list(breaking(committed(), describe(without_store())))


def test_a_breaking_change_is_named():
    """A lost operation, a lost field and a new required input are each found."""
    before = committed()
    after = copy.deepcopy(before)
    del after["paths"]["/api/v1/time"]
    del after["components"]["schemas"]["CallOut"]["properties"]["closes_at"]
    after["components"]["schemas"]["CallIn"]["required"].append("description")
    assert {
        "GET /api/v1/time is gone",
        "CallOut.closes_at is gone",
        "CallIn.description is required now",
    } == set(breaking(before, after))


@pytest.mark.parametrize("model", inputs(), ids=lambda model: model.__name__)
def test_examples_are_valid(model):
    """Every example in the document is accepted by its model."""
    for example in model.model_json_schema().get("examples", []):
        model.model_validate(parse(json.dumps(example).encode()))


@pytest.mark.parametrize("model", inputs(), ids=lambda model: model.__name__)
def test_inputs_refuse_what_they_do_not_know(model):
    """Every input model forbids unknown fields."""
    assert "forbid" == model.model_config["extra"]


def test_every_body_has_an_example():
    """Every JSON body of the document comes with an example."""
    document = committed()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None or content["schema"] == {"type": "object"}:
                continue
            assert _examples(document, content["schema"]), f"{method} {path}"


def test_the_doors_open_without_a_solver():
    """Importing the application loads neither OR-Tools nor numba."""
    check = (
        "import sys, api.app; print([name for name in ('ortools', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def _examples(document: dict[str, Any], schema: dict[str, Any]) -> list[Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return _examples(document, document["components"]["schemas"][name])
    found = list(schema.get("examples", []))
    for option in schema.get("anyOf", []):
        found += _examples(document, option)
    return found
