"""The demo from an empty folder to a running installation with an event in the middle of its window."""

import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from certification_lib.audit.models import Channel
from certification_lib.audit.service import Actor
from certification_lib.database import database_now, make_engine, transaction
from certification_lib.demo.check import Comparison, compare
from certification_lib.demo.client import Refused, RestClient
from certification_lib.demo.display import Display
from certification_lib.demo.story import CERTIFYING, PLANNER, REVIEWER, SENT_BACK, Story, StoryFailed
from certification_lib.sample_source.directory import write_directory_files
from certification_lib.sample_source.load import load_sample
from certification_lib.sample_source.manifest import SampleManifest
from certification_lib.settings import PROJECT_FOLDER, Settings, load_settings
from certification_lib.supervisor.local_stack import LocalStack
from certification_lib.supervisor.state_folder import write_private

LOADER = Actor("system", "Certification system", None, Channel.COMMAND_LINE)
CATEGORIES_FILE = PROJECT_FOLDER / "include" / "sample_data" / "categories.yaml"
STEPS = 10
# What may be in a folder before it is emptied: only a folder that a demo made.
MARK = "this-is-a-demo"


def run_demo(*, exit_when_done: bool, students: int, port: int, state_folder: Path | None) -> int:
    """Exit status: 0 when everything happened and, with `exit_when_done`, every count agreed."""
    folder = (state_folder or load_settings().state_folder / "demo").resolve()
    display = Display(STEPS + 2 * exit_when_done)
    _empty(folder)
    with _interrupted_by_signals():
        try:
            return _Demo(folder, display, students, port).run(exit_when_done=exit_when_done)
        except (StoryFailed, Refused) as error:
            display.say(f"The demo stopped: {error}")
            return 1
        except KeyboardInterrupt:
            display.say("Stopped.")
            return 130


class _Demo:
    def __init__(self, folder: Path, display: Display, students: int, port: int) -> None:
        self._folder = folder
        self._display = display
        self._students = students
        self._port = port
        self._password = secrets.token_urlsafe(9)
        self._manifest: SampleManifest | None = None

    def run(self, *, exit_when_done: bool) -> int:
        stack = LocalStack(self._folder, port=self._port, address="localhost", demo=True)
        try:
            with self._display.step("Start PostgreSQL, Airflow and a mail catcher") as tell:
                stack.start()
                tell(stack.base_url)
            manifest = self._load(stack.settings)
            user, password = stack.administrator
            with RestClient(stack.base_url, shared_password=self._password, passwords={user: password}) as client:
                story = Story(client, user, ZoneInfo("America/New_York"))
                dag_seconds = self._open_event(story)
                self._certify(story)
                comparison = compare(manifest, story.finding_counts())
                self._summary(stack, story, comparison, dag_seconds)
                if not exit_when_done:
                    self._stay_up(stack)
                    return 0
                return self._close(story, comparison)
        finally:
            stack.stop()

    def _load(self, settings: Settings) -> SampleManifest:
        with self._display.step("Load Kentucky and Grand Bend into the sample source") as tell:
            manifest = load_sample(settings.url("source_owner"), students=self._students, progress=tell)
            manifest.write(self._folder / "sample_manifest.json")
            tell(f"{manifest.students:,} students, known errors in sample_manifest.json")
        with self._display.step("Import organizations, people, categories and rules") as tell:
            tell(self._import(settings))
        with self._display.step("Make Airflow accounts for everybody") as tell:
            from certification_lib.orchestration.accounts import sync_accounts

            tell(str(sync_accounts(demo_password=self._password, settings=settings)))
            write_private(self._folder / "demo.json", {"password": self._password})
        return manifest

    def _import(self, settings: Settings) -> str:
        from certification_lib.categories.people_import import import_people
        from certification_lib.categories.service import import_categories
        from certification_lib.people.service import import_organizations

        organizations, people = write_directory_files(self._folder / "directory")
        engine = make_engine(settings.url("certification_task"))
        told = []
        try:
            for act, file in (
                (import_organizations, organizations),
                (import_categories, CATEGORIES_FILE),
                (import_people, people),
            ):
                with transaction(engine) as session:
                    text = file.read_text(encoding="utf-8")
                    told.append(str(act(text, session=session, actor=LOADER, now=database_now(session))))
        finally:
            engine.dispose()
        return "; ".join(told)

    def _open_event(self, story: Story) -> float:
        with self._display.step("The state creates and publishes the Fall Enrollment Count") as tell:
            story.create_event()
            dag_seconds = story.publish()
            tell(f"Airflow has its DAG {dag_seconds:.1f} s after publishing")
        with self._display.step("Airflow takes everybody's snapshot and validates it") as tell:
            story.wait_for_airflow(tell)
        return dag_seconds

    def _certify(self, story: Story) -> None:
        with self._display.step(f"{len(CERTIFYING)} districts review and certify") as tell:
            tell(f"{story.certify(CERTIFYING, tell)} signatures")
        with self._display.step("The state approves them and sends one back") as tell:
            approved = story.approve(CERTIFYING)
            story.send_back(SENT_BACK)
            tell(f"{approved} approved, {SENT_BACK} is asked to certify again")
        with self._display.step("The district certifies again and is approved") as tell:
            story.certify([SENT_BACK], tell)
            story.approve([SENT_BACK])
            tell(f"{SENT_BACK} is approved in its second round")
        with self._display.step("A district asks for another district's data") as tell:
            tell(f'refused: "{story.expect_refusal("superintendent.001", "005")}"')

    def _close(self, story: Story, comparison: Comparison) -> int:
        with self._display.step("The state closes the event"):
            story.close()
            story.expect_closed()
        with self._display.step("Compare every count with the known errors") as tell:
            tell(f"{comparison.rules} rules, {comparison.findings:,} findings, {len(comparison.differences)} differ")
        self._display.say(*comparison.differences[:20])
        return 1 if comparison.differences else 0

    def _summary(self, stack: LocalStack, story: Story, comparison: Comparison, dag_seconds: float) -> None:
        display = self._display
        display.table(
            "Participants", ("Status", "Number"), [(name, str(n)) for name, n in story.status_counts().items()]
        )
        agreement = "as injected" if not comparison.differences else f"{len(comparison.differences)} counts differ"
        display.table(
            "Measured",
            ("What", "Value"),
            [
                ("Publish to DAG in Airflow", f"{dag_seconds:.1f} s"),
                ("Findings of the rules with known errors", f"{comparison.findings:,}, {agreement}"),
                *((name, f"{seconds:.1f} s") for name, seconds in display.seconds.items()),
            ],
        )
        user, password = stack.administrator
        display.table(
            f"Sign in at {stack.base_url}/certification/",
            ("Who", "User name", "Password"),
            [
                ("State approver", PLANNER, self._password),
                ("State reviewer", REVIEWER, self._password),
                ("Superintendent of Adair County", "superintendent.001", self._password),
                ("Superintendent of Grand Bend ISD", "superintendent.255901", self._password),
                ("Airflow's administrator", user, password),
            ],
        )

    def _stay_up(self, stack: LocalStack) -> None:
        self._display.say("", f"Running at {stack.base_url}/certification/ until Ctrl-C.")
        signal.pause()


def _empty(folder: Path) -> None:
    """A demo starts anew each time; a folder that no demo made is left alone."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise StoryFailed(f"{folder} is not empty and not of a demo; choose another --state-folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """A request to end is Ctrl-C: the installation is stopped before this process ends."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
