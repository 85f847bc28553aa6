import socket

import pytest

from certification_lib.supervisor.ports import HOST, free_port


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.create_server((HOST, 0)) as taken:
        wanted = taken.getsockname()[1]
        assert wanted < free_port(wanted) <= wanted + 49


def test_any_port_is_given_when_none_is_wanted() -> None:
    assert free_port() > 1023


def test_no_free_port_is_said_in_words() -> None:
    with socket.create_server((HOST, 0)) as taken:
        wanted = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"No free port from {wanted}"):
            free_port(wanted, attempts=1)
