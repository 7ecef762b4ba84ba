"""A server that answers as a script says: what a verifier does in bad hours, on the wire."""

from __future__ import annotations

import http.server
import json
import os
import socket
import socketserver
import tempfile
import threading
import time
from typing import Any, Callable, Dict, List, Optional


def verdict(item: Dict[str, Any]) -> Dict[str, Any]:
    """The reward is the program's length, so that a verdict shows whose it is."""
    text = item.get("response") or item.get("solution") or item.get("completion") or ""
    if text == "fault":
        return {"task_id": item["task_id"], "sample": 0, "grade": None, "reward": None, "reason": None, "infra": "ours"}
    grade = "correct" if text.startswith("good") else "fails-tests"
    return {"task_id": item["task_id"], "sample": 0, "grade": grade, "reward": float(len(text)), "reason": None, "infra": None}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Stub"

    def address_string(self) -> str:
        return "client"

    def log_message(self, *_: Any) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def send(self, status: int, body: Any, headers: Optional[Dict[str, str]] = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.send(200, {"status": "ok"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(body)
            self.server.tokens.append(self.headers.get("Authorization"))
            step = self.server.script.pop(0) if self.server.script else grade
        step(self, body)


Step = Callable[[Handler, Any], None]


def grade(h: Handler, body: Any) -> None:
    if any(item["task_id"] == "unknown" for item in body["items"]):
        at = [item["task_id"] for item in body["items"]].index("unknown")
        h.send(400, {"error": f"items[{at}]: there is no problem \"unknown\""})
        return
    h.send(200, {"verdicts": [verdict(item) for item in body["items"]]})


def say(status: int, body: Any, **headers: str) -> Step:
    return lambda h, _: h.send(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


def reset(h: Handler, _: Any) -> None:
    """Half an answer, and the connection is gone."""
    h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"verd")
    h.wfile.flush()
    h.close_connection = True
    h.connection.shutdown(socket.SHUT_RDWR)


def until_gone(h: Handler, _: Any) -> None:
    """No answer; `gone` is set once the client has closed the connection."""
    h.connection.settimeout(30)
    if h.rfile.read(1) == b"":
        h.server.gone.set()
    h.close_connection = True


def hang(h: Handler, _: Any) -> None:
    time.sleep(1)
    h.close_connection = True


class Stub(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, *script: Step) -> None:
        self.script: List[Step] = list(script)
        self.requests: List[Any] = []
        self.tokens: List[Optional[str]] = []
        self.connections = 0
        self.gone = threading.Event()
        self.lock = threading.Lock()
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        pass

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        os.unlink(self.server_address)  # type: ignore[arg-type]


def socket_path() -> str:
    return os.path.join(tempfile.mkdtemp(prefix="assay-py-"), "s")
