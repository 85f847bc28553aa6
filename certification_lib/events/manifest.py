"""Manifests: what Airflow needs to know of each published event, in small files that can be rebuilt at any time.

The database is the truth. A manifest only spares the DAG file a database: it is canonical JSON named by its DAG id,
written atomically, and carries a digest of its own, so that a damaged one is noticed and breaks only its own event.
"""

import datetime
import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fsspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from certification_lib.categories.models import Category
from certification_lib.errors import NotFound
from certification_lib.events.models import Event, EventStatus, EventVersion, Milestone, MilestoneState
from certification_lib.people.queries import state_time_zone
from certification_lib.settings import load_settings

_PREFIX = "certification_event_"
_SUFFIX = ".json"


@dataclass(frozen=True)
class DueAt:
    """What the plan has at one instant, written in ISO 8601 in UTC with whole seconds or finer."""

    at: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class EventManifest:
    """One event as Airflow sees it. `milestones` are sorted, each instant once, without the cancelled ones."""

    key: str
    dag_id: str
    version: int
    name: str
    description: str
    time_zone: str
    tags: tuple[str, ...]
    milestones: tuple[DueAt, ...]
    views: tuple[str, ...]
    closed: bool
    digest: str = field(default="")

    def canonical(self) -> str:
        """The content the digest covers."""
        content = self._content()
        del content["digest"]
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def text(self) -> str:
        """The file's text: the same for the same event, byte for byte."""
        return json.dumps(self._content(), sort_keys=True, indent=1, ensure_ascii=False) + "\n"

    def _content(self) -> dict[str, Any]:
        # Not `asdict`, which copies everything: Airflow checks a thousand digests each time it parses.
        return {**vars(self), "milestones": [vars(milestone) for milestone in self.milestones]}


@dataclass(frozen=True)
class BrokenManifest:
    """A file that is no manifest, and why."""

    file: str
    problem: str


class ManifestError(ValueError):
    """A manifest cannot be used; the text says why."""


def dag_id_of(key: str) -> str:
    """The id of an event's DAG."""
    return _PREFIX + key.replace("-", "_")


def event_of_dag(dag_id: str, *, session: Session) -> Event:
    """The published event whose DAG this is."""
    published = session.scalars(sa.select(Event).where(Event.live_version_id.is_not(None)))
    found = next((event for event in published if dag_id_of(event.key) == dag_id), None)
    if found is None:
        raise NotFound("No event belongs to this DAG.")
    return found


def digest_of(manifest: EventManifest) -> str:
    """SHA-256 over everything but the digest itself."""
    return hashlib.sha256(manifest.canonical().encode()).hexdigest()


def manifest_of(key: str, *, session: Session) -> EventManifest:
    """The manifest of a published or closed event, from the database; NotFound while it is unpublished."""
    query = sa.select(Event).where(Event.key == key, Event.live_version_id.is_not(None))
    event = session.scalar(query)
    if event is None:
        raise NotFound(f"There is no published event {key}.")
    return _manifests([event], session=session)[0]


def write_manifest(manifest: EventManifest, folder: str | Path) -> str:
    """Write it so that a reader sees the old one or the new one and never half of one. Gives the file's path."""
    system, root = fsspec.core.url_to_fs(str(folder))
    system.makedirs(root, exist_ok=True)
    final = f"{root}/{manifest.dag_id}{_SUFFIX}"
    # A name of its own, without the suffix, in the same folder: moving it there is one step for the file system.
    unfinished = f"{root}/.{manifest.dag_id}.{uuid.uuid4().hex}"
    try:
        with system.open(unfinished, "wb") as file:
            file.write(manifest.text().encode())
        system.mv(unfinished, final)
    finally:
        if system.exists(unfinished):
            system.rm(unfinished)
    return final


def read_manifests(
    folder: str | Path, *, belongs: Callable[[str], bool] = lambda _dag_id: True
) -> tuple[list[EventManifest], list[BrokenManifest]]:
    """All manifests of a folder by DAG id, and beside them the files that are none. A missing folder is empty.

    `belongs` chooses by the DAG's id, which is the file's name: what is not chosen is not opened.
    """
    system, root = fsspec.core.url_to_fs(str(folder))
    if not system.exists(root):
        return [], []
    manifests, broken = [], []
    for path in sorted(path for path in system.ls(root, detail=False) if path.endswith(_SUFFIX)):
        name = path.rsplit("/", 1)[-1]
        dag_id = name.removesuffix(_SUFFIX)
        if not belongs(dag_id):
            continue
        try:
            manifests.append(parse_manifest(system.cat_file(path), dag_id))
        except (ManifestError, OSError) as error:
            broken.append(BrokenManifest(name, str(error)))
    return manifests, broken


def read_manifest(folder: str | Path, dag_id: str) -> EventManifest:
    """The manifest of one DAG, for a task that needs no other. FileNotFoundError or ManifestError."""
    system, root = fsspec.core.url_to_fs(str(folder))
    return parse_manifest(system.cat_file(f"{root}/{dag_id}{_SUFFIX}"), dag_id)


def parse_manifest(text: bytes | str, dag_id: str) -> EventManifest:
    """The manifest in a file named after `dag_id`. ManifestError unless it is whole and what its digest says."""
    try:
        values = json.loads(text)
        manifest = _from_json(values)
    except (UnicodeDecodeError, ValueError) as error:
        raise ManifestError(f"it is not JSON: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise ManifestError("it lacks fields of a manifest, or has others") from None
    if manifest.digest != digest_of(manifest):
        raise ManifestError("its digest does not match: the file was changed by hand or is damaged")
    if manifest.dag_id != dag_id:
        raise ManifestError(f"it is the manifest of {manifest.dag_id}, under another name")
    return manifest


def write_manifest_of(key: str, *, session: Session, folder: str | Path | None = None) -> EventManifest:
    """Write the manifest of one event, after its commit; into the installation's folder unless another is named."""
    manifest = manifest_of(key, session=session)
    write_manifest(manifest, folder or load_settings().manifest_folder)
    return manifest


def rebuild_manifests(folder: str | Path, *, session: Session) -> int:
    """Write all manifests anew from the database and remove what belongs to no event. Gives how many there are."""
    system, root = fsspec.core.url_to_fs(str(folder))
    wanted = all_manifests(session=session)
    for manifest in wanted:
        write_manifest(manifest, folder)
    names = {manifest.dag_id + _SUFFIX for manifest in wanted}
    for path in system.ls(root, detail=False) if system.exists(root) else []:
        name = path.rsplit("/", 1)[-1]
        if name.endswith(_SUFFIX) and name not in names:
            system.rm(path)
    return len(wanted)


def check_manifests(folder: str | Path, *, session: Session) -> list[str]:
    """How the folder differs from the database, one sentence each; empty when it does not."""
    manifests, broken = read_manifests(folder)
    found = {manifest.dag_id: manifest for manifest in manifests}
    broken_ids = {file.file.removesuffix(_SUFFIX) for file in broken}
    problems = [f"{file.file}: {file.problem}" for file in broken]
    wanted = {manifest.dag_id: manifest for manifest in all_manifests(session=session)}
    for dag_id, manifest in wanted.items():
        if dag_id not in found and dag_id not in broken_ids:
            problems.append(f"{dag_id}{_SUFFIX}: is missing")
        elif dag_id in found and found[dag_id].digest != manifest.digest:
            problems.append(f"{dag_id}{_SUFFIX}: is not that of version {manifest.version}")
    problems += [f"{dag_id}{_SUFFIX}: belongs to no published event" for dag_id in sorted(found.keys() - wanted.keys())]
    return problems


def all_manifests(*, session: Session) -> list[EventManifest]:
    """The manifests the folder should hold: those of every event ever published."""
    events = session.scalars(sa.select(Event).where(Event.live_version_id.is_not(None)).order_by(Event.key)).all()
    return _manifests(events, session=session)


def _manifests(events: Sequence[Event], *, session: Session) -> list[EventManifest]:
    if not events:
        return []
    zone = state_time_zone(session=session)
    query = (
        sa.select(EventVersion, Category.name)
        .join(Category, Category.id == EventVersion.category_id)
        .where(EventVersion.id.in_([event.live_version_id for event in events]))
    )
    versions = {version.event_id: (version, category) for version, category in session.execute(query)}
    due = _due(session, [event.id for event in events])
    return [_manifest(event, *versions[event.id], due.get(event.id, {}), zone.key) for event in events]


def _due(session: Session, event_ids: Sequence[int]) -> dict[int, dict[datetime.datetime, set[str]]]:
    query = sa.select(Milestone.event_id, Milestone.at, Milestone.kind).where(
        Milestone.event_id.in_(event_ids), Milestone.state != MilestoneState.CANCELLED
    )
    due: dict[int, dict[datetime.datetime, set[str]]] = {}
    for event_id, at, kind in session.execute(query):
        due.setdefault(event_id, {}).setdefault(at.astimezone(datetime.UTC), set()).add(kind.value)
    return due


def _manifest(
    event: Event, version: EventVersion, category: str, due: Mapping[datetime.datetime, set[str]], zone: str
) -> EventManifest:
    school_year = f"{version.reporting_year - 1}-{version.reporting_year % 100:02}"
    manifest = EventManifest(
        key=event.key,
        dag_id=dag_id_of(event.key),
        version=version.number,
        name=version.name,
        description=version.description,
        time_zone=zone,
        tags=("certification", category[:100], version.level.value, school_year),
        milestones=tuple(DueAt(at.isoformat(), tuple(sorted(due[at]))) for at in sorted(due)),
        views=tuple(version.datamart_views),
        closed=event.status is EventStatus.CLOSED,
    )
    return replace(manifest, digest=digest_of(manifest))


def _from_json(values: Mapping[str, Any]) -> EventManifest:
    milestones = tuple(DueAt(item["at"], tuple(item["kinds"])) for item in values["milestones"])
    for milestone in milestones:
        datetime.datetime.fromisoformat(milestone.at)
    lists = {name: tuple(values[name]) for name in ("tags", "views")}
    return EventManifest(**{**values, **lists, "milestones": milestones})
