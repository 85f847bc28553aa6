"""`certify retention …`: removing what is past its days or was disposed of."""

from typing import Annotated

import typer

from certification_lib.commands.boundary import show, task_engine

app = typer.Typer(no_args_is_help=True, help="What is past its days, and what was disposed of.")


@app.command("run")
def run(
    key: Annotated[str | None, typer.Argument(help="One event; all when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Remove what is due now and print it in rows and bytes; also done every night. What was certified stays."""
    from certification_lib.certification.retention import run_retention

    with task_engine() as engine:
        lines = run_retention(engine, key)
    show([line.as_row() for line in lines], as_json=as_json)
