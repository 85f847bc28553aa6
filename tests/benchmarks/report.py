"""How long the Event Report of a large state takes in each format, and what memory: `make bench-report`.

Each format is written by a process of its own, so that its memory is its own; the report itself is read once.
"""

import argparse
import json
import multiprocessing
import pickle
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from certification_lib.database import make_engine
from certification_lib.migrations.migrate import upgrade
from certification_lib.reports.event_report import Choice, EventReport
from certification_lib.reports.reading import event_report
from certification_lib.reports.writing import ReportFormat, write_report
from certification_lib.supervisor.postgres import embedded_server
from tests.factories.large_state import large_event
from tests.factories.world import OPENING, World

SECONDS = {ReportFormat.PDF: 20.0}
MEGABYTES = 500


def large_report(session: Session, participants: int) -> tuple[EventReport, float]:
    """A state's report with reviewers, and the seconds to read it."""
    event = large_event(World(session), participants)
    started = time.perf_counter()
    report = event_report(event.key, Choice(include_reviewers=True), made_by="Approver", session=session, now=OPENING)
    return report, time.perf_counter() - started


def measured(report: EventReport, repeats: int) -> Iterator[dict[str, Any]]:
    """A line for the seconds and one for the memory of each format."""
    context = multiprocessing.get_context("spawn")
    for report_format in ReportFormat:
        figures = []
        for _ in range(repeats):
            with context.Pool(1) as pool:
                figures.append(pool.apply(_write, (pickle.dumps(report), report_format)))
        name, limit = f"report-{report_format.value}", SECONDS.get(report_format, 5.0)
        seconds = statistics.median(figure[0] for figure in figures)
        yield {"name": name, "seconds": round(seconds, 2), "limit": limit}
        megabytes = max(figure[1] for figure in figures)
        yield {"name": f"{name}-memory", "value": round(megabytes), "unit": "MB", "limit": MEGABYTES}
        yield {"name": f"{name}-size", "value": figures[0][2], "unit": "bytes"}


def _write(pickled: bytes, report_format: ReportFormat) -> tuple[float, float, int]:
    report = pickle.loads(pickled)  # noqa: S301 - written by this very program
    started = time.perf_counter()
    content = write_report(report, report_format)
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(content)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--participants", type=int, default=2_000)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder) / "server", fast=True) as server:
        upgrade(server.url("certification_owner", "certification"))
        engine = make_engine(server.url("certification_task", "certification"))
        with Session(engine) as session:
            report, seconds = large_report(session, given.participants)
        engine.dispose()
    print(json.dumps({"name": "report-read", "seconds": round(seconds, 2), "limit": 5.0}))  # noqa: T201
    for line in measured(report, given.repeats):
        print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
