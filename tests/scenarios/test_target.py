"""Where load may be sent."""

import pytest

from agno_cli import InputError
from agno_cli.scenarios._target import Target, find_target


def test_loopback_is_allowed():
    assert find_target("http://127.0.0.1:8000/run?x=1", allow_remote=False) == Target(
        "127.0.0.1", "127.0.0.1", 8000, "/run?x=1"
    )
    assert find_target("http://[::1]", allow_remote=False) == Target("::1", "::1", 80, "/")
    assert find_target("http://localhost:1/", allow_remote=False).port == 1


def test_another_machine_needs_permission():
    with pytest.raises(InputError, match=r"is on another machine \(192\.0\.2\.1\); load is sent"):
        find_target("http://192.0.2.1/", allow_remote=False)
    assert find_target("http://192.0.2.1/", allow_remote=True).address == "192.0.2.1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://127.0.0.1/", "is not plain HTTP; write `http://HOST:PORT/PATH`"),
        ("127.0.0.1:80", "is not plain HTTP"),
        ("http://", "is not plain HTTP"),
        ("http://127.0.0.1:99999/", "is no URL: Port out of range"),
        ("http://[x/", "is no URL: Invalid IPv6 URL"),
        ("http://127.0.0.1/a b", "has a path that HTTP cannot carry"),
        ("http://127.0.0.1/\r\nX: y", "is not plain HTTP|has a path that HTTP cannot carry"),
        ("http://127.0.0.1/ü", "has a path that HTTP cannot carry"),
        ("http://no.such.host.invalid/", "`no.such.host.invalid` does not resolve"),
    ],
)
def test_what_cannot_be_asked(url, message):
    with pytest.raises(InputError, match=message):
        find_target(url, allow_remote=True)
