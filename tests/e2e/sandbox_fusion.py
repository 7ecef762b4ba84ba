"""Grades a thousand completions as verl's sandbox path does: a request to /run_code for each test of each
completion, from a pool of threads, all eight fields sent, a second try after 504 alone, the output compared here.

    sandbox_fusion.py UNIX_SOCKET
"""

import concurrent.futures
import http.client
import json
import socket
import sys
import threading

# The second one for every tenth completion.
TESTS = [("3 4\n", "7\n"), ("-1 1\n", "0")]
PROGRAMS = {  # what a reader of the status words and of the output must conclude
    "correct": "a, b = map(int, input().split())\nprint(a + b)  # {}",
    "wrong": "print(12345)  # {}",
    "exception": "raise ValueError({})",
    "syntax": "print({}",
    "exit": "import sys\nprint(7)\nsys.exit(3)  # {}",
}
local = threading.local()


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(sys.argv[1])


def run(code, stdin):
    """The answer of /run_code, or None as verl has it after an error of the API."""
    body = {"compile_timeout": 10, "run_timeout": 10, "code": code, "stdin": stdin, "memory_limit_MB": 1024}
    body.update(language="python", files={}, fetch_files=[])
    for _ in range(3):
        if not hasattr(local, "http"):
            local.http = Unix("localhost", timeout=30)
        local.http.request("POST", "/run_code", json.dumps(body), {"Content-Type": "application/json"})
        answer = local.http.getresponse()
        text = answer.read()
        if answer.status != 504:
            return json.loads(text) if answer.status == 200 else None
    return None


def grade(numbered):
    i, kind = numbered
    for stdin, expected in TESTS[: 1 if i % 10 else 2]:
        answer = run(PROGRAMS[kind].format(i), stdin)
        if answer is None:
            return "api error"
        ran = answer["run_result"]
        if answer["status"] == "SandboxError" or ran is None:
            return "sandbox error"
        if answer["status"] == "Failed":
            if ran["status"] != "Finished" or ran["execution_time"] > 10:
                return "time limit"
            return {1: "exception", 3: "exit"}.get(ran["return_code"], "another status")
        if ran["stdout"].rstrip("\n") != expected.rstrip("\n"):
            return "wrong"
    return "correct"


kinds = list(PROGRAMS)
samples = [(i, kinds[i % len(kinds)]) for i in range(1000)]
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    got = list(pool.map(grade, samples))
wanted = ["exception" if kind == "syntax" else kind for _, kind in samples]
wrong = [i for i in range(len(samples)) if got[i] != wanted[i]]
for i in wrong[:5]:
    print(f"sample {i}: wanted {wanted[i]}, got {got[i]}")
sys.exit(bool(wrong))
