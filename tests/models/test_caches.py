"""Where answers are kept: what goes first, when they expire, and files that are no cache."""

from __future__ import annotations

import pickle
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import (
    ConfigurationError,
    MemoryCache,
    ReasoningDelta,
    SqliteCache,
    StorageError,
    TextDelta,
    say,
)
from agno_cli.models import CachedAnswer
from tests.models.wrapping import Clock

STREAMED = CachedAnswer(say("To be", reasoning="hm"), (ReasoningDelta("hm"), TextDelta("To be")))


def answer(number: int) -> CachedAnswer:
    return CachedAnswer(say(str(number)))


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def make(**given: Any) -> Any:
        if request.param == "memory":
            return MemoryCache(given.pop("max_entries", 1024), **given)
        return SqliteCache(tmp_path / "answers.db", **given)

    return make


def test_an_answer_is_found_as_it_was(make):
    cache = make()
    assert cache.get(b"a") is None
    cache[b"a"] = answer(1)
    cache[b"b"] = STREAMED
    assert (cache.get(b"a"), cache.get(b"b"), len(cache)) == (answer(1), STREAMED, 2)
    cache[b"a"] = answer(2)
    assert (cache.get(b"a"), len(cache)) == (answer(2), 2)
    cache.clear()
    assert (cache.get(b"a"), len(cache)) == (None, 0)


def test_text_that_is_not_utf8_is_kept(make):
    cache = make()
    odd = CachedAnswer(say("half \udc80"), (TextDelta("half \udc80"),))
    cache[b"a"] = odd
    assert cache.get(b"a") == odd


def test_the_one_that_was_not_used_for_longest_goes_first(make):
    clock = Clock()
    cache = make(max_entries=2, clock=clock)
    for key in (b"a", b"b"):
        cache[key] = answer(1)
        clock.now += 100
    assert cache.get(b"a") is not None
    clock.now += 100
    cache[b"c"] = answer(3)
    assert [cache.get(key) is not None for key in (b"a", b"b", b"c")] == [True, False, True]


def test_an_answer_expires(make):
    clock = Clock(1000.0)
    cache = make(ttl=10, clock=clock)
    cache[b"a"] = answer(1)
    clock.now += 9.9
    assert cache.get(b"a") == answer(1)
    clock.now += 0.1
    assert cache.get(b"a") is None
    cache[b"b"] = answer(2)
    assert len(cache) == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"max_entries": 0}, "`max_entries` is 0; give a whole number from 1 up"),
        ({"max_entries": 2.5}, "`max_entries` is 2.5; give a whole number from 1 up"),
        ({"ttl": 0}, "`ttl` is 0; give seconds above 0, or None for ever"),
        ({"ttl": "1h"}, "`ttl` is '1h'; give seconds above 0, or None for ever"),
    ],
)
def test_bounds_that_make_no_sense(make, given, problem):
    with pytest.raises(ConfigurationError) as caught:
        make(**given)
    assert str(caught.value) == problem


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=40), st.integers(1, 4))
def test_memory_is_a_list_by_last_use(steps, size):
    cache, model = MemoryCache(size), dict[bytes, CachedAnswer]()
    for number, (which, stores) in enumerate(steps):
        key = bytes([which])
        if stores:
            cache[key] = answer(number)
            model.pop(key, None)
            model[key] = answer(number)
            if len(model) > size:
                del model[next(iter(model))]
        else:
            assert cache.get(key) == model.get(key)
            if key in model:
                model[key] = model.pop(key)
    assert list(cache._entries) == list(model)


def test_an_entry_that_goes_while_it_is_looked_at():
    class Emptying(Clock):
        def __call__(self) -> float:
            cache.clear()
            return 0.0

    cache = MemoryCache(ttl=10, clock=Emptying())
    cache[b"a"] = answer(1)
    assert cache.get(b"a") == answer(1)
    assert (cache.get(b"a"), len(cache)) == (None, 0)


def test_memory_in_threads_stays_in_bounds():
    cache = MemoryCache(8)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work(seed: int) -> bool:
        for number in range(2000):
            key = bytes([(seed * 7 + number * 13) % 24])
            found = cache.get(key)
            assert found is None or found == answer(key[0])
            cache[key] = answer(key[0])
        return True

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert len(cache) <= 8


def test_a_pickled_memory_cache_is_empty():
    cache = MemoryCache(3, ttl=5.0)
    cache[b"a"] = answer(1)
    copy = pickle.loads(pickle.dumps(cache))
    assert (len(copy), copy._max_entries, copy._ttl, copy._clock) == (0, 3, 5.0, cache._clock)


def test_a_pickled_sqlite_cache_is_the_same_file(tmp_path):
    cache = SqliteCache(tmp_path / "a.db", ttl=50, max_entries=7)
    cache[b"a"] = answer(1)
    copy = pickle.loads(pickle.dumps(cache))
    assert (copy.get(b"a"), copy.path, copy._ttl, copy._max_entries) == (
        answer(1), tmp_path / "a.db", 50, 7,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["", ":memory:", "a\0b"])
def test_what_names_no_file(path):
    with pytest.raises(ConfigurationError, match="is no file for answers; give a path, or use"):
        SqliteCache(path)


def test_a_file_outlives_its_process_and_its_closing(tmp_path):
    cache = SqliteCache(tmp_path / "deep" / "a.db")
    cache[b"a"] = STREAMED
    cache.close()
    assert cache.get(b"a") == SqliteCache(cache.path).get(b"a") == STREAMED
    assert cache.path.stat().st_mode & 0o077 == 0


def test_a_file_of_something_else_is_left_as_it_is(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="name another file for the cached answers"):
        SqliteCache(path).get(b"a")
    assert path.read_bytes() == before

    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="is damaged or no cache of answers"):
        SqliteCache(path).get(b"a")


def test_an_answer_that_was_changed_from_outside_is_none(tmp_path):
    cache = SqliteCache(tmp_path / "a.db")
    cache[b"a"] = answer(1)
    with cache._database.use() as connection:
        connection.execute("UPDATE answer SET answer = '{}'")
    assert cache.get(b"a") is None
    cache[b"a"] = answer(2)
    assert cache.get(b"a") == answer(2)


def test_a_use_is_noted_to_the_minute(tmp_path):
    clock = Clock(1_000_000.0)
    cache = SqliteCache(tmp_path / "a.db", clock=clock)
    cache[b"a"] = answer(1)

    def used() -> float:
        with cache._database.use() as connection:
            return float(connection.execute("SELECT used FROM answer").fetchone()[0])

    noted = []
    for seconds in (59.0, 1.0, 5.0, -200.0):  # a clock may be set back
        clock.now += seconds
        cache.get(b"a")
        noted.append(used() - 1_000_000.0)
    assert noted == [0.0, 60.0, 60.0, -135.0]


def test_threads_and_instances_share_one_file(tmp_path):
    caches = [SqliteCache(tmp_path / "a.db", max_entries=50) for _ in range(3)]
    barrier = threading.Barrier(6)

    def work(number: int) -> bool:
        barrier.wait(10)
        cache = caches[number % 3]
        for step in range(20):
            cache[f"{number}-{step}".encode()] = answer(step)
            found = cache.get(f"{number}-{step}".encode())
            assert found in (None, answer(step))
        return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(6)))
    assert len(caches[0]) == 50
