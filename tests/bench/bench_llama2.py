#!/usr/bin/python3
"""Sampling one sequence beside llama2.c's run: CSV lines shape,what,value,unit.

usage: bench_llama2.py RUN [SHAPE ...]
RUN is llama2.c's run.c compiled (gcc -Ofast -march=native run.c -lm); SHAPE is s5 or s15; ASSAY_BUILD names the build.

Both generate the tokens 64 to 128 of a sequence with random weights of one shape, in turn; all is processor time. llama2.c's share is
the difference of a run to 128 tokens and one to 64, the most likely token each time, which is less work than the trainer's drawing.
"""
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile

SHAPES = {"s5": (6, 256, 8, 4, 688, 2048), "s15": (8, 384, 6, 6, 1024, 4096)}
REPEATS, LENGTH = 9, 512


def write_checkpoint(path, shape):
    """llama2.c's first format: seven integers, then f32 by kind of weight, then tables that it skips."""
    layers, width, heads, kv, ff, vocab = SHAPES[shape]
    side = width // heads * kv
    rng = random.Random(1)
    block = struct.pack("<50021f", *(rng.gauss(0, .02) for _ in range(50021)))

    def weights(count):
        out.write((block * (4 * count // len(block) + 1))[:4 * count])

    with open(path, "wb") as out:
        out.write(struct.pack("<7i", width, ff, layers, heads, kv, vocab, LENGTH))
        begin = out.tell()
        weights(vocab * width)
        end = out.tell()
        out.seek(begin + 4 * width)
        out.write(bytes(4 * width))  # token 1, which ends a run, is never the likeliest
        out.seek(end)
        ones = struct.pack("<f", 1) * width
        out.write(ones * layers)
        for rows in (width, side, side, width):
            weights(layers * rows * width)
        out.write(ones * layers)
        for _ in range(3):
            weights(layers * ff * width)
        out.write(ones + bytes(4 * LENGTH * (width // heads)))


def write_tokens(path, vocab):
    with open(path, "wb") as out:
        out.write(struct.pack("<i", 8))
        for i in range(vocab):
            out.write(struct.pack("<fi", 0, 5) + b"%05d" % i)


def seconds(run, folder, tokens):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([run, f"{folder}/model.bin", "-z", f"{folder}/tokens.bin", "-t", "0", "-n", str(tokens), "-i", ""],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sample(assay):
    assay.stdin.write("sample 1\n")
    assay.stdin.flush()
    amount, _, cpu_s = map(float, assay.stdout.readline().split())
    return amount / cpu_s


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.split("\n\n", 1)[1])
    run = os.path.abspath(sys.argv[1])
    program = os.path.join(os.environ.get("ASSAY_BUILD", "build/release"), "tests/bench/bench_trainer")
    print("shape,what,value,unit")
    for shape in sys.argv[2:] or list(SHAPES):
        with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
                [program, shape, "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as assay:
            write_checkpoint(f"{folder}/model.bin", shape)
            write_tokens(f"{folder}/tokens.bin", SHAPES[shape][5])
            ours, theirs = [], []
            for _ in range(REPEATS):
                ours.append(sample(assay))
                theirs.append(64 / (seconds(run, folder, 129) - seconds(run, folder, 65)))
            print(f"{shape},sampling_1.assay,{median(ours):.4g},tokens/s")
            print(f"{shape},sampling_1.llama2c,{median(theirs):.4g},tokens/s")
            print(f"{shape},sampling_1.to_llama2c,{median([a / b for a, b in zip(ours, theirs)]):.3g},x")
            assay.stdin.close()


main()
