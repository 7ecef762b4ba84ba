"""python3 -m assay_client: grade a file of samples on a running server."""

from __future__ import annotations

import argparse
import collections
import gzip
import itertools
import json
import os
import sys
from typing import Any, Dict, Iterator, List, Optional, TextIO

from .client import AssayError, Client

AT_A_TIME = 4096


def open_text(path: str) -> TextIO:
    if path == "-":
        return sys.stdin
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8")  # type: ignore[return-value]
    return open(path, encoding="utf-8")


def read_samples(path: str) -> Iterator[Dict[str, Any]]:
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except ValueError as why:
                raise ValueError(f"{path}:{number}: {why}") from None
            if not isinstance(item, dict) or "task_id" not in item:
                raise ValueError(f"{path}:{number}: a sample is an object with a task_id")
            yield item


def grade(client: Client, path: str, out: TextIO) -> "collections.Counter[str]":
    grades: "collections.Counter[str]" = collections.Counter()
    samples: "collections.Counter[str]" = collections.Counter()
    source = read_samples(path)
    while True:
        items = list(itertools.islice(source, AT_A_TIME))
        if not items:
            return grades
        for verdict in client.grade(items):
            verdict["sample"] = samples[str(verdict["task_id"])]
            samples[str(verdict["task_id"])] += 1
            grades[verdict["grade"] or "infra"] += 1
            out.write(json.dumps(verdict, ensure_ascii=False, separators=(",", ":")) + "\n")
        out.flush()


def arguments(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m assay_client", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    g = commands.add_parser("grade", help="samples in, verdicts out, in the same order; exit 1: some met a fault of ours")
    g.add_argument("samples", help="JSON lines, may be gzipped; - is stdin")
    g.add_argument("-o", "--output", help="write the verdicts here (default: stdout)")
    h = commands.add_parser("health", help="what the server says of itself")
    for p in (g, h):
        p.add_argument("--url", help="unix:PATH or http://HOST:PORT (default: $ASSAY_URL, http://127.0.0.1:8080)")
        p.add_argument("--token-file", help="the bearer token (default: $ASSAY_TOKEN_FILE, $ASSAY_TOKEN)")
    g.add_argument("--no-timing", action="store_true", help="ask for no speed grade")
    g.add_argument("--deadline", type=float, default=300.0, metavar="S", help="seconds for one sample (default 300)")
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> int:
    token = None
    if options.token_file:
        with open(options.token_file, encoding="ascii") as f:
            token = f.read().strip()
    if options.command == "health":
        print(json.dumps(Client(options.url, token).health()))
        return 0
    with Client(options.url, token, timing=not options.no_timing, deadline_s=options.deadline) as client:
        if options.output:
            part = options.output + ".part"
            with open(part, "w", encoding="utf-8") as out:
                grades = grade(client, options.samples, out)
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, options.output)
        else:
            grades = grade(client, options.samples, sys.stdout)
    print(f"{sum(grades.values())} verdicts: " + ", ".join(f"{n} {g}" for g, n in grades.most_common()), file=sys.stderr)
    return 1 if grades["infra"] else 0


def main(argv: Optional[List[str]] = None) -> int:
    try:
        return run(arguments(argv))
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 2
    except (AssayError, OSError, ValueError) as why:
        print(f"assay_client: {why}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
