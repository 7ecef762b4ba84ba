# Runs a checker that is a whole program: in this interpreter, on files that exist in memory only.
# Trusted sources only; part of judge_checker_python.c.
import builtins
import io
import os
import sys


class Kept(io.BytesIO):
    """A file whose bytes are still there when it has been closed."""

    def close(self):
        self.kept = self.getvalue()
        super().close()

    def text(self):
        return (self.kept if self.closed else self.getvalue()).decode("utf-8", "replace")


def printed():
    return io.TextIOWrapper(Kept(), "utf-8", "backslashreplace", write_through=True)


def run(code, names, texts, flags, feed):
    files, made = dict(zip(names, texts)), {}

    def opened(name, mode="r", *args, **kwargs):
        if name == 0:
            return sys.stdin.buffer if "b" in mode else sys.stdin
        name = os.path.normpath(os.fsdecode(name))
        if not set(mode) & set("wax+"):
            if name not in files:
                raise FileNotFoundError(2, "No such file or directory", name)
            raw = io.BytesIO(files[name])
        else:
            raw = made[name] = Kept()
        if "b" in mode:
            return raw
        return io.TextIOWrapper(raw, "utf-8", "surrogateescape", write_through=True)

    kept = builtins.open, io.open, sys.argv, sys.stdin, sys.stdout, sys.stderr
    out, err, status = printed(), printed(), 0
    try:
        builtins.open = io.open = opened
        sys.argv = ["checker.py", *names[:2], feed or names[2], *flags]
        sys.stdin = io.TextIOWrapper(io.BytesIO(texts[2] if feed else b""), "utf-8",
                                     "surrogateescape")
        sys.stdout, sys.stderr = out, err
        exec(code, {"__name__": "__main__", "__builtins__": builtins})
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        builtins.open, io.open, sys.argv, sys.stdin, sys.stdout, sys.stderr = kept
    said = made.get(feed + "judgemessage.txt") if feed else None
    out, err = out.buffer.text(), err.buffer.text()
    return status, out, err, said.text() if said else err


def files(code, texts, flags):
    status, out, err, said = run(code, ["input.txt", "expected.txt", "output.txt"], texts,
                                 flags, None)
    words = out.split()
    if status or not words:
        raise RuntimeError("the checker printed no score and exited with %d: %s"
                           % (status, (err or out)[-200:]))
    return float(words[-1]), said


def kattis(code, texts, flags):
    status, out, err, said = run(code, ["input.in", "expected.ans", "output.txt"], texts,
                                 flags, "feedback/")
    if status not in (42, 43):
        raise RuntimeError("the validator exited with %d, neither 42 nor 43: %s"
                           % (status, (err or out)[-200:]))
    return status == 42, said
