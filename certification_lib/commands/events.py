"""`certify events` and `certify manifests`."""

from pathlib import Path
from typing import Annotated

import typer

from certification_lib.commands.boundary import acting, conclude, show

app = typer.Typer(no_args_is_help=True, help="Certification events.")
manifests = typer.Typer(no_args_is_help=True, help="What Airflow parses: one small file for each published event.")

Key = Annotated[str, typer.Argument(help="The event's key.")]
ActingPerson = Annotated[str, typer.Option("--as", metavar="USERNAME", help="The person who acts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("import")
def import_event(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], username: ActingPerson) -> None:
    """Create an event, or edit the one with the same key, from a YAML file. Nothing is published."""
    from certification_lib.events.service import import_event

    with acting(username) as boundary:
        event = import_event(file.read_text(encoding="utf-8"), **boundary.as_keywords())
        key, status = event.key, event.status.value
    typer.echo(f"{key}: {status}")


@app.command()
def publish(key: Key, username: ActingPerson) -> None:
    """Publish an event, or its unpublished changes. Airflow sees it when it next parses its DAGs."""
    from certification_lib.certification.publishing import publish_event
    from certification_lib.events.manifest import write_manifest_of

    with acting(username) as boundary:
        publish_event(key, **boundary.as_keywords())
    with acting(username) as boundary:
        write_manifest_of(key, session=boundary.session)
    typer.echo(f"{key}: published")


@app.command()
def close(
    key: Key,
    comment: Annotated[str, typer.Option(help="Why, for the record.")],
    username: ActingPerson,
    name: Annotated[str | None, typer.Option(help="The event's name, needed when something is unfinished.")] = None,
) -> None:
    """Close a published event for good."""
    from certification_lib.certification.closing import close_event
    from certification_lib.events.manifest import write_manifest_of

    with acting(username) as boundary:
        close_event(key, comment, confirmed_name=name, **boundary.as_keywords())
    with acting(username) as boundary:
        write_manifest_of(key, session=boundary.session)
    typer.echo(f"{key}: closed")


@app.command("list")
def list_events(as_json: AsJson = False) -> None:
    """Every event with its status."""
    from certification_lib.events.listing import event_list

    with acting() as boundary:
        rows = event_list(session=boundary.session)
    show(rows, as_json=as_json)


@app.command()
def status(key: Key, as_json: AsJson = False) -> None:
    """How many participants are in each status."""
    from certification_lib.certification.queries import participants_page

    with acting() as boundary:
        page = participants_page(key, session=boundary.session, now=boundary.now, size=1)
    rows = [{"status": name.value, "participants": count} for name, count in page.status_counts.items()]
    show(rows, as_json=as_json)


@manifests.command()
def rebuild() -> None:
    """Write the manifest of every published event anew."""
    from certification_lib.events.manifest import rebuild_manifests
    from certification_lib.settings import load_settings

    with acting() as boundary:
        written = rebuild_manifests(load_settings().manifest_folder, session=boundary.session)
    typer.echo(f"{written} manifests written.")


@manifests.command()
def check(as_json: AsJson = False) -> None:
    """Compare the manifests with the database; exit 1 when one is missing, broken or of another publication."""
    from certification_lib.events.manifest import check_manifests
    from certification_lib.settings import load_settings

    with acting() as boundary:
        problems = check_manifests(load_settings().manifest_folder, session=boundary.session)
    conclude(problems, "Every manifest is there and current.", as_json=as_json)
