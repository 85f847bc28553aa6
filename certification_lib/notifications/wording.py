"""From a kind of message and its values to subject, text and HTML. The wordings are files in `include/mail/`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jinja2

from certification_lib.notifications.rules import one_line
from certification_lib.settings import PROJECT_FOLDER

MAIL_FOLDER = PROJECT_FOLDER / "include" / "mail"


@dataclass(frozen=True)
class Wording:
    """What one message says."""

    subject: str
    text: str


@cache
def _texts() -> jinja2.Environment:
    # Plain text knows no markup: escaping would put &amp; before people's eyes. The HTML below is escaped.
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(MAIL_FOLDER),
        autoescape=False,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@cache
def _pages() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(MAIL_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def write(kind: str, values: Mapping[str, Any]) -> Wording:
    """Render `include/mail/<kind>.txt`: its first line is the subject, the rest the text. A missing value raises."""
    rendered = _texts().get_template(f"{kind}.txt").render(values)
    subject, _, text = rendered.partition("\n")
    return Wording(subject=one_line(subject), text=text.strip())


def as_html(subject: str, text: str, link: str | None, *, ending: str = "", own_links: str | None = None) -> str:
    """The same text as an HTML page: every paragraph escaped, and a link to the page it is about.

    A line that is nothing but an address below `own_links` becomes a link too.
    """
    paragraphs = [[(line, _is_own_link(line, own_links)) for line in part.split("\n")] for part in text.split("\n\n")]
    page = _pages().get_template("message.html")
    return page.render(subject=subject, paragraphs=paragraphs, link=link, ending=ending.split("\n"))


def footer(state_name: str | None, contact: str | None) -> str:
    """What stands under every mail: who sends it and whom to ask."""
    return _texts().get_template("footer.text").render(state_name=state_name, contact=contact).strip()


def _is_own_link(line: str, own_links: str | None) -> bool:
    return own_links is not None and line.startswith(own_links.rstrip("/") + "/") and " " not in line
