"""`certify rules`: the delivered rule bank."""

import typer

from certification_lib.commands.boundary import acting

app = typer.Typer(no_args_is_help=True, help="Validation rules.")


@app.command()
def sync() -> None:
    """Load the rules and groups delivered in expectations/; a changed rule becomes a new version."""
    from certification_lib.rulebook.service import sync_delivered_rules

    with acting() as boundary:
        result = sync_delivered_rules(**boundary.as_keywords())
    typer.echo(str(result))
