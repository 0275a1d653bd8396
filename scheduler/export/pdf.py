"""Pages: headings, paragraphs and tables as PDF, in Korean and English, always the same bytes.

The Korean fonts are those that every PDF reader has (Adobe-Korea1); none is shipped.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

MEDIA_TYPE: Final = "application/pdf"
FONT: Final = "HYGothic-Medium"
MARGIN: Final = 20 * mm
SMALL: Final = 8
pdfmetrics.registerFont(UnicodeCIDFont(FONT))

BODY: Final = ParagraphStyle("body", fontName=FONT, fontSize=10, leading=15, wordWrap="CJK")
TITLE: Final = ParagraphStyle("title", parent=BODY, fontSize=16, leading=24, spaceAfter=4 * mm)
BULLET: Final = ParagraphStyle("bullet", parent=BODY, leftIndent=5 * mm, bulletIndent=1 * mm)
CELL: Final = ParagraphStyle("cell", parent=BODY, fontSize=SMALL, leading=11)
FIGURE: Final = ParagraphStyle("figure", parent=CELL, alignment=2)


def title(text: str) -> Flowable:
    """Return a heading."""
    return Paragraph(escape(text), TITLE)


def paragraph(text: str) -> Flowable:
    """Return a paragraph, with room after it."""
    return Paragraph(escape(text), BODY)


def bullet(text: str) -> Flowable:
    """Return an item of a list."""
    return Paragraph(escape(text), BULLET, bulletText="·")


def gap() -> Flowable:
    """Return some room."""
    return Spacer(0, 4 * mm)


def table(rows: Sequence[Sequence[str]], *, left: int, widths: Sequence[float]) -> Flowable:
    """Return a table whose first row is repeated on every page.

    Args:
        rows: all of one length.
        left: how many columns are text; the rest are figures.
        widths: of the columns, in parts of the page's width.
    """
    room = A4[0] - 2 * MARGIN
    cells = [
        [Paragraph(escape(each), CELL if at < left else FIGURE) for at, each in enumerate(row)]
        for row in rows
    ]
    made = Table(cells, colWidths=[room * each / sum(widths) for each in widths], repeatRows=1)
    lines = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    made.setStyle(TableStyle(lines))
    return made


def facts(rows: Sequence[tuple[str, str]]) -> Flowable:
    """Return names and values side by side."""
    cells = [[Paragraph(escape(each), BODY) for each in row] for row in rows]
    room = A4[0] - 2 * MARGIN
    made = Table(cells, colWidths=[room * 0.3, room * 0.7], hAlign="LEFT")
    made.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (0, -1), 0)])
    )
    return made


def written(parts: Iterable[Flowable], *, subject: str) -> bytes:
    """Return parts as a document; equal parts are equal bytes.

    Args:
        parts: from top to bottom.
        subject: what the document calls itself, and stands at the foot of each page.
    """
    stream = BytesIO()
    made = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=subject,
        author="Dure",
        invariant=1,
    )

    def foot(canvas: Canvas, _document: SimpleDocTemplate) -> None:
        """Write the foot of a page."""
        canvas.setFont(FONT, SMALL)
        canvas.drawString(MARGIN, MARGIN / 2, subject)
        canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, str(canvas.getPageNumber()))

    made.build(list(parts), onFirstPage=foot, onLaterPages=foot)
    return stream.getvalue()
