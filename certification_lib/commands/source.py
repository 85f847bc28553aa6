"""`certify source`: the sample source database."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The sample source: a database shaped like an Ed-Fi ODS.")


@app.command("load-sample")
def load_sample(
    state: Annotated[str, typer.Option(help="Two-letter code of the state.")] = "KY",
    students: Annotated[int, typer.Option(min=1, help="How many students in the whole state.")] = 65487,
    seed: Annotated[int, typer.Option(help="The same seed gives the same students.")] = 20161001,
    directory_folder: Annotated[
        Path | None, typer.Option("--directory", help="Also write organizations.csv and people.csv there.")
    ] = None,
) -> None:
    """Load one whole state of synthetic students in real schools, and Grand Bend ISD, replacing what is there."""
    from certification_lib.sample_source.directory import write_directory_files
    from certification_lib.sample_source.load import load_sample as load
    from certification_lib.settings import database_url, load_settings

    manifest = load(database_url("source_owner"), state=state, students=students, seed=seed, progress=typer.echo)
    path = load_settings().state_folder / "sample_manifest.json"
    manifest.write(path)
    typer.echo(f"The injected errors are listed in {path}.")
    if directory_folder is not None:
        write_directory_files(directory_folder, state=state)
