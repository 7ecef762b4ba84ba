"""Reward functions in the shapes that trainers expect.

A fault of the verifier's is None, never a number: TRL leaves such completions out. verl needs a number, so
there `infra` says which.
"""

from __future__ import annotations

import collections.abc
import threading
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional, Sequence, Union

from .client import Client, Verdict

Message = Mapping[str, Any]
Completion = Union[str, Sequence[Message]]
Score = Union[None, float, Dict[str, Any]]
PASSING = ("correct", "faster")

_default: Optional[Client] = None
_default_lock = threading.Lock()


def default_client() -> Client:
    """Made at its first use, from the environment (ASSAY_URL, ASSAY_TOKEN or ASSAY_TOKEN_FILE)."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Client()
        return _default


def text_of(completion: Optional[Completion]) -> str:
    """A completion's text: itself, or what the last message of the assistant says. None is an empty one."""
    if completion is None or isinstance(completion, str):
        return completion or ""
    if isinstance(completion, (bytes, collections.abc.Mapping)) or not hasattr(completion, "__len__"):
        raise TypeError(f"a completion is a string or a list of messages, not {type(completion).__name__}")
    for message in reversed(completion):
        if message.get("role", "assistant") == "assistant":
            content = message.get("content") or ""
            if isinstance(content, str):
                return content
            return "".join(part.get("text", "") for part in content if part.get("type", "text") == "text")
    return ""


def make_reward(
    client: Optional[Client] = None, *, task_column: str = "task_id", kind: str = "response", name: str = "assay_reward"
) -> Callable[..., List[Optional[float]]]:
    """A reward function for TRL's `reward_funcs`.

    task_column  the data set's column with the problem's id; rows where it is None (or NaN) are not graded, and get None
    kind         response (a model's whole reply), completion (what continues the prompt) or solution (a whole program)
    name         what TRL calls it in its metrics

    `.asynchronous` is the same as a coroutine function, which TRL runs beside other asynchronous rewards. Where TRL
    offers `log_extra` and `log_metric`, the grades and the share of faults of the verifier's are logged.
    """
    if kind not in ("response", "completion", "solution"):
        raise ValueError(f"kind {kind!r}: want response, completion or solution")

    def rows_of(completions: Sequence[Completion], columns: Mapping[str, Any]) -> List[int]:
        tasks = columns.get(task_column)
        if tasks is None:
            raise ValueError(f"the data set needs a column {task_column!r} with the problems' ids")
        if len(tasks) != len(completions):
            raise ValueError(f"{len(completions)} completions, but {len(tasks)} of column {task_column!r}")
        return [i for i, task in enumerate(tasks) if task is not None and task == task]

    def items_of(rows: Sequence[int], completions: Sequence[Completion], columns: Mapping[str, Any]) -> List[Dict[str, Any]]:
        return [{"task_id": columns[task_column][i], kind: text_of(completions[i])} for i in rows]

    def rewards_of(
        rows: Sequence[int], verdicts: Sequence[Verdict], n: int, columns: Mapping[str, Any]
    ) -> List[Optional[float]]:
        by_row = dict(zip(rows, verdicts))
        extra, metric = columns.get("log_extra"), columns.get("log_metric")
        if callable(extra):
            extra(f"{name}_grade", [by_row.get(i, {}).get("grade") for i in range(n)])
        if callable(metric) and rows:
            metric(f"{name}_infra", sum(v["reward"] is None for v in verdicts) / len(rows))
        return [by_row[i]["reward"] if i in by_row else None for i in range(n)]

    def reward(prompts: Any = None, completions: Sequence[Completion] = (), **columns: Any) -> List[Optional[float]]:
        rows = rows_of(completions, columns)
        verdicts = (client or default_client()).grade(items_of(rows, completions, columns))
        return rewards_of(rows, verdicts, len(completions), columns)

    async def reward_async(
        prompts: Any = None, completions: Sequence[Completion] = (), **columns: Any
    ) -> List[Optional[float]]:
        rows = rows_of(completions, columns)
        verdicts = await (client or default_client()).grade_async(items_of(rows, completions, columns))
        return rewards_of(rows, verdicts, len(completions), columns)

    for function in (reward, reward_async):
        function.__name__ = function.__qualname__ = name
    reward.asynchronous = reward_async  # type: ignore[attr-defined]
    return reward


def task_of(ground_truth: Any, extra_info: Optional[Mapping[str, Any]]) -> str:
    """The problem's id in a row of verl's: `extra_info["task_id"]`, else the ground truth itself."""
    task = (extra_info or {}).get("task_id")
    if task is None and isinstance(ground_truth, (str, int)):
        task = ground_truth
    if task is None:
        raise ValueError('want the problem\'s id in extra_info["task_id"] or as the ground truth')
    return str(task)


def _score(verdict: Verdict, infra: Any, detailed: bool) -> Score:
    score = infra if verdict["reward"] is None else verdict["reward"]
    if not detailed:
        return score
    return {
        "score": score,
        "acc": float(verdict["grade"] in PASSING),
        "grade": verdict["grade"] or "infra",
        "reason": verdict["reason"] or "",
    }


def make_compute_score(
    client: Optional[Client] = None, *, kind: str = "response", infra: Optional[float] = None, detailed: bool = False
) -> Callable[..., Score]:
    """A function for verl's `custom_reward_function`.

    infra     the score where the verifier met a fault of its own
    detailed  a dict with `score`, `acc`, `grade` and `reason` in the place of a float

    Calls from many threads share requests. `.asynchronous` is the same as a coroutine function, and `.batch` as one
    that verl's batch reward manager calls, with a list of each argument.
    """

    def item(solution_str: str, ground_truth: Any, extra_info: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
        return {"task_id": task_of(ground_truth, extra_info), kind: text_of(solution_str)}

    def compute_score(
        data_source: Any = None,
        solution_str: str = "",
        ground_truth: Any = None,
        extra_info: Optional[Mapping[str, Any]] = None,
        **_: Any,
    ) -> Score:
        verdict = (client or default_client()).grade([item(solution_str, ground_truth, extra_info)])[0]
        return _score(verdict, infra, detailed)

    async def compute_score_async(
        data_source: Any = None,
        solution_str: str = "",
        ground_truth: Any = None,
        extra_info: Optional[Mapping[str, Any]] = None,
        **_: Any,
    ) -> Score:
        verdicts = await (client or default_client()).grade_async([item(solution_str, ground_truth, extra_info)])
        return _score(verdicts[0], infra, detailed)

    def compute_scores(
        data_sources: Any = None,
        solution_strs: Sequence[str] = (),
        ground_truths: Sequence[Any] = (),
        extra_infos: Optional[Sequence[Optional[Mapping[str, Any]]]] = None,
        **_: Any,
    ) -> List[Score]:
        infos = [None] * len(solution_strs) if extra_infos is None else extra_infos
        if not len(solution_strs) == len(ground_truths) == len(infos):
            raise ValueError(f"{len(solution_strs)} solutions, {len(ground_truths)} ground truths, {len(infos)} extra infos")
        items = [item(text, truth, info) for text, truth, info in zip(solution_strs, ground_truths, infos)]
        return [_score(verdict, infra, detailed) for verdict in (client or default_client()).grade(items)]

    compute_score.asynchronous = compute_score_async  # type: ignore[attr-defined]
    compute_score.batch = compute_scores  # type: ignore[attr-defined]
    return compute_score


reward = make_reward(name="reward")
compute_score = make_compute_score()
compute_score_async: Callable[..., Awaitable[Score]] = compute_score.asynchronous  # type: ignore[attr-defined]
