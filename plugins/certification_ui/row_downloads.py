"""Rows about people as files: who takes them is written down first, then they are sent while they are read.

The request's own transaction is read-only and over before the first byte is sent, so the entry of the audit trail has
a transaction of its own, and so have the rows.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from threading import BoundedSemaphore

import sqlalchemy as sa
from fastapi import Request
from sqlalchemy.orm import Session

from certification_lib.certification.downloading import note_download
from certification_lib.database import transaction
from certification_lib.errors import BadInput, Conflict
from certification_ui.deps import show_rows, visible_rows
from certification_ui.downloads import FileFormat
from certification_ui.streamed_workbook import StreamedSheet
from certification_ui.turns import DOWNLOADS_AT_ONCE
from certification_ui.visit import Visit

# Each keeps a connection for as long as its receiver takes: most of them stay with the pages.
_running = BoundedSemaphore(DOWNLOADS_AT_ONCE)


def wanted_format(request: Request) -> FileFormat:
    asked = request.query_params.get("format", "csv")
    if asked == "csv":
        return "csv"
    if asked == "xlsx":
        return "xlsx"
    raise BadInput("Choose csv or xlsx.")


def file_name_part(number: str) -> str:
    """An organization's number as it can stand in the name of a file."""
    return "".join(character for character in number if character.isalnum() or character == "-")


def downloaded(
    visit: Visit,
    key: str,
    number: str,
    what: str,
    rows: int,
    *,
    revision: int,
    file_format: FileFormat,
    narrowed_by: str | None = None,
) -> None:
    """Write down who takes how many rows of what; when that fails nobody gets them."""
    with transaction(_engine(visit)) as session:
        note_download(
            key, number, what, rows,
            revision=revision, file_format=file_format, narrowed_by=narrowed_by,
            session=session, actor=visit.actor, now=visit.now,
        )  # fmt: skip


def streamed(visit: Visit, rows_of: Callable[[Session], Iterator[bytes]]) -> Iterator[bytes]:
    """The rows as CSV, on a connection of their own that is shown the rows that this request is shown.

    Conflict, before anything is sent, when as many downloads are running as may.
    """
    engine, visible = _engine(visit), visible_rows(visit.session)
    if not _running.acquire(blocking=False):
        raise Conflict("Other downloads are being sent. Try again in a minute.")

    def rows() -> Iterator[bytes]:
        session = Session(engine)
        try:
            session.execute(sa.text("set transaction read only"))
            show_rows(session, visible)
            yield from rows_of(session)
        except BaseException:
            session.invalidate()  # a connection left in the middle of COPY is of no more use
            raise
        finally:
            session.close()
            _running.release()

    # Begun here, so that what goes wrong is answered as an error and not as half a file, and so that what nobody
    # reads to its end still gives its place back.
    begun = rows()
    return chain([next(begun, b"")], begun)


def csv_with_labels(labels: Sequence[str], rows: Iterator[bytes]) -> Iterator[bytes]:
    """With a byte order mark, without which Excel takes UTF-8 for something else."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(labels)
    yield line.getvalue().encode("utf-8-sig")
    yield from rows


def sheet_of(title: str, labels: Sequence[str], rows: Iterator[bytes]) -> StreamedSheet:
    """The same as a sheet of a workbook."""
    return StreamedSheet(title, labels, csv.reader(_lines(rows)))


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    for chunk in chunks:
        # A chunk ends with a row, and a row nowhere but at a line feed outside quotes.
        yield from io.StringIO(chunk.decode(), newline="\n")


def _engine(visit: Visit) -> sa.Engine:
    engine: sa.Engine = visit.request.app.state.engine
    return engine
