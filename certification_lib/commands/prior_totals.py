"""`certify prior-totals`: totals of earlier years that rules compare with."""

import gzip
from pathlib import Path
from typing import Annotated

import typer

from certification_lib.commands.boundary import acting, show

app = typer.Typer(no_args_is_help=True, help="Totals of earlier years, for rules that compare years.")

ReadableFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@app.command()
def load(
    file: ReadableFile,
    source: Annotated[str, typer.Option(help="Where the numbers come from.")],
    share: Annotated[str, typer.Option(help="For a sample of a state: its share of the real students.")] = "1",
    username: Annotated[str | None, typer.Option("--as", metavar="USERNAME", help="The person who acts.")] = None,
) -> None:
    """Load totals from a CSV file (it may be gzipped): all of it or, with every bad line listed, nothing."""
    from decimal import Decimal, InvalidOperation

    from certification_lib.rulebook.prior_totals import load_prior_totals

    try:
        part = Decimal(share)
    except InvalidOperation:
        raise typer.BadParameter("is not a number", param_hint="--share") from None
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    with acting(username) as boundary:
        loaded = load_prior_totals(content.decode("utf-8-sig"), source=source, share=part, **boundary.as_keywords())
    typer.echo(str(loaded))


@app.command("list")
def list_totals(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """What is loaded, by year and subject."""
    from certification_lib.rulebook.prior_totals import prior_totals_by_year

    with acting() as boundary:
        rows = prior_totals_by_year(session=boundary.session)
    show(rows, as_json=as_json)
