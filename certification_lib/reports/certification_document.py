"""The certification report as a document."""

from collections.abc import Iterator

from certification_lib.people.zone_names import zone_name
from certification_lib.reports.certification_report import CertificationReport
from certification_lib.reports.document import Document, Section
from certification_lib.reports.said import in_words
from certification_lib.reports.shown_totals import amount, view_title
from certification_lib.reports.small_cells import TotalsOfView
from certification_lib.reports.tables import Cell, Table

NOT_SHOWN = "not shown"


def as_document(report: CertificationReport) -> Document:
    """In the order in which a board reads: what was certified, the totals, the findings, who signed."""
    of = f"{report.name} ({report.number})"
    return Document(
        file_name=f"certification-report-{report.event_key}-{_safe(report.number)}",
        title=f"Certification Report: {report.name}",
        author=report.state_name,
        description=f"{report.event_name}, {of}",
        made_at=report.made_at,
        sentences=tuple(_lead(report)),
        sections=tuple(_sections(report)),
    )


def _lead(report: CertificationReport) -> Iterator[str]:
    of = f"{report.name} ({report.number})"
    stands = f"{report.status}: {report.progress} in round {report.round}."
    yield f"{report.event_name}, {report.school_year}, {of}. {stands}"
    if report.withdrawn_at:
        yield f"Withdrawn {in_words(report.withdrawn_at)}: {report.withdrawn_reason or 'by a republish'}."
    if report.revision is None:
        yield "There are no data of this organization in the event."
    elif not report.is_certified_data and report.approved_at:
        yield "Approved without everyone's certification. What is shown are the data that were approved."
    elif not report.is_certified_data:
        yield "Nothing is certified yet. What is shown are the current data."
    if report.small_numbers_below is not None:
        most = report.small_numbers_below - 1
        yield (
            f"Numbers from 1 to {most} are {NOT_SHOWN}, nor are others from which they could be computed, so that "
            "nobody can be recognized."
        )
    zone = zone_name(report.time_zone)
    yield f"Days and times are {zone}. Made by {report.made_by} on {in_words(report.made_at)}."


def _sections(report: CertificationReport) -> Iterator[Section]:
    yield Section("What was certified", (report.statement,), tables=(Table("Certification", _TWO, _facts(report)),))
    for view in report.totals:
        yield Section(view.title, tables=tuple(_totals(view)))
    yield _findings(report)
    yield _signatures(report)
    if report.data:
        yield _data(report)


_TWO = ("What", "As it stands")


def _facts(report: CertificationReport) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = [
        ("Event", report.event_name),
        ("Category", report.category),
        ("School Year", report.school_year),
        ("Count Date", report.count_date),
        ("Certification Opens", report.opens_date),
        ("Event End Date", report.end_date),
        ("Organization", f"{report.name} ({report.number})"),
        ("Event Status", report.status),
        ("Round", report.round),
        ("Certifiers", report.progress),
        ("Revision", report.revision),
        ("Snapshot Date", report.snapshot_date),
        ("Approved at", report.approved_at),
        ("Approved by", report.approved_by),
        ("Reason of approval", report.approval_reason),
    ]
    if report.lea_number != report.number:
        facts.insert(7, ("LEA", f"{report.lea_name} ({report.lea_number})"))
    return facts


def _totals(view: TotalsOfView) -> Iterator[Table]:
    yield Table(f"{view.title}: totals", ("What", "Number"), [(one.label, _number(one.number)) for one in view.amounts])
    for by in view.divisions:
        yield Table(
            f"{view.title}: by {by.label.lower()}",
            (by.label, "Number"),
            [(one.label, _number(one.number)) for one in by.amounts],
        )


def _number(value: float | None) -> Cell:
    if value is None:
        return NOT_SHOWN
    return value if isinstance(value, int) else amount(value)


def _findings(report: CertificationReport) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (one.rule, one.title, one.severity, "could not run" if one.findings is None else one.findings, one.set_aside)
        for one in report.findings
    ]
    sentences = () if rows else ("No rules have run on these data.",)
    table = Table("Findings by rule", ("Rule", "Title", "Severity", "Findings", "Set aside by the state"), rows)
    return Section("Findings on these data", sentences, tables=(table,) if rows else ())


def _signatures(report: CertificationReport) -> Section:
    signed = [
        (
            one.round, f"{one.name}, {one.title}", one.organization, one.signed_at, one.timeliness, one.channel,
            one.revision, one.errors, one.warnings, one.information, ", ".join(one.could_not_run),
            "stands" if one.stands else "no longer counts", one.nil_return or one.reason_without_change,
        )
        for one in report.signatures
    ]  # fmt: skip
    people: list[tuple[Cell, ...]] = [
        (one.name, one.title, one.user_status, one.certified_at, one.note, one.due_date, one.extended_by,
         one.extension_reason)
        for one in report.people
    ]  # fmt: skip
    tables = [
        Table(
            "Certifiers",
            ("Name", "Title", "User Status", "Certified at", "Note", "Due date", "Extended by", "Reason of extension"),
            people,
        )
    ]
    if signed:
        columns = (
            "Round", "Signed by", "For", "Signed at", "Timeliness", "By way of", "Revision", "Errors", "Warnings",
            "Information", "Could not run", "Standing", "Said besides",
        )  # fmt: skip
        tables.insert(0, Table("Signatures, with the findings at signing", columns, signed))
    return Section("Who certified", () if signed else ("Nobody has certified yet.",), tables=tuple(tables))


def _data(report: CertificationReport) -> Section:
    rows: list[tuple[Cell, ...]] = [(view_title(one.view), _number(one.rows), one.digest) for one in report.data]
    rows.append(("The whole revision", "", report.digest))
    return Section(
        "Digests",
        ("A digest (SHA-256) stands for exactly these data: if one value in them were another, so would it be.",),
        tables=(Table("Data and digests", ("Data", "Rows", "Digest"), rows),),
    )


def _safe(number: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in number)
