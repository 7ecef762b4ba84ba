"""Items in, verdicts out, whatever happens to the server meanwhile.

Items wait in a queue. A few threads, with one connection each, turn what is there into requests: an
idle client sends an item at once, a busy one sends many together. A request that the server
refuses for now (429, 503), or that finds nobody, or whose connection breaks, is sent again after a
jittered, doubling pause; grading has no effect on the server, so nothing is counted twice. Any
other error of HTTP is ours and is raised. An item whose deadline passes comes back as a verdict
with `infra`, as any fault of the verifier does: no grade, no reward. A future may be cancelled until
it has its verdict; where nobody waits for any item of a request any more, its connection is
closed, and the server drops what is left of it.
"""

from __future__ import annotations

import asyncio
import collections
import collections.abc
import json
import os
import random
import threading
import time
from concurrent.futures import Future
from typing import Any, Deque, Dict, Iterable, List, Mapping, Optional, Sequence, Set

from .transport import Address, Answer, Connection, Late, Refused

Verdict = Dict[str, Any]

BODY_BYTES_MAX = 8 << 20  # of one request; one item alone may be longer
BACKOFF_MIN_S, BACKOFF_MAX_S, RETRY_AFTER_MAX_S = 0.05, 2.0, 30.0


class AssayError(Exception):
    """The verifier and this client cannot work together as they are set up."""


class BadRequest(AssayError):
    """The server calls the request wrong: an unknown task_id, a missing key, a wrong token."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status


class Unreachable(AssayError):
    """Nobody has answered for `give_up_s`."""


class _Waiting:
    """One item on its way."""

    def __init__(self, item: Mapping[str, Any], end: float) -> None:
        self.task_id = item.get("task_id")
        self.text = _encode(item)
        self.end = end
        self.future: "Future[Verdict]" = Future()

    def succeed(self, verdict: Verdict) -> None:
        if not self.future.cancelled() and self.future.set_running_or_notify_cancel():
            self.future.set_result(verdict)

    def fail(self, why: BaseException) -> None:
        if not self.future.cancelled() and self.future.set_running_or_notify_cancel():
            self.future.set_exception(why)


def _encode(item: Mapping[str, Any]) -> bytes:
    """JSON, with half surrogate pairs (which no JSON text may hold) made question marks."""
    text = json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _error_text(answer: Answer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return str(error) if error else "no reason given"


def _token_from_environment() -> Optional[str]:
    path = os.environ.get("ASSAY_TOKEN_FILE")
    if path:
        with open(path, encoding="ascii") as f:
            return f.read().strip()
    return os.environ.get("ASSAY_TOKEN")


class Client:
    """Safe for threads, for asyncio, and after a fork.

    url          unix:PATH, http://HOST:PORT or https://...; default $ASSAY_URL, else http://127.0.0.1:8080
    token        of `assay serve --token-file`; default $ASSAY_TOKEN, or what $ASSAY_TOKEN_FILE holds
    timing       False: ask for no speed grade
    connections  requests at a time; batch: items in one request at most
    deadline_s   how long one item may take, retries included; then its verdict says infra
    give_up_s    after so long without any answer Unreachable is raised
    """

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        *,
        timing: bool = True,
        connections: int = 8,
        batch: int = 64,
        deadline_s: float = 300.0,
        give_up_s: float = 60.0,
    ) -> None:
        if connections < 1 or batch < 1 or not deadline_s > 0 or not give_up_s > 0:
            raise ValueError("connections, batch, deadline_s and give_up_s must be positive")
        self._address = Address(url or os.environ.get("ASSAY_URL") or "http://127.0.0.1:8080")
        self._token = token or _token_from_environment()
        self.timing = timing
        self.connections = connections
        self.batch = batch
        self.deadline_s = deadline_s
        self.give_up_s = give_up_s
        self.retries = 0  # requests that were sent again, for those who watch
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        """The state of one process: a forked child has neither the threads nor a right to the connections."""
        self._pid = os.getpid()
        self._lock = threading.Condition()
        self._queue: Deque[_Waiting] = collections.deque()
        self._idle = self._threads = 0
        self._last_answer = 0.0

    # ---- what callers use -------------------------------------------------------------------------

    def submit(self, item: Mapping[str, Any]) -> "Future[Verdict]":
        """Queues one item: `task_id`, and `response`, `completion` or `solution`; other keys come back in the verdict."""
        return self._submit_all([item])[0]

    def grade(self, items: Iterable[Mapping[str, Any]]) -> List[Verdict]:
        """The verdicts in the order of the items. Raises AssayError; never for a fault of the verifier's."""
        futures = self._submit_all(list(items))
        try:
            return _numbered([f.result() for f in futures])
        except BaseException:
            for f in futures:
                f.cancel()
            raise

    async def grade_async(self, items: Iterable[Mapping[str, Any]]) -> List[Verdict]:
        """The same for coroutines; one that is cancelled takes its items back."""
        futures = self._submit_all(list(items))
        try:
            return _numbered(await asyncio.gather(*(asyncio.wrap_future(f) for f in futures)))
        except BaseException:
            for f in futures:
                f.cancel()
            raise

    def health(self, timeout_s: float = 5.0) -> Dict[str, Any]:
        """What the server says of itself; raises Unreachable."""
        connection = Connection(self._address, self._token)
        try:
            answer = connection.ask("GET", "/healthz", None, timeout_s)
        except (Refused, Late) as why:
            raise Unreachable(f"{self._address.url}: {why}") from None
        finally:
            connection.close()
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise BadRequest(answer.status, _error_text(answer))
        return answer.body

    def close(self) -> None:
        """Ends the threads; what still waits is cancelled."""
        with self._lock:
            self._closed = True
            while self._queue:
                self._queue.popleft().future.cancel()
            self._lock.notify_all()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- the queue and its threads ------------------------------------------------------------------

    def _submit_all(self, items: Sequence[Mapping[str, Any]]) -> List["Future[Verdict]"]:
        if os.getpid() != self._pid:
            self._begin()
        for item in items:
            if not isinstance(item, collections.abc.Mapping):
                raise TypeError(f"an item is a dict with a task_id and a response, not {type(item).__name__}")
        end = time.monotonic() + self.deadline_s
        waiting = [_Waiting(item, end) for item in items]
        with self._lock:
            if self._closed:
                raise AssayError("the client is closed")
            self._queue.extend(waiting)
            while self._threads < self.connections and self._idle < len(self._queue):
                self._threads += 1
                self._idle += 1
                threading.Thread(target=self._work, name="assay-client", daemon=True).start()
            self._lock.notify(len(waiting))
        return [w.future for w in waiting]

    def _take(self) -> List[_Waiting]:
        """The items of one request: a fair share of what waits. Empty once the client is closed."""
        taken: List[_Waiting] = []
        with self._lock:
            while not self._queue and not self._closed:
                self._lock.wait()
            share = min(self.batch, -(-len(self._queue) // self.connections))
            size = 0
            while self._queue and len(taken) < share:
                size += len(self._queue[0].text)
                if taken and size > BODY_BYTES_MAX:
                    break
                w = self._queue.popleft()
                if not w.future.cancelled():
                    taken.append(w)
            self._idle -= 1
            return taken

    def _work(self) -> None:
        connection = Connection(self._address, self._token, self._count_retry)
        while not self._closed:
            taken = self._take()
            wanted = self._watch(connection, taken)
            try:
                self._settle(connection, taken)
            except Exception as why:  # a bug of ours must not leave anyone waiting
                for w in taken:
                    if not w.future.done():
                        w.fail(why)
            with self._lock:
                wanted.clear()
                self._idle += 1
        connection.close()

    def _watch(self, connection: Connection, items: Sequence[_Waiting]) -> Set["Future[Verdict]"]:
        """Aborts what the connection does when the last of these futures is cancelled. Returns those that are waited for."""
        wanted = {w.future for w in items}

        def done(future: "Future[Verdict]") -> None:
            with self._lock:
                if future in wanted:
                    wanted.remove(future)
                    if not wanted and future.cancelled():
                        connection.abort()

        connection.begin()
        for w in items:
            w.future.add_done_callback(done)
        return wanted

    def _count_retry(self) -> None:
        with self._lock:
            self.retries += 1

    # ---- one request until it is answered ----------------------------------------------------------

    def _settle(self, connection: Connection, items: List[_Waiting]) -> None:
        backoff, refused_since = BACKOFF_MIN_S, 0.0
        while items:
            items = self._without_late(items)
            if not items:
                return
            try:
                answer = connection.ask(
                    "POST", "/v1/grade", self._body(items), min(w.end for w in items) - time.monotonic()
                )
            except Late:
                continue
            except Refused as why:
                if connection.aborted:
                    return
                refusal, pause = str(why), 0.0
            else:
                if answer.status not in (429, 503):
                    self._last_answer = time.monotonic()
                    self._answered(connection, items, answer)
                    return
                refusal, pause = f"HTTP {answer.status}: {_error_text(answer)}", answer.retry_after
                if answer.status == 429:  # somebody is there, and busy
                    self._last_answer = time.monotonic()
            now = time.monotonic()
            refused_since = refused_since or now
            if now - max(refused_since, self._last_answer) > self.give_up_s:
                failure = Unreachable(f"{self._address.url}: nothing but refusals for {self.give_up_s:.0f} s: {refusal}")
                for w in items:
                    w.fail(failure)
                return
            self._count_retry()
            pause = max(backoff, min(pause, RETRY_AFTER_MAX_S)) * random.uniform(0.5, 1.5)
            time.sleep(max(0.0, min(pause, min(w.end for w in items) - now)))
            backoff = min(backoff * 2, BACKOFF_MAX_S)

    def _without_late(self, items: List[_Waiting]) -> List[_Waiting]:
        now = time.monotonic()
        for w in items:
            if w.end <= now:
                w.succeed(_infra(w.task_id, f"no answer within {self.deadline_s:g} s"))
        return [w for w in items if not w.future.done()]

    def _body(self, items: List[_Waiting]) -> bytes:
        head = b'{"items":[' if self.timing else b'{"timing":false,"items":['
        return head + b",".join(w.text for w in items) + b"]}"

    def _answered(self, connection: Connection, items: List[_Waiting], answer: Answer) -> None:
        verdicts = answer.body.get("verdicts") if isinstance(answer.body, dict) else None
        if answer.status in (400, 413) and len(items) > 1:
            # One bad item spoils a request that others may share: find it.
            half = len(items) // 2
            self._settle(connection, items[:half])
            self._settle(connection, items[half:])
        elif answer.status in (400, 413):
            why = _error_text(answer)
            why = why[len("items[0]: ") :] if why.startswith("items[0]: ") else why
            items[0].fail(BadRequest(answer.status, f"the item of task {items[0].task_id!r}: {why}"))
        elif answer.status != 200:
            for w in items:
                w.fail(BadRequest(answer.status, _error_text(answer)))
        elif not isinstance(verdicts, list) or len(verdicts) != len(items):
            for w in items:
                w.fail(AssayError(f"{self._address.url}: the answer is not {len(items)} verdicts"))
        else:
            for w, verdict in zip(items, verdicts):
                w.succeed(verdict)


def _infra(task_id: Any, why: str) -> Verdict:
    return {"task_id": task_id, "sample": 0, "grade": None, "reward": None, "reason": None, "infra": why}


def _numbered(verdicts: Sequence[Verdict]) -> List[Verdict]:
    """Counts the samples of each task over the whole list; the server sees them in parts."""
    counts: "collections.Counter[Any]" = collections.Counter()
    for verdict in verdicts:
        verdict["sample"] = counts[verdict["task_id"]]
        counts[verdict["task_id"]] += 1
    return list(verdicts)
