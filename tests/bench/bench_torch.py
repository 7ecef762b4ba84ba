#!/usr/bin/python3
"""The trainer's speed beside PyTorch's, piece by piece in turn: CSV lines shape,what,value,unit.

usage: bench_torch.py [--quick] [--update | --sampling | --workers] [--f32] [SHAPE ...]
SHAPE is demo, s5, s15, g5 or g11; without --f32 both are run in bf16 too; ASSAY_BUILD names the build, ASSAY_BF16 how it does bf16.

bench_trainer.c does the trainer's pieces. What PyTorch is given is the same model in plain eager code with threads at
one, its own AdamW and a preallocated cache; in bf16 under autocast (training) or wholly (sampling). All is processor time, so that
what else runs on the machine matters less; only --workers, two workers against one, is wall time and wants an idle machine.
"""
import os
import subprocess
import sys
import time

# OpenBLAS chooses its kernels before main(), and does not know every processor; assay corrects it for itself.
if "OPENBLAS_CORETYPE" not in os.environ and "avx512bw" in open("/proc/cpuinfo").read():
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    os.execv(sys.executable, [sys.executable] + sys.argv)
try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None

LENGTH, SEQUENCES, PROMPT, FRESH = 256, 8, 64, 64
SHAPES = {  # layers, width, heads, key/value heads, feed-forward, vocabulary
    "demo": (4, 128, 4, 4, 352, 640), "s5": (6, 256, 8, 4, 688, 2048), "s15": (8, 384, 6, 6, 1024, 4096),
    "g5": (6, 256, 8, 8, 1024, 2048), "g11": (6, 384, 6, 6, 1536, 2048)}


class Peer:
    """A Llama, or with `gpt` a GPT-2: parameters in a dictionary, the forward pass a function of it."""

    def __init__(self, shape, dtype=None):
        self.layers, self.width, self.heads, self.kv, self.ff, self.vocab = SHAPES[shape]
        self.gpt, self.dim = shape.startswith("g"), self.width // self.heads
        self.p = {}
        d, side = self.width, self.kv * self.dim
        self.tensor("embed", self.vocab, d)
        if self.gpt:
            self.tensor("place", 512, d)
        for l in range(self.layers):
            for name, rows, cols in (("q", d, d), ("k", side, d), ("v", side, d), ("out", d, d), ("gate", self.ff, d),
                                     ("up", self.ff, d), ("down", d, self.ff)):
                if self.gpt and name == "gate":
                    continue
                self.tensor(f"{name}{l}", rows, cols)
                if self.gpt:
                    self.tensor(f"{name}{l}.bias", rows)
            for name in ("norm1", "norm2"):
                self.tensor(f"{name}{l}", d)
                self.tensor(f"{name}{l}.bias", d)
        self.tensor("norm", d)
        self.tensor("norm.bias", d)
        if dtype:
            self.p = {name: w.detach().to(dtype) for name, w in self.p.items()}
        angle = torch.outer(torch.arange(512.0), 10000 ** (-torch.arange(0, self.dim, 2) / self.dim))
        dtype = dtype or torch.float32
        self.cos, self.sin = angle.cos().to(dtype), angle.sin().to(dtype)
        self.hidden = torch.triu(torch.full((LENGTH, LENGTH), float("-inf")), 1).to(dtype)

    def tensor(self, name, *size):
        w = torch.randn(*size) * .02 if len(size) > 1 else torch.zeros(size) + (not name.endswith("bias"))
        self.p[name] = w.requires_grad_()

    def norm(self, x, name):
        if self.gpt:
            return F.layer_norm(x, (self.width,), self.p[name], self.p[name + ".bias"])
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.p[name]

    def linear(self, x, name):
        return F.linear(x, self.p[name], self.p.get(name + ".bias"))

    def turn(self, x, at):
        a, b = x.chunk(2, -1)
        c, s = self.cos[at:at + x.shape[-2]], self.sin[at:at + x.shape[-2]]
        return torch.cat((a * c - b * s, b * c + a * s), -1)

    def attend(self, x, l, cache, at):
        n, t, d = x.shape
        q, k, v = (self.linear(x, f"{name}{l}").view(n, t, -1, self.dim).transpose(1, 2) for name in "qkv")
        if not self.gpt:
            q, k = self.turn(q, at), self.turn(k, at)
        if cache is not None:
            cache[l][0][:, :, at:at + t], cache[l][1][:, :, at:at + t] = k, v
            k, v = cache[l][0][:, :, :at + t], cache[l][1][:, :, :at + t]
        share = self.heads // self.kv
        scores = q.reshape(n, self.kv, share * t, self.dim) @ k.transpose(-2, -1) * self.dim ** -.5
        if t > 1:
            scores = (scores.view(n, self.kv, share, t, -1) + self.hidden[:t, :t]).view(n, self.kv, share * t, -1)
        y = (F.softmax(scores, -1) @ v).view(n, self.heads, t, self.dim)
        return self.linear(y.transpose(1, 2).reshape(n, t, d), f"out{l}")

    def logits(self, ids, cache=None, at=0):
        x = F.embedding(ids, self.p["embed"])
        if self.gpt:
            x = x + self.p["place"][at:at + ids.shape[1]]
        for l in range(self.layers):
            x = x + self.attend(self.norm(x, f"norm1{l}"), l, cache, at)
            y = self.norm(x, f"norm2{l}")
            up = self.linear(y, f"up{l}")
            y = F.gelu(up) if self.gpt else F.silu(self.linear(y, f"gate{l}")) * up
            x = x + self.linear(y, f"down{l}")
        if cache is not None:
            x = x[:, -1:]
        return F.linear(self.norm(x, "norm"), self.p["embed"])


def trainer_of(shape, bf16):
    """A function that makes one update and returns tokens and seconds."""
    peer = Peer(shape)
    unused = ".bias" if not peer.gpt else "\0"
    weights = [w for name, w in peer.p.items() if not name.endswith(unused)]
    adamw = torch.optim.AdamW(weights, lr=1e-4)
    ids, wanted = (torch.randint(peer.vocab, (SEQUENCES, LENGTH)) for _ in range(2))

    def step():
        begin = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(peer.logits(ids).view(-1, peer.vocab).float(), wanted.view(-1))
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1)
        adamw.step()
        return ids.numel(), time.process_time() - begin
    return step


def sampler_of(shape, rows, bf16):
    peer = Peer(shape, torch.bfloat16 if bf16 else torch.float32)
    dtype = peer.p["embed"].dtype

    @torch.inference_mode()
    def run():
        cache = [[torch.zeros(rows, peer.kv, PROMPT + FRESH, peer.dim, dtype=dtype) for _ in range(2)]
                 for _ in range(peer.layers)]
        last = peer.logits(torch.randint(peer.vocab, (rows, PROMPT)), cache)
        begin = time.process_time()
        for i in range(FRESH - 1):
            token = torch.multinomial(F.softmax(last[:, -1].float(), -1), 1)
            last = peer.logits(token, cache, PROMPT + i)
        return rows * (FRESH - 1), time.process_time() - begin
    return run


class Assay:
    def __init__(self, shape, workers=1, bf16=False):
        program = os.path.join(os.environ.get("ASSAY_BUILD", "build/release"), "tests/bench/bench_trainer")
        self.process = subprocess.Popen([program, shape, str(workers)] + ["bf16"] * bf16, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, line, wall=False):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        amount, wall_s, cpu_s = map(float, self.process.stdout.readline().split())
        return amount, wall_s if wall else cpu_s

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def report(shape, what, value, unit):
    print(f"{shape},{what},{value:.4g},{unit}", flush=True)


def median(values):
    return sorted(values)[len(values) // 2]


def rates(pieces, repeats):
    """Each piece once unmeasured, then all in turn; rates of every repeat, by name."""
    for piece in pieces.values():
        piece()
    found = {name: [] for name in pieces}
    for _ in range(repeats):
        for name, piece in pieces.items():
            amount, seconds = piece()
            found[name].append(amount / seconds)
    return found


def compare(shape, what, pieces, repeats):
    """Prints the median rates, and the medians of assay's ratio to the peers and of bf16 to f32 in the same repeat."""
    found = rates(pieces, repeats)
    for name in (n for n in found if n != "products"):
        report(shape, f"{what}.{name}", median(found[name]), "tokens/s")
    for name in (n for n in found if n.startswith("torch")):
        for own in (n for n in found if n.startswith("assay") and n[5:] in ("", name[5:])):
            report(shape, f"{what}.{own}_to_{name}", median([a / b for a, b in zip(found[own], found[name])]), "x")
    if "assay_bf16" in found:
        report(shape, f"{what}.bf16_to_f32", median([a / b for a, b in zip(found["assay_bf16"], found["assay"])]), "x")
    return found


def peers(make, bf16, *arguments):
    if not torch:
        return {}
    return {f"torch_{'bf16' if b else 'f32'}": make(*arguments, b) for b in ((False, True) if bf16 else (False,))}


def bench_update(shape, repeats, bf16):
    assay = Assay(shape)
    pieces = {"assay": lambda: assay.ask("update"), "products": lambda: assay.ask("products")}
    if bf16:
        half = Assay(shape, bf16=True)
        pieces["assay_bf16"] = lambda: half.ask("update")
    pieces |= peers(trainer_of, bf16, shape)
    work = assay.ask("work")[0] / (LENGTH * SEQUENCES)
    found = compare(shape, "update", pieces, repeats)
    report(shape, "update.products_alone", median(found["products"]), "GFLOP/s")
    report(shape, "update.of_products_alone",
           median([100 * a * work / b for a, b in zip(found["assay"], found["products"])]), "%")
    assay.end()
    if bf16:
        half.end()


def bench_sampling(shape, repeats, bf16, rows):
    ours = {"assay": Assay(shape)} | ({"assay_bf16": Assay(shape, bf16=True)} if bf16 else {})
    for n in rows:
        pieces = {name: lambda a=a: a.ask(f"sample {n}") for name, a in ours.items()} | peers(sampler_of, bf16, shape, n)
        compare(shape, f"sampling_{n}", pieces, 1 + repeats // 2)
    for a in ours.values():
        a.end()


def bench_workers(shape, repeats):
    """Two workers do twice the work; in wall time."""
    one, two = Assay(shape), Assay(shape, 2)
    for what in ("update", "sample 256"):
        found = rates({1: lambda: one.ask(what, True), 2: lambda: two.ask(what, True)}, repeats)
        report(shape, f"two_workers.{what.split()[0]}", median([b / a for a, b in zip(found[1], found[2])]), "x")
    one.end()
    two.end()


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    shapes = [a for a in sys.argv[1:] if not a.startswith("--")] or list(SHAPES)
    repeats = 3 if "--quick" in options else 7
    if torch:
        torch.manual_seed(0)
        torch.set_num_threads(1)
    else:
        print("# NO COMPARISON WITH PYTORCH: this python3 has no torch (apt-get install python3-torch)")
    print("shape,what,value,unit")
    for shape in shapes:
        if "--workers" in options:
            bench_workers(shape, repeats)
        if not {"--workers", "--sampling"} & set(options):
            bench_update(shape, repeats, "--f32" not in options)
        if not {"--workers", "--update"} & set(options):
            bench_sampling(shape, repeats, "--f32" not in options, (1, 32, 256) if shape == "s5" else (1, 256))


main()
