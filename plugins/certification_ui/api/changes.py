"""What differs between two revisions of one participant."""

from typing import Annotated, Any

from fastapi import Query

from certification_lib.categories.queries import state_role
from certification_lib.certification import queries
from certification_lib.certification.changes import difference, revisions_of
from certification_lib.errors import BadInput, NotAllowed, NotFound
from certification_lib.events.queries import event_head
from certification_lib.snapshots.changed_rows import changed_rows
from certification_lib.snapshots.comparison import total
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.events import EVERYBODY, Limit
from certification_ui.deps import show_rows_of, show_rows_to_state
from certification_ui.routes import rest_router
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Participants", "/events/{key}/participants")

RevisionNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get("/{number}/changes", dependencies=[EVERYBODY])
def changes(
    key: str,
    number: str,
    visit: VisitOfRequest,
    before: Annotated[RevisionNumber, Query(alias="from", description="Default: the one certified last")] = None,
    after: Annotated[RevisionNumber, Query(alias="to", description="Default: the current one")] = None,
    view: str | None = None,
    school: Annotated[str | None, Query(pattern="^[^\\x00]*$", description="Empty: rows without a school")] = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """Rows added, removed and changed by view and school; with `view` these rows, for those who may see rows."""
    participant_id, known = _opened(visit, key, number, rows=view is not None)
    first, second = before or known[0], after or known[1]
    if first is None or second is None:
        raise BadInput("Nothing was certified yet: name the revisions to compare, as in ?from=1&to=2.")
    pair = revisions_of(participant_id, (first, second), session=visit.session)
    named = {"from": first, "to": second}
    if view is None:
        views = difference(pair, session=visit.session)
        counts = total(one.counts for one in views)
        items = [{**plain(one), "counts": plain(one.counts)} for one in views]
        return {**named, "summary": str(counts), "counts": plain(counts), "views": items}
    offset = position_of(cursor, first=0)
    rows = changed_rows(pair, view, session=visit.session, school=school, offset=offset, limit=limit + 1)
    more = cursor_of(offset + limit) if len(rows) > limit else None
    return listed(rows[:limit], next_cursor=more, view=view, **named)


def _opened(visit: Visit, key: str, number: str, *, rows: bool) -> tuple[int, tuple[int | None, int | None]]:
    """The participant, and the revisions compared when none are named: certified last, and current.

    Opens the rows to this session where the person may see them; refuses when he asks for them and may not.
    """
    if not visit.visitor.views_events:
        own = queries.my_event(key, number, **visit.act)
        if own.revision is None:
            raise NotFound("There are no data to compare yet.")
        show_rows_of(visit.session, [own.lea_number])
        since = own.changed_since
        return own.participant_id, (since.from_revision, since.to_revision) if since else (None, own.revision.number)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    category = event_head(key, session=visit.session, now=visit.now).category
    if state_role(category.id, visit.actor.person_id or 0, session=visit.session) is not None:
        show_rows_to_state(visit.session)
    elif rows:
        raise NotAllowed(f"Student rows are for Approvers and Reviewers of the category {category.name}.")
    current = detail.current.number if detail.current else None
    return detail.row.id, (detail.changed_since.from_revision if detail.changed_since else None, current)
