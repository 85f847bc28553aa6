"""Thousands of values as one array arrive as they were given, whatever is in them."""

import datetime

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from certification_lib.database import array_of
from certification_lib.many_rows import given_rows

MOMENT = datetime.datetime(2016, 11, 6, 1, 30, 0, 5, tzinfo=datetime.timezone(-datetime.timedelta(hours=8)))
# Each only asks the database, so one session serves all of them.
asking = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.lists(st.none() | st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))


@asking
@given(texts=TEXTS | st.lists(st.sampled_from(["", "null", "NULL", '"', "\\", '\\"', "{}", ",", "a b", "\n", "{a,b}"])))
def test_texts_arrive_as_they_were(session: Session, texts: list[str | None]) -> None:
    assert session.scalar(sa.select(array_of(texts, sa.Text()))) == texts


@asking
@given(numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
def test_numbers_arrive_as_they_were(session: Session, numbers: list[int | None]) -> None:
    assert session.scalar(sa.select(array_of(numbers, sa.BigInteger()))) == numbers


def test_rows_of_every_type_arrive_as_they_were(session: Session) -> None:
    rows = [
        {"id": 1, "name": 'Adair "County", O\'Neil \\ Sons', "day": MOMENT.date(), "at": MOMENT, "active": True},
        {"id": 2, "name": None, "day": None, "at": None, "active": False},
    ]
    types = {
        "id": sa.BigInteger(),
        "name": sa.Text(),
        "day": sa.Date(),
        "at": sa.DateTime(timezone=True),
        "active": sa.Boolean(),
    }

    found = session.execute(sa.select(*given_rows("given", types, rows).c)).mappings()

    assert [dict(row) for row in found] == rows
