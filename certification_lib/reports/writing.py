"""Every format an Event Report is written in."""

from certification_lib.reports.event_report import EventReport
from certification_lib.reports.formats import MEDIA_TYPES, ReportFormat
from certification_lib.reports.progress import Progress, unheard

__all__ = ["MEDIA_TYPES", "ReportFormat", "file_name", "write_report"]


def write_report(report: EventReport, report_format: ReportFormat, progress: Progress = unheard) -> bytes:
    """The file's content. The packages of a format are imported only where it is asked for."""
    if report_format is ReportFormat.PDF:
        from certification_lib.reports.paper import as_pdf

        return as_pdf(report, progress)
    if report_format is ReportFormat.DOCX:
        from certification_lib.reports.word_file import as_docx

        return as_docx(report)
    from certification_lib.reports import flat_files

    if report_format is ReportFormat.XLSX:
        return flat_files.as_xlsx(report)
    return flat_files.as_csv(report) if report_format is ReportFormat.CSV else flat_files.as_json(report)


def file_name(report: EventReport, report_format: ReportFormat) -> str:
    """Of letters, digits and dashes: an event's key is."""
    return f"event-report-{report.header.event_key}.{report_format.value}"
