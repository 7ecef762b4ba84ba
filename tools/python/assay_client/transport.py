"""One kept-alive HTTP connection to the verifier, over a unix socket or TCP."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any, Callable, Dict, NamedTuple, Optional
from urllib.parse import urlsplit

ANSWER_BYTES_MAX = 256 << 20
CONNECT_S = 5.0


class Answer(NamedTuple):
    status: int
    retry_after: float  # seconds, 0 where nothing was said
    body: Any  # None where it was not JSON


class Refused(Exception):
    """Nobody is there, or the connection broke before there was an answer: worth another try."""


class Late(Exception):
    """No answer came in time."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self._path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


class Address:
    """`unix:/path`, `http://host:port` or `https://host:port`, the last two perhaps with a path before the API's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.prefix = ""
        if url.startswith("unix:"):
            self.path = url[len("unix:") :]
            if self.path.startswith("//"):
                self.path = self.path[2:]
            if not self.path:
                raise ValueError(f"{url!r}: a path is wanted after unix:")
            return
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r}: want unix:PATH or http://HOST:PORT")
        self.path = ""
        self.host, self.port, self.tls = parts.hostname, parts.port, parts.scheme == "https"
        self.prefix = parts.path.rstrip("/")

    def open(self) -> http.client.HTTPConnection:
        if self.path:
            return _UnixConnection(self.path)
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port)
        return http.client.HTTPConnection(self.host, self.port)


def _retry_after(text: Optional[str]) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:  # a date: not worth the clock of another machine
        return 0.0


class Connection:
    """Not for several threads at once. `on_resent` is called when a request is sent again on a new connection."""

    def __init__(self, address: Address, token: Optional[str], on_resent: Callable[[], None] = lambda: None) -> None:
        self._address = address
        self._on_resent = on_resent
        self._headers: Dict[str, str] = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._http: Optional[http.client.HTTPConnection] = None
        self.aborted = False

    def begin(self) -> None:
        """Forgets an abort: what is asked from now on is wanted."""
        self.aborted = False

    def abort(self) -> None:
        """From any thread: what is being asked raises Refused at once, and so does all until `begin`."""
        self.aborted = True
        connection = self._http
        sock = connection.sock if connection else None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already
                pass

    def close(self) -> None:
        if self._http:
            self._http.close()
        self._http = None

    def ask(self, method: str, path: str, body: Optional[bytes], timeout_s: float) -> Answer:
        """Raises Refused or Late, after which the next call connects anew."""
        end = time.monotonic() + timeout_s
        kept = self._http is not None
        try:
            return self._ask(method, path, body, end)
        except socket.timeout:
            self.close()
            raise Late(f"no answer within {timeout_s:.0f} s") from None
        except (OSError, http.client.HTTPException) as why:
            self.close()
            if not kept or self.aborted:
                raise Refused(f"{type(why).__name__}: {why}") from None
        # A server closes connections that were idle for long; that says nothing about its health.
        self._on_resent()
        return self.ask(method, path, body, max(0.001, end - time.monotonic()))

    def _ask(self, method: str, path: str, body: Optional[bytes], end: float) -> Answer:
        if self._http is None:
            self._http = self._address.open()
            self._http.timeout = min(CONNECT_S, max(0.001, end - time.monotonic()))
            try:
                self._http.connect()
            except socket.timeout:
                raise ConnectionError("nobody accepts the connection") from None
        if self.aborted:
            raise ConnectionAbortedError("nobody waits for the answer any more")
        connection = self._http
        assert connection.sock is not None
        connection.sock.settimeout(max(0.001, end - time.monotonic()))
        connection.request(method, self._address.prefix + path, body, self._headers)
        response = connection.getresponse()
        if (response.length or 0) > ANSWER_BYTES_MAX:
            raise http.client.HTTPException(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
        text = response.read()  # all of it: only then a body that was cut short is an error
        if response.will_close:
            self.close()
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        return Answer(response.status, _retry_after(response.getheader("Retry-After")), value)
