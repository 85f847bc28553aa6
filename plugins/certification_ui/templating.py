"""Jinja templates: escaped always, complaining about every name that is not there."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from certification_lib.certification.rules import state_status
from certification_lib.people.zone_names import zone_name
from certification_lib.settings import load_settings
from certification_ui import charts, flash, static_files, totals, urls, words

FOLDER = Path(__file__).parent / "templates"
PRODUCT = "Data Certification"


@cache
def environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "day": words.day,
        "short_day": words.short_day,
        "weekday": words.weekday,
        "moment": words.moment,
        "short_moment": words.short_moment,
        "short_local": words.short_local,
        "school_year": words.school_year,
        "number": words.number,
        "size": words.size,
        "short_digest": words.short_digest,
        "column_title": words.column_title,
        "channel": words.channel,
        "zone_name": zone_name,
        "view_title": totals.view_title,
        "https_only": _https_only,
        "state_status": state_status,
        "as_options": lambda words_: [(word, word) for word in words_],
        "years_in_words": lambda years: [(year, words.school_year(year)) for year in years],
    }
    made.globals |= {
        "product": PRODUCT,
        "count": words.count,
        "share": charts.share,
        "column_label": totals.column_label,
        "end_of_day": words.end_of_day,
        "start_of_day": words.start_of_day,
        "closes": words.closes,
        "opens": words.opens,
        "days_away": words.days_away,
        "site": load_settings,
        "addresses": {name: value for name, value in vars(urls).items() if name.isupper()},
    }
    return made


def _https_only(address: str) -> str:
    """What links may lead to; anything else in old data leads nowhere."""
    return address if address.startswith("https://") else "#"


def render_page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """One page. A notice waiting from the act before is shown, once."""
    notice = flash.take(request)

    def url(name: str, **values: str | int) -> str:
        return urls.path(request, getattr(urls, name), **values)

    def static(file: str) -> str:
        return urls.path(request, static_files.address(file))

    shown = {"visitor": None, "notice": notice, **context}
    text = environment().get_template(template).render(request=request, url=url, static=static, **shown)
    response = HTMLResponse(text, status_code=status)
    if notice:
        flash.forget(response, request)
    return response
