"""Reports as files to be saved, and as pages."""

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from certification_lib.errors import Conflict
from certification_lib.reports import background
from certification_lib.reports.document import Chart, Document
from certification_lib.reports.document_files import file_name as document_name
from certification_lib.reports.document_files import number_columns, write_document
from certification_lib.reports.drawing import svg
from certification_lib.reports.event_report import Choice
from certification_lib.reports.formats import MEDIA_TYPES, ReportFormat
from certification_lib.reports.reading import event_report
from certification_lib.reports.said import in_words
from certification_lib.reports.writing import file_name, write_report
from certification_ui.visit import Visit

FORMATS = (
    (ReportFormat.PDF, "PDF"),
    (ReportFormat.DOCX, "Word"),
    (ReportFormat.XLSX, "Excel"),
    (ReportFormat.CSV, "CSV"),
    (ReportFormat.JSON, "For programs"),
)


def report_file(visit: Visit, key: str, choice: Choice, report_format: ReportFormat) -> Response:
    """The Event Report, made for the visitor. The route has checked the right.

    Conflict for one that is large: nobody's request waits a quarter of a minute.
    """
    if background.is_large(key, choice, report_format, session=visit.session):
        raise Conflict(
            "A PDF of so many participants takes a while: have it made in the background, or choose fewer participants."
        )
    report = event_report(key, choice, made_by=visit.actor.name, session=visit.session, now=visit.now)
    return saved(write_report(report, report_format), file_name(report, report_format), report_format)


def document_file(report: Any, document: Document, report_format: ReportFormat) -> Response:
    """A report with its document, as a file."""
    content = write_document(report, document, report_format)
    return saved(content, document_name(document, report_format), report_format)


def saved(content: bytes, name: str, report_format: ReportFormat) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=MEDIA_TYPES[report_format], headers=headers)


def as_format(text: str | None) -> ReportFormat:
    """What an address asks for; a PDF where it names nothing that there is."""
    return ReportFormat(text) if text in set(ReportFormat) else ReportFormat.PDF


def document_page(
    visit: Visit,
    document: Document,
    *,
    section: str,
    file_address: str,
    crumbs: list[tuple[str, str | None]],
    **more: Any,
) -> Response:
    """The document as a page; `file_address` is where its files are, `section` the place in the navigation."""
    return visit.page(
        "reports/document.html",
        document=document,
        section=section,
        file_address=file_address,
        crumbs=crumbs,
        formats=FORMATS,
        in_words=in_words,
        number_columns=number_columns,
        drawn=_drawn,
        **more,
    )


def _drawn(chart: Chart) -> Markup:
    return Markup(svg(chart))  # noqa: S704 - our own drawing, which escapes every label
