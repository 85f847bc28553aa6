"""Runs of the rules on an event's data: the list, what each gave, and asking for one."""

from starlette.responses import Response

from certification_lib.errors import CertificationError, NotFound
from certification_lib.events.queries import event_head
from certification_lib.people.models import Right, Tool
from certification_lib.validation.matrix import matrix_rules
from certification_lib.validation.queries import something_is_running
from certification_lib.validation.run_reports import run_count, run_report, runs
from certification_lib.validation.service import request_validation
from certification_ui import urls
from certification_ui.deps import FormOfRequest, right
from certification_ui.forms import Form, as_number, many, numbers_in
from certification_ui.pages.events import numbered_pages, page_number, powers
from certification_ui.routes import page_router
from certification_ui.visit import Visit, VisitOfRequest

router = page_router()
view = right(Tool.EVENT_MANAGEMENT, Right.READ)
write = right(Tool.EVENT_MANAGEMENT, Right.WRITE)
PAGE_SIZE = 25


@router.get(urls.RUN_RULES, dependencies=[view])
def validation_runs(visit: VisitOfRequest, key: str, page: str = "1") -> Response:
    return _list(visit, key, page_number(page), Form())


def _list(visit: Visit, key: str, page: int, form: Form) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    total = run_count(shown.event.id, session=visit.session)
    return visit.page(
        "events/validation_runs.html",
        status=form.status,
        shown=shown,
        powers=powers(visit, shown),
        runs=runs(shown.event.id, session=visit.session, offset=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE),
        results=matrix_rules(shown.event.id, session=visit.session),
        running=something_is_running(shown.event.id, session=visit.session),
        pages=numbered_pages(visit, urls.RUN_RULES, {}, page=page, size=PAGE_SIZE, total=total, key=key),
        **form.shown(),
    )


@router.get(urls.VALIDATION_RUN, dependencies=[view])
def validation_run(visit: VisitOfRequest, key: str, run_id: str) -> Response:
    shown = event_head(key, session=visit.session, now=visit.now)
    report = run_report(shown.event.id, as_number(run_id) or 0, session=visit.session)
    return visit.page("events/validation_run.html", shown=shown, report=report, run=report.line)


@router.post(urls.RUN_RULES, dependencies=[write])
def run_rules(visit: VisitOfRequest, sent: FormOfRequest, key: str) -> Response:
    """On all participants, or on those named."""
    typed = str(sent.get("numbers", "")).strip()
    numbers = list(dict.fromkeys([*many(sent, "number"), *numbers_in(typed)]))
    try:
        request_validation(key, numbers=numbers or None, **visit.act)
    except NotFound:
        raise
    except CertificationError as error:
        if not typed or not visit.visitor.views_events:
            raise
        visit.nothing_written()
        form = Form({"numbers": typed})
        form.refused(error, lambda _: "numbers")
        return _list(visit, key, 1, form)
    visit.commit_and_start_requests()
    where = urls.RUN_RULES if typed else urls.EVENT
    return visit.go(where, "The rules were asked to run on what is in the datamart.", kind="info", key=key)
