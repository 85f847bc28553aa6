"""`certify report`: reports of events as files."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from certification_lib.commands.boundary import acting, task_engine

if TYPE_CHECKING:
    from certification_lib.reports.document import Document


class Format(StrEnum):
    """What kind of file."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


class EventUnlessNamed(TyperGroup):
    """`certify report KEY` is short for `certify report event KEY`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = ["event", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=EventUnlessNamed, no_args_is_help=True, help="Reports to be handed on.")


@app.callback()
def reports() -> None:
    """Reports to be handed on; `certify report KEY` is the Event Report."""


FormatOption = Annotated[Format, typer.Option("--format", help="What kind of file.")]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="The file, instead of standard output.")]
PersonOption = Annotated[str | None, typer.Option("--as", metavar="USERNAME", help="For whom it is made.")]
KeyArgument = Annotated[str, typer.Argument(help="The event's key.")]
NumberArgument = Annotated[str, typer.Argument(help="The participant's number.")]


@app.command("event")
def event(  # noqa: PLR0917 - typer fills the parameters by name
    key: KeyArgument,
    report_format: FormatOption = Format.JSON,
    output: OutputOption = None,
    status: Annotated[list[str] | None, typer.Option(help="Only this Event Status; may be repeated.")] = None,
    participant: Annotated[list[str] | None, typer.Option(help="Number of a participant; may be repeated.")] = None,
    include_reviewers: Annotated[bool, typer.Option("--include-reviewers", help="Reviewers too.")] = False,
    username: PersonOption = None,
) -> None:
    """The Event Report: header, totals, state staff, participants and who of them certified when."""
    from certification_lib.errors import BadInput
    from certification_lib.events.models import ParticipantStatus
    from certification_lib.reports.event_report import Choice
    from certification_lib.reports.reading import event_report
    from certification_lib.reports.writing import ReportFormat, write_report

    unknown = [one for one in status or () if one not in set(ParticipantStatus)]
    if unknown:
        raise BadInput(f"There is no Event Status {unknown[0]}. There are: {', '.join(ParticipantStatus)}.")
    choice = Choice([ParticipantStatus(one) for one in status or ()], participant or (), include_reviewers)
    with acting(username) as boundary:
        made_by = boundary.actor.name
        report = event_report(key, choice, made_by=made_by, session=boundary.session, now=boundary.now)
    _save(write_report(report, ReportFormat(report_format.value)), output)


@app.command("participant")
def participant(  # noqa: PLR0917 - typer fills the parameters by name
    key: KeyArgument,
    number: NumberArgument,
    report_format: FormatOption = Format.JSON,
    output: OutputOption = None,
    public: Annotated[bool, typer.Option("--public", help="Without numbers so small that they name somebody.")] = False,
    username: PersonOption = None,
) -> None:
    """The certification report of one participant: totals, findings, signatures, digests."""
    from certification_lib.reports import certification_document
    from certification_lib.reports.certification_reading import certification_report

    with acting(username) as boundary:
        found = certification_report(key, number, for_the_public=public, **boundary.as_keywords())
    _save_document(found, certification_document.as_document(found), report_format, output)


@app.command("summary")
def summary(
    key: KeyArgument,
    report_format: FormatOption = Format.JSON,
    output: OutputOption = None,
    username: PersonOption = None,
) -> None:
    """The state's summary of an event: participation, timeliness, findings by rule, last year."""
    from certification_lib.reports import summary_document
    from certification_lib.reports.state_summary import state_summary

    with acting(username) as boundary:
        found = state_summary(key, made_by=boundary.actor.name, session=boundary.session, now=boundary.now)
    _save_document(found, summary_document.as_document(found), report_format, output)


@app.command("story")
def story(
    key: KeyArgument,
    number: NumberArgument,
    report_format: FormatOption = Format.JSON,
    output: OutputOption = None,
    username: PersonOption = None,
) -> None:
    """Who certified what, when, on which data: everything that happened to a participant, in order."""
    from certification_lib.reports import story as stories

    with acting(username) as boundary:
        found = stories.story(key, number, made_by=boundary.actor.name, session=boundary.session, now=boundary.now)
    _save_document(found, stories.as_document(found), report_format, output)


def package(
    key: KeyArgument,
    check: Annotated[bool, typer.Option("--check", help="Compute every digest again; write nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Write it anew although it is whole.")] = False,
    folder: Annotated[
        str | None, typer.Option(help="Folder or fsspec address, instead of the setting package_folder.")
    ] = None,
) -> None:
    """The closing package of a closed event: every report, the certified data as Parquet, a manifest of digests."""
    from certification_lib.errors import Conflict
    from certification_lib.reports.packages import make_package, package_differences
    from certification_lib.settings import load_settings

    where = folder or load_settings().package_folder
    if check:
        differences = package_differences(key, where)
        if differences:
            raise Conflict("The package is not what its manifest says.", problems=differences)
        typer.echo(f"{key}: every file is what the manifest says.")
        return
    with task_engine() as engine:
        made = make_package(key, where, engine=engine, again=again)
    done = "written to" if made.made_now else "is whole at"
    typer.echo(
        f"{key}: {done} {made.address}, {made.files} files, {made.size:,} bytes, manifest {made.manifest_digest}"
    )


def _save_document(report: Any, document: "Document", report_format: Format, output: Path | None) -> None:
    from certification_lib.reports.document_files import write_document
    from certification_lib.reports.formats import ReportFormat

    _save(write_document(report, document, ReportFormat(report_format.value)), output)


def _save(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
        typer.echo(f"{output}: {len(content):,} bytes")
