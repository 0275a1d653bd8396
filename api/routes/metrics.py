"""`/metrics`: what monitoring says of the center, for its scraper."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.body import StrictRoute
from api.monitoring.exposition import Metrics
from api.permissions import declared

router = APIRouter(route_class=StrictRoute, tags=["service"])


@router.get(
    "/metrics",
    **declared("metrics.scrape", responses={200: {"content": {"text/plain": {}}}}),
)
def scrape(request: Request) -> Response:
    """Answer a scraper in the format it asks for."""
    metrics = request.app.state.metrics
    assert isinstance(metrics, Metrics), "the composition root made them"
    body, content_type = metrics.exposition(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})
