"""serve_verl.py SOCKET right|unable [REQUESTS]: asks POST /run_code as verl's sandbox_fusion reward does, in TAP.

Sixteen threads send one request for each test of a program, read what verl reads of the answer (status, run_result.status,
return_code, stdout, compared but for newlines at its end) and try again on 504 alone, three times in all. `right`: every
outcome is the one that the program has earned. `unable`: the server cannot run anything; nothing may pass.
"""

import concurrent.futures
import http.client
import json
import socket
import sys
import threading
import time

THREADS, TRIES, DELAY_S, REQUESTS = 16, 3, 0.05, int((sys.argv[3:] or [200])[0])
lock = threading.Lock()
statuses = {}


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(sys.argv[1])


def call(code, stdin, timeout):
    """The answer's JSON, or None where verl would give up."""
    fields = {
        "compile_timeout": timeout,
        "run_timeout": timeout,
        "code": code,
        "stdin": stdin,
        "memory_limit_MB": 1024,
        "language": "python",
        "files": {},
        "fetch_files": [],
    }
    for attempt in range(TRIES):
        connection = Connection("localhost", timeout=2 * timeout + 50)
        connection.request("POST", "/run_code", json.dumps(fields), {"Content-Type": "application/json", "Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        with lock:
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
        if answer.status == 504:
            time.sleep(DELAY_S * (attempt + 1))
            continue
        return json.loads(body) if answer.status == 200 else None
    return None


def outcome(answer, expected):
    """verl's word for it: True, False, -1 no answer, -2 it failed, -3 it took too long."""
    if answer is None or answer["status"] == "SandboxError":
        return -1
    run = answer["run_result"]
    assert answer["compile_result"] is None and answer["files"] == {} and answer["executor_pod_name"] is None
    assert run["execution_time"] >= 0 and isinstance(run["stderr"], str)
    if answer["status"] == "Failed":
        if run["status"] == "TimeLimitExceeded":
            return -3
        return -2 if run["status"] == "Finished" and run["return_code"] != 0 else -1
    assert answer["status"] == "Success" and run["status"] == "Finished" and run["return_code"] == 0
    return run["stdout"].rstrip("\n") == expected.rstrip("\n")


# A program, how long it may take, what it should print for the number it is given, and how that ends.
def double(n):
    return f"{2 * n}\n"


PROGRAMS = [
    ("print(2 * int(input()))", 30, double, True),
    ("import sys\nsys.stdout.write(str(2 * int(sys.stdin.read())))", 30, double, True),
    ("print(2 * int(input()) + 1)", 30, double, False),
    ("n = int(input())\nprint(2 * n)\nraise ValueError(n)", 30, double, -2),
    ("import sys\nprint(2 * int(input()))\nsys.exit(3)", 30, double, -2),
    ("print(2 * int(input())", 30, double, -2),
    ("import ctypes\nctypes.string_at(0)", 30, double, -2),
    ("x = input()\nprint('\\u00e9' * 100000 + x)", 30, lambda n: "\u00e9" * 100000 + str(n), True),
    ("import sys\nprint(2 * int(input()))\nsys.stderr.write('x' * 300000)", 30, double, True),
    ("x = bytearray(4 << 30)", 30, double, -2),
    ("def main():\n    print(2 * int(input()))\nif __name__ == '__main__':\n    main()", 30, double, True),
    ("import threading\nn = int(input())\nt = threading.Thread(target=lambda: print(2 * n))\nt.start()", 30, double, True),
    ("", 30, double, False),
]
SLOW = ("while True:\n    pass", 0.5, double, -3)


def grade(i):
    code, timeout, expected, ends = SLOW if i % 40 == 7 else PROGRAMS[i % len(PROGRAMS)]
    got = outcome(call(f"{code}\n# {i}", f"{i}\n", timeout), expected(i))
    return None if got is ends else f"request {i}: wanted {ends}, got {got}"


def unable(i):
    got = outcome(call(f"print({i})", "", 10), f"{i}\n")
    return None if got == -1 else f"request {i}: nothing can run, yet {got}"


with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    wrong = [w for w in pool.map(grade if sys.argv[2] == "right" else unable, range(REQUESTS if sys.argv[2] == "right" else 20)) if w]
for w in wrong[:10]:
    print("#  ", w)
print("#   statuses:", statuses)
sys.exit(1 if wrong else 0)
