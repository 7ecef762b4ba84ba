"""What the client does in bad hours. The real server is met in tests/e2e/clients.sh."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import sys
import threading
import time
import unittest
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import stub
from assay_client import AssayError, BadRequest, Client, Unreachable, make_compute_score, make_reward
from assay_client.__main__ import main
from assay_client.rewards import task_of, text_of


def items(n: int) -> list:
    return [{"task_id": f"t{i % 7}", "response": "x" * i} for i in range(n)]


class WithStub(unittest.TestCase):
    def setUp(self) -> None:
        self.path = stub.socket_path()
        self.addCleanup(shutil.rmtree, os.path.dirname(self.path))

    def stub(self, *script: Any) -> stub.Stub:
        server = stub.Stub(self.path, *script)
        self.addCleanup(server.stop)
        return server

    def client(self, **options: Any) -> Client:
        client = Client("unix:" + self.path, **options)
        self.addCleanup(client.close)
        return client


class Requests(WithStub):
    def test_order_and_sample_numbers(self) -> None:
        self.stub()
        verdicts = self.client(batch=9).grade(items(200))
        self.assertEqual([v["reward"] for v in verdicts], [float(i) for i in range(200)])
        self.assertEqual([v["sample"] for v in verdicts], [i // 7 for i in range(200)])

    def test_connections_are_kept(self) -> None:
        server = self.stub()
        client = self.client(connections=1, batch=4)
        for _ in range(5):
            client.grade(items(8))
        self.assertEqual((server.connections, len(server.requests)), (1, 10))

    def test_many_wait_few_requests(self) -> None:
        server = self.stub()
        self.client(connections=2, batch=64).grade(items(256))
        self.assertLessEqual(len(server.requests), 20)

    def test_an_item_is_a_dict(self) -> None:
        with self.assertRaisesRegex(TypeError, "str"):
            self.client().grade({"task_id": "t", "response": "x"})

    def test_nothing_to_grade(self) -> None:
        self.assertEqual(self.client().grade([]), [])

    def test_token_and_timing(self) -> None:
        server = self.stub()
        self.client(token="secret-token", timing=False).grade(items(1))
        self.assertEqual(server.tokens, ["Bearer secret-token"])
        self.assertIs(server.requests[0]["timing"], False)

    def test_half_a_character(self) -> None:
        server = self.stub()
        self.client().grade([{"task_id": "t", "response": "a\ud800b\u00e9"}])
        self.assertEqual(server.requests[0]["items"][0]["response"], "a?b\u00e9")

    def test_from_many_threads(self) -> None:
        server = self.stub(lambda h, body: (time.sleep(0.1), stub.grade(h, body)))
        client = self.client(connections=1)
        got = {}

        def ask(i: int) -> None:
            got[i] = client.grade([{"task_id": "t", "response": "x" * i}])[0]["reward"]

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(40)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(got, {i: float(i) for i in range(40)})
        self.assertLess(len(server.requests), 10)

    def test_after_a_fork(self) -> None:
        self.stub()
        client = self.client()
        client.grade(items(3))
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if client.grade(items(3))[2]["reward"] == 2.0 else 1)
            finally:
                os._exit(2)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(client.grade(items(3))[2]["reward"], 2.0)

    def test_health(self) -> None:
        with self.assertRaises(Unreachable):
            self.client().health()
        self.stub()
        self.assertEqual(self.client().health(), {"status": "ok"})


class Faults(WithStub):
    def test_busy_and_draining_are_asked_again(self) -> None:
        server = self.stub(stub.say(429, {"error": "full"}), stub.say(503, {"error": {"message": "draining"}}))
        self.assertEqual(self.client().grade(items(1))[0]["reward"], 0.0)
        self.assertEqual(len(server.requests), 3)

    def test_retry_after(self) -> None:
        self.stub(stub.say(429, {"error": "full"}, Retry_After="1"))
        from_ = time.monotonic()
        self.client().grade(items(1))
        self.assertTrue(0.5 <= time.monotonic() - from_ < 3)

    def test_broken_connection(self) -> None:
        server = self.stub(stub.reset, stub.reset)
        self.assertEqual(self.client().grade(items(1))[0]["reward"], 0.0)
        self.assertEqual(len(server.requests), 3)

    def test_server_comes_later(self) -> None:
        threading.Timer(0.3, self.stub).start()
        self.assertEqual(self.client().grade(items(1))[0]["reward"], 0.0)

    def test_server_is_replaced(self) -> None:
        client = self.client(connections=2)
        first = stub.Stub(self.path)
        client.grade(items(20))
        first.stop()
        self.stub()
        self.assertEqual(len(client.grade(items(20))), 20)

    def test_nobody(self) -> None:
        with self.assertRaises(Unreachable):
            self.client(give_up_s=0.2).grade(items(3))

    def test_other_errors_are_raised_at_once(self) -> None:
        for status in (401, 404, 500):
            server = stub.Stub(self.path, stub.say(status, {"error": "no"}))
            with self.assertRaisesRegex(BadRequest, f"HTTP {status}: no"):
                self.client().grade(items(1))
            self.assertEqual(len(server.requests), 1)
            server.stop()

    def test_a_bad_item_spoils_no_other(self) -> None:
        self.stub()
        client = self.client(connections=1)
        futures = [client.submit({"task_id": "unknown" if i == 5 else "t", "response": "x" * i}) for i in range(12)]
        for i, f in enumerate(futures):
            if i == 5:
                with self.assertRaisesRegex(BadRequest, "^HTTP 400: the item of task 'unknown': there is no problem"):
                    f.result()
            else:
                self.assertEqual(f.result()["reward"], float(i))

    def test_nonsense(self) -> None:
        self.stub(stub.say(200, {"verdicts": []}))
        with self.assertRaises(AssayError):
            self.client().grade(items(1))

    def test_deadline(self) -> None:
        self.stub(stub.hang, stub.hang)
        verdict = self.client(deadline_s=0.2).grade(items(1))[0]
        self.assertIsNone(verdict["reward"])
        self.assertIn("0.2 s", verdict["infra"])

    def test_cancelled_by_all_who_waited(self) -> None:
        server = self.stub(stub.until_gone)
        client = self.client(connections=1)
        future = client.submit({"task_id": "t", "response": "x"})
        while not server.requests:
            time.sleep(0.01)
        self.assertTrue(future.cancel())
        self.assertTrue(server.gone.wait(30), "the connection stays open")
        self.assertEqual(client.grade(items(3))[2]["reward"], 2.0)
        self.assertEqual(client.retries, 0)

    def test_a_coroutine_that_is_given_up(self) -> None:
        server = self.stub(stub.until_gone)
        client = self.client(connections=1)

        async def give_up() -> None:
            task = asyncio.ensure_future(client.grade_async(items(5)))
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            await task

        with self.assertRaises(asyncio.CancelledError):
            asyncio.run(give_up())
        self.assertTrue(server.gone.wait(30), "the connection stays open")
        self.assertEqual(client.grade(items(3))[2]["reward"], 2.0)

    def test_one_of_two_is_cancelled(self) -> None:
        begun, go_on = threading.Event(), threading.Event()
        server = self.stub(lambda h, body: (begun.set(), go_on.wait(30), stub.grade(h, body)))
        client = self.client(connections=1)
        first = client.submit({"task_id": "t", "response": "x"})
        self.assertTrue(begun.wait(30))
        futures = [client.submit({"task_id": "t", "response": "x" * i}) for i in range(2)]
        server.script.append(lambda h, body: (futures[0].cancel(), stub.grade(h, body)))
        go_on.set()
        self.assertEqual((first.result()["reward"], futures[1].result()["reward"]), (1.0, 1.0))
        self.assertTrue(futures[0].cancelled())

    def test_closed(self) -> None:
        client = self.client()
        client.close()
        with self.assertRaises(AssayError):
            client.grade(items(1))

    def test_bad_addresses(self) -> None:
        for url in ("unix:", "ftp://x", "localhost:80", "http://"):
            with self.assertRaises(ValueError):
                Client(url)


class Rewards(WithStub):
    def test_trl(self) -> None:
        self.stub()
        reward = make_reward(self.client(), name="tests_pass")
        self.assertEqual(reward.__name__, "tests_pass")
        chat = [{"role": "assistant", "content": "four"}]
        parts = [{"role": "assistant", "content": [{"type": "text", "text": "fi"}, {"type": "text", "text": "ve5"}]}]
        ids = ["a", "b", "c", None, 5, float("nan")]
        got = reward(["p"] * 6, ["abc", chat, "fault", "not mine", parts, "nor this"], task_id=ids, trainer_state=None)
        self.assertEqual(got, [3.0, 4.0, None, None, 5.0, None])

    def test_trl_async(self) -> None:
        self.stub()
        reward = make_reward(self.client(), name="tests_pass").asynchronous
        self.assertTrue(asyncio.iscoroutinefunction(reward))
        self.assertEqual(reward.__name__, "tests_pass")
        columns = {"task_id": ["a", None, "b"], "completion_ids": [[1], [2], [3]], "trainer_state": None, "environments": None}
        got = asyncio.run(reward(prompts=["p"] * 3, completions=["abc", "x", "fault"], **columns))
        self.assertEqual(got, [3.0, None, None])

    def test_trl_logs(self) -> None:
        self.stub()
        logged: dict = {}
        reward = make_reward(self.client(), name="r")
        reward(
            prompts=["p"] * 3,
            completions=["good", "x", "fault"],
            task_id=["a", None, "b"],
            log_extra=logged.__setitem__,
            log_metric=logged.__setitem__,
        )
        self.assertEqual(logged, {"r_grade": ["correct", None, None], "r_infra": 0.5})

    def test_trl_without_the_column(self) -> None:
        reward = make_reward(self.client())
        with self.assertRaisesRegex(ValueError, "task_id"):
            reward(prompts=["p"], completions=["x"])
        with self.assertRaisesRegex(ValueError, "2 of column"):
            reward(prompts=["p"], completions=["x"], task_id=["a", "b"])

    def test_text_of(self) -> None:
        self.assertEqual(text_of([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"}]), "a")
        self.assertEqual(text_of([]), "")
        self.assertEqual(text_of(None), "")
        self.assertEqual(text_of([{"role": "assistant", "content": None}]), "")
        for wrong in (5, b"x", {"role": "assistant", "content": "a"}):
            with self.assertRaisesRegex(TypeError, type(wrong).__name__):
                text_of(wrong)

    def test_verl(self) -> None:
        self.stub()
        client = self.client()
        self.assertEqual(make_compute_score(client)("set", "abc", "task", None), 3.0)
        self.assertIsNone(make_compute_score(client)("set", "fault", "task", {}))
        self.assertEqual(make_compute_score(client, infra=-1.0)("set", "fault", "task"), -1.0)
        detailed = make_compute_score(client, detailed=True)
        self.assertEqual(
            detailed(data_source="s", solution_str="good", ground_truth="", extra_info={"task_id": "t"}, more=1),
            {"score": 4.0, "acc": 1.0, "grade": "correct", "reason": ""},
        )

    def test_verl_async(self) -> None:
        server = self.stub()
        score = make_compute_score(self.client(connections=2)).asynchronous

        async def all_of_them() -> list:
            return await asyncio.gather(*(score("s", "x" * i, "t", None) for i in range(100)))

        self.assertEqual(asyncio.run(all_of_them()), [float(i) for i in range(100)])
        self.assertLess(len(server.requests), 100)

    def test_verl_batch(self) -> None:
        server = self.stub()
        score = make_compute_score(self.client(batch=64), infra=0.0).batch
        texts = ["x" * i for i in range(50)] + ["fault", None]
        infos = [{"task_id": "t"}] * 51 + [None]
        self.assertEqual(
            score(data_sources=["s"] * 52, solution_strs=texts, ground_truths=[None] * 51 + ["t"], extra_infos=infos, more=1),
            [float(i) for i in range(50)] + [0.0, 0.0],
        )
        self.assertLess(len(server.requests), 20)
        self.assertEqual(score(solution_strs=["abc"], ground_truths=["t"]), [3.0])
        with self.assertRaisesRegex(ValueError, "2 solutions"):
            score(solution_strs=["a", "b"], ground_truths=["t"])

    def test_task_of(self) -> None:
        self.assertEqual(task_of("truth", {"task_id": 7}), "7")
        with self.assertRaises(ValueError):
            task_of({"a": 1}, {"split": "train"})


class Command(WithStub):
    def run_main(self, *argv: str) -> tuple:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(list(argv))
        return status, out.getvalue(), err.getvalue()

    def samples(self, *lines: Any) -> str:
        path = os.path.join(os.path.dirname(self.path), "samples.jsonl")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        return path

    def test_grade(self) -> None:
        self.stub()
        path = self.samples({"task_id": "a", "response": "good"}, {"task_id": "a", "response": "bad"})
        status, out, err = self.run_main("grade", path, "--url", "unix:" + self.path)
        self.assertEqual((status, [json.loads(line)["sample"] for line in out.splitlines()]), (0, [0, 1]))
        self.assertIn("2 verdicts: 1 correct, 1 fails-tests", err)

    def test_fault_and_output(self) -> None:
        self.stub()
        path = self.samples({"task_id": "a", "response": "fault"})
        self.assertEqual(self.run_main("grade", path, "--url", "unix:" + self.path, "-o", path + ".out")[0], 1)
        with open(path + ".out", encoding="utf-8") as f:
            self.assertEqual(json.loads(f.read())["infra"], "ours")

    def test_bad_line(self) -> None:
        self.stub()
        path = self.samples({"task_id": "a", "response": "x"}, '{"task_id"')
        status, _, err = self.run_main("grade", path, "--url", "unix:" + self.path)
        self.assertEqual(status, 2)
        self.assertIn("samples.jsonl:2:", err)


if __name__ == "__main__":
    unittest.main()
