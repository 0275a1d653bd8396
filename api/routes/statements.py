"""Statements: what payers owe for a month, as JSON, CSV or PDF."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.accepting import preferred
from api.body import StrictRoute
from api.door import Asking
from api.permissions import declared
from api.replies import Reply, file, reply
from api.schemas.statements import LineOut, StatementOut, StatementsOut
from scheduler.domain.messages import Language
from scheduler.domain.statements import Line, Statement, read_month
from scheduler.export import pdf
from scheduler.export.statement import as_csv, as_pdf
from scheduler.operations import statements
from scheduler.ports.store import Transaction

READ: Final = "statement.read"
JSON: Final = "application/json"
CSV: Final = "text/csv"
FORMS: Final = (JSON, CSV, pdf.MEDIA_TYPE)
MonthName = Annotated[str, Path(max_length=7, description="Such as 2027-01.")]
Lang = Annotated[Language | None, Query(description="In place of Accept-Language.")]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1/statements", tags=["statements"])


@router.get("/{month}", **declared(READ, StatementsOut))
def list_statements(caller: Asking, month: MonthName) -> Response:
    """List the statements of a month that the caller may read."""
    wanted = read_month(month)

    def query(tx: Transaction) -> Reply:
        made = statements.list_statements(tx, caller.permit, wanted)
        shown = StatementsOut(
            month=str(wanted),
            gpu_seconds=sum(each.gpu_seconds for each in made),
            won=sum(each.won for each in made),
            items=[_shown(each) for each in made],
        )
        return reply(shown)

    return caller.show(query)


@router.get(
    "/{month}/{payer}",
    **declared(READ, StatementOut, responses={200: {"content": {kind: {} for kind in FORMS[1:]}}}),
)
def read_statement(
    caller: Asking,
    month: MonthName,
    payer: Annotated[str, Path(max_length=80, description="Such as institute:kaist.")],
    lang: Lang = None,
) -> Response:
    """Read the statement of one payer: JSON, CSV or PDF, as Accept says."""
    wanted, kind = read_month(month), preferred(caller.request, FORMS)
    language = lang or caller.language

    def query(tx: Transaction) -> Reply:
        made = statements.get_statement(tx, caller.permit, wanted, payer)
        name = f"statement-{wanted}-{made.payer.kind}-{made.payer.id}"
        if kind == CSV:
            return file(as_csv(made, language).encode(), f"{name}.csv", CSV)
        if kind == pdf.MEDIA_TYPE:
            return file(as_pdf(made, language), f"{name}.pdf", pdf.MEDIA_TYPE)
        return reply(_shown(made))

    return caller.show(query)


def _shown(statement: Statement) -> StatementOut:
    return StatementOut(
        payer=str(statement.payer),
        month=str(statement.month),
        gpu_seconds=statement.gpu_seconds,
        won=statement.won,
        lines=[_line(each) for each in statement.lines],
    )


def _line(line: Line) -> LineOut:
    meter = line.meter
    return LineOut(
        award=meter.award,
        fellow=meter.fellow,
        group=meter.group,
        track=meter.tariff.track,
        gpu_type=meter.gpu_type,
        gpu_seconds=line.gpu_seconds,
        su_per_gpu_hour=float(meter.tariff.charge),
        won_per_service_unit=meter.tariff.won,
        won=line.won,
    )
