"""Which participants a list shows and an act is for: the ticked ones, or all that match the filter.

The filter stands in the address of the list and travels through the pages of an act as itself, not as thousands of
numbers.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from certification_lib.certification import queries
from certification_lib.certification.participant_filter import FINDINGS, SIZES, SORTS
from certification_lib.certification.progress_filter import PROGRESS_FILTERS
from certification_lib.certification.queries import ParticipantFilter
from certification_lib.events.models import ParticipantStatus
from certification_ui import urls
from certification_ui.forms import Form, is_number, many
from certification_ui.visit import Visit

PROGRESS = tuple(PROGRESS_FILTERS)
STALE = "Meanwhile the filter matches other participants than you were shown. Look at the list below, then confirm."


class ParticipantQuery:
    """The filter as the address has it; a word that is none is left out."""

    def __init__(
        self,
        search: str = "",
        status: str = "",
        progress: str = "",
        findings: str = "",
        county: str = "",
        region: str = "",
        size: str = "",
        sort: str = "",
        page: str = "1",
    ) -> None:
        self.search = search.strip()[:100]
        self.status = ParticipantStatus(status) if status in set(ParticipantStatus) else None
        self.progress = progress if progress in PROGRESS else ""
        self.findings = findings if findings in FINDINGS else ""
        self.county, self.region = county.strip()[:100], region.strip()[:100]
        self.size = size if size in SIZES else ""
        self.sort = sort if sort.removeprefix("-") in SORTS and sort != "number" else ""
        self.page = max(1, int(page)) if is_number(page, digits=5) else 1

    def values(self) -> dict[str, str]:
        """What is asked for, as it stands in the address; without the page."""
        return {**self.narrowing(), **({"sort": self.sort} if self.sort else {})}

    def narrowing(self) -> dict[str, str]:
        """What leaves participants out."""
        given = {
            "search": self.search,
            "status": self.status.value if self.status else "",
            "progress": self.progress,
            "findings": self.findings,
            "county": self.county,
            "region": self.region,
            "size": self.size,
        }
        return {name: value for name, value in given.items() if value}

    def as_filter(self) -> ParticipantFilter:
        return ParticipantFilter(
            statuses=[self.status] if self.status else (),
            search=self.search,
            progress=self.progress or None,
            findings=self.findings or None,
            county=self.county or None,
            region=self.region or None,
            size=self.size or None,
            sort=self.sort or "number",
        )


_FIELDS = ("search", "status", "progress", "findings", "county", "region", "size", "sort")


@dataclass(frozen=True)
class Chosen:
    """Whom an act is for. `fields` go with its form as they are; `stale`: others match than the person was shown."""

    numbers: list[str]
    fields: tuple[tuple[str, str], ...]
    asked: Mapping[str, str]
    everybody: bool = False
    stale: bool = False

    def refuse_if_stale(self, form: Form) -> None:
        if self.stale:
            form.problems.append((None, STALE))
            form.status = 409


def chosen(visit: Visit, key: str, sent: FormData) -> Chosen:
    """The ticked participants, or all that match the filter the list was shown with."""
    asked = ParticipantQuery(**{name: str(sent.get(name, "")) for name in _FIELDS})
    values = asked.values()
    if not sent.get("all_matching"):
        numbers = list(dict.fromkeys(many(sent, "number")))
        return Chosen(numbers, (*(("number", one) for one in numbers), *values.items()), values)
    numbers = queries.participant_numbers(key, session=visit.session, now=visit.now, where=asked.as_filter())
    matched = hashlib.sha256("\n".join(numbers).encode()).hexdigest()[:16]
    fields = (("all_matching", "yes"), ("matched", matched), *values.items())
    confirmed = bool(sent.get("confirmed")) or sent.get("step") == "send"
    stale = confirmed and sent.get("matched", matched) != matched
    return Chosen(numbers, fields, values, everybody=True, stale=stale)


def list_address(visit: Visit, key: str, asked: Mapping[str, Any]) -> str:
    """The list as it was when the participants were chosen."""
    query = f"?{urlencode(asked)}" if asked else ""
    return f"{urls.path(visit.request, urls.PARTICIPANTS, key=key)}{query}"


def back_to_list(visit: Visit, key: str, asked: Mapping[str, Any], notice: str, *, kind: str = "success") -> Response:
    """To the list as it was, with a notice."""
    query = f"?{urlencode(asked)}" if asked else ""
    return visit.go(f"{urls.PARTICIPANTS}{query}", notice, kind=kind, key=key)


def nobody_chosen(visit: Visit, key: str, asked: Mapping[str, Any]) -> Response:
    return back_to_list(visit, key, asked, "Choose at least one participant.", kind="warning")


def nothing_was_sent(visit: Visit, key: str) -> Response:
    """For who opens the address of a page that a list leads to, such as after signing in again."""
    return back_to_list(visit, key, {}, "Nothing was done. Choose the participants again.", kind="warning")
