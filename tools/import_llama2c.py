#!/usr/bin/env python3
"""Turns a llama2.c checkpoint (version 0) into a Hugging Face folder that `assay` loads.

    python3 tools/import_llama2c.py MODEL.bin TOKENIZER.bin FOLDER

MODEL.bin: seven int32 (width, feed-forward width, layers, heads, key/value heads, vocabulary, positions; a negative vocabulary means a
head of its own), then float32: embedding; attention norms, wq, wk, wv, wo, MLP norms, w1, w2, w3, each for all layers; final norm; two
tables of rotations, which follow from the rest; the head if it is not the embedding. Its RoPE turns neighbours (2i, 2i + 1), a Hugging Face
model turns halves (i, i + E/2): the rows of wq and wk are put in that order.

TOKENIZER.bin: int32 longest token, then for each token a float32 score, an int32 length and its bytes. It merges the neighbours whose union
scores best, from characters, with bytes as the last resort; as byte-level BPE that is a list of merges, best score first. Where llama2.c
puts a space before a text, write it yourself."""
import array
import json
import os
import struct
import sys


def fail(path, what):
    sys.exit(f"import_llama2c: {path}: {what}")


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError as e:
        fail(path, e.strerror)


def replace(path, data):
    with open(path + ".new", "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    os.rename(path + ".new", path)


def halves(rows, heads, width):
    """Rows of each head from (0, 1, 2, 3, ...) to (0, 2, ..., 1, 3, ...)."""
    size = len(rows) // width // heads
    out = array.array("f")
    for h in range(heads):
        for i in list(range(0, size, 2)) + list(range(1, size, 2)):
            at = (h * size + i) * width
            out.extend(rows[at:at + width])
    return out


def read_model(path):
    data = read(path)
    if len(data) < 28:
        fail(path, "shorter than its header")
    d, ff, layers, heads, kv, vocab, positions = struct.unpack_from("<7i", data)
    tied, vocab = vocab > 0, abs(vocab)
    if min(d, ff, layers, heads, kv, vocab, positions) < 1 or d % heads or heads % kv or d // heads % 2:
        fail(path, "not a llama2.c checkpoint of version 0")
    e = d // heads
    floats = array.array("f")
    floats.frombytes(data[28:len(data) - len(data) % 4])
    at = 0

    def take(n):
        nonlocal at
        at += n
        if at > len(floats):
            fail(path, f"ends after {len(floats)} of at least {at} numbers")
        return floats[at - n:at]

    tensors = {"model.embed_tokens.weight": ([vocab, d], take(vocab * d))}
    parts = [("input_layernorm", [d]), ("self_attn.q_proj", [heads * e, d]), ("self_attn.k_proj", [kv * e, d]), ("self_attn.v_proj", [kv * e, d]),
             ("self_attn.o_proj", [d, heads * e]), ("post_attention_layernorm", [d]), ("mlp.gate_proj", [ff, d]), ("mlp.down_proj", [d, ff]),
             ("mlp.up_proj", [ff, d])]
    for name, shape in parts:
        for l in range(layers):
            values = take(shape[0] * (shape[1] if len(shape) > 1 else 1))
            if name in ("self_attn.q_proj", "self_attn.k_proj"):
                values = halves(values, heads if name == "self_attn.q_proj" else kv, d)
            tensors[f"model.layers.{l}.{name}.weight"] = (shape, values)
    tensors["model.norm.weight"] = ([d], take(d))
    take(positions * e)  # cosines and sines, half a head wide each
    if not tied:
        tensors["lm_head.weight"] = ([vocab, d], take(vocab * d))
    if at != len(floats):
        fail(path, f"{len(floats) - at} numbers too many")
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": vocab, "hidden_size": d, "intermediate_size": ff,
              "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": e, "max_position_embeddings": positions,
              "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": tied, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
              "torch_dtype": "float32"}
    return config, tensors


def safetensors(tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, values) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + 4 * len(values)]}
        at += 4 * len(values)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(values.tobytes() for _, values in tensors.values())


def alphabet():
    """The printable character that byte-level BPE writes for each byte."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    spelt, spare = {b: chr(b) for b in plain}, 256
    for b in range(256):
        if b not in spelt:
            spelt[b], spare = chr(spare), spare + 1
    return spelt


def read_tokenizer(path, vocab):
    data, at, tokens = read(path), 4, []
    while at < len(data) and len(tokens) < vocab:
        if at + 8 > len(data):
            fail(path, "ends inside a token")
        score, n = struct.unpack_from("<fi", data, at)
        if n < 0 or at + 8 + n > len(data):
            fail(path, f"token {len(tokens)} has length {n}")
        tokens.append((data[at + 8:at + 8 + n], score))
        at += 8 + n
    if len(tokens) != vocab:
        fail(path, f"{len(tokens)} tokens for a vocabulary of {vocab}")
    return tokens


def tokenizer_json(tokens):
    spelt, ids, score = alphabet(), {}, {}
    spell = lambda b: "".join(spelt[c] for c in b)
    special = [i for i, (b, _) in enumerate(tokens) if b.strip() in (b"<unk>", b"<s>", b"</s>")]
    byte_ids = {int(b[3:5], 16): i for i, (b, _) in enumerate(tokens) if len(b) == 6 and b.startswith(b"<0x")}
    for i, (b, s) in enumerate(tokens):
        if i not in special and i not in byte_ids.values():
            ids[b], score[b] = i, s
    vocab = {spell(b): i for b, i in ids.items()}
    for b, i in byte_ids.items():
        # A character that has a token of its own never needs its byte's.
        vocab[f"<0x{b:02X}>" if bytes([b]) in ids else spelt[b]] = i
    known = set(ids) | {bytes([b]) for b in byte_ids}
    merges = []
    for whole in sorted(ids, key=lambda b: (len(b.decode("utf-8", "replace")) > 1, -score[b])):  # characters first
        merges += [f"{spell(whole[:k])} {spell(whole[k:])}" for k in range(1, len(whole)) if whole[:k] in known and whole[k:] in known]
    names = {i: tokens[i][0].decode().strip() for i in special}
    return {"version": "1.0", "truncation": None, "padding": None, "normalizer": None,
            "added_tokens": [{"id": i, "content": n, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                             for i, n in names.items()],
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": " ?[^ ]+| "}, "behavior": "Isolated", "invert": False},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
            "post_processor": None, "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False,
                      "byte_fallback": False, "ignore_merges": False, "vocab": dict(sorted({**vocab, **{n: i for i, n in names.items()}}.items(), key=lambda p: p[1])),
                      "merges": merges}}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    config, tensors = read_model(sys.argv[1])
    tokenizer = tokenizer_json(read_tokenizer(sys.argv[2], config["vocab_size"]))
    os.makedirs(sys.argv[3], exist_ok=True)
    for name, data in {"config.json": json.dumps(config, indent=2).encode(), "model.safetensors": safetensors(tensors),
                       "tokenizer.json": json.dumps(tokenizer, ensure_ascii=False).encode(),
                       "tokenizer_config.json": json.dumps({"bos_token": "<s>", "eos_token": "</s>"}).encode()}.items():
        replace(os.path.join(sys.argv[3], name), data)


main()
