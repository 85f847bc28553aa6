"""The database server of a run: the embedded one, or an existing one whose administrator's address is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from certification_lib.database_roles import ROLES, connect, ensure_roles, generate_passwords
from certification_lib.settings import URL_SETTINGS
from certification_lib.supervisor.postgres import Server, start_server
from certification_lib.supervisor.state_folder import read_json, write_private

# The database each role works in.
_DATABASES = dict.fromkeys(ROLES, "certification") | {
    "airflow": "airflow",
    "source_owner": "source",
    "source_reader": "source",
}


@dataclass(frozen=True)
class Databases:
    urls: Mapping[str, str]  # by the name of the setting
    server: Server | None  # None when the server is not ours to stop


def start_databases(folder: Path, *, admin_url: str | None) -> Databases:
    """Databases and roles ready to be used, on the server of `admin_url` or on an embedded one in `folder`."""
    if admin_url is not None:
        return Databases(_external(folder, admin_url), None)
    server = start_server(folder / "postgres")
    server.ensure_roles_and_databases()
    urls = {setting: server.url(role, _DATABASES[role]) for role, setting in URL_SETTINGS.items()}
    return Databases(urls, server)


def _external(folder: Path, admin_url: str) -> dict[str, str]:
    file = folder / "passwords.json"
    kept = read_json(file)
    passwords = generate_passwords() | kept
    if passwords != kept:
        write_private(file, passwords)
    ensure_roles(admin_url, passwords)
    parts = urlsplit(admin_url)
    place = parts.netloc.rsplit("@", 1)[-1]
    return {
        setting: urlunsplit(
            parts._replace(
                scheme="postgresql+psycopg",
                netloc=f"{role}:{quote(passwords[role], safe='')}@{place}",
                path=f"/{_DATABASES[role]}",
            )
        )
        for role, setting in URL_SETTINGS.items()
    }


def airflow_stamp() -> str:
    """Which versions' tables Airflow's database should have."""
    packages = ("apache-airflow-core", "apache-airflow-providers-fab")
    return " ".join(f"{package} {version(package)}" for package in packages)


def has_airflow_tables(airflow_url: str) -> bool:
    question = b"select to_regclass('public.alembic_version') is not null and to_regclass('public.ab_user') is not null"
    try:
        with connect(airflow_url) as database:
            row = database.execute(question).fetchone()
    except psycopg.OperationalError:
        return False
    return bool(row and row[0])
