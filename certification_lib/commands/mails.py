"""`certify mails …`: what became of mails after they were sent."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from certification_lib.commands.boundary import acting

app = typer.Typer(no_args_is_help=True, help="What became of mails after they were sent.")


@app.command("bounced")
def bounced(
    notification: Annotated[
        Path | None,
        typer.Argument(exists=True, readable=True, help="A file, or a folder of them; standard input when left out."),
    ] = None,
) -> None:
    """Note which mails came back, from delivery status notifications (RFC 3464) sent to the sender's address.

    Of a folder, files that are something else are passed over and counted. Nothing is deleted; twice does no harm.
    """
    from certification_lib.errors import BadInput
    from certification_lib.notifications.bounces import read_bounce, record_bounce

    many = notification is not None and notification.is_dir()
    noted = known = other = 0
    with acting() as boundary:
        for content in _contents(notification):
            try:
                bounce = read_bounce(content)
            except BadInput:
                if not many:
                    raise
                other += 1
                continue
            if bounce is None:
                other += 1
            elif record_bounce(bounce, session=boundary.session, now=boundary.now):
                noted += 1
            else:
                known += 1
    typer.echo(f"{noted} mails came back, {known} known before or not sent from here, {other} other messages")


def _contents(notification: Path | None) -> list[bytes]:
    if notification is None:
        return [sys.stdin.buffer.read()]
    if notification.is_dir():
        return [file.read_bytes() for file in sorted(notification.iterdir()) if file.is_file()]
    return [notification.read_bytes()]
