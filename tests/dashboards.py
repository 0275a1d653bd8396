"""What the shipped dashboards ask of Prometheus, as Grafana would send it."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "grafana"
CHOSEN = {"$round": ".+", "$group": ".+", "$__rate_interval": "1m"}
"""What Grafana puts in place of a variable when everything is chosen."""


def asked_of_prometheus(dashboard):
    """Return the expressions of a dashboard with its variables filled in."""
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    for name, value in CHOSEN.items():
        expressions = [each.replace(name, value) for each in expressions]
    return expressions
