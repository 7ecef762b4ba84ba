"""Random models of every architecture with the logits and gradients that PyTorch computes for them, in double precision.

    python3 tests/golden/oracle.py FOLDER

writes FOLDER/NAME/{config.json, model.safetensors, expect.safetensors} for each model. expect.safetensors holds `tokens` and `start`
(sequences back to back), `logits` of every token, and `grad.TENSOR` of the loss sum_i sin(i) log p(next token of i), the last
token of a sequence being followed by its first. The architectures are written here from their papers' and configurations' definitions."""
import json
import math
import os
import struct
import sys

import torch

torch.manual_seed(1)
F = torch.nn.functional
DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


def write_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, t in tensors.items():
        blob = t.contiguous().view(torch.int16 if t.element_size() == 2 else torch.int32).numpy().tobytes()
        header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def frequencies(c):
    base = [c["rope_theta"] ** (-2 * i / c["head_dim"]) for i in range(c["head_dim"] // 2)]
    s = c.get("rope_scaling")
    if not s:
        return base
    if s["rope_type"] == "linear":
        return [f / s["factor"] for f in base]
    out = []
    for f in base:
        wave = 2 * math.pi / f
        if wave < s["original_max_position_embeddings"] / s["high_freq_factor"]:
            out.append(f)
        elif wave > s["original_max_position_embeddings"] / s["low_freq_factor"]:
            out.append(f / s["factor"])
        else:
            smooth = (s["original_max_position_embeddings"] / wave - s["low_freq_factor"]) / (s["high_freq_factor"] - s["low_freq_factor"])
            out.append((1 - smooth) * f / s["factor"] + smooth * f)
    return out


def rotate(x, freq):  # [T, heads, E], halves
    angle = torch.arange(x.shape[0], dtype=x.dtype)[:, None] * torch.tensor(freq, dtype=x.dtype)[None]
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def rms(x, w, eps):
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + eps) * w


def attend(q, k, v):  # [T, H, E], [T, G, E]
    k, v = (t.repeat_interleave(q.shape[1] // t.shape[1], 1) for t in (k, v))
    scores = torch.einsum("ihe,jhe->hij", q, k) / math.sqrt(q.shape[-1])
    mask = torch.triu(torch.full((q.shape[0], q.shape[0]), -math.inf, dtype=q.dtype), 1)
    return torch.einsum("hij,jhe->ihe", (scores + mask).softmax(-1), v).reshape(q.shape[0], -1)


def llama(c, w, ids):
    x, t, eps = w["model.embed_tokens.weight"][ids], len(ids), c["rms_norm_eps"]
    heads, groups, e = c["num_attention_heads"], c["num_key_value_heads"], c["head_dim"]
    for l in range(c["num_hidden_layers"]):
        p = f"model.layers.{l}."
        h = rms(x, w[p + "input_layernorm.weight"], eps)
        q, k, v = (F.linear(h, w[f"{p}self_attn.{n}_proj.weight"], w.get(f"{p}self_attn.{n}_proj.bias")) for n in "qkv")
        q, k, v = q.view(t, heads, e), k.view(t, groups, e), v.view(t, groups, e)
        if p + "self_attn.q_norm.weight" in w:
            q, k = rms(q, w[p + "self_attn.q_norm.weight"], eps), rms(k, w[p + "self_attn.k_norm.weight"], eps)
        freq = frequencies(c)
        x = x + F.linear(attend(rotate(q, freq), rotate(k, freq), v), w[p + "self_attn.o_proj.weight"])
        h = rms(x, w[p + "post_attention_layernorm.weight"], eps)
        x = x + F.linear(F.silu(F.linear(h, w[p + "mlp.gate_proj.weight"])) * F.linear(h, w[p + "mlp.up_proj.weight"]), w[p + "mlp.down_proj.weight"])
    return F.linear(rms(x, w["model.norm.weight"], eps), w["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"])


def gpt2(c, w, ids):
    d, eps, heads, t = c["n_embd"], c["layer_norm_epsilon"], c["n_head"], len(ids)
    norm = lambda x, n: F.layer_norm(x, (d,), w[n + ".weight"], w[n + ".bias"], eps)
    conv = lambda x, n: x @ w[n + ".weight"] + w[n + ".bias"]
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:t]
    for l in range(c["n_layer"]):
        p = f"transformer.h.{l}."
        q, k, v = (a.view(t, heads, d // heads) for a in conv(norm(x, p + "ln_1"), p + "attn.c_attn").split(d, -1))
        x = x + conv(attend(q, k, v), p + "attn.c_proj")
        u = conv(norm(x, p + "ln_2"), p + "mlp.c_fc")
        x = x + conv(0.5 * u * (1 + torch.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3))), p + "mlp.c_proj")
    return norm(x, "transformer.ln_f") @ w["transformer.wte.weight"].T


def shapes(c):
    if c["model_type"] == "gpt2":
        d = c["n_embd"]
        yield from (("transformer.wte.weight", [c["vocab_size"], d]), ("transformer.wpe.weight", [c["n_positions"], d]))
        for l in range(c["n_layer"]):
            for n, s in {"ln_1": [d], "attn.c_attn": [d, 3 * d], "attn.c_proj": [d, d], "ln_2": [d], "mlp.c_fc": [d, c["n_inner"]],
                         "mlp.c_proj": [c["n_inner"], d]}.items():
                yield from ((f"transformer.h.{l}.{n}.weight", s), (f"transformer.h.{l}.{n}.bias", s[-1:]))
        yield from (("transformer.ln_f.weight", [d]), ("transformer.ln_f.bias", [d]))
        return
    d, f, e = c["hidden_size"], c["intermediate_size"], c["head_dim"]
    q, kv = c["num_attention_heads"] * e, c["num_key_value_heads"] * e
    yield "model.embed_tokens.weight", [c["vocab_size"], d]
    for l in range(c["num_hidden_layers"]):
        for n, s in {"input_layernorm": [d], "self_attn.q_proj": [q, d], "self_attn.k_proj": [kv, d], "self_attn.v_proj": [kv, d],
                     "self_attn.o_proj": [d, q], "post_attention_layernorm": [d], "mlp.gate_proj": [f, d], "mlp.up_proj": [f, d],
                     "mlp.down_proj": [d, f]}.items():
            yield f"model.layers.{l}.{n}.weight", s
            if c["model_type"] == "qwen2" and n[-6:-5] in "qkv" and n.startswith("self_attn.") and n != "self_attn.o_proj":
                yield f"model.layers.{l}.{n}.bias", s[:1]
        if c["model_type"] == "qwen3":
            yield from ((f"model.layers.{l}.self_attn.{n}_norm.weight", [e]) for n in "qk")
    yield "model.norm.weight", [d]
    if not c["tie_word_embeddings"]:
        yield "lm_head.weight", [c["vocab_size"], d]


def rotary(kind, architecture, **more):
    return dict({"architectures": [architecture], "model_type": kind, "vocab_size": 61, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3,
                 "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
                 "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu"}, **more)


MODELS = {
    "llama": (rotary("llama", "LlamaForCausalLM"), torch.float32),
    "llama3-scaled": (rotary("llama", "LlamaForCausalLM", tie_word_embeddings=True, rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 24}), torch.bfloat16),
    "qwen2": (rotary("qwen2", "Qwen2ForCausalLM", tie_word_embeddings=True, use_sliding_window=False, rope_theta=1e6), torch.bfloat16),
    "qwen3": (rotary("qwen3", "Qwen3ForCausalLM", head_dim=16, rope_theta=1e6), torch.float16),
    "gpt2": ({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": 61, "n_embd": 48, "n_inner": 192, "n_layer": 3, "n_head": 6, "n_positions": 64,
              "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new"}, torch.float32),
}
LENGTHS = [1, 37, 12, 50]


def main(folder):
    for name, (config, dtype) in MODELS.items():
        stored = {n: ((1 if "norm" in n or "ln_" in n else 0) * (1 if n.endswith("weight") else 0) + 0.15 * torch.randn(s)).to(dtype) for n, s in shapes(config)}
        weights = {n: t.double().requires_grad_() for n, t in stored.items()}
        model, tokens, start, logits, loss, at = gpt2 if config["model_type"] == "gpt2" else llama, [], [0], [], 0, 0
        for n in LENGTHS:
            ids = torch.randint(0, config["vocab_size"], (n,))
            out = model(config, weights, ids)
            logp = out.log_softmax(-1)[torch.arange(n), ids.roll(-1)]
            loss = loss + (torch.sin(torch.arange(at, at + n, dtype=torch.double)) * logp).sum()
            tokens.append(ids)
            logits.append(out)
            at += n
            start.append(at)
        loss.backward()
        expect = {"tokens": torch.cat(tokens).float(), "start": torch.tensor(start).float(), "logits": torch.cat(logits).detach().float()}
        expect.update({"grad." + n: t.grad.float() for n, t in weights.items()})
        path = os.path.join(folder, name)
        os.makedirs(path)
        with open(os.path.join(path, "config.json"), "w") as f:
            json.dump(config, f)
        write_safetensors(os.path.join(path, "model.safetensors"), stored)
        write_safetensors(os.path.join(path, "expect.safetensors"), expect)


main(sys.argv[1])
