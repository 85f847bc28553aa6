"""`certify db`: the schema of the certification database."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer

from certification_lib.commands.boundary import conclude

if TYPE_CHECKING:
    from certification_lib.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Create, upgrade and check the certification database.")


def role_passwords(settings: "Settings") -> dict[str, str]:
    """The password of each PostgreSQL role whose address is set."""
    from certification_lib.settings import URL_SETTINGS

    urls = {role: getattr(settings, setting) for role, setting in URL_SETTINGS.items()}
    return {role: unquote(urlsplit(url).password or "") for role, url in urls.items() if url and urlsplit(url).password}


@app.command()
def upgrade() -> None:
    """Bring the schema to the newest revision; with an administrator's address also make roles and databases."""
    from certification_lib.database_roles import ensure_roles
    from certification_lib.migrations.migrate import upgrade as upgrade_schema
    from certification_lib.settings import load_settings

    settings = load_settings()
    if settings.admin_url:
        ensure_roles(settings.admin_url, role_passwords(settings))
    upgrade_schema(settings.url("certification_owner"))
    typer.echo("The certification database has the newest schema.")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Compare the database with the tables the code expects; exit 1 when they differ."""
    from certification_lib.migrations.migrate import differences
    from certification_lib.settings import database_url

    found = differences(database_url("certification_owner"))
    conclude(found, "The database and the code agree.", as_json=as_json)
