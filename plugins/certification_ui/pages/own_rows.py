"""The rows behind the totals, for the people of the organization itself: a page at a time, or as a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from certification_lib.certification.own_readmodels import MyEventDetail
from certification_lib.certification.readmodels import RevisionView
from certification_lib.errors import NotFound
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.revision_rows import RevisionRows, count_rows, revision_rows, rows_as_csv
from certification_ui import totals, urls
from certification_ui.deps import right
from certification_ui.downloads import sent_while_written
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.pages.own_worklist import opened
from certification_ui.routes import page_router
from certification_ui.row_downloads import (
    csv_with_labels,
    downloaded,
    file_name_part,
    sheet_of,
    streamed,
    wanted_format,
)
from certification_ui.streamed_workbook import streamed_workbook
from certification_ui.visit import Visit, VisitOfRequest
from certification_ui.worklist import school_names

router = page_router()
look = right(Tool.CERTIFICATION_EVENT, Right.READ)
PAGE_SIZE = 50
# What the district knows of itself, and what only the datamart needs.
_LEFT_OUT = frozenset({"district_id", "row_key"})


@dataclass(frozen=True)
class Choice:
    """A column by which the rows can be narrowed, with its values as (value, words)."""

    column: str
    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True)
class Shown:
    """The rows asked for, with labels; addresses hold a value of a breakdown at most, never one of a student."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


@router.get(urls.OWN_ROWS, dependencies=[look])
def own_rows(visit: VisitOfRequest, request: Request, key: str, number: str, view: str) -> Response:
    detail, revision = _opened(visit, key, number, view)
    only, page = _only(request, revision, view), page_number(request.query_params.get("page", "1"))
    found = revision_rows(
        revision.id, view, only=only, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE, session=visit.session
    )
    values = {only[0]: only[1]} if only else {}
    keys = {"key": key, "number": number, "view": view}
    return visit.page(
        "own/rows.html",
        detail=detail,
        revision=revision,
        title=totals.view_title(view),
        view=view,
        shown=_shown(visit, found, view),
        choices=_choices(visit, revision, view, only),
        query=urlencode(values),
        pages=numbered_pages(visit, urls.OWN_ROWS, values, page=page, size=PAGE_SIZE, total=found.total, **keys),
    )


@router.get(urls.OWN_ROWS_FILE, dependencies=[look])
def own_rows_file(visit: VisitOfRequest, request: Request, key: str, number: str, view: str) -> Response:
    _, revision = _opened(visit, key, number, view)
    file_format = wanted_format(request)
    only = _only(request, revision, view)
    found = count_rows(revision.id, view, only=only, session=visit.session)
    title = totals.view_title(view)
    downloaded(
        visit, key, number, title, found.total,
        revision=revision.number, file_format=file_format, narrowed_by=only[0] if only else None,
    )  # fmt: skip
    columns = tuple(name for name in found.columns if name not in _LEFT_OUT)
    labels = [totals.column_label(view, name) for name in columns]
    name = f"{view.replace('_', '-')}-{file_name_part(number)}-revision-{revision.number}"

    def rows_of(session: Session) -> Iterator[bytes]:
        as_text = file_format == "csv"
        return rows_as_csv(revision.id, view, columns, session=session, only=only, formulas_as_text=as_text)

    rows = streamed(visit, rows_of)
    if file_format == "csv":
        return sent_while_written(file_format, name, csv_with_labels(labels, rows))
    return sent_while_written(file_format, name, streamed_workbook([sheet_of(title, labels, rows)]))


def _opened(visit: Visit, key: str, number: str, view: str) -> tuple[MyEventDetail, RevisionView]:
    """The person's own participant with its rows opened to this session."""
    detail = opened(visit, key, number)
    if detail.revision is None or view not in detail.revision.row_counts:
        raise NotFound("There are no such data.")
    return detail, detail.revision


def _divided(revision: RevisionView, view: str) -> dict[str, dict[str, int]]:
    """{column: {value: count}} by which the totals of the view divide."""
    return dict((revision.totals.get(view) or {}).get("by") or {})


def _only(request: Request, revision: RevisionView, view: str) -> tuple[str, str] | None:
    """The column and value asked for; only those that the totals name."""
    for column, values in _divided(revision, view).items():
        value = request.query_params.get(column)
        if value in values:
            return column, str(value)
    return None


def _choices(visit: Visit, revision: RevisionView, view: str, only: tuple[str, str] | None) -> Sequence[Choice]:
    made = []
    for column, values in _divided(revision, view).items():
        names = school_names(list(values), session=visit.session) if column == "school_id" else {}
        options = tuple((value, names.get(value, value)) for value in sorted(values))
        made.append(
            Choice(column, totals.column_label(view, column), options, only[1] if only and only[0] == column else "")
        )
    return made


def _shown(visit: Visit, found: RevisionRows, view: str) -> Shown:
    places = [place for place, name in enumerate(found.columns) if name not in _LEFT_OUT]
    school = next((place for place in places if found.columns[place] == "school_id"), None)
    numbers = {row[school] or "" for row in found.rows} if school is not None else set()
    names = school_names(numbers - {""}, session=visit.session)
    return Shown(
        columns=tuple(totals.column_label(view, found.columns[place]) for place in places),
        rows=tuple(
            tuple(names.get(row[place] or "", "") if place == school else row[place] or "" for place in places)
            for row in found.rows
        ),
        total=found.total,
    )
