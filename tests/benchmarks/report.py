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
    """The figures of each format, every time in a new process."""
    context = multiprocessing.get_context("spawn")
    pickled = pickle.dumps(report)
    for report_format in ReportFormat:
        written = []
        for _ in range(repeats):
            with context.Pool(1) as pool:
                written.append(pool.apply(write, (pickled, report_format)))
        yield from figures_of(report_format, written)


def write(pickled: bytes, report_format: ReportFormat) -> tuple[float, float, int]:
    """Seconds, megabytes of the process at its largest, bytes of the file."""
    report = pickle.loads(pickled)  # noqa: S301 - written by this very program
    started = time.perf_counter()
    content = write_report(report, report_format)
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(content)


def figures_of(report_format: ReportFormat, written: list[tuple[float, float, int]]) -> list[dict[str, Any]]:
    """A line for the median of the seconds, one for the largest memory, one for the size."""
    name, limit = f"report-{report_format.value}", SECONDS.get(report_format, 5.0)
    seconds, megabytes = statistics.median(one[0] for one in written), max(one[1] for one in written)
    return [
        {"name": name, "seconds": round(seconds, 2), "limit": limit},
        {"name": f"{name}-memory", "value": round(megabytes), "unit": "MB", "limit": MEGABYTES},
        {"name": f"{name}-size", "value": written[0][2], "unit": "bytes"},
    ]


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
