"""Every route is declared once, stands in the table of endpoints, and asks the one matrix."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from api.describe import without_store
from api.permissions import PUBLIC, declarations, declared

TABLE = Path(__file__).parents[2] / "configs" / "endpoints.csv"


def listed() -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of the table by method and path, names of parameters aside."""
    with TABLE.open(encoding="utf-8") as file:
        return {(row["method"], nameless(row["path"])): row for row in csv.DictReader(file)}


def nameless(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


def routes() -> list[tuple[str, Any, Any]]:
    """Return method, route and declaration of every route."""
    found = declarations(without_store())
    return [(method, route, said) for route, said in found for method in route.methods]


@pytest.mark.parametrize(("method", "route", "said"), routes())
def test_route_is_in_the_table(method, route, said):
    """A route's action, flags and status are those of its row in configs/endpoints.csv."""
    row = listed().get((method, nameless(route.path)))
    assert row is not None, f"{method} {route.path} is not in configs/endpoints.csv"
    action = "-" if said.action == PUBLIC else said.action
    assert (row["action"], set(row["flags"].split()) - {"P"}) == (action, set(said.flags))
    assert str(route.status_code) in row["ok"].split()
    assert ("P" in row["flags"].split()) == (said.action == PUBLIC)


def test_table_has_no_row_twice():
    """Each operation has one row."""
    with TABLE.open(encoding="utf-8") as file:
        rows = [(row["method"], nameless(row["path"])) for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows))


def a_stray(**more: Any) -> FastAPI:
    """Return the application with one more route."""
    router = APIRouter()

    @router.get("/stray", **more)
    def stray() -> None:
        """Do nothing."""

    app = without_store()
    app.router.routes.extend(router.routes)
    return app


def test_route_without_an_action_stops_the_start():
    """An application with an undeclared route does not start."""
    with pytest.raises(ValueError, match="declares 0 actions"):
        list(declarations(a_stray()))


def test_route_with_an_unknown_action_stops_the_start():
    """An application with an action that the matrix does not know does not start."""
    with pytest.raises(ValueError, match=r"no action nobody\.may"):
        list(declarations(a_stray(**declared("nobody.may"))))


def test_every_create_asks_for_a_key_and_every_change_for_a_version():
    """A POST that makes something has flag I, unless it only asks a question."""
    questions = {"checks", "verifications", "what-ifs"}
    for method, route, said in routes():
        if method == "POST" and route.path.rsplit("/", 1)[1] not in questions:
            assert "I" in said.flags, route.path
        if method in {"PATCH", "PUT"}:
            assert "M" in said.flags, route.path
