"""What makes two results incomparable."""

from msgspec.structs import replace

from agno_cli.bench._record import differences, other_packages
from tests.bench.records import HERE


def test_another_commit_load_or_kernel_is_no_reason_to_refuse():
    other = replace(HERE, commit="def", load=9.0, os="Linux 6.2.0", packages={})
    assert differences(HERE, other) == []


def test_what_differs_is_named_with_both_values():
    other = replace(HERE, python="3.13.0", cores=8, os="Darwin 24", variables={"A": "1"})
    assert differences(HERE, other) == [
        "python 3.12.1 there, 3.13.0 here",
        "cores 2 there, 8 here",
        "variables {} there, {'A': '1'} here",
        "os Linux there, Darwin here",
    ]


def test_dependencies_are_named_but_not_this_package():
    other = replace(HERE, packages={"agno-cli": "0.2.0", "msgspec": "0.20.0", "httpx": "1"})
    assert other_packages(HERE, other) == [
        "httpx missing there, 1 here",
        "msgspec 0.19.0 there, 0.20.0 here",
    ]
