"""`/metrics`: what monitoring says of the center, for its scraper; of fellows, where asked for."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.body import StrictRoute
from api.errors import UnknownAddress
from api.monitoring.exposition import Metrics
from api.permissions import declared

TEXT: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {}}}}
router = APIRouter(route_class=StrictRoute, tags=["service"])


@router.get("/metrics", **declared("metrics.scrape", responses=TEXT))
def scrape(request: Request) -> Response:
    """Answer a scraper in the format it asks for."""
    return _answer(*_metrics(request).center(_accept(request)))


@router.get("/metrics/fellows", **declared("metrics.fellows", responses=TEXT))
def scrape_fellows(request: Request) -> Response:
    """Answer with series of fellows under pseudonyms, if the center publishes them."""
    if not request.app.state.fellow_metrics:
        raise UnknownAddress
    return _answer(*_metrics(request).fellows(_accept(request)))


def _metrics(request: Request) -> Metrics:
    metrics = request.app.state.metrics
    assert isinstance(metrics, Metrics), "the composition root made them"
    return metrics


def _accept(request: Request) -> str:
    return request.headers.get("accept", "")


def _answer(body: bytes, content_type: str) -> Response:
    return Response(body, headers={"Content-Type": content_type})
