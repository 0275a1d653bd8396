"""``python -m configs.grafana.build`` writes the dashboards again; they are never edited by hand.

In Grafana: Dashboards, New, Import, and the file. The variable `datasource` chooses the Prometheus.
"""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
)
from grafana_foundation_sdk.models.dashboard import Panel as Model

from configs.grafana.boards import BOARDS
from configs.grafana.panels import Board, Limits, Panel, Shape

HERE: Final = Path(__file__).parent
DATASOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
COLORS: Final = ("orange", "red")
HEIGHTS: Final = {Shape.NUMBER: 4, Shape.LINES: 8, Shape.BARS: 8}
BUILDERS: Final[dict[Shape, Callable[[], Any]]] = {
    Shape.NUMBER: lambda: stat.Panel().text_mode(BigValueTextMode.VALUE_AND_NAME),
    Shape.LINES: lambda: (
        timeseries.Panel()
        .fill_opacity(10)
        .legend(
            common.VizLegendOptions()
            .show_legend(show_legend=True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
    ),
    Shape.BARS: lambda: (
        bargauge.Panel()
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
    ),
}
ALL: Final = ".+"
"""What a variable stands for when everything is chosen."""


def built(board: Board) -> str:
    """Return the dashboard as Grafana's JSON, always the same."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(f"dure-{board.name}")
        .description(board.text)
        .tags(["dure"])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-7d", "now")
        .refresh("1m")
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
    )
    for name, query in board.variables:
        made = made.with_variable(_variable(name, query))
    for number, panel in zip(count(1), board.panels, strict=False):
        made = made.with_panel(_panel(panel, number))
    return (
        json.dumps(made.build(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True)
        + "\n"
    )


def _variable(name: str, query: str) -> dashboard.QueryVariable:
    """Return a variable that offers what Prometheus knows, everything at first."""
    everything = VariableOption(text="All", value="$__all", selected=True)
    return (
        dashboard.QueryVariable(name)
        .label(name.title())
        .datasource(DATASOURCE)
        .query(query)
        .include_all(include_all=True)
        .all_value(ALL)
        .multi(multi=True)
        .current(everything)
    )


def _panel(panel: Panel, number: int) -> Builder[Model]:
    """Return the builder of one panel."""
    made = (
        BUILDERS[panel.shape]()
        .id(number)
        .title(panel.title)
        .description(panel.text)
        .datasource(DATASOURCE)
        .unit(panel.unit)
        .thresholds(_thresholds(panel.limits))
        .height(HEIGHTS[panel.shape])
        .span(panel.width)
    )
    for letter, (expression, legend) in zip("ABCDEF", panel.shows, strict=False):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(letter)
        made = made.with_target(query if panel.shape is Shape.LINES else query.instant())
    return made


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    """Return where a panel turns from green to orange and red."""
    turns = [
        Threshold(value=value, color=color)
        for value, color in zip(limits.value, COLORS, strict=False)
        if value is not None
    ]
    steps = [Threshold(value=None, color="green"), *turns]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def main() -> None:
    """Write every dashboard."""
    for board in BOARDS:
        (HERE / f"{board.name}.json").write_text(built(board), encoding="utf-8")


if __name__ == "__main__":
    main()
