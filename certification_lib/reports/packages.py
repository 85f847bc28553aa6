"""The closing package of an event: every report, the certified data as Parquet, and a manifest of their digests.

Made unattended once the event is closed. The manifest is written last: where it lies, the package is whole. Making one
again, after a crash or on purpose, first takes the manifest away and ends with the same files.
"""

import datetime
import hashlib
import json
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from certification_lib.audit.service import SYSTEM, record
from certification_lib.database import database_now, transaction
from certification_lib.errors import CertificationError, Conflict, NotFound, SourceFailure, database_error_in_words
from certification_lib.events.models import Event, EventStatus, EventVersion
from certification_lib.reports.models import ClosingPackage, MakingStatus
from certification_lib.reports.package_files import files_of
from certification_lib.reports.storing import Folder, Written

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_SILENCE = datetime.timedelta(minutes=15)
_TRIED_AGAIN_AFTER = datetime.timedelta(hours=1)
_ATTEMPTS = 24


@dataclass(frozen=True)
class Package:
    """A package that is whole."""

    event_key: str
    address: str
    files: int
    size: int
    manifest_digest: str
    made_now: bool
    """False: it was there already."""


def packages_due(
    *, session: Session, now: datetime.datetime, patience: datetime.timedelta = datetime.timedelta(0)
) -> list[str]:
    """Keys of events closed so long ago that have no package yet, the one closed first before others.

    One that failed is tried again after an hour, one whose process fell silent after a quarter of one.
    """
    gone = sa.and_(ClosingPackage.status == MakingStatus.RUNNING, ClosingPackage.heard_from_at <= now - _SILENCE)
    failed = sa.and_(
        ClosingPackage.status == MakingStatus.FAILED,
        ClosingPackage.started_at <= now - _TRIED_AGAIN_AFTER,
        ClosingPackage.attempts < _ATTEMPTS,
    )
    query = (
        sa.select(Event.key)
        .outerjoin(ClosingPackage, ClosingPackage.event_id == Event.id)
        .where(Event.status == EventStatus.CLOSED, Event.live_version_id.is_not(None))
        .where(Event.closed_at <= now - patience)
        .where(sa.or_(ClosingPackage.event_id.is_(None), gone, failed))
        .order_by(Event.closed_at, Event.key)
    )
    return list(session.scalars(query))


def make_due_packages(folder: str, *, engine: sa.Engine) -> tuple[list[str], list[str]]:
    """(keys of events whose package was made, of those that failed). A failure stops no other.

    What another process is making meanwhile is in neither.
    """
    made, failed = [], []
    with transaction(engine) as session:
        keys = packages_due(session=session, now=database_now(session))
    for key in keys:
        try:
            make_package(key, folder, engine=engine)
        except Conflict as error:
            log.info("%s", error)
        except CertificationError as error:
            log.warning("The closing package of %s was not made: %s", key, error)
            failed.append(key)
        else:
            made.append(key)
    return made, failed


def make_package(key: str, folder: str, *, engine: sa.Engine, again: bool = False) -> Package:
    """The closing package of a closed event, in a folder of its key; one that is there is left as it is, unless
    `again`. Conflict for an event that is not closed, and while another process makes it."""
    place = Folder(folder, key)
    owner, ready = _claim(key, place, engine, again=again)
    if ready is not None:
        return ready
    try:
        place.remove(MANIFEST)
        written = list(_written(key, place, owner, engine))
        manifest = place.write(MANIFEST, _manifest(key, written, engine))
        return _finish(key, owner, place=place, written=written, manifest=manifest, engine=engine)
    except CertificationError as error:
        _give_up(owner, str(error), engine)
        raise
    except OSError as error:
        # What the storage says may hold its credentials.
        why = f"Its files could not be written to {place.address} ({type(error).__name__})."
        _give_up(owner, why, engine)
        raise SourceFailure(why) from error
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        why = database_error_in_words(error)
        _give_up(owner, why, engine)
        raise SourceFailure(why) from error


def package_differences(key: str, folder: str) -> list[str]:
    """Every digest of the package computed again; a line for each file that is missing or differs."""
    place = Folder(folder, key)
    content = place.read(MANIFEST)
    if content is None:
        raise NotFound(f"There is no manifest at {place.address}: the package is not whole, or lies elsewhere.")
    differences = []
    for file in json.loads(content)["files"]:
        found = place.digest(file["path"])
        if found is None:
            differences.append(f"{file['path']} is missing.")
        elif found != (file["bytes"], file["sha256"]):
            differences.append(f"{file['path']} is not the file the manifest names.")
    return differences


def recorded_package(key: str, *, session: Session) -> ClosingPackage | None:
    """What is known of an event's package."""
    query = sa.select(ClosingPackage).join(Event, Event.id == ClosingPackage.event_id).where(Event.key == key)
    return session.scalars(query).first()


def _claim(key: str, place: Folder, engine: sa.Engine, *, again: bool) -> tuple[str, Package | None]:
    owner = secrets.token_hex(16)
    with transaction(engine) as session:
        now = database_now(session)
        event = session.scalars(sa.select(Event).where(Event.key == key)).first()
        if event is None:
            raise NotFound(f"There is no event {key}.")
        if event.status is not EventStatus.CLOSED:
            raise Conflict(f"The event {key} is not closed. Its package is made when it is.")
        begun = {"status": MakingStatus.FAILED, "started_at": now, "heard_from_at": now, "address": place.address}
        session.execute(insert(ClosingPackage).values(event_id=event.id, **begun).on_conflict_do_nothing())
        package = session.get_one(ClosingPackage, event.id, with_for_update=True)
        if package.status is MakingStatus.RUNNING and package.heard_from_at > now - _SILENCE:
            raise Conflict(f"The closing package of {key} is being made.")
        if not again and _is_there(package, place):
            return owner, _shown(key, package, made_now=False)
        package.status, package.owner, package.failure = MakingStatus.RUNNING, owner, None
        package.started_at = package.heard_from_at = now
        package.address, package.finished_at, package.manifest_digest = place.address, None, None
        package.attempts += 1
    return owner, None


def _is_there(package: ClosingPackage, place: Folder) -> bool:
    if package.status is not MakingStatus.READY or package.address != place.address:
        return False
    content = place.read(MANIFEST)
    return content is not None and hashlib.sha256(content).hexdigest() == package.manifest_digest


def _shown(key: str, package: ClosingPackage, *, made_now: bool) -> Package:
    return Package(
        key, package.address, package.files or 0, package.size or 0, package.manifest_digest or "", made_now=made_now
    )


def _written(key: str, place: Folder, owner: str, engine: sa.Engine) -> Iterator[Written]:
    """Each file, written when it is asked for; after each the process says that it lives."""
    for written in files_of(key, place, engine=engine):
        with transaction(engine) as session:
            spoken = session.execute(
                sa.update(ClosingPackage)
                .where(ClosingPackage.owner == owner, ClosingPackage.status == MakingStatus.RUNNING)
                .values(heard_from_at=sa.func.clock_timestamp())
                .returning(ClosingPackage.event_id)
            ).first()
        if spoken is None:
            raise Conflict(f"Another process makes the closing package of {key}.")
        yield written


def _manifest(key: str, written: list[Written], engine: sa.Engine) -> bytes:
    with transaction(engine) as session:
        event, version = session.execute(
            sa.select(Event, EventVersion)
            .join(EventVersion, EventVersion.id == Event.live_version_id)
            .where(Event.key == key)
        ).one()
        content = {
            "event": key,
            "name": version.name,
            "reporting_year": version.reporting_year,
            "closed_at": event.closed_at.isoformat() if event.closed_at else None,
            "files": [{"path": one.path, "bytes": one.size, "sha256": one.sha256} for one in written],
        }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _finish(
    key: str, owner: str, *, place: Folder, written: list[Written], manifest: Written, engine: sa.Engine
) -> Package:
    with transaction(engine) as session:
        now = database_now(session)
        query = sa.select(ClosingPackage).where(ClosingPackage.owner == owner).with_for_update()
        package = session.scalars(query).first()
        if package is None:
            raise Conflict(f"Another process makes the closing package of {key}.")
        package.status, package.finished_at = MakingStatus.READY, now
        package.files, package.size = len(written) + 1, sum(one.size for one in written) + manifest.size
        package.manifest_digest = manifest.sha256
        event = session.get_one(Event, package.event_id)
        name = session.get_one(EventVersion, event.live_version_id).name
        record(
            "event:package",
            name,
            session=session,
            actor=SYSTEM,
            now=now,
            event_key=key,
            details={"address": place.address, "files": package.files, "manifest": manifest.sha256},
        )
        return _shown(key, package, made_now=True)


def _give_up(owner: str, why: str, engine: sa.Engine) -> None:
    with transaction(engine) as session:
        session.execute(
            sa.update(ClosingPackage)
            .where(ClosingPackage.owner == owner, ClosingPackage.status == MakingStatus.RUNNING)
            .values(status=MakingStatus.FAILED, failure=why)
        )
