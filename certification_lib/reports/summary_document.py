"""The state's summary of an event as a document: every chart beside the table of its numbers."""

from collections.abc import Iterator

from certification_lib.events.models import ParticipantStatus
from certification_lib.reports.document import Bar, Chart, Document, Line, Section
from certification_lib.reports.said import in_words
from certification_lib.reports.state_summary import StateSummary
from certification_lib.reports.tables import Cell, Table

_TIMELINESS = ("Certified on time", "Certified within an extension", "Not certified by End")
# Bars of a chart; the table has the rest.
_MOST_BARS = 12


def as_document(summary: StateSummary) -> Document:
    return Document(
        file_name=f"state-summary-{summary.event_key}",
        title=f"State Summary: {summary.event_name}",
        author=summary.state_name,
        description=f"{summary.category}, {summary.school_year}",
        made_at=summary.made_at,
        sentences=tuple(_lead(summary)),
        sections=(
            _participation(summary),
            _timeliness(summary),
            *_by_day(summary),
            _findings(summary),
            _last_year(summary),
        ),
    )


def _lead(summary: StateSummary) -> Iterator[str]:
    window = f"Certification from {in_words(summary.opens_date)} to {in_words(summary.end_date)}."
    yield f"{summary.event_name}, {summary.category}, {summary.school_year}. {summary.event_status}. {window}"
    yield f"Made by {summary.made_by} on {in_words(summary.made_at)}, {summary.time_zone}."


def _participation(summary: StateSummary) -> Section:
    statuses: list[tuple[Cell, ...]] = [
        (name, number, "–" if name == ParticipantStatus.WITHDRAWN else _share(number, summary.participants))
        for name, number in summary.statuses
    ]
    totals: list[tuple[Cell, ...]] = [
        (one.of, one.all_participants, one.without_uncertified_approvals) for one in summary.totals
    ]
    bars = [Bar(name, number) for name, number in summary.statuses]
    return Section(
        "Participation",
        (f"{summary.participants:,} participants; withdrawn ones are counted on their own line only.",),
        chart=Chart("Bars: participants by Event Status.", bars=bars),
        tables=(
            Table("Participants by Event Status", ("Event Status", "Participants", "Share"), statuses),
            Table("Totals", ("Number of", "All participants", "Without those approved uncertified"), totals),
        ),
    )


def _timeliness(summary: StateSummary) -> Section:
    found = {one.of: one for one in summary.totals}
    rows: list[tuple[Cell, ...]] = [
        (name, found[name].all_participants, _share(found[name].all_participants, summary.participants))
        for name in _TIMELINESS
    ]
    undecided = summary.participants - sum(found[name].all_participants for name in _TIMELINESS)
    rows.append(("Not finished yet, or nobody to certify", undecided, _share(undecided, summary.participants)))
    return Section(
        "Timeliness",
        chart=Chart(
            "Bars: participants by timeliness.",
            bars=[Bar(str(row[0]), row[1] if isinstance(row[1], int) else None) for row in rows],
        ),
        tables=(Table("Participants by timeliness", ("Timeliness", "Participants", "Share"), rows),),
    )


def _by_day(summary: StateSummary) -> Iterator[Section]:
    days = summary.days
    if not days:
        return
    lines = [
        Line("Certified", [one.certified for one in days], summary.participants),
        Line("Approved", [one.approved for one in days], summary.participants),
    ]
    columns: tuple[str, ...] = ("Day", "Certified", "Approved")
    rows: list[tuple[Cell, ...]] = [(one.day, one.certified, one.approved) for one in days]
    words = "Lines: how many had certified, and how many were approved, by the end of each day"
    if summary.last_year_event:
        lines.append(Line("Certified last year", [one.certified_last_year for one in days],
                          summary.last_year_participants))  # fmt: skip
        columns = (*columns, "Certified last year")
        rows = [(*row, one.certified_last_year) for row, one in zip(rows, days, strict=True)]
        words += ", beside those of the year before"
    chart = Chart(f"{words}, as shares of the participants.", lines=lines)
    sentences = (f"Last year: {summary.last_year_event}.",) if summary.last_year_event else ()
    yield Section("Day by day", sentences, chart=chart, tables=(Table("By the end of each day", columns, rows),))


def _findings(summary: StateSummary) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (one.rule, one.title, one.severity, one.findings, one.participants, one.could_not_run)
        for one in summary.findings
    ]
    if not rows:
        return Section("Findings by rule", ("No rule found anything on the data shown to approvers.",))
    columns = ("Rule", "Title", "Severity", "Findings", "Participants", "Could not run for")
    bars = [Bar(f"{one.rule} {one.title}", one.findings) for one in summary.findings[:_MOST_BARS]]
    more = " The chart shows the first of them." if len(summary.findings) > _MOST_BARS else ""
    return Section(
        "Findings by rule",
        (f"On the data shown to approvers, the certified ones where there are any.{more}",),
        chart=Chart("Bars: findings by rule, most first.", bars=bars),
        tables=(Table("Findings of each rule", columns, rows),),
    )


def _last_year(summary: StateSummary) -> Section:
    if summary.last_year_event is None:
        return Section("Change against last year", ("There is no event of the category in the year before.",))
    rows: list[tuple[Cell, ...]] = [
        (one.what, one.now, one.last_year, _signed(one.difference)) for one in summary.changes
    ]
    columns = ("Number of", "This event", "Last year", "Difference")
    return Section(
        "Change against last year",
        (f"Last year: {summary.last_year_event}.",),
        tables=(Table("This event beside last year's", columns, rows),),
    )


def _share(part: int, whole: int) -> str:
    """Rounded, but 100 % means all and 0 % none."""
    if not whole or part in {0, whole}:
        return f"{100 if part else 0} %" if whole else "–"
    return f"{min(99, max(1, round(100 * part / whole)))} %"


def _signed(difference: int | None) -> str:
    if difference is None:
        return "–"
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else ""
    return f"{sign}{abs(difference):,}"
