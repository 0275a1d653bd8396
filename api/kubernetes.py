"""A Kubernetes API server seen over HTTP: list objects, apply one server-side."""

import ssl
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import httpx

from scheduler.export.queues import MANAGED, Object

MANAGER: Final = "dure"
"""Field manager: who owns what is applied."""
APPLY: Final = "application/apply-patch+yaml"
"""Media type of a server-side apply; JSON is YAML."""
PAGE: Final = 500
FIELD_CONFLICT: Final = "FieldManagerConflict"


class ClusterError(Exception):
    """The API server did not do what was asked.

    +-- `ClusterAway`     nobody answered, or it is busy; try later
    +-- `ClusterRefusal`  it said no
        +-- `FieldsOwned`   another manager owns fields that would change
        +-- `ObjectChanged` the object is not the one that was read
    """


class ClusterAway(ClusterError):  # noqa: N818 - it says what happened
    """Nobody answered; the same request may work later."""


class ClusterRefusal(ClusterError):  # noqa: N818 - a refusal, named as such everywhere
    """The API server refused.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FieldsOwned(ClusterRefusal):
    """Another manager owns fields that would change."""


class ObjectChanged(ClusterRefusal):
    """The object has changed since it was read."""


class Cluster:
    """A connection to one API server.

    Args:
        server: such as ``https://10.0.0.1:6443``.
        token: of a service account; empty for none.
        trust: whose certificates are trusted; the system's if nothing is given.
        transport: replaces the network, in tests.
    """

    def __init__(
        self,
        server: str,
        token: str = "",
        *,
        trust: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=server,
            headers={"User-Agent": MANAGER, "Accept": "application/json", **headers},
            timeout=30.0,
            verify=trust if trust is not None else True,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def managed(self, version: str, plural: str) -> Iterator[Object]:
        """Yield the objects of a kind that Dure manages, page after page."""
        selector = ",".join(f"{name}={value}" for name, value in MANAGED.items())
        query: dict[str, str | int] = {"labelSelector": selector, "limit": PAGE}
        while True:
            body = self._send("GET", f"/apis/{version}/{plural}", params=query).json()
            yield from body["items"]
            after = body["metadata"].get("continue")
            if not after:
                return
            query["continue"] = after

    def read(self, version: str, plural: str, name: str) -> Object | None:
        """Return one object that belongs to the whole cluster, or nothing if there is none."""
        try:
            found: Object = self._send("GET", f"/apis/{version}/{plural}/{name}").json()
        except ClusterRefusal as refusal:
            if refusal.status == httpx.codes.NOT_FOUND:
                return None
            raise
        return found

    def apply(
        self, plural: str, wanted: Object, *, resource_version: str | None, force: bool = False
    ) -> Object:
        """Say what the fields of an object are to be; fields of others stay as they are.

        Args:
            plural: resource of its kind.
            wanted: the object, with every field that Dure owns.
            resource_version: of the object as it was read; nothing if it is to be created.
            force: take fields over that another manager owns.

        Raises:
            FieldsOwned: If another manager owns fields that would change.
            ObjectChanged: If the object has changed since it was read.
        """
        sent = dict(wanted)
        if resource_version is not None:
            sent["metadata"] = {**wanted["metadata"], "resourceVersion": resource_version}
        answer = self._send(
            "PATCH",
            f"/apis/{wanted['apiVersion']}/{plural}/{wanted['metadata']['name']}",
            params={"fieldManager": MANAGER, "force": str(force).lower()},
            json=sent,
            headers={"Content-Type": APPLY},
        )
        applied: Object = answer.json()
        return applied

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - parts of a request
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise ClusterAway(f"{self._http.base_url}: {error}") from error
        if answer.is_error:
            raise _refusal(answer)
        return answer


def _refusal(answer: httpx.Response) -> ClusterError:
    """Return what an unwelcome status means."""
    try:
        status: Mapping[str, Any] = answer.json()
    except ValueError:
        status = {}
    said = str(status.get("message") or answer.reason_phrase)
    code = answer.status_code
    if code >= httpx.codes.INTERNAL_SERVER_ERROR or code == httpx.codes.TOO_MANY_REQUESTS:
        return ClusterAway(f"The API server is busy or away: {said}")
    if code != httpx.codes.CONFLICT:
        return ClusterRefusal(code, said)
    causes = (status.get("details") or {}).get("causes") or ()
    owned = any(each.get("reason") == FIELD_CONFLICT for each in causes)
    return (FieldsOwned if owned else ObjectChanged)(code, said)
