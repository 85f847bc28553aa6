"""How fast each page of a large state answers, beside Airflow's own list of DAGs on the same server: `make bench-ui`.

    python -m tests.benchmarks.ui [--participants 2000] [--events 100] [--findings 1000000] [--pages events,plan,bulk]

A real API server with its plugin answers; nothing else of Airflow runs. Each page is asked for by one person at a
time and by twenty at once, by turns with the list of DAGs. See docs/performance.md.
"""

import argparse
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.benchmarks.ui_pages import AIRFLOW, ROOT, Page, pages
from tests.benchmarks.ui_server import Size, api_server, progress, token_of
from tests.benchmarks.ui_world import APPROVER, KEY
from tests.benchmarks.world import line, say

USERS = (1, 20)
TURNS = 4
BULK = "bulk"
FIRST_LOAD, LATER = 300_000, 60_000
BULK_SECONDS = 3.0
_ASSET = re.compile(r'(?:href|src)="([^"]+/static/[^"]+)"')


@dataclass(frozen=True)
class Answer:
    """What came back: how long it took, what went over the wire, and the text as it was sent."""

    status: int
    seconds: float
    body: bytes


class Site:
    """A server and the tokens of those who ask it; every asker keeps a connection of his own, as a browser does."""

    def __init__(self, base_url: str, token: Callable[[str], str], *, baseline: str = AIRFLOW) -> None:
        self.address = urlsplit(base_url).netloc
        self.baseline = Page("airflow", APPROVER, baseline)
        self._token = token
        self._tokens: dict[str, str] = {}

    def connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection(self.address, timeout=300))

    def ask(
        self, connection: HTTPConnection, page: Page, *, form: Mapping[str, str] | None = None, gzip: bool = True
    ) -> Answer:
        if page.user not in self._tokens:
            self._tokens[page.user] = self._token(page.user)
        headers = {"Authorization": f"Bearer {self._tokens[page.user]}", "Sec-Fetch-Site": "same-origin"}
        # As a browser with script, which has been here before and asks for the parts that a page leaves for later.
        headers["Cookie"] = "certification_script=yes"
        headers["Accept-Encoding"] = "gzip" if gzip else "identity"
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        started = time.perf_counter()
        connection.request("GET" if form is None else "POST", page.path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        return Answer(answer.status, time.perf_counter() - started, content)

    def seconds(self, page: Page, *, users: int, requests: int) -> list[float]:
        """Of each of the `requests` answers, asked for by so many at once; every one has to be the page."""
        left = iter(range(requests))
        taken: list[float] = []
        wrong: list[int] = []
        lock = threading.Lock()

        def one_user() -> None:
            with self.connect() as connection:
                while True:
                    with lock:
                        if wrong or next(left, None) is None:
                            return
                    answer = self.ask(connection, page)
                    taken.append(answer.seconds)
                    if answer.status != 200:
                        wrong.append(answer.status)

        threads = [threading.Thread(target=one_user) for _ in range(users)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if wrong:
            raise RuntimeError(f"{page.path} answered {wrong[0]}")
        return taken


def page_figures(site: Site, page: Page, *, requests: int, users: Sequence[int] = USERS) -> Iterator[dict[str, object]]:
    """Median and 95th percentile of a page as ratios to the list of DAGs, for each number of users.

    Both sides take turns, so that a busy moment of the machine meets both.
    """
    site.seconds(page, users=1, requests=2)  # templates are compiled once and statements planned
    for number in users:
        each = max(number, requests // TURNS)
        theirs: list[float] = []
        ours: list[float] = []
        for _ in range(TURNS):
            theirs += site.seconds(site.baseline, users=number, requests=each)
            ours += site.seconds(page, users=number, requests=each)
        for word, limit, at in (("median", 1.0, 0.5), ("p95", 2.0, 0.95)):
            mine, other = _percentile(ours, at), _percentile(theirs, at)
            yield line(
                f"ui.{page.name}.{word}", mine / other, "times the list of DAGs", limit, users=number,
                milliseconds=round(mine * 1000, 1), baseline_milliseconds=round(other * 1000, 1), requests=len(ours),
            )  # fmt: skip


def _percentile(seconds: list[float], at: float) -> float:
    return statistics.median(seconds) if at == 0.5 else sorted(seconds)[round((len(seconds) - 1) * at)]


def weight_figures(site: Site, page: Page) -> Iterator[dict[str, object]]:
    """Bytes over the wire: with everything a page names, and the page alone once the rest is kept by the browser."""
    with site.connect() as connection:
        text = site.ask(connection, page, gzip=False).body.decode()
        later = len(site.ask(connection, page).body)
        named = {Page(page.name, page.user, path) for path in _ASSET.findall(text)}
        first = later + sum(len(site.ask(connection, one).body) for one in named)
    yield line(f"ui.{page.name}.first_load", first, "bytes", FIRST_LOAD)
    yield line(f"ui.{page.name}.later", later, "bytes", LATER)


def bulk_figures(site: Site, participants: int) -> Iterator[dict[str, object]]:
    """Approving everybody who has certified, and those who have not with a reason: the page to confirm, and the act."""
    approve = Page("approve", APPROVER, f"{ROOT}/events/{KEY}/approve")
    asked = {"all_matching": "yes"}
    confirmed = {**asked, "confirmed": "yes", "include_uncertified": "yes", "reason": "Agreed by telephone."}
    with site.connect() as connection:
        site.ask(connection, approve, form=asked)  # compiles the templates
        preview = site.ask(connection, approve, form=asked)
        done = site.ask(connection, approve, form=confirmed)
    if (preview.status, done.status) != (200, 303):
        raise RuntimeError(f"approving answered {preview.status} and {done.status}")
    for name, answer in (("preview", preview), ("approve", done)):
        yield line(f"ui.bulk.{name}", answer.seconds, "seconds", BULK_SECONDS, participants=participants)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=20, help="of each page by one user; four times as many by 20")
    parser.add_argument("--users", default="1,20", help="at once; 1 alone is quick")
    parser.add_argument("--pages", default="", help=f"some pages by their names; {BULK} is approving everybody")
    parser.add_argument("--folder", type=Path, help="where the databases are kept, by default among temporary files")
    parser.add_argument("--fresh", action="store_true", help="fill the state again")
    given = parser.parse_args()
    known = [page.name for page in pages(given.participants)] + [BULK]
    asked = [name for name in given.pages.split(",") if name] or known
    if unknown := set(asked) - set(known):
        parser.error(f"no page is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    users = [int(number) for number in given.users.split(",")]
    size = Size(given.participants, given.events, given.findings)
    with api_server(size, parent=given.folder, fresh=given.fresh) as base_url:
        site = Site(base_url, lambda username: token_of(base_url, username))
        site.seconds(site.baseline, users=1, requests=2)
        for page in pages(given.participants):
            if page.name in asked:
                progress(f"{asked.index(page.name) + 1} of {len(asked)}: {page.name}")
                figures = page_figures(site, page, requests=given.requests, users=users)
                for figure in (*figures, *weight_figures(site, page)):
                    say(figure)
        if BULK in asked:
            progress("approving everybody")
            for figure in bulk_figures(site, given.participants):
                say(figure)


if __name__ == "__main__":
    main()
