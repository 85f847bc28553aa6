"""`certify organizations`, `people`, `categories`, `roles`: who takes part."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certification_lib.commands.boundary import acting

if TYPE_CHECKING:
    from certification_lib.people.csv_files import ImportResult

organizations = typer.Typer(no_args_is_help=True, help="The directory of organizations.")
people = typer.Typer(no_args_is_help=True, help="Persons, their rights and memberships.")
categories = typer.Typer(no_args_is_help=True, help="Certification categories.")
roles = typer.Typer(no_args_is_help=True, help="Accounts and roles in Airflow.")

ReadableFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
ActingPerson = Annotated[str | None, typer.Option("--as", metavar="USERNAME", help="The person who acts.")]


@organizations.command("import")
def import_organizations(file: ReadableFile, username: ActingPerson = None) -> None:
    """Add and change organizations from a CSV file: all of it or, with every bad line listed, nothing."""
    from certification_lib.people.service import import_organizations

    with acting(username) as boundary:
        result = import_organizations(file.read_text(encoding="utf-8-sig"), **boundary.as_keywords())
    _show(result)


@people.command("import")
def import_people(file: ReadableFile, username: ActingPerson = None) -> None:
    """Add and change persons, rights and memberships from a CSV file: all of it or nothing."""
    from certification_lib.categories.people_import import import_people

    with acting(username) as boundary:
        result = import_people(file.read_text(encoding="utf-8-sig"), **boundary.as_keywords())
    _show(result)


@categories.command("import")
def import_categories(file: ReadableFile, username: ActingPerson = None) -> None:
    """Add and change certification categories from a YAML file."""
    from certification_lib.categories.service import import_categories

    with acting(username) as boundary:
        result = import_categories(file.read_text(encoding="utf-8"), **boundary.as_keywords())
    typer.echo(str(result))


@roles.command("sync")
def sync() -> None:
    """Make the Airflow roles and accounts that are missing. Needs Airflow."""
    from certification_lib.orchestration.accounts import sync_accounts

    typer.echo(str(sync_accounts()))


def _show(result: "ImportResult") -> None:
    typer.echo(str(result))
    for warning in result.warnings:
        typer.echo(warning, err=True)
