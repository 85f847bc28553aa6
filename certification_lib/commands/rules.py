"""`certify rules`: the delivered rule bank, and groups as suites of Great Expectations."""

import re
from pathlib import Path
from typing import Annotated

import typer

from certification_lib.commands.boundary import acting

app = typer.Typer(no_args_is_help=True, help="Validation rules.")

ActingPerson = Annotated[str, typer.Option("--as", metavar="USERNAME", help="The person who acts.")]


@app.command()
def sync() -> None:
    """Load the rules and groups delivered in expectations/; a changed rule becomes a new version."""
    from certification_lib.rulebook.service import sync_delivered_rules

    with acting() as boundary:
        result = sync_delivered_rules(**boundary.as_keywords())
    typer.echo(str(result))


@app.command()
def page() -> None:
    """Print docs/rules.md, the page on the delivered rules, as the files in expectations/ are now."""
    from certification_lib.rulebook.delivered import read_delivered
    from certification_lib.rulebook.rules_page import rules_page

    typer.echo(rules_page(read_delivered()), nl=False)


@app.command("export")
def export_group(
    group: Annotated[str, typer.Argument(help="Name of the validation group.")],
    to: Annotated[Path, typer.Option(help="Folder the files go to; it is made when it is not there.")] = Path(),
) -> None:
    """Write a group as Great Expectations suites: one JSON file for each datamart view."""
    import json

    from certification_lib.errors import NotFound
    from certification_lib.rulebook.queries import groups_by_name
    from certification_lib.validation.suites import suite_documents

    with acting() as boundary:
        found = groups_by_name([group], session=boundary.session).get(group)
        if found is None:
            raise NotFound(f"There is no validation group “{group}”.")
        documents = suite_documents(found.id, session=boundary.session)
        to.mkdir(parents=True, exist_ok=True)
        for view, document in documents.items():
            file = to / f"{_file_name(group)}.{view}.json"
            file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            typer.echo(str(file))


def _file_name(group: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-") or "group"


@app.command("import")
def import_group(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Suites of one group.")],
    username: ActingPerson,
    name: Annotated[str | None, typer.Option(help="Name of the group; without it the one in the files.")] = None,
) -> None:
    """Make rules and their group of Great Expectations suites, all or nothing. The same files again change nothing."""
    import json

    from certification_lib.errors import BadInput
    from certification_lib.validation.suites import import_suites

    documents = []
    for file in files:
        try:
            documents.append(json.loads(file.read_text(encoding="utf-8")))
        except ValueError:
            raise BadInput(f"{file.name} is not JSON.") from None
    with acting(username) as boundary:
        done = import_suites(documents, name=name, **boundary.as_keywords())
    typer.echo(f"{done.group}: {len(done.added)} added, {len(done.changed)} changed, {done.unchanged} as before")
