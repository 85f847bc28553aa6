"""The people of the demo and what each of them does, over REST, in their own name."""

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from certification_lib.demo.client import Refused, RestClient
from certification_lib.demo.display import Progress
from certification_lib.settings import PROJECT_FOLDER

EVENT_FILE = PROJECT_FOLDER / "include" / "sample_data" / "fall-enrollment-count.yaml"
PLANNER = "state.approver"
REVIEWER = "state.reviewer"
# Three districts of different size and Grand Bend; the last certifies twice.
CERTIFYING = ("001", "005", "006", "255901")
SENT_BACK = "006"
TITLES = {"superintendent": "Superintendent", "certifier2": "Data Coordinator"}
WINDOW_DAYS = 14
RUN_LIMIT_SECONDS = 900


class StoryFailed(RuntimeError):
    """Something did not happen that should have; the text says what."""


@dataclass
class Story:
    """One event from publishing to closing. `observer` is somebody who may look at Airflow's DAGs."""

    client: RestClient
    observer: str
    zone: ZoneInfo
    key: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def dag_id(self) -> str:
        return str(self.client.get(PLANNER, f"/events/{self.key}")["dag_id"])

    def create_event(self, event_file: Path = EVENT_FILE) -> None:
        """The state plans the event: open from today for two weeks, the snapshot due at once."""
        today = datetime.datetime.now(self.zone)
        content = yaml.safe_load(event_file.read_text(encoding="utf-8"))
        content |= {
            "start_date": today.date().isoformat(),
            "opens_date": today.date().isoformat(),
            "end_date": (today.date() + datetime.timedelta(days=WINDOW_DAYS)).isoformat(),
            "state_snapshot_schedule": {
                "first": today.replace(tzinfo=None, second=0, microsecond=0).isoformat(),
                "frequency": "once",
            },
        }
        self.key = self.client.post(PLANNER, "/events", content)["key"]

    def publish(self) -> float:
        """Publish; the seconds until Airflow has the DAG."""
        published = time.monotonic()
        self.client.post(PLANNER, f"/events/{self.key}/publish")
        dag = self.dag_id
        _wait_for(lambda: self._dag_exists(dag), "the event's DAG in Airflow", 60, pause=0.1)
        return time.monotonic() - published

    def _dag_exists(self, dag: str) -> bool:
        try:
            self.client.airflow(self.observer, f"/dags/{dag}")
        except Refused as refused:
            if refused.status == 404:
                return False
            raise
        return True

    def wait_for_airflow(self, tell: Progress) -> None:
        """Until the run that takes the snapshot and validates has ended well."""
        dag = self.dag_id

        def ended() -> bool:
            runs = self.client.airflow(self.observer, f"/dags/{dag}/dagRuns")["dag_runs"]
            for run in runs:
                self._tell_steps(dag, run["dag_run_id"], tell)
                if run["state"] == "failed":
                    raise StoryFailed(f"The run {run['dag_run_id']} failed; its log is in Airflow.")
            return bool(runs) and all(run["state"] == "success" for run in runs)

        _wait_for(ended, "the snapshot and its validation", RUN_LIMIT_SECONDS, pause=1.0)

    def _tell_steps(self, dag: str, run: str, tell: Progress) -> None:
        steps = self.client.airflow(self.observer, f"/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        by_state: dict[str, list[str]] = {}
        for one in steps:
            by_state.setdefault(one["state"] or "waiting", []).append(one["task_id"])
        shown = [f"{state}: {', '.join(sorted(set(names)))}" for state, names in sorted(by_state.items())]
        tell("; ".join(shown))

    def certify(self, numbers: Sequence[str], tell: Progress) -> int:
        """Both certifiers of each district sign what they are shown; how many signatures."""
        signed = 0
        for number in numbers:
            for role, title in TITLES.items():
                username = f"{role}.{number}"
                self._sign(username, number, title)
                signed += 1
                tell(f"{username} has certified")
        return signed

    def _sign(self, username: str, number: str, title: str) -> None:
        shown = self.client.get(username, f"/events/{self.key}/participants/{number}")
        body = {
            "revision": shown["revision"]["number"],
            "digest": shown["revision"]["digest"],
            "statement_version": shown["statement_version"],
            "name": self.client.get(username, "/me")["name"],
            "title": title,
            "nil_return": shown["readiness"]["nil_return"],
        }
        if shown["readiness"]["reason_without_change"]:
            body["reason_without_change"] = "We checked transfers in: the numbers are right as they were."
        self.client.post(username, f"/events/{self.key}/participants/{number}/certify", body)

    def approve(self, numbers: Sequence[str]) -> int:
        """How many the approver has approved."""
        return len(self._act("approve", numbers)["done"])

    def send_back(self, number: str) -> None:
        """The state asks for another certification, with a reason."""
        self._act("request-recertification", [number], reason="Grade 9 looks too low: please check transfers in.")

    def expect_refusal(self, username: str, number: str) -> str:
        """A district person asks for another district's data; the refusal's words."""
        path = f"/events/{self.key}/participants/{number}"
        for asked in (path, f"{path}/findings"):
            try:
                self.client.get(username, asked)
            except Refused as refused:
                if refused.status != 404:
                    raise StoryFailed(f"{username} got {refused} for {asked} instead of 404.") from refused
                words = refused.detail
            else:
                raise StoryFailed(f"{username} could read {asked}.")
        return words

    def status_counts(self) -> dict[str, int]:
        """Participants by status, as the state sees them."""
        answer: dict[str, int] = self.client.get(PLANNER, f"/events/{self.key}/participants", limit=1)["status_counts"]
        return answer

    def finding_counts(self) -> dict[str, dict[str, int]]:
        """Findings by rule and district, as the state sees them; rules without findings are left out."""
        counts: dict[str, dict[str, int]] = {}
        for participant in self.client.items(PLANNER, f"/events/{self.key}/participants", limit=200):
            number = participant["number"]
            for rule in self.client.items(PLANNER, f"/events/{self.key}/participants/{number}/findings"):
                if rule["could_not_run"]:
                    raise StoryFailed(f"Rule {rule['code']} could not run for {number}: {rule['could_not_run']}")
                if rule["finding_count"]:
                    counts.setdefault(rule["code"], {})[number] = rule["finding_count"]
        return counts

    def close(self) -> None:
        """Close for good, although most districts have not certified: the name is typed to confirm it."""
        name = self.client.get(PLANNER, f"/events/{self.key}")["name"]
        body = {"comment": "The demonstration has ended.", "name": name}
        self.client.post(PLANNER, f"/events/{self.key}/close", body)

    def expect_closed(self) -> None:
        """A closed event refuses everything, and districts no longer see it."""
        try:
            self._act("approve", [CERTIFYING[0]])
        except Refused as refused:
            if refused.status != 409:
                raise
        else:
            raise StoryFailed("A closed event let itself be approved.")
        mine = [event["key"] for event in self.client.items("superintendent.001", "/events")]
        if self.key in mine:
            raise StoryFailed("A district still sees the closed event.")

    def _act(self, act: str, numbers: Sequence[str], **more: Any) -> Any:
        return self.client.post(PLANNER, f"/events/{self.key}/{act}", {"participants": list(numbers), **more})


def _wait_for(reached: Callable[[], bool], what: str, seconds: float, *, pause: float) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise StoryFailed(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(pause)
