"""A report as a file to be saved."""

from starlette.responses import Response

from certification_lib.reports.event_report import Choice
from certification_lib.reports.reading import event_report
from certification_lib.reports.writing import MEDIA_TYPES, ReportFormat, file_name, write_report
from certification_ui.visit import Visit


def report_file(visit: Visit, key: str, choice: Choice, report_format: ReportFormat) -> Response:
    """The Event Report, made for the visitor. The route has checked the right."""
    report = event_report(key, choice, made_by=visit.actor.name, session=visit.session, now=visit.now)
    headers = {"Content-Disposition": f'attachment; filename="{file_name(report, report_format)}"'}
    return Response(write_report(report, report_format), media_type=MEDIA_TYPES[report_format], headers=headers)
