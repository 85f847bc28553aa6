"""What differs between two revisions: in numbers for all who follow the event, in rows for those who may see rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.changes import difference, revisions_of
from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_lib.snapshots.changed_rows import ChangedRow, changed_rows
from certification_lib.snapshots.comparison import NO_SCHOOL, Counts, Pair, ViewDifference, total
from certification_ui import totals, urls, words, worklist
from certification_ui.deps import right, show_rows_of, show_rows_to_state
from certification_ui.forms import as_number
from certification_ui.pages.events import numbered_pages, page_number, powers, refuse_without_place
from certification_ui.pages.own_events import own_detail, own_zone
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
PAGE_SIZE = 25
WITHOUT_SCHOOL = "none"
"""How an address says "rows of no school"; nothing at all says "of every school"."""


class ChangesQuery:
    """Which two revisions, and whose rows of them; all of it in the address, and nothing of a student."""

    def __init__(
        self,
        before: Annotated[str, Query(alias="from")] = "",
        after: Annotated[str, Query(alias="to")] = "",
        view: str = "",
        school: str = "",
        page: str = "1",
    ) -> None:
        self.before = as_number(before)
        self.after = as_number(after)
        self.view = view.replace("\0", "")[:100]
        self.school = school.replace("\0", "")[:100]
        self.page = page_number(page)

    @property
    def of_school(self) -> str | None:
        if not self.school:
            return None
        return NO_SCHOOL if self.school == WITHOUT_SCHOOL else self.school


@dataclass(frozen=True)
class Value:
    """One column of a row; a changed one was something else before."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Row:
    """A row that differs: of a changed one only the columns that changed, of the others all that it had."""

    change: str
    school: str
    row_key: str
    values: tuple[Value, ...]


@router.get(urls.PARTICIPANT_CHANGES, dependencies=[right(Tool.EVENT_MANAGEMENT, Right.READ)])
def participant_changes(
    visit: VisitOfRequest, key: str, number: str, asked: Annotated[ChangesQuery, Depends()]
) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    held = powers(visit, shown)
    if asked.view:
        refuse_without_place(held, shown)
    if held.opens_rows:
        show_rows_to_state(visit.session)
    since = detail.changed_since
    default = (since.from_revision if since else None, detail.current.number if detail.current else None)
    found = compared(visit, detail.row.id, default, asked, urls.PARTICIPANT_CHANGES, key=key, number=number)
    opens = held.opens_rows
    return visit.page("events/changes.html", status=found.status, shown=shown, detail=detail, opens=opens, found=found)


@router.get(urls.OWN_CHANGES, dependencies=[right(Tool.CERTIFICATION_EVENT, Right.READ)])
def own_changes(visit: VisitOfRequest, key: str, number: str, asked: Annotated[ChangesQuery, Depends()]) -> Response:
    detail = own_detail(visit, key, number)
    if detail.revision is None:
        raise NotFound("There are no data to compare yet.")
    show_rows_of(visit.session, [detail.lea_number])
    since = detail.changed_since
    default = (since.from_revision, since.to_revision) if since else (None, detail.revision.number)
    found = compared(visit, detail.participant_id, default, asked, urls.OWN_CHANGES, key=key, number=number)
    return visit.page(
        "own/changes.html", status=found.status, detail=detail, own_zone=own_zone(visit, detail), found=found
    )


@dataclass(frozen=True)
class Compared:
    """What a page shows of two revisions; `before` None: nothing to compare with was named, and nothing certified."""

    before: int | None
    after: int | None
    views: tuple[ViewDifference, ...] = ()
    schools: Mapping[str, str] | None = None
    problem: str | None = None
    status: int = 200
    view: str = ""
    school: str = ""
    rows: tuple[Row, ...] = ()
    pages: Any = None

    @property
    def counts(self) -> Counts:
        return total(view.counts for view in self.views)


def compared(
    visit: Visit,
    participant_id: int,
    default: tuple[int | None, int | None],
    asked: ChangesQuery,
    address: str,
    **keys: str,
) -> Compared:
    """The comparison asked for, else the usual one. The caller has opened the rows that the person may see."""
    before, after = asked.before or default[0], asked.after or default[1]
    if before is None or after is None:
        return Compared(before, after)
    pair = revisions_of(participant_id, (before, after), session=visit.session)
    try:
        views = difference(pair, session=visit.session)
        rows = _rows(visit, pair, asked) if asked.view else []
    except CertificationError as error:
        return Compared(before, after, problem=str(error), status=error.status)
    numbers = {school.number for view in views for school in view.schools}
    schools = worklist.school_names(numbers, session=visit.session)
    values = {"from": str(before), "to": str(after), "view": asked.view, "school": asked.school}
    return Compared(
        before,
        after,
        views,
        schools,
        view=asked.view,
        school=schools.get(asked.of_school or NO_SCHOOL, asked.school) if asked.school else "",
        rows=tuple(_row(asked.view, one, schools) for one in rows),
        pages=numbered_pages(
            visit,
            address,
            {name: value for name, value in values.items() if value},
            page=asked.page,
            size=PAGE_SIZE,
            total=_matching(views, asked),
            **keys,
        ),
    )


def _rows(visit: Visit, pair: Pair, asked: ChangesQuery) -> list[ChangedRow]:
    return changed_rows(
        pair,
        asked.view,
        session=visit.session,
        school=asked.of_school,
        offset=(asked.page - 1) * PAGE_SIZE,
        limit=PAGE_SIZE,
    )


def _matching(views: tuple[ViewDifference, ...], asked: ChangesQuery) -> int:
    """How many rows the list has in all."""
    counts = total(
        school.counts
        for view in views
        for school in view.schools
        if view.view == asked.view and asked.of_school in (None, school.number)
    )
    return counts.added + counts.removed + counts.changed


def _row(view: str, one: ChangedRow, schools: Mapping[str, str]) -> Row:
    was, now = one.before or {}, one.after or {}
    columns = one.columns or tuple(now or was)
    values = tuple(Value(totals.column_label(view, name), was.get(name), now.get(name)) for name in columns)
    number = one.school or NO_SCHOOL
    return Row(words.column_title(one.change), schools.get(number, number), one.row_key, values)
