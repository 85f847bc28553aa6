"""What the rules found: the worklist of one participant, the matrix of all, and who works on what."""

from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from certification_lib.categories.models import Level
from certification_lib.categories.queries import state_role
from certification_lib.certification import queries
from certification_lib.certification.assigning import Work, assign_rule, work_on_rules
from certification_lib.certification.readmodels import RevisionView
from certification_lib.errors import NotAllowed, NotFound
from certification_lib.events.queries import event_by_key, event_head
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.models import Severity
from certification_lib.validation.matrix import MatrixFilter, MatrixOrder, matrix, matrix_rules
from certification_lib.validation.worklist import WorkRule, rule_of, worklist
from certification_lib.validation.worklist_rows import RowFilter, WorkRow, row_count, rows
from certification_ui.api.answers import cursor_of, listed, plain, position_of
from certification_ui.api.bodies import Body, Text
from certification_ui.api.events import EVERYBODY, Limit
from certification_ui.api.once import OnceOfRequest
from certification_ui.deps import right, show_rows_of, show_rows_to_state
from certification_ui.findings_files import findings_file
from certification_ui.routes import rest_router
from certification_ui.rule_page import NO_RESULTS, only_school
from certification_ui.visit import Visit, VisitOfRequest

router = rest_router("Findings", "/events/{key}")
READS = right(Tool.EVENT_MANAGEMENT, Right.READ)
ACTS = right(Tool.CERTIFICATION_EVENT, Right.WRITE)


class SearchBody(Body):
    """Looked for in the identifiers of rows. In the body, never in an address: it may be a student's number."""

    text: Text = Field(min_length=1, max_length=100)
    rule: str | None = None
    school: str | None = None
    new: bool = Field(default=False, description="Only rows that the revision before did not have")
    cursor: str | None = None


class WorkBody(Body):
    assigned_to: str | None = Field(default=None, description="Username of a member; null: nobody")
    note: Text = ""


class Opened:
    """A participant whose findings the person may read, and whose rows of it."""

    def __init__(
        self, revision: RevisionView | None, school: str | None, work: dict[int, Work] | None, rows: bool
    ) -> None:
        self.revision, self.school, self.work, self.rows = revision, school, work, rows

    def rules(self, visit: Visit) -> list[WorkRule]:
        return worklist(self.revision.id, session=visit.session) if self.revision else []


@router.get("/participants/{number}/findings", dependencies=[EVERYBODY])
def findings(
    key: str,
    number: str,
    visit: VisitOfRequest,
    rule: str | None = None,
    severity: Severity | None = None,
    school: str | None = None,
    new: Annotated[bool, Query(description="With rule: only rows that the revision before did not have")] = False,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """The worklist: every rule with its exact count, its trend since the revision before, what to do, who works on it.

    With `rule` its failing rows, for the organization's people and the category's staff. The trend is told to those who
    may see rows.
    """
    opened = _opened(visit, key, number, rows=rule is not None)
    rules = opened.rules(visit)
    if rule is None:
        shown = [_rule(one, opened.work) for one in rules if severity in {None, one.severity}]
        return listed(shown, revision=opened.revision.number if opened.revision else None)
    found = rule_of(rule, rules)
    if found is None or opened.revision is None:
        raise NotFound(NO_RESULTS)
    where = only_school(RowFilter(school=school, only_new=new), opened.school)
    return _page(visit, opened.revision, [found], where, cursor, limit, **_rule(found, opened.work))


@router.post("/participants/{number}/findings/search", dependencies=[EVERYBODY])
def search(key: str, number: str, body: SearchBody, visit: VisitOfRequest, limit: Limit = 50) -> Any:
    """Rows in which a text stands, of all rules or of one. Changes nothing."""
    opened = _opened(visit, key, number, rows=True)
    if opened.revision is None:
        raise NotFound(NO_RESULTS)
    rules = [one for one in opened.rules(visit) if body.rule in {None, one.code}]
    where = only_school(RowFilter(body.school, body.new, body.text), opened.school)
    return _page(visit, opened.revision, rules, where, body.cursor, limit)


@router.get("/participants/{number}/findings/file", dependencies=[EVERYBODY])
def file(key: str, number: str, visit: VisitOfRequest, request: Request) -> Response:
    """The worklist as a file: `?format=csv|xlsx`, and if wanted `rule`, `school`, `new=yes`."""
    opened = _opened(visit, key, number, rows=True)
    return findings_file(visit, opened.revision, number, school=opened.school, work=opened.work, request=request)


@router.put("/participants/{number}/findings/{code}/work", status_code=200, dependencies=[ACTS])
def assign(key: str, number: str, code: str, body: WorkBody, visit: VisitOfRequest, once: OnceOfRequest) -> Response:
    """Who of the organization works on a rule's findings, and a note for the colleagues."""

    def act() -> dict[str, Any]:
        show_rows_of(visit.session, [queries.my_event(key, number, **visit.act).lea_number])
        assign_rule(key, number, code, username=body.assigned_to, note=body.note, **visit.act)
        return {"rule": code, "assigned_to": body.assigned_to, "note": body.note}

    return once(act, body)


@router.get("/findings", dependencies=[READS])
def findings_matrix(
    key: str,
    visit: VisitOfRequest,
    severity: Annotated[list[Severity] | None, Query()] = None,
    rule: Annotated[list[str] | None, Query()] = None,
    area: str | None = None,
    search: Annotated[str, Query(description="In the name or number of a participant")] = "",
    every: Annotated[bool, Query(description="Also participants and rules without findings")] = False,
    order: MatrixOrder = MatrixOrder.FINDINGS,
    cursor: str | None = None,
    limit: Limit = 50,
) -> Any:
    """Participants by rules: counts on what each certified, or else on its current revision."""
    event = event_by_key(key, session=visit.session)
    place = position_of(cursor, first=0)
    rules = matrix_rules(event.id, session=visit.session)
    where = MatrixFilter(severity or (), rule or (), area, search, not every, order)
    found = matrix(event.id, where, rules=rules, columns=len(rules), offset=place, limit=limit, session=visit.session)
    codes = {one.rule_id: one.code for one in found.columns}
    items = [
        {
            "number": row.number,
            "name": row.name,
            "findings": row.findings,
            "errors": row.errors,
            "could_not_run": row.could_not_run,
            "validated": row.validated,
            "rules": {
                codes[rule_id]: "could not run" if cell.could_not_run is not None else cell.finding_count
                for rule_id, cell in row.cells.items()
            },
        }
        for row in found.rows
    ]
    more = cursor_of(place + limit) if place + limit < found.total_rows else None
    return listed(items, next_cursor=more, total=found.total_rows, rules=found.columns)


def _opened(visit: Visit, key: str, number: str, *, rows: bool) -> Opened:
    """Opens the rows to this session where the person may see them; refuses who asks for them and may not."""
    if not visit.visitor.views_events:
        own = queries.my_event(key, number, **visit.act)
        show_rows_of(visit.session, [own.lea_number])
        school = own.event.number if own.event.level is Level.SCHOOL else None
        return Opened(own.revision, school, work_on_rules(own.participant_id, session=visit.session), True)
    detail = queries.participant_detail(key, number, session=visit.session, now=visit.now)
    category = event_head(key, session=visit.session, now=visit.now).category
    listed_there = state_role(category.id, visit.actor.person_id or 0, session=visit.session) is not None
    if listed_there:
        show_rows_to_state(visit.session)
    elif rows:
        raise NotAllowed(f"Student rows are for Approvers and Reviewers of the category {category.name}.")
    return Opened(detail.shown, None, None, listed_there)


def _rule(rule: WorkRule, work: dict[int, Work] | None) -> dict[str, Any]:
    named = ("code", "title", "severity", "grain", "view", "what_is_wrong", "why_it_matters", "how_to_fix_it",
             "finding_count", "could_not_run", "trend")  # fmt: skip
    told = {name: plain(getattr(rule, name)) for name in named}
    if work is None:
        return told
    known = work.get(rule.rule_id)
    return {**told, "assigned_to": known.username if known else None, "note": known.note if known else ""}


def _page(
    visit: Visit,
    revision: RevisionView,
    rules: list[WorkRule],
    where: RowFilter,
    cursor: str | None,
    limit: int,
    **more: Any,
) -> Any:
    place = position_of(cursor, first=0)
    found = rows(revision.id, rules, where=where, offset=place, limit=limit, session=visit.session)
    total = row_count(revision.id, rules, where=where, session=visit.session)
    next_cursor = cursor_of(place + limit) if place + limit < total else None
    return listed([_row(one) for one in found], next_cursor=next_cursor, listed=total, **more)


def _row(row: WorkRow) -> dict[str, Any]:
    finding = row.finding
    return {"rule": row.rule.code, "school": finding.school_number, "new": row.is_new, **finding.identifiers}
