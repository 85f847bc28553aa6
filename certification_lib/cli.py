"""The command `certify`: every command by name, with what it does. The commands themselves are in `commands`."""

import sys

import typer

from certification_lib.commands import (
    database,
    directory,
    events,
    mails,
    prior_totals,
    reports,
    retention,
    rules,
    snapshots,
    source,
    stack,
)
from certification_lib.commands.boundary import refused_in_words

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(database.app, name="db")
app.add_typer(events.manifests, name="manifests")
app.add_typer(directory.organizations, name="organizations")
app.add_typer(directory.people, name="people")
app.add_typer(directory.categories, name="categories")
app.add_typer(directory.roles, name="roles")
app.add_typer(rules.app, name="rules")
app.add_typer(prior_totals.app, name="prior-totals")
app.add_typer(events.app, name="events")
app.add_typer(retention.app, name="retention")
app.add_typer(mails.app, name="mails")
app.add_typer(reports.app, name="report")
app.add_typer(source.app, name="source")
app.command("package")(reports.package)
app.command("snapshot")(snapshots.snapshot)
app.command("validate")(snapshots.validate)
app.command("verify")(snapshots.verify)
app.command("up")(stack.up)
app.command("demo")(stack.demonstrate)


def main() -> None:
    """Exit 0: done; 1: refused, with the reason in one line on standard error; 2: wrong usage."""
    with refused_in_words():
        app()
    sys.exit(0)
