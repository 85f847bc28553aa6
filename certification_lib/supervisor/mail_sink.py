"""A mail server for this machine only, which keeps each mail as a file instead of sending it."""

import asyncio
import itertools
import logging
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from certification_lib.supervisor.ports import HOST

log = logging.getLogger(__name__)


class _Keeper:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{next(self._numbers):06d}.eml"
        content = envelope.original_content or b""
        try:
            await asyncio.to_thread(_write, self._folder / name, content)
        except OSError as error:
            log.error("a mail could not be kept (%s)", error.strerror)
            return "451 the mail could not be kept, try again later"  # 5 would be for good: nobody would send it again
        return "250 kept"


def _write(file: Path, content: bytes) -> None:
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.replace(file)


async def start_mail_sink(folder: Path, port: int) -> asyncio.Server:
    keeper = _Keeper(folder)
    return await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, hostname="localhost", ident="certification", enable_SMTPUTF8=True), HOST, port
    )
