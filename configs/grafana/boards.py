"""All dashboards that are shipped."""

from typing import Final

from configs.grafana.center_boards import CENTER, OPERATIONS
from configs.grafana.round_boards import GROUP, ROUND

BOARDS: Final = (CENTER, ROUND, GROUP, OPERATIONS)
