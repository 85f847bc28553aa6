import asyncio
import email
import email.policy
import smtplib
import stat
from email.message import EmailMessage
from pathlib import Path

import pytest

from certification_lib.supervisor.mail_sink import start_mail_sink
from certification_lib.supervisor.ports import HOST, free_port


def test_each_mail_becomes_a_file_only_its_owner_reads(tmp_path: Path) -> None:
    asyncio.run(_send_two(tmp_path))
    files = sorted(tmp_path.iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    assert [mail["Subject"] for mail in mails] == ["First", "Second – with a dash"]
    assert mails[1]["To"] == "certifier@district.example"


async def _send_two(folder: Path) -> None:
    port = free_port()
    async with await start_mail_sink(folder, port):
        for subject in ("First", "Second – with a dash"):
            await asyncio.to_thread(_send, port, subject)


def _send(port: int, subject: str) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = subject, "state@example.org", "certifier@district.example"
    mail.set_content("Please certify.")
    with smtplib.SMTP(HOST, port) as server:
        server.send_message(mail)


def test_a_mail_that_cannot_be_kept_is_put_off_and_not_refused_for_good(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "mails"

    async def attempts() -> int:
        port = free_port()
        async with await start_mail_sink(folder, port):
            with pytest.raises(smtplib.SMTPDataError) as put_off:
                await asyncio.to_thread(_send, port, "First")
            folder.mkdir()
            await asyncio.to_thread(_send, port, "First")
        return put_off.value.smtp_code

    assert asyncio.run(attempts()) == 451
    assert len(list(folder.iterdir())) == 1
    assert "a mail could not be kept" in caplog.text
