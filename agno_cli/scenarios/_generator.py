"""The load generator: `python -P -m agno_cli.scenarios._generator JOB`, see Job.

One loop over non-blocking sockets, without an event loop under it: it looks at the schedule,
sends what is due, and reads what has come, and between turns it waits for no timer, because
timers are late by more than what is measured. It therefore needs a core of its own.

It never skips a request: one that finds no free connection waits with its intended time, and
what is not sent or answered at the end is counted. It ends when all is done, when the time is
over, or when its standard input does.
"""

from __future__ import annotations

import gc
import os
import selectors
import socket
import sys
from pathlib import Path
from time import perf_counter

import msgspec

from agno_cli.bench._children import report_problem
from agno_cli.bench._server import allow_connections
from agno_cli.scenarios._api_app import Reply
from agno_cli.scenarios._cores import pin
from agno_cli.scenarios._http_reader import Answer, BadAnswer, Reader
from agno_cli.scenarios._recording import (
    CONNECTION,
    DROPPED,
    OK,
    STATUS,
    TIMEOUT,
    WRONG,
    Head,
    Job,
    Recording,
    opened,
)

_START_AFTER = 0.05  # seconds, until all is in place
_CONNECT_SECONDS = 5.0
_RECEIVED = 65_536
_CHECK_SECONDS = 0.1
# selectors' timers are whole milliseconds, rounded up.
_TIMER = 0.002
# After so many connections that failed in a row the service is gone.
_GONE = 50
_EXAMPLE = 300
_SUCCESS = range(200, 300)


class Gone(Exception):
    """The service does not answer any more."""


class Connection:
    """A kept-alive connection; `request` is the number of the one under way, -1 for none.

    It is `ready` when the other side has taken it.
    """

    __slots__ = ("reader", "ready", "request", "socket")

    def __init__(self, family: socket.AddressFamily) -> None:
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0.0)
        self.reader = Reader()
        self.request = -1
        self.ready = False


class Generator:
    """Sends a schedule's requests and writes their times down."""

    def __init__(self, job: Job, recording: Recording) -> None:
        self._job = job
        self._recording = recording
        self._address = (job.address, job.port)
        self._family = socket.AF_INET6 if ":" in job.address else socket.AF_INET
        self._place = f"{job.address}:{job.port}"
        self._reason = ""
        self._message = _message(job)
        self._selector = selectors.DefaultSelector()
        self._idle: list[Connection] = []
        self._under_way: dict[int, Connection] = {}  # the first one is the oldest
        self._open = 0
        self._failures = 0
        self._most = job.max_in_flight
        self._picked = self._sent = self._done = self._errors = 0
        self._started = 0.0
        self._next_check = 0.0
        self._stopped = False
        self.example = b""

    def run(self) -> None:
        """Do the whole job.

        Raises:
            Gone: the service does not answer, or not any more.
        """
        self._connect_first(min(self._job.connections, self._job.max_in_flight))
        self._selector.register(sys.stdin, selectors.EVENT_READ)
        head = self._recording.head
        self._started = perf_counter() + _START_AFTER + self._job.warmup
        head[Head.STARTED] = self._started
        try:
            self._loop()
        finally:
            self._give_up()
            head[Head.ENDED] = 1.0

    def _loop(self) -> None:
        head = self._recording.head
        busy = turns = 0.0
        before, measuring = perf_counter(), False
        while True:
            pick = self._pick_closed if self._job.closed else self._pick
            worked = pick(before)
            worked |= self._dispatch()
            if measuring:
                self._note_most()
            worked |= self._read(self._patience(before))
            now = perf_counter()
            if now > self._next_check and self._is_over(now):
                break
            if measuring:
                turns += now - before
                busy += now - before if worked else 0.0
                head[Head.BUSY], head[Head.TURNS] = busy, turns
            elif now >= self._started:
                measuring = True
            before = now

    def _pick(self, now: float) -> bool:
        """Note what is due; being late here is this generator's own fault."""
        recording, at = self._recording, self._picked
        intended, due, count = recording.intended, now - self._started, recording.count
        while at < count and intended[at] <= due:
            recording.picked[at] = now
            at += 1
        worked = at > self._picked
        self._picked = at
        return worked

    def _pick_closed(self, now: float) -> bool:
        """Have every idle connection ask again, until the time is over."""
        recording, due = self._recording, now - self._started
        if due >= self._job.duration:
            return False
        last = min(self._picked + len(self._idle), recording.count)
        for at in range(self._picked, last):
            recording.intended[at], recording.picked[at] = due, now
        worked = last > self._picked
        self._picked = last
        return worked

    def _dispatch(self) -> bool:
        """Send what waits, oldest first, while there are connections."""
        recording, head = self._recording, self._recording.head
        at = self._sent
        while at < self._picked and (self._idle or self._open < self._most):
            connection = self._idle.pop() if self._idle else self._one_more()
            if connection is None:
                break
            connection.request = at
            self._under_way[at] = connection
            recording.sent[at] = perf_counter()
            if connection.ready:
                self._send(connection)
            at += 1
        if at == self._sent:
            return False
        self._sent = at
        head[Head.PICKED], head[Head.SENT] = self._picked, at
        recording.head[Head.CONNECTIONS] = max(recording.head[Head.CONNECTIONS], self._open)
        return True

    def _send(self, connection: Connection) -> None:
        try:
            written = connection.socket.send(self._message)
        except OSError:
            written = 0
        if written < len(self._message):
            self._fail(connection, CONNECTION)

    def _read(self, timeout: float) -> bool:
        """Read what has come in."""
        events = self._selector.select(timeout)
        for key, _ in events:
            if key.data is None:
                self._stopped = True
                self._next_check = 0.0
                self._selector.unregister(key.fileobj)
            elif key.data.ready:
                self._receive(key.data)
            else:
                self._take(key.data)
        return bool(events)

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_RECEIVED)
            answer = connection.reader.feed(data) if data else connection.reader.finish()
        except BlockingIOError:
            return
        except (OSError, BadAnswer):
            self._fail(connection, CONNECTION)
            return
        if answer is None and data:
            return
        if answer is None or connection.request < 0:
            # Closed, or something nobody asked for.
            self._fail(connection, CONNECTION)
            return
        self._finish(connection, answer)

    def _finish(self, connection: Connection, answer: Answer) -> None:
        request, connection.request = connection.request, -1
        self._recording.done[request] = perf_counter()
        outcome = self._judge(request, answer)
        if outcome != OK and not self.example:
            self.example = answer.body[:_EXAMPLE]
        self._note(request, outcome)
        self._failures = 0
        if answer.keep:
            self._idle.append(connection)
        else:
            self._close(connection)

    def _judge(self, request: int, answer: Answer) -> int:
        if answer.status not in _SUCCESS:
            self._recording.model[request] = answer.status
            return STATUS
        if self._job.expected is None:
            return OK if self._job.within.encode() in answer.body else WRONG
        try:
            reply = _decode(answer.body)
        except msgspec.DecodeError:
            return WRONG
        self._recording.model[request] = reply.model_seconds
        return OK if reply.content == self._job.expected else WRONG

    def _note(self, request: int, outcome: int) -> None:
        del self._under_way[request]
        self._recording.outcome[request] = outcome
        self._done += 1
        head = self._recording.head
        head[Head.DONE] = self._done
        if outcome != OK:
            self._errors += 1
            head[Head.ERRORS] = self._errors

    def _fail(self, connection: Connection, outcome: int) -> None:
        """End a connection, and with it the request under way."""
        self._close(connection)
        request, connection.request = connection.request, -1
        if request >= 0:
            self._recording.done[request] = perf_counter()
            self._note(request, outcome)
        elif connection in self._idle:  # closed between two requests, as servers may
            self._idle.remove(connection)

    def _connect_first(self, count: int) -> None:
        """Open connections before the first request, and wait for them."""
        for number in range(count):
            if self._one_more() is None:
                raise Gone(
                    f"no more than {number} connections can be opened: {self._reason}; ask for"
                    " fewer, or raise `ulimit -n`"
                )
        ends_at = perf_counter() + _CONNECT_SECONDS
        while len(self._idle) < count:
            if perf_counter() > ends_at:
                raise Gone(f"{self._place} takes no connections")
            for key, _ in self._selector.select(_CHECK_SECONDS):
                self._take(key.data)
                if self._failures:
                    raise Gone(f"{self._place} does not answer: {self._reason}")

    def _one_more(self) -> Connection | None:
        """Begin to open a connection, as `_take` ends; None where this process may have no more."""
        try:
            connection = Connection(self._family)
        except OSError as error:
            self._most, self._reason = self._open, error.strerror or str(error)
            return None
        connection.socket.connect_ex(self._address)
        self._selector.register(connection.socket, selectors.EVENT_WRITE, connection)
        self._open += 1
        return connection

    def _take(self, connection: Connection) -> None:
        """Use a connection that has been opened, or that could not be.

        Raises:
            Gone: too many in a row could not be.
        """
        code = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._failures += 1
            self._reason = os.strerror(code)
            self._fail(connection, CONNECTION)
            if self._failures >= _GONE:
                raise Gone(f"{self._place} does not answer any more: {self._reason}")
            return
        connection.ready = True
        self._selector.modify(connection.socket, selectors.EVENT_READ, connection)
        if connection.request < 0:
            self._idle.append(connection)
        else:
            self._send(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._open -= 1

    def _patience(self, now: float) -> float:
        """Say how long to wait for an answer: not at all when the next request is near."""
        if self._picked >= self._recording.count or self._job.closed:
            return _TIMER
        due = self._started + self._recording.intended[self._picked]
        return max(0.0, due - now - _TIMER * self._job.spins)

    def _is_over(self, now: float) -> bool:
        """Fail what has waited for too long, and tell whether all is done or the time is over."""
        self._next_check = now + _CHECK_SECONDS
        while self._under_way:
            request, connection = next(iter(self._under_way.items()))
            if now - self._recording.sent[request] < self._job.timeout:
                break
            self._fail(connection, TIMEOUT)
        if self._stopped:
            return True
        over = now - self._started
        last = self._job.duration if self._job.closed else self._recording.intended[-1]
        if over < last or (self._picked < self._recording.count and not self._job.closed):
            return over > last + self._job.timeout
        if self._sent == self._picked and not self._under_way:
            return True
        return over > last + self._job.timeout

    def _note_most(self) -> None:
        head = self._recording.head
        head[Head.MOST_QUEUED] = max(head[Head.MOST_QUEUED], self._picked - self._sent)
        head[Head.MOST_IN_FLIGHT] = max(head[Head.MOST_IN_FLIGHT], len(self._under_way))

    def _give_up(self) -> None:
        """Count what was due and never sent; what is under way stays unfinished."""
        for request in range(self._sent, self._picked):
            self._recording.outcome[request] = DROPPED
        self._recording.head[Head.PICKED] = self._picked


_decode = msgspec.json.Decoder(Reply).decode


def _message(job: Job) -> bytes:
    body = job.body.encode()
    host = f"[{job.host}]" if ":" in job.host else job.host
    return (
        f"POST {job.path_on_host} HTTP/1.1\r\nHost: {host}:{job.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def main() -> None:
    """Do the job that the first argument says."""
    with report_problem():
        job = msgspec.json.decode(sys.argv[1], type=Job)
        pin(job.cores)
        allow_connections(max(job.connections, job.max_in_flight))
        with opened(Path(job.path), job.count) as recording:
            generator = Generator(job, recording)
            # Nothing here is a cycle, and a collection would be late requests.
            gc.disable()
            try:
                generator.run()
            finally:
                sys.stdout.buffer.write(b" ".join(generator.example.split()) + b"\n")


if __name__ == "__main__":
    main()
