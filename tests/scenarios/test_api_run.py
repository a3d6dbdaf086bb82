"""An API service under load, for real: few requests, and bounds that any machine meets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from agno_cli import ConfigurationError, InputError
from agno_cli.scenarios._definition import AgentTable, ApiRun, Load, ModelTable, Scenario
from agno_cli.scenarios._options import Options
from agno_cli.scenarios._quantities import read_latency
from agno_cli.scenarios._result import Progress, RunResult, ScenarioResult
from agno_cli.scenarios._run import run
from agno_cli.scenarios._thresholds import parse_thresholds

LOAD = Load(rate=200.0, duration=0.6, warmup=0.2, connections=2, timeout=5.0)
LAX = parse_thresholds("x", ["response:p(50)<5s", "lag:p(50)<5s", "held:value>=1%"])


def scenario(load: Load = LOAD, **changes: object) -> Scenario:
    one = replace(ApiRun(name="one", load=load, thresholds=LAX), **changes)
    return Scenario(name="mine", summary="", workload="api", runs=(one,))


def only(result: ScenarioResult) -> RunResult:
    (one,) = result.runs
    return one


@pytest.mark.slow
def test_a_service_is_asked_as_often_as_it_was_to_be():
    seen: list[Progress] = []
    result = run(scenario(), Options(), seen.append)
    one = only(result)

    assert (one.conclusion, one.reason) == ("pass", "")
    assert one.metrics["requests"].count == 120
    assert one.errors == {}
    assert one.metrics["memory"].value > 5e6
    assert set(one.budget) == {"HTTP and event loop", "JSON", "create the agent", "run it"}
    assert one.notes[0].startswith("granian 2.")
    assert not result.partial
    assert {progress.run for progress in seen} == {"one"}
    assert {progress.what for progress in seen} >= {"warm-up"}


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["http", "inproc"])
def test_a_model_that_takes_its_time_puts_requests_in_flight(transport):
    model = ModelTable(latency=read_latency("x", "uniform(100ms, 300ms)"))
    load = replace(LOAD, warmup=0.4)
    one = only(run(scenario(load, model=model), Options(transport=transport)))

    assert one.conclusion == "pass"
    assert one.metrics["in_flight"].value >= 20  # 200/s for 0.2 s each are 40
    assert one.histograms["response"].percentile(50) >= 0.1
    overhead, response = one.histograms["overhead"], one.histograms["response"]
    assert overhead.percentile(50) < response.percentile(50) - 0.09


@pytest.mark.slow
def test_a_stall_of_the_service_is_seen():
    load = replace(LOAD, duration=1.2)
    one = only(run(scenario(load), Options(inject_stall=0.3)))

    assert one.conclusion == "pass"
    assert one.histograms["response"].max >= 0.27
    (share,) = [r.measured for r in one.rows if r.subject == "stall: responses over half of it"]
    assert share is not None
    assert share > 0.05  # 0.15 s of 1.2 s, of requests that were sent on time


@pytest.mark.slow
@pytest.mark.parametrize("arrival", ["closed", "poisson", "ramp"])
def test_requests_may_arrive_otherwise(arrival):
    load = replace(LOAD, arrival=arrival, rate_from=50.0)
    one = only(run(scenario(load), Options(transport="inproc")))

    assert one.conclusion == "pass"
    assert one.metrics["requests"].count > 30


AGENTS = """
import os
from agno_cli import Agent, ScriptedModel

print("printed by the user")
runs = 0

def dying(context):
    global runs
    runs += 1
    if runs > 60:
        os._exit(3)
    return "Be brief."

def failing(context):
    raise ValueError("no such user")

mortal = Agent(ScriptedModel(["x"]), instructions=dying)
broken = Agent(ScriptedModel(["x"]), instructions=failing)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.py").write_text(AGENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_service_that_dies_half_way_leaves_what_was_measured(shop):
    result = run(scenario(agent=AgentTable(reference="shop:mortal")))
    one = only(result)

    assert one.conclusion == "errors"
    assert "the service ended with exit code 3 while it was asked" in one.reason
    assert (one.partial, result.partial, result.interrupted) == (True, True, False)
    assert 0 < one.metrics["requests"].count < 60


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["http", "inproc"])
def test_an_agent_that_fails_is_an_error_with_its_words(shop, transport):
    given = scenario(agent=AgentTable(reference="shop.py:broken"))
    one = only(run(given, Options(transport=transport)))

    assert one.conclusion == "errors"
    assert "120 of 120 requests failed: " in one.reason
    assert "no such user" in one.reason


def test_an_agent_that_is_not_there_is_said_before_anything_is_asked(shop):
    with pytest.raises(InputError, match="--agent: there is no module `shap`"):
        run(scenario(agent=AgentTable(reference="shap:support")))


def test_a_port_in_use_is_said(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be listened on"):
            run(scenario(), Options(port=port))


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        server = self.server
        assert isinstance(server, Service)
        server.asked += 1
        server.wait.wait(10)
        body = b"it was not found" if self.path == "/missing" else b"Paris it is"
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Service(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    asked = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.wait = threading.Event()
        self.wait.set()

    def handle_error(self, *_):
        pass  # the other side may go away as it likes


@contextmanager
def serving() -> Iterator[tuple[str, Service]]:
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{service.server_port}", service
        finally:
            service.wait.set()
            service.shutdown()
            thread.join()


SLOWLY = replace(LOAD, rate=50.0, expect="Paris")


def test_anothers_service_is_asked():
    with serving() as (url, service):
        one = only(run(scenario(SLOWLY), Options(url=url)))
        assert service.asked == 40

    assert (one.conclusion, one.errors) == ("pass", {})
    assert one.conditions == f"{url}, 50/s for 0.6 s"
    assert one.metrics["requests"].count == 30


def test_an_answer_must_hold_what_is_expected_and_be_a_success():
    with serving() as (url, _):
        wrong = only(run(scenario(replace(SLOWLY, expect="Rome")), Options(url=url)))
        missing = only(run(scenario(SLOWLY), Options(url=f"{url}/missing")))

    assert (wrong.conclusion, wrong.errors) == ("errors", {"wrong answer": 30})
    assert wrong.reason == "30 of 30 requests failed: Paris it is"
    assert missing.errors == {"HTTP 404": 30}
    assert missing.reason == "30 of 30 requests failed: it was not found"


def test_a_service_that_hangs_is_given_up():
    load = replace(SLOWLY, timeout=0.3, max_in_flight=5)
    with serving() as (url, service):
        service.wait.clear()
        one = only(run(scenario(load), Options(url=url)))

    assert one.conclusion == "errors"
    assert one.errors["timeout"] >= 5
    assert one.metrics["in_flight"].value == 5
    assert one.metrics["queue"].value >= 5


def test_a_service_that_is_not_there_is_a_problem():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    result = run(scenario(SLOWLY), Options(url=f"http://127.0.0.1:{port}/"))

    assert only(result).conclusion == "problem"
    assert only(result).reason == f"127.0.0.1:{port} does not answer: Connection refused"
    assert only(result).metrics == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(url="http://127.0.0.1/", transport="inproc"), "`--url` is HTTP; drop"),
        (Options(url="http://127.0.0.1/", inject_stall=0.1), "stops our own service; drop `--url`"),
        (Options(url="http://127.0.0.1/", agent="a:b"), "`--url` has its own agents; drop"),
        (Options(find_max=True, inject_stall=0.1), "`--find-max` and `--inject-stall` contradict"),
        (Options(inject_stall=0.5), "of 0.5 s does not fit into the second half of 0.6 s"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(InputError, match=message):
        run(scenario(), options)


def test_a_closed_loop_has_no_largest_rate():
    with pytest.raises(InputError, match="this run's arrival is `closed`"):
        run(scenario(replace(LOAD, arrival="closed")), Options(find_max=True))


def test_a_prompt_must_fit_into_one_request():
    with pytest.raises(ConfigurationError, match=r"agent\.prompt is longer than 8,192 bytes"):
        run(scenario(agent=AgentTable(prompt="x" * 10_000)))


@pytest.mark.slow
def test_the_largest_rate_is_searched_for():
    load = replace(LOAD, rate=80.0, duration=0.3, warmup=0.1)
    never = parse_thresholds("x", ["held:value>=1000%", "lag:max<9s"])
    result = run(scenario(load, thresholds=never), Options(find_max=True, duration=0.3))

    assert result.trials
    assert [one.conclusion for one in result.runs] == ["too slow"] * len(result.runs)
    assert [one.name for one in result.runs] == ["80/s", "40/s"]
    assert result.summary_rows[0].measured is None
