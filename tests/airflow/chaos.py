"""Nights in which everything breaks: events whose weeks pass in a minute, while parts of the installation are killed.

    python -m tests.airflow.chaos [--rounds 30] [--seed 1]

Each round publishes an event with every kind of milestone within ten seconds and disturbs the installation once at a
random moment of it. At the end everything is looked at: every milestone done once or left out with a reason, every
snapshot complete, every notification there once, the audit trail whole. It prints one line of JSON and ends with an
error at the first thing that is not so. The suite runs three rounds (`test_chaos.py`).
"""

import argparse
import contextlib
import datetime
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import sqlalchemy as sa

from certification_lib.certification import announcements, taking
from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError
from certification_lib.events.manifest import dag_id_of, write_manifest_of
from certification_lib.events.models import MilestoneKind
from certification_lib.orchestration.parts import file_of
from certification_lib.supervisor.processes import members
from tests.airflow.chaos_invariants import broken_promises
from tests.airflow.conftest import DISTRICTS, ENDED, ZONE, Site, running_site
from tests.benchmarks.world import tell

# Seconds after the publication; its opening and its first snapshot come at once.
PLAN = {
    MilestoneKind.DISTRICT_SNAPSHOT: 4,
    MilestoneKind.REMINDER: 6,
    MilestoneKind.CLEANUP_SNAPSHOT: 8,
    MilestoneKind.CLOSE_WINDOW: 10,
}
_LONGEST_RECOVERY = 600.0
# What an installation says that is being killed; anything else is a fault of this program and ends it.
_PASSING = (sa.exc.OperationalError, sa.exc.InterfaceError, httpx.HTTPError, AssertionError)


class Chaos:
    """A running installation with rounds of events, and what was done to it."""

    def __init__(self, site: Site, seed: int) -> None:
        self._site = site
        self._random = random.Random(seed)
        self._copies: list[threading.Thread] = []
        self.keys: list[str] = []
        self.done: Counter[str] = Counter()
        self.faults: dict[str, Callable[[], None]] = {
            "scheduler killed": lambda: site.stack.kill("scheduler"),
            "PostgreSQL crashed and restarted": self._crash_postgres,
            "worker killed": self._kill_a_worker,
            "api-server killed": lambda: site.stack.kill("api-server"),
            "mail refused": self._refuse_mail,
            "dag-processor killed": lambda: site.stack.kill("dag-processor"),
            "run by hand": self._run_by_hand,
            "tasks cleared": self._clear_tasks,
            "api-server hangs": lambda: self._stop("api-server"),
            "PostgreSQL killed": lambda: site.stack.kill("postgres"),
            "scheduler hangs": lambda: self._stop("scheduler"),
        }

    def run(self, rounds: int) -> dict[str, Any]:
        """All rounds, then the day after, and what became of everything."""
        begun = time.monotonic()
        for number in range(rounds):
            fault = list(self.faults)[number % len(self.faults)]
            tell(f"Round {number + 1} of {rounds}: {fault}")
            self._round(f"chaos-{self._random.getrandbits(24):06x}-{number:02}", fault)
        tell("Waiting until all is done")
        self._until_nothing_is_due()
        for key in self.keys:
            self._day_after(key)
        self._until_nothing_is_due()
        for copy in self._copies:
            copy.join(60)
        self._until_mail_is_out()
        problems = self._stubbornly(
            lambda: broken_promises(self._site.engine, self.keys, self._site.stack.settings.mail_folder, self._killed)
        )
        return {
            "name": "chaos",
            "rounds": rounds,
            "faults": dict(self.done),
            "events": len(self.keys),
            "seconds": round(time.monotonic() - begun),
            "problems": problems,
            "load": round(os.getloadavg()[0], 1),
        }

    @property
    def _killed(self) -> int:
        """How often something was killed that may have been between a mail and the note that it was sent."""
        ending = ("killed", "crashed", "hangs")
        return sum(times for name, times in self.done.items() if any(word in name for word in ending))

    def _round(self, key: str, fault: str) -> None:
        self._publish(key)
        self.keys.append(key)
        begun = time.monotonic()
        at = self._random.uniform(2, max(PLAN.values()))
        second_copy = min(at, self._random.uniform(0.5, 6))
        time.sleep(second_copy)
        self._second_copy(key)
        time.sleep(max(0.0, at - second_copy))
        # A fault that finds nothing to break, such as no worker at work, is no fault.
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, LookupError, StopIteration, httpx.HTTPError):
            self.faults[fault]()
            self.done[fault] += 1
        time.sleep(max(0.0, max(PLAN.values()) - (time.monotonic() - begun)))

    def _publish(self, key: str) -> None:
        tomorrow = datetime.datetime.now(ZONE) + datetime.timedelta(days=1)
        content = {
            "end_date": f"{tomorrow:%Y-%m-%d}",
            "reminder_days": [1],
            "state_snapshot_schedule": self._site.in_the_past(5),
        }
        path = f"/certification/api/v1/events/{key}"

        def published() -> bool:
            """Asked again when the answer was lost; whatever arrived the first time is not done a second."""
            if self._site.call("GET", path).status_code == 404:
                self._site.create(key, **content)
            answer = self._site.call("POST", f"{path}/publish", body={})
            assert answer.status_code in {200, 201, 409}, answer.text
            return bool(self._value("select live_version_id is not null from event where key = :key", key=key))

        self._stubbornly(lambda: self._site.until(published, seconds=60, what=f"{key} is published"))
        self._stubbornly(lambda: self._bring_forward(key))

    def _bring_forward(self, key: str) -> None:
        """Weeks become seconds: what the dates put on other days is due soon, and every other kind is added."""
        with self._site.engine.begin() as connection:
            connection.execute(sa.text("set local search_path = certification"))
            event_id = connection.scalar(sa.text("select id from event where key = :key for update"), {"key": key})
            later = {"event": event_id, "kinds": ["reminder", "overdue_notice", "close_window"]}
            connection.execute(
                sa.text("delete from milestone where event_id = :event and state = 'due' and kind = any(:kinds)"), later
            )
            for kind, seconds in PLAN.items():
                connection.execute(
                    sa.text(
                        "insert into milestone (event_id, kind, at, state) select :event, cast(:kind as text), "
                        "date_trunc('second', clock_timestamp()) + make_interval(secs => :seconds), 'due' "
                        "where not exists "
                        "(select from milestone where event_id = :event and kind = cast(:kind as text))"
                    ),
                    {"event": event_id, "kind": kind.value, "seconds": seconds},
                )
        self._tell_airflow(key)

    def _day_after(self, key: str) -> None:
        """Event End was yesterday: who has not certified is overdue."""
        yesterday = (datetime.datetime.now(ZONE) - datetime.timedelta(days=1)).date()
        parameters = {"key": key, "yesterday": yesterday}
        owner = sa.create_engine(self._site.stack.settings.url("certification_owner"))
        with owner.begin() as connection:
            connection.execute(sa.text("set local search_path = certification"))
            connection.execute(
                sa.text(
                    "update event_version set end_date = :yesterday "
                    "where id = (select live_version_id from event where key = :key)"
                ),
                parameters,
            )
            connection.execute(
                sa.text(
                    "insert into milestone (event_id, kind, at, state) select id, 'overdue_notice', "
                    "date_trunc('second', clock_timestamp()) + interval '3 seconds', 'due' from event where key = :key"
                ),
                parameters,
            )
        owner.dispose()
        self._stubbornly(lambda: self._tell_airflow(key))

    def _tell_airflow(self, key: str) -> None:
        """As publishing does after its commit."""
        settings = self._site.stack.settings
        with transaction(self._site.engine) as session:
            write_manifest_of(key, session=session, folder=settings.manifest_folder)
        metadata = sa.create_engine(settings.url("airflow"))
        with metadata.begin() as connection:
            connection.execute(
                sa.text(
                    "insert into dag_priority_parsing_request (id, bundle_name, relative_fileloc) "
                    "values (md5(:file), 'dags-folder', :file) on conflict do nothing"
                ),
                {"file": file_of(dag_id_of(key))},
            )
        metadata.dispose()

    def _second_copy(self, key: str) -> None:
        """What a scheduler that lost sight of a running task would start: the same steps again, at the same time."""

        def copy() -> None:
            settings, engine = self._site.stack.settings, self._site.engine
            with contextlib.suppress(sa.exc.DBAPIError, psycopg.Error, CertificationError, OSError):
                for name in ("announce_publication", "open_window", "remind", "close_window"):
                    with transaction(engine) as session:
                        now = database_now(session)
                        getattr(announcements, name)(key, moment=now, run_id="a second copy", session=session, now=now)
                with transaction(engine) as session:
                    now = database_now(session)
                taking.take_due_snapshots(
                    key, moment=now, run_id="a second copy", engine=engine,
                    source_url_of=lambda _: settings.url("source_reader"),
                )  # fmt: skip

        self._copies.append(threading.Thread(target=copy, daemon=True))
        self._copies[-1].start()
        self.done["second copy started"] += 1

    def _crash_postgres(self) -> None:
        """One server process killed: the server ends all others, recovers from its log and takes connections again."""
        server = psutil.Process(self._site.stack.pids["postgres"])
        backends = [child for child in server.children() if "idle" in " ".join(child.cmdline())]
        self._random.choice(backends or server.children()).send_signal(signal.SIGKILL)

    def _stop(self, component: str) -> None:
        """It lives and does nothing any more; nobody but the supervisor ends it."""
        psutil.Process(self._site.stack.pids[component]).send_signal(signal.SIGSTOP)

    def _kill_a_worker(self) -> None:
        """As soon as there is one: a scheduler that has just started has none yet."""

        def workers() -> list[psutil.Process]:
            scheduler = self._site.stack.pids["scheduler"]
            return [each for each in members({scheduler}) if each.pid != scheduler]

        found = self._site.until(workers, seconds=120, what="a worker is there")
        self._random.choice(found).send_signal(signal.SIGKILL)

    def _refuse_mail(self) -> None:
        """Without its folder the mail server refuses whatever comes; half a minute later it is itself again."""
        folder = self._site.stack.settings.mail_folder
        away = folder.with_name("mails-away")
        folder.rename(away)
        timer = threading.Timer(30, away.rename, [folder])
        timer.start()
        self._copies.append(timer)

    def _run_by_hand(self) -> None:
        dag_id = dag_id_of(self.keys[-1])
        self._site.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", user="admin", body={"logical_date": None})

    def _clear_tasks(self) -> None:
        dag_id = dag_id_of(self.keys[0])
        run = next(run for run in self._site.runs(dag_id) if run["state"] in ENDED)
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run["dag_run_id"], "reset_dag_runs": True}
        answer = self._site.call("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", user="admin", body=body)
        answer.raise_for_status()

    def _until_nothing_is_due(self) -> None:
        """Also no run under way, and no validation left to end."""

        def nothing() -> bool:
            left = self._value(
                "select (select count(*) from milestone join event on event.id = event_id "
                "  where key = any(:keys) and milestone.state = 'due') "
                "+ (select count(*) from snapshot join event on event.id = event_id "
                "  where key = any(:keys) and snapshot.status in ('requested', 'running')) "
                "+ (select count(*) from participant join event on event.id = event_id "
                "  join revision on revision.id = current_revision_id where key = any(:keys) and validated_at is null)",
                keys=self.keys,
            )
            return left == 0 and all(
                run["state"] in ENDED for key in self.keys for run in self._site.runs(dag_id_of(key))
            )

        self._wait(nothing, "everything due is done and every run has ended")

    def _until_mail_is_out(self) -> None:
        # At once instead of at the next minute.
        mail = "/api/v2/dags/certification_mail/dagRuns"
        self._stubbornly(lambda: self._site.call("POST", mail, user="admin", body={"logical_date": None}))
        self._wait(
            lambda: self._value(
                "select count(*) = 0 from message where event_key = any(:keys) and email is not null "
                "and not gathered and delivered_at is null and handed_over_at is null",
                keys=self.keys,
            ),
            "every mail is delivered",
        )

    def _wait(self, question: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + _LONGEST_RECOVERY
        while True:
            with contextlib.suppress(*_PASSING):
                if question():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {_LONGEST_RECOVERY:.0f} s: {what}")
            time.sleep(1)

    def _value(self, statement: str, **parameters: Any) -> Any:
        return self._site.value(statement, **parameters)

    def _stubbornly(self, act: Callable[[], Any]) -> Any:
        """As people do who get an error page: again, until the installation is back."""
        deadline = time.monotonic() + _LONGEST_RECOVERY
        while True:
            try:
                return act()
            except _PASSING:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="certification-chaos-") as folder, running_site(Path(folder)) as site:
        outcome = Chaos(site, given.seed).run(given.rounds)
    sys.stdout.write(json.dumps({**outcome, "participants": len(DISTRICTS)}) + "\n")
    return 1 if outcome["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
