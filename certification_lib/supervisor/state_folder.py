"""The one folder that holds everything a local installation keeps: databases, secrets, logs, mails, manifests."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from certification_lib.settings import SETTINGS_FILE

SECRETS_FILE = "secrets.json"
ADMINISTRATOR = "admin"


class StateFolderInUse(RuntimeError):
    """Another `certify up` runs on the same state folder."""


def prepare(folder: Path) -> None:
    """Creates the folder with its parts. Others on the machine may at most pass through, never look."""
    # The database server of a run as root has an account of its own, which passes through to its folder.
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for part in ("logs", "mail", "manifests", "airflow"):
        (folder / part).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder for this process; the system lets go of it however the process ends."""
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StateFolderInUse(f"`certify up` is already running on {folder}; stop it first.") from error
        yield
    finally:
        os.close(descriptor)


def load_secrets(folder: Path) -> dict[str, str]:
    """The secrets of this installation, generated on first use and never again."""
    kept = read_json(folder / SECRETS_FILE)
    wanted = {
        "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt_secret": secrets.token_urlsafe(48),
        "api_secret_key": secrets.token_urlsafe(48),
        "administrator_password": secrets.token_urlsafe(12),
    }
    complete = wanted | kept
    if complete != kept:
        write_private(folder / SECRETS_FILE, complete)
    return complete


def write_settings(folder: Path, settings: Mapping[str, str | int | bool | None]) -> None:
    """Writes what other processes of this installation read through `load_settings`."""
    write_private(folder / SETTINGS_FILE, {name: value for name, value in settings.items() if value is not None})


def read_json(file: Path) -> dict[str, str]:
    try:
        content: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return content


def write_private(file: Path, content: object) -> None:
    """Replaces a file as a whole, readable by its owner only."""
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(file)
