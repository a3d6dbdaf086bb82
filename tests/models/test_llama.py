"""llama.cpp in the process: one engine for all, freed at the end, forgotten by children."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from agno_cli.models._llama import Engine, Engines, EngineSettings, Gate, usable_cores


@pytest.mark.parametrize(
    ("cores", "affinity", "cpu_max", "usable"),
    [
        (8, 8, None, 0),
        (8, 2, None, 2),
        (8, None, None, 0),
        (8, 8, "max 100000", 0),
        (8, 8, "250000 100000", 2),
        (8, 4, "50000 100000", 1),
        (2, 2, "800000 100000", 0),
    ],
)
def test_only_the_cores_of_this_process_are_used(
    cores: int,
    affinity: int | None,
    cpu_max: str | None,
    usable: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    if affinity is None:
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {*range(affinity)}, raising=False)
    if cpu_max is not None:
        (tmp_path / "cpu.max").write_text(cpu_max)

    assert usable_cores(tmp_path / "cpu.max") == usable


SETTINGS = EngineSettings("some.gguf", 512, 0)


def engines(load: Callable[[EngineSettings, Gate], object]) -> Engines:
    return Engines(cast("Callable[[EngineSettings, Gate], Engine]", load))


def test_threads_that_ask_at_once_share_one_engine() -> None:
    loads = []

    def load(settings: EngineSettings, gate: Gate) -> object:
        loads.append(settings)
        time.sleep(0.05)
        return object()

    pool, got = engines(load), list[object]()
    threads = [threading.Thread(target=lambda: got.append(pool.get(SETTINGS))) for _ in "123"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert loads == [SETTINGS]
    assert len({id(engine) for engine in got}) == 1


def test_a_forked_child_starts_afresh_and_frees_nothing() -> None:
    freed = []

    class Loaded:
        def __del__(self) -> None:
            freed.append(1)

    pool = engines(lambda *_: Loaded())
    first = id(pool.get(SETTINGS))
    pool.forget()

    assert id(pool.get(SETTINGS)) != first
    assert freed == []


@pytest.mark.local
def test_at_the_end_answers_are_stopped_and_engines_freed(smollm2_path: Path) -> None:
    pool = Engines()
    engine = pool.get(EngineSettings(str(smollm2_path), 512, 1))
    begun, ended = threading.Event(), threading.Event()

    def generate() -> None:
        body = {"messages": [{"role": "user", "content": "Write a long story."}], "max_tokens": 400}
        engine.generate(body, receive)
        ended.set()

    def receive(chunk: dict[str, Any]) -> bool:
        begun.set()
        return False

    threading.Thread(target=generate).start()
    assert begun.wait(60)
    pool.end()

    assert ended.wait(60)
    assert pool._loaded == {}


def test_at_the_end_an_engine_that_is_stuck_is_left_alone() -> None:
    pool = engines(lambda *_: object())
    loaded = pool.get(SETTINGS)
    with pool._gate.entered():
        pool.end(seconds=0.01)

    assert pool._loaded == {SETTINGS: loaded}
