"""The benchmark of mails runs and sends what it says; how fast is for `make bench-schedule` on a quiet machine."""

import sqlalchemy as sa

from tests.benchmarks.mail import measured


def test_a_hundred_mails_are_measured_beside_the_bare_loop(engine: sa.Engine) -> None:
    figure = measured(engine, 120, 1)
    assert (figure["name"], figure["mails"], figure["limit"]) == ("mail.rate", 120, 0.8)
    # So few mails say nothing about the rate, least of all on a busy machine.
    assert float(str(figure["value"])) > 0
