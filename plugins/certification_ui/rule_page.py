"""The rows of one rule on one revision, for the state and for the organization's own people.

What narrows the list stands in the address, so that it can be linked; a text looked for does not, because it may be a
student's name: that search is posted.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from starlette.datastructures import FormData

from certification_lib.certification.readmodels import RevisionView
from certification_lib.errors import NotFound
from certification_lib.validation.other_organizations import also_found_in
from certification_lib.validation.worklist import worklist
from certification_lib.validation.worklist_rows import EVERY_ROW, RowFilter, row_count, rows, schools_with_findings
from certification_ui import urls
from certification_ui.forms import is_number
from certification_ui.visit import Visit
from certification_ui.worklist import school_names, table_of

PAGE_SIZE = 50
NO_RESULTS = "There are no results of this rule on these data."


@dataclass(frozen=True)
class Asked:
    """What the reader wants to see of a rule's rows."""

    where: RowFilter
    page: int

    def values(self) -> dict[str, str]:
        """For addresses: all but the text."""
        given = {"school": self.where.school or "", "new": "yes" if self.where.only_new else ""}
        return {name: value for name, value in given.items() if value}


def asked(request: Request, sent: FormData | None = None) -> Asked:
    """From the address, or from a posted search."""
    given = sent if sent is not None else request.query_params
    page = str(given.get("page", ""))
    where = RowFilter(
        school=str(given.get("school", ""))[:60] or None,
        only_new=bool(given.get("new")),
        text=str(sent.get("text", "")).strip()[:100] if sent is not None else "",
    )
    return Asked(where, max(1, int(page)) if is_number(page, digits=5) else 1)


def only_school(where: RowFilter, school: str | None) -> RowFilter:
    """The same, of one school only where the reader is shown no other; None: all of them."""
    return where if school is None else RowFilter(school, where.only_new, where.text)


def rule_page(
    visit: Visit,
    revision: RevisionView | None,
    code: str,
    wanted: Asked,
    address: str,
    *,
    school: str | None = None,
    for_state: bool = False,
    **keys: str,
) -> dict[str, Any]:
    """What the page of a rule shows. `school`: the only school whose rows the reader is shown. Only the state is told
    the other organizations that a row concerns."""
    if revision is None:
        raise NotFound(NO_RESULTS)
    of_code = worklist(revision.id, code=code, session=visit.session)
    if not of_code:
        raise NotFound(NO_RESULTS)
    [rule] = of_code
    where, every = only_school(wanted.where, school), only_school(EVERY_ROW, school)
    scope = {"where": where, "session": visit.session}
    total = row_count(revision.id, [rule], **scope)
    found = rows(revision.id, [rule], offset=(wanted.page - 1) * PAGE_SIZE, limit=PAGE_SIZE, **scope)
    also_in = also_found_in(rule, [row.finding.id for row in found], session=visit.session) if for_state else None
    schools = schools_with_findings(revision.id, [rule], school=school, session=visit.session)
    names = school_names([number for number, _ in schools], session=visit.session)
    here = urls.path(visit.request, address, code=code, **keys)
    return {
        "rule": rule,
        "revision": revision,
        "table": table_of(rule, found, also_in=also_in, session=visit.session),
        "kept": total if where == every else row_count(revision.id, [rule], where=every, session=visit.session),
        "total": total,
        "wanted": where,
        "schools": [(number, names[number]) for number, _ in schools],
        "here": here,
        "query": urlencode(wanted.values()),
        **_pages(wanted, total),
    }


def _pages(wanted: Asked, total: int) -> dict[str, Any]:
    first, last = (wanted.page - 1) * PAGE_SIZE + 1, min(wanted.page * PAGE_SIZE, total)
    return {
        "page": wanted.page,
        "more": last < total,
        "place": f"Rows {first:,} to {last:,} of {total:,}" if total and first <= total else "No rows",
    }
