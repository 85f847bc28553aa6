"""`certify report`: reports of events as files."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from certification_lib.commands.boundary import acting


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


@app.command("event")
def event(  # noqa: PLR0917 - typer fills the parameters by name
    key: Annotated[str, typer.Argument(help="The event's key.")],
    report_format: Annotated[Format, typer.Option("--format", help="What kind of file.")] = Format.JSON,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file, instead of standard output.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only this Event Status; may be repeated.")] = None,
    participant: Annotated[list[str] | None, typer.Option(help="Number of a participant; may be repeated.")] = None,
    include_reviewers: Annotated[bool, typer.Option("--include-reviewers", help="Reviewers too.")] = False,
    username: Annotated[str | None, typer.Option("--as", metavar="USERNAME", help="For whom it is made.")] = None,
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
    content = write_report(report, ReportFormat(report_format.value))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
        typer.echo(f"{output}: {len(content):,} bytes")
