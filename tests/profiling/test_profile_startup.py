"""What an import loads."""

import pytest

from agno_cli import ConfigurationError, InputError
from agno_cli.profiling._errors import TookTooLongError
from agno_cli.profiling._startup import profile_startup, read_import_times

TIMES = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   site
agno-profile-begins
import time:        20 |         20 |     shop.prices
import time:        30 |         50 |   shop.stock
import time:         5 |          5 |   json
a line of the module's own
import time:        45 |        100 | shop
"""


def test_times_are_read_as_a_tree():
    modules = read_import_times(TIMES)
    assert [(m.name, round(m.own * 1e6), round(m.total * 1e6), m.parent) for m in modules] == [
        ("shop", 45, 100, -1),
        ("json", 5, 5, 0),
        ("shop.stock", 30, 50, 0),
        ("shop.prices", 20, 20, 2),
    ]


@pytest.mark.slow
def test_a_module_of_the_users(shop):
    (shop / "market.py").write_text("import shop\n")
    profile = profile_startup("market.py", runs=2)
    names = [module.name for module in profile.modules]
    assert names[0] == "market"
    assert "shop" in names
    assert profile.modules[names.index("shop")].parent == 0
    assert profile.runs == 2
    assert profile.seconds > 0


def test_what_python_has_loaded_costs_nothing(shop):
    profile = profile_startup("sys", runs=1)
    assert profile.modules == ()
    assert profile.notes == ("nothing is loaded: Python itself has loaded all of it",)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("nowhere", InputError, "there is no module `nowhere`"),
        ("nowhere.py", InputError, "there is no Python file `nowhere.py`"),
        ("9x", InputError, "neither a module nor a file"),
        ("two-words.py", InputError, "cannot be imported by its name"),
        ("broken", ConfigurationError, "`broken` cannot be imported: ZeroDivisionError"),
        ("leaving", ConfigurationError, "`leaving` cannot be imported: "),
    ],
)
def test_what_cannot_be_imported_is_one_line(name, kind, message, shop):
    (shop / "broken.py").write_text("1 / 0\n")
    (shop / "leaving.py").write_text("import sys; sys.exit('no lamp')\n")
    (shop / "two-words.py").write_text("")
    with pytest.raises(kind, match=message):
        profile_startup(name, runs=1)


def test_an_import_that_hangs_is_ended(shop):
    (shop / "slow.py").write_text("import time; time.sleep(60)\n")
    with pytest.raises(TookTooLongError, match="did not end within 1 s"):
        profile_startup("slow", runs=1, timeout=1.0)
