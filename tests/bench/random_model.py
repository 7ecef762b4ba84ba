"""A folder with a model of Qwen2.5-0.5B's shape and random weights in bf16, to measure what the
trainer takes on a model of that size.

    python3 tests/bench/random_model.py FOLDER TOKENIZER.json[.gz]

The weights repeat with a period that no row length divides; norms are one, biases zero.
"""

import gzip
import json
import pathlib
import random
import struct
import sys

LAYERS, WIDTH, HEADS, KV_HEADS, FF, VOCAB, EOS = 24, 896, 14, 2, 4864, 151936, 151645
PERIOD = 500009


def tensors():
    kv = WIDTH // HEADS * KV_HEADS
    yield "model.embed_tokens.weight", [VOCAB, WIDTH]
    for layer in range(LAYERS):
        p = f"model.layers.{layer}."
        yield p + "input_layernorm.weight", [WIDTH]
        for name, out in ("q", WIDTH), ("k", kv), ("v", kv):
            yield f"{p}self_attn.{name}_proj.weight", [out, WIDTH]
            yield f"{p}self_attn.{name}_proj.bias", [out]
        yield p + "self_attn.o_proj.weight", [WIDTH, WIDTH]
        yield p + "post_attention_layernorm.weight", [WIDTH]
        yield p + "mlp.gate_proj.weight", [FF, WIDTH]
        yield p + "mlp.up_proj.weight", [FF, WIDTH]
        yield p + "mlp.down_proj.weight", [WIDTH, FF]
    yield "model.norm.weight", [WIDTH]


def count(shape):
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def bf16(x):
    return struct.pack("<f", x)[2:]


def main():
    folder, tokenizer = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    random.seed(1)
    block = b"".join(bf16(random.gauss(0, 0.02)) for _ in range(PERIOD))
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + 2 * count(shape)]}
        at += 2 * count(shape)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        turn = 0
        for name, shape in tensors():
            n = 2 * count(shape)
            if len(shape) == 1:
                out.write((bf16(1.0) if "norm" in name else bf16(0.0)) * shape[0])
                continue
            turn = (turn + 7919) % PERIOD
            start = block[2 * turn:] + block[:2 * turn]
            whole, rest = divmod(n, len(start))
            for _ in range(whole):
                out.write(start)
            out.write(start[:rest])
    config = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": VOCAB, "hidden_size": WIDTH,
              "intermediate_size": FF, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
              "num_key_value_heads": KV_HEADS, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
              "rope_theta": 1000000.0, "hidden_act": "silu", "tie_word_embeddings": True,
              "use_sliding_window": False, "bos_token_id": None, "eos_token_id": EOS}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    raw = pathlib.Path(tokenizer).read_bytes()
    (folder / "tokenizer.json").write_bytes(gzip.decompress(raw) if tokenizer.endswith(".gz") else raw)


main()
