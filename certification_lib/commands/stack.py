"""`certify up` and `certify demo`: everything on this machine."""

from pathlib import Path
from typing import Annotated

import typer


def up(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Wanted port; 0 for any free one.")] = 8080,
    state_folder: Annotated[Path | None, typer.Option(help="Where everything lives.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written when everything is ready.")] = None,
    address: Annotated[str, typer.Option(help="The name of this machine in addresses: localhost or 127.0.0.1.")] = (
        "localhost"
    ),
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every line the components log.")] = False,
) -> None:
    """Run the database, Airflow and a mail catcher on this machine until Ctrl-C."""
    from certification_lib.supervisor.up import run

    status = run(port=port, state_folder=state_folder, ready_file=ready_file, address=address, verbose=verbose)
    raise typer.Exit(status)


def demonstrate(
    exit_when_done: Annotated[bool, typer.Option("--exit", help="Close the event, check everything and stop.")] = False,
    students: Annotated[int, typer.Option(min=1000, help="How many students in the sample state.")] = 65487,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Wanted port; 0 for any free one.")] = 8080,
    state_folder: Annotated[Path | None, typer.Option(help="Where everything lives.")] = None,
) -> None:
    """Show a whole certification event on real data, from publishing to closing."""
    from certification_lib.demo.run import run_demo

    raise typer.Exit(run_demo(exit_when_done=exit_when_done, students=students, port=port, state_folder=state_folder))
