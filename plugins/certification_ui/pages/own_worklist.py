"""The worklist of district and school people: rules with what to do about them, their rows, who works on what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from certification_lib.categories.models import Level
from certification_lib.certification import taking
from certification_lib.certification.assigning import Work, assign_rule, work_on_rules
from certification_lib.certification.own_readmodels import MyEventDetail
from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.queries import event_by_key
from certification_lib.people.models import Right, Tool
from certification_lib.rulebook.models import Severity
from certification_lib.validation.run_reports import is_being_validated, last_checked
from certification_lib.validation.worklist import WorkRule, worklist
from certification_lib.validation.worklist_rows import RowFilter, row_count, rows
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right, show_rows_of
from certification_ui.findings_files import findings_file
from certification_ui.forms import Form, fields_of
from certification_ui.pages.events import numbered_pages, page_number
from certification_ui.pages.own_events import own_detail, own_zone
from certification_ui.routes import page_router
from certification_ui.rule_page import Asked, asked, rule_page
from certification_ui.visit import Visit, VisitOfRequest
from certification_ui.worklist import table_of

router = page_router()
look = right(Tool.CERTIFICATION_EVENT, Right.READ)
act = right(Tool.CERTIFICATION_EVENT, Right.WRITE)
RULES_SIZE = 20
SEARCH_SIZE = 200
SHOWN = (
    ("work", "Rules with findings"),
    ("new", "Rules with new findings"),
    ("could-not-run", "Rules that could not run"),
    ("all", "Every rule"),
)
SORTED = (("need", "Most urgent first"), ("count", "Most findings first"), ("code", "By rule code"))


@dataclass(frozen=True)
class Filters:
    """What narrows the list of rules; all of it in the address."""

    show: str
    severity: str
    person: str
    """Username of a colleague, `nobody`, or empty."""
    sort: str
    page: int

    def values(self) -> dict[str, str]:
        given = {"show": self.show, "severity": self.severity, "person": self.person, "sort": self.sort}
        return {name: value for name, value in given.items() if value and value not in {"work", "need"}}


def filters_of(request: Request) -> Filters:
    given = request.query_params
    show, severity, sort = given.get("show", ""), given.get("severity", ""), given.get("sort", "")
    return Filters(
        show=show if show in dict(SHOWN) else "work",
        severity=severity if severity in set(Severity) else "",
        person=given.get("person", "")[:200],
        sort=sort if sort in dict(SORTED) else "need",
        page=page_number(given.get("page", "1")),
    )


def filtered(rules: Sequence[WorkRule], work: dict[int, Work], by: Filters) -> list[WorkRule]:
    """The rules to show, in the order asked for."""

    def is_shown(rule: WorkRule) -> bool:
        assigned = work[rule.rule_id].username if rule.rule_id in work else None
        return (
            {
                "work": rule.needs_work,
                "new": bool(rule.trend and rule.trend.new),
                "could-not-run": rule.could_not_run is not None,
                "all": True,
            }[by.show]
            and (not by.severity or rule.severity == by.severity)
            and (not by.person or (assigned or "nobody") == by.person)
        )

    found = [rule for rule in rules if is_shown(rule)]
    if by.sort == "count":
        found.sort(key=lambda rule: (-(rule.finding_count or 0), rule.code))
    elif by.sort == "code":
        found.sort(key=lambda rule: rule.code)
    return found


@router.get(urls.OWN_WORKLIST, dependencies=[look])
def own_worklist(visit: VisitOfRequest, request: Request, key: str, number: str) -> Response:
    detail = opened(visit, key, number)
    by, revision = filters_of(request), detail.revision
    rules = worklist(revision.id, session=visit.session) if revision else []
    work = work_on_rules(detail.participant_id, session=visit.session)
    found = filtered(rules, work, by)
    pages = numbered_pages(
        visit, urls.OWN_WORKLIST, by.values(), page=by.page, size=RULES_SIZE, total=len(found), key=key, number=number
    )
    event = event_by_key(key, session=visit.session)
    return visit.page(
        "own/worklist.html",
        **_frame(visit, detail),
        rules=found[(by.page - 1) * RULES_SIZE : by.page * RULES_SIZE],
        every=rules,
        work=work,
        asked={"show": by.show, "severity": by.severity, "person": by.person, "sort": by.sort},
        shown_choices=SHOWN,
        sort_choices=SORTED,
        severities=list(Severity),
        pages=pages,
        running=is_being_validated(detail.participant_id, event.id, session=visit.session),
        checked_at=last_checked(revision.id, session=visit.session) if revision else None,
        query=urlencode(by.values()),
    )


def opened(visit: Visit, key: str, number: str) -> MyEventDetail:
    """The person's own participant, its rows opened to this session."""
    detail = own_detail(visit, key, number)
    show_rows_of(visit.session, [detail.lea_number])
    return detail


def own_school(detail: MyEventDetail) -> str | None:
    """The only school whose rows are shown: on a School-level event the participant itself."""
    return detail.event.number if detail.event.level is Level.SCHOOL else None


def _frame(visit: Visit, detail: MyEventDetail) -> dict[str, Any]:
    return {
        "detail": detail,
        "own_zone": own_zone(visit, detail),
        "revision": detail.revision,
        "aside": dict(detail.rules_set_aside),
    }


@router.get(urls.OWN_FINDINGS, dependencies=[look])
def own_findings(visit: VisitOfRequest, request: Request, key: str, number: str, code: str) -> Response:
    return _rule(visit, key, number, code, asked(request))


@router.post(urls.OWN_FINDINGS, dependencies=[look])
def search_own_findings(
    visit: VisitOfRequest, request: Request, sent: FormOfRequest, key: str, number: str, code: str
) -> Response:
    """A search is posted, so that what is looked for stands in no log."""
    return _rule(visit, key, number, code, asked(request, sent))


def _rule(visit: Visit, key: str, number: str, code: str, wanted: Asked, form: Form | None = None) -> Response:
    detail = opened(visit, key, number)
    shown = rule_page(
        visit, detail.revision, code, wanted, urls.OWN_FINDINGS, school=own_school(detail), key=key, number=number
    )
    work = work_on_rules(detail.participant_id, session=visit.session).get(shown["rule"].rule_id)
    form = form or Form({"assigned_to": work.username or "" if work else "", "note": work.note if work else ""})
    return visit.page(
        "own/findings.html",
        status=form.status,
        **(_frame(visit, detail) | shown),
        work=work,
        colleagues=[(person.username, person.name) for person in detail.people],
        **form.shown(),
    )


@router.post(urls.OWN_FINDINGS_SEARCH, dependencies=[look])
def search(visit: VisitOfRequest, sent: FormOfRequest, key: str, number: str) -> Response:
    """A text looked for in all rows and in the words of the rules."""
    detail = opened(visit, key, number)
    text = str(sent.get("text", "")).strip()[:100]
    revision = detail.revision
    rules = worklist(revision.id, session=visit.session) if revision else []
    where = RowFilter(school=own_school(detail), text=text)
    found = rows(revision.id, rules, where=where, limit=SEARCH_SIZE, session=visit.session) if text and revision else []
    total = row_count(revision.id, rules, where=where, session=visit.session) if text and revision else 0
    by_rule = [(rule, [row for row in found if row.rule.rule_id == rule.rule_id]) for rule in rules]
    return visit.page(
        "own/worklist_search.html",
        **_frame(visit, detail),
        text=text,
        named=[rule for rule in rules if text and text.lower() in f"{rule.code} {rule.title}".lower()],
        tables=[(rule, table_of(rule, of_rule, session=visit.session)) for rule, of_rule in by_rule if of_rule],
        total=total,
        shown_rows=len(found),
    )


@router.get(urls.OWN_FINDINGS_FILE, dependencies=[look])
def own_file(visit: VisitOfRequest, request: Request, key: str, number: str) -> Response:
    detail = opened(visit, key, number)
    work = work_on_rules(detail.participant_id, session=visit.session)
    return findings_file(visit, detail.revision, number, school=own_school(detail), work=work, request=request)


@router.post(urls.ASSIGN_RULE, dependencies=[act])
def assign(visit: VisitOfRequest, sent: FormOfRequest, request: Request, key: str, number: str, code: str) -> Response:
    opened(visit, key, number)
    form = fields_of(sent, ("assigned_to", "note"))
    try:
        assign_rule(key, number, code, username=form.text("assigned_to") or None, note=form.text("note"), **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        visit.nothing_written()
        form.refused(error, lambda sentence: "note" if "note" in sentence else "assigned_to")
        return _rule(visit, key, number, code, asked(request), form)
    return visit.go(urls.OWN_FINDINGS, "Saved.", key=key, number=number, code=code)


@router.post(urls.CHECK_OWN_DATA, dependencies=[act])
def check(visit: VisitOfRequest, key: str, number: str) -> Response:
    """Run the rules on what the last snapshot brought."""
    own_detail(visit, key, number)
    taking.request_own_validation(key, number, **visit.act)
    visit.commit_and_start_requests()
    notice = "Your data are being checked against the rules, usually within a minute."
    return visit.go(urls.OWN_WORKLIST, notice, kind="info", key=key, number=number)
