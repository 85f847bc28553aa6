"""What schedules cost: parsing a thousand events, publishing one among them, fifty that are due in the same minute.

    python -m tests.benchmarks.schedule [--events 1000] [--rounds 3] [--at-once 50] [--only parse,minute,publish]

prints one line of JSON for each figure, with its baseline measured in the same run. `parse` needs no Airflow that runs;
the others start one of their own.
"""

import argparse
import datetime
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from certification_lib.database import transaction
from certification_lib.events.manifest import rebuild_manifests
from certification_lib.events.models import Milestone, MilestoneKind, MilestoneState
from certification_lib.people.models import Organization
from certification_lib.supervisor.processes import members
from tests.airflow.conftest import DISTRICTS, Site, running_site, world_of
from tests.airflow.test_assets import WITHOUT_DATA
from tests.benchmarks.schedule_files import empty_events
from tests.benchmarks.schedule_parse import parse_figures
from tests.benchmarks.world import line, say

AT_ONCE = 50
MEASURED = 30
_PLAIN = "plain"
_PLAIN_FILE = "plain_events.py"
_PATIENCE = 3600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--only", default="parse,minute,publish")
    given = parser.parse_args()
    wanted = given.only.split(",")
    with tempfile.TemporaryDirectory(prefix="certification-schedule-") as name:
        folder = Path(name)
        if "parse" in wanted:
            for figure in parse_figures(folder, events=given.events, rounds=given.rounds):
                say(figure)
        if {"minute", "publish"} & set(wanted):
            plain = folder / _PLAIN
            plain.mkdir()
            (plain / _PLAIN_FILE).write_text("# airflow dag: written when it is measured\n", encoding="utf-8")
            with running_site(folder / "site", {_PLAIN: plain}) as site:
                for figure in _figures(site, plain, wanted, given.events, given.at_once):
                    say(figure)


def _figures(site: Site, plain: Path, wanted: Sequence[str], events: int, at_once: int) -> Iterator[dict[str, object]]:
    if "minute" in wanted:
        yield same_minute(site, plain, at_once)
    if "publish" in wanted:
        yield publish_to_dag(site, events)


def same_minute(site: Site, plain: Path, events: int) -> dict[str, object]:
    """So many events open at once; beside it the same DAGs with tasks that do nothing, each run as many as ours."""
    keys = [f"minute-{number:03}" for number in range(events)]
    at = _soon()
    _published_events(site, keys, at)
    _have_parsed(site, len(keys), "certification_event_minute_%")
    ours, our_work = _until_run(site, at, len(keys), "certification_event_minute_%")
    done = site.value("select count(*) from milestone where at = :at and state = 'done'", at=at)
    assert done == events, f"{done} of {events} milestones were done"
    at = _soon()
    (plain / _PLAIN_FILE).write_text(empty_events(events, at), encoding="utf-8")
    _ask_for_parsing(site, _PLAIN, [_PLAIN_FILE])
    _wait(lambda: _count(site, "plain_event_%") == events, "the plain DAGs are in Airflow")
    empty, empty_work = _until_run(site, at, events, "plain_event_%")
    return line(
        f"schedule.minute_{events}",
        ours / empty,
        "times empty tasks",
        1.5,
        done=done,
        seconds=round(ours, 1),
        baseline_seconds=round(empty, 1),
        processor_seconds=round(our_work, 1),
        baseline_processor_seconds=round(empty_work, 1),
    )


def publish_to_dag(site: Site, events: int) -> dict[str, object]:
    """How long a publication over REST takes to become a DAG beside so many published events."""
    from tests.airflow.test_many_events import wait_for_dag

    far = _soon() + datetime.timedelta(days=300)
    for start in range(0, events, 100):
        _published_events(site, [f"many-{number:04}" for number in range(start, min(start + 100, events))], far)
    _have_parsed(site, events, "certification_event_many_%")
    waits = sorted(wait_for_dag(site, f"another-{number:02}") for number in range(MEASURED))
    return line(
        "schedule.publish_to_dag",
        statistics.median(waits),
        "s",
        5,
        events=events,
        p95=round(waits[int(0.95 * (len(waits) - 1))], 2),
        longest=round(waits[-1], 2),
        content=WITHOUT_DATA["participants"],
    )


def _published_events(site: Site, keys: Sequence[str], at: datetime.datetime) -> None:
    """As publishing leaves them, with one milestone; their manifests are written at once."""
    today = datetime.datetime.now(datetime.UTC).date()
    dates = {"start_date": today, "opens_date": today, "end_date": today + datetime.timedelta(days=30)}
    with transaction(site.engine) as session:
        world = world_of(session)
        found = sa.select(Organization).where(Organization.number.in_(DISTRICTS))
        districts = session.scalars(found.order_by(Organization.number)).all()
        for key in keys:
            event = world.event(districts, key=key, requires_snapshot=False, **dates)
            due = Milestone(event_id=event.id, kind=MilestoneKind.OPEN_WINDOW, at=at, state=MilestoneState.DUE)
            session.add(due)
    with transaction(site.engine) as session:
        rebuild_manifests(site.stack.settings.manifest_folder, session=session)


def _have_parsed(site: Site, count: int, like: str) -> None:
    files = [f"certification_events_{part:02}.py" for part in range(16)]
    _ask_for_parsing(site, "dags-folder", files)
    _wait(lambda: _count(site, like) == count, f"{count} DAGs are in Airflow")


def _ask_for_parsing(site: Site, bundle: str, files: Sequence[str]) -> None:
    _airflow(
        site,
        "insert into dag_priority_parsing_request (id, bundle_name, relative_fileloc) "
        "select md5(:bundle || file), :bundle, file from unnest(cast(:files as text[])) as file on conflict do nothing",
        bundle=bundle,
        files=list(files),
    )


def _count(site: Site, like: str) -> int:
    [row] = _airflow(site, "select count(*) from serialized_dag where dag_id like :like", like=like)
    return int(row[0])


def _until_run(site: Site, at: datetime.datetime, count: int, like: str) -> tuple[float, float]:
    """Seconds from the instant until the last run ended well, and the processor seconds of the whole installation."""
    time.sleep(max(0.0, (at - datetime.datetime.now(datetime.UTC)).total_seconds() - 1))
    before = _processor_seconds(site)

    def ended() -> bool:
        [row] = _airflow(site, "select count(*) from dag_run where dag_id like :like and state = 'success'", like=like)
        return int(row[0]) == count

    _wait(ended, f"{count} runs have ended")
    [row] = _airflow(
        site, "select extract(epoch from max(end_date) - :at) from dag_run where dag_id like :like", like=like, at=at
    )
    return float(row[0]), _processor_seconds(site) - before


def _processor_seconds(site: Site) -> float:
    """Of Airflow's components with all they started, those that have ended included, and of the database server."""
    total = 0.0
    for process in members(set(site.stack.pids.values())):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _airflow(site: Site, statement: str, **parameters: Any) -> list[Any]:
    engine = sa.create_engine(site.stack.settings.url("airflow"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement), parameters)
        return list(result) if result.returns_rows else []


def _wait(question: Any, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not question():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(1)


def _soon() -> datetime.datetime:
    """Far enough for fifty DAGs to be parsed before, also on a busy machine."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=120)


if __name__ == "__main__":
    main()
