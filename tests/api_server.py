"""A small Kubernetes API server: custom objects with schemas, server-side apply, conflicts.

What it keeps to is what a client relies on: fields have managers; applying a value that another
manager owns differently is 409 with the field and the manager unless forced; fields that a manager
applies no more go, unless another owns them; a stale resourceVersion is 409; what a schema or CEL
rule refuses is 422; what changes nothing makes no new version.

Source:
    Kubernetes, Server-Side Apply; merge strategy by x-kubernetes-list-type and -map-type.
"""

import copy
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.kubernetes import definitions, faults

Path_: TypeAlias = tuple[str, ...]
TOKEN = "a service account's"
IDENTITY = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}
IDENTITY |= {("metadata", "resourceVersion"), ("metadata", "uid")}


@dataclass
class Kept:
    """An object, and which manager owns which of its fields."""

    made: dict[str, Any]
    owned: dict[str, set[Path_]] = field(default_factory=dict)


def leaves(schema: dict[str, Any], value: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Yield the fields that an applied value says; atomic maps and lists are one field."""
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    if isinstance(value, dict) and value and not atomic:
        inner = schema.get("properties", {})
        rest = schema.get("additionalProperties", {})
        for name, each in value.items():
            yield from leaves(inner.get(name, rest), each, (*at, name))
    elif at not in IDENTITY:
        yield at


def at_path(value: Any, path: Path_) -> Any:
    """Return what stands at a path, or None."""
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def put(value: dict[str, Any], path: Path_, what: Any) -> None:
    """Set what stands at a path."""
    *above, last = path
    for name in above:
        value = value.setdefault(name, {})
    value[last] = what


def drop(value: dict[str, Any], path: Path_) -> None:
    """Remove what stands at a path, and maps that are empty then."""
    above = at_path(value, path[:-1])
    if isinstance(above, dict):
        above.pop(path[-1], None)
        if not above and len(path) > 1:
            drop(value, path[:-1])


class ApiServer:
    """The server's state and its answers."""

    def __init__(self) -> None:
        self.kept: dict[Path_, Kept] = {}
        self.versions = 0
        self.applied = 0
        self.before_apply: list[Any] = []
        self.app = Starlette(
            routes=[
                Route("/apis/{group}/{version}/{plural}", self.list_, methods=["GET"]),
                Route("/apis/{group}/{version}/{plural}/{name}", self.one, methods=["GET"]),
                Route("/apis/{group}/{version}/{plural}/{name}", self.patch, methods=["PATCH"]),
            ]
        )

    def queue(self, name: str) -> dict[str, Any]:
        """Return a cluster queue as it is."""
        return self.kept["kueue.x-k8s.io/v1beta2", "clusterqueues", name].made

    def apply(self, made: dict[str, Any], manager: str, *, force: bool = False) -> JSONResponse:
        """Apply an object as a manager, server-side."""
        version, kind = made["apiVersion"], made["kind"]
        definition = definitions()[version, kind]
        key = (version, definition["plural"], made["metadata"]["name"])
        live = self.kept.get(key)
        asked = made["metadata"].get("resourceVersion")
        if asked is not None and (
            live is None or asked != live.made["metadata"]["resourceVersion"]
        ):
            return _status(409, "Conflict", "the object has been modified; apply to the latest")
        schema = definition["openAPIV3Schema"]
        said = set(leaves(schema, made))
        others = {} if live is None else {m: own for m, own in live.owned.items() if m != manager}
        owners = [
            (path, other)
            for path in sorted(said)
            for other, own in others.items()
            if path in own and at_path(live.made, path) != at_path(made, path)
        ]
        if owners and not force:
            return _owned(owners)
        merged = copy.deepcopy(live.made) if live else copy.deepcopy(made)
        for path in (live.owned.get(manager, set()) if live else set()) - said:
            if not any(path in own for own in others.values()):
                drop(merged, path)
        for path in said:
            put(merged, path, copy.deepcopy(at_path(made, path)))
        found = faults(merged, live.made if live else None)
        if found:
            return _status(422, "Invalid", "; ".join(found))
        taken = {path for path, _ in owners}
        owned = {other: own - taken for other, own in others.items()} | {manager: said}
        changed = live is None or merged != live.made
        if changed:
            self.versions += 1
            merged["metadata"]["resourceVersion"] = str(self.versions)
        self.kept[key] = Kept(merged, owned)
        return JSONResponse(merged, 201 if live is None else 200)

    async def list_(self, request: Request) -> JSONResponse:
        """List objects by label, in pages."""
        if refused := _unknown(request):
            return refused
        version, plural = _resource(request)
        wanted = dict(each.split("=") for each in request.query_params["labelSelector"].split(","))
        found = [
            each.made
            for key, each in sorted(self.kept.items())
            if key[:2] == (version, plural)
            and wanted.items() <= each.made["metadata"].get("labels", {}).items()
        ]
        start = int(request.query_params.get("continue", 0))
        end = start + min(int(request.query_params["limit"]), 2)  # small pages, to be followed
        more = {"continue": str(end)} if end < len(found) else {}
        return JSONResponse({"metadata": more, "items": found[start:end]})

    async def one(self, request: Request) -> JSONResponse:
        """Read one object."""
        if refused := _unknown(request):
            return refused
        kept = self.kept.get((*_resource(request), request.path_params["name"]))
        return JSONResponse(kept.made) if kept else _status(404, "NotFound", "not found")

    async def patch(self, request: Request) -> JSONResponse:
        """Apply server-side; other patches are refused."""
        if refused := _unknown(request):
            return refused
        if request.headers["content-type"] != "application/apply-patch+yaml":
            return _status(415, "UnsupportedMediaType", "only server-side apply")
        for meanwhile in self.before_apply:
            meanwhile()
        self.applied += 1
        query = request.query_params
        made = json.loads(await request.body())
        return self.apply(made, query["fieldManager"], force=query["force"] == "true")

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Serve on loopback, and yield the address."""
        config = uvicorn.Config(self.app, host="127.0.0.1", port=0, log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


def _resource(request: Request) -> tuple[str, str]:
    place = request.path_params
    return f"{place['group']}/{place['version']}", place["plural"]


def _unknown(request: Request) -> JSONResponse | None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return _status(401, "Unauthorized", "Unauthorized")
    known = {(version, each["plural"]) for (version, _), each in definitions().items()}
    if _resource(request) not in known:
        return _status(404, "NotFound", "the server could not find the requested resource")
    return None


def _owned(owners: list[tuple[Path_, str]]) -> JSONResponse:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}"',
            "field": "." + ".".join(path),
        }
        for path, manager in owners
    ]
    told = ", ".join(f"{each['field']} ({each['message']})" for each in causes)
    return _status(409, "Conflict", f"Apply failed with conflicts: {told}", causes)


def _status(code: int, reason: str, message: str, causes: list[Any] | None = None) -> JSONResponse:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    body |= {"reason": reason, "message": message, "details": {"causes": causes or []}}
    return JSONResponse(body, code)
