"""clients.py SAMPLES VERDICTS RESTART: trainers' calls against the server at $ASSAY_URL, in TAP.

SAMPLES are graded as TRL, as verl's threads and as verl's coroutines would have it; VERDICTS are what `assay
grade` says of them. RESTART is a command that restarts the server; it is run in the middle of the first.
"""

import asyncio
import concurrent.futures
import json
import subprocess
import sys
import threading
import time

from assay_client import Client, make_compute_score, make_reward

with open(sys.argv[1], encoding="utf-8") as f:
    samples = [json.loads(line) for line in f]
with open(sys.argv[2], encoding="utf-8") as f:
    wanted = [json.loads(line)["reward"] for line in f]
tests = 0


def check(title, got):
    global tests
    tests += 1
    wrong = [i for i in range(len(wanted)) if i >= len(got) or got[i] != wanted[i]]
    print(f"{'not ok' if wrong or len(got) != len(wanted) else 'ok'} {tests} - {title}")
    for i in wrong[:5]:
        print(f"#   sample {i}: wanted {wanted[i]}, got {got[i] if i < len(got) else 'nothing'}")


def restart_later(after_s):
    def restart():
        time.sleep(after_s)
        subprocess.run(sys.argv[3:], check=True)

    thread = threading.Thread(target=restart)
    thread.start()
    return thread


client = Client(timing=False)

# TRL: a step's completions at once, as messages, the id in a column of the data set.
reward = make_reward(client)
restart, got = None, []
for at in range(0, len(samples), 250):
    part = samples[at : at + 250]
    if at == 250:
        restart = restart_later(0.2)
    chats = [[{"role": "assistant", "content": s["response"]}] for s in part]
    got += reward(prompts=["" for _ in part], completions=chats, task_id=[s["task_id"] for s in part], trainer_state=None)
while restart.is_alive():  # it may come late: somebody must be there to feel it
    reward(completions=["x"], task_id=["add"])
restart.join()
retries = client.retries
logged = {}
part = samples[:200]
got_async = asyncio.run(
    reward.asynchronous(
        prompts=["" for _ in part],
        completions=[s["response"] for s in part],
        completion_ids=[[0] for _ in part],
        task_id=[s["task_id"] for s in part],
        trainer_state=None,
        log_extra=logged.__setitem__,
        log_metric=logged.__setitem__,
    )
)
check(f"as TRL calls it: {len(samples)} completions, the server restarted meanwhile", got)

tests += 1
good = got_async == wanted[: len(part)] and len(logged["assay_reward_grade"]) == len(part) and logged["assay_reward_infra"] == 0
print(f"{'ok' if good else 'not ok'} {tests} - as TRL calls a coroutine function, with its loggers")

# verl: a call for each completion, from threads.
score = make_compute_score(client)
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    got = list(pool.map(lambda s: score("set", s["response"], s["task_id"], {}), samples))
check("as verl's threads call it", got)


async def everything():
    # Other programs to the server, which would know the old ones.
    ask = make_compute_score(client, detailed=True).asynchronous
    other = [(s["task_id"], s["response"].replace("def ", "def  ")) for s in samples]
    return await asyncio.gather(*(ask("set", text, "", {"task_id": task}) for task, text in other))


restart = restart_later(0.1)
got = asyncio.run(everything())
while restart.is_alive():
    asyncio.run(everything())
restart.join()
check("as verl's coroutines call it, the server killed meanwhile", [d["score"] for d in got])
tests += 1
print(f"{'ok' if 0 < retries < client.retries else 'not ok'} {tests} - both times it was felt: {retries}, {client.retries} retries")

for verdict in client.grade([{"task_id": "add", "response": "def add(a, b): return a + b", "id": 7}]):
    tests += 1
    good = verdict["id"] == 7 and verdict["grade"] == "correct" and verdict["time"]["speedup"] is None
    print(f"{'ok' if good else 'not ok'} {tests} - a whole verdict, with the item's own keys")

tests += 1
try:
    reward(completions=["x", "y"], task_id=["add", "nowhere"])
    print(f"not ok {tests} - an unknown problem is an error")
except Exception as why:  # noqa: BLE001
    print(f"{'ok' if 'nowhere' in str(why) else 'not ok'} {tests} - an unknown problem is an error")
client.close()
