/* model.h: a decoder of the Llama, Qwen2, Qwen3 or GPT-2 architecture, its forward and backward passes over packed sequences, and
 * AdamW. All f32 (but see product.h). What the four differ in are properties of one configuration: RMSNorm or LayerNorm, rotary
 * (half-split, plain or scaled) or learned positions, biases, norms of queries and keys, SwiGLU or GELU, grouped queries, a tied or untied head.
 *
 * Letters: N tokens in a packed batch, S sequences, R scored rows, V vocabulary, D width, H query heads, G key/value heads,
 * E = head_dim, F = width of the MLP. Weights are stored [out, in], y = x @ W^T, as most Hugging Face files have them. */
#ifndef ASSAY_MODEL_H
#define ASSAY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

struct team;
struct lora;
struct model_run;

/* How files of an architecture name and lay out their tensors; what it computes are the switches of model_config. */
enum model_family { MODEL_LLAMA, MODEL_QWEN2, MODEL_QWEN3, MODEL_GPT2, MODEL_FAMILIES };

/* Frequencies of RoPE beyond the context that a model was trained with at first. */
enum rope_kind { ROPE_PLAIN, ROPE_LINEAR, ROPE_LLAMA3 };
struct rope_scaling {
    int kind;     /* enum rope_kind */
    float factor; /* linear: all frequencies are divided by it; llama3: the low ones */
    float low_factor, high_factor;
    int original_positions;
};

enum { MODEL_MORE_EOS_MAX = 16 };
struct model_config {
    int family; /* enum model_family */
    int vocab, layers, width, heads, kv_heads, head_dim, ff, max_positions;
    float rope_theta, norm_eps;
    struct rope_scaling rope;
    bool tied;              /* the head is the embedding */
    bool qkv_bias;          /* Qwen2, GPT-2 */
    bool qk_norm;           /* Qwen3: RMSNorm of each head's query and key before they are turned */
    bool bias;              /* GPT-2: of attention's output and of the MLP */
    bool layer_norm;        /* GPT-2 */
    bool gelu;              /* GPT-2: GELU (tanh form) of one matrix, else SwiGLU of two */
    bool learned_positions; /* GPT-2: a table, else RoPE */
    int bos_id, eos_id, pad_id;                   /* -1 when there is none */
    int more_eos[MODEL_MORE_EOS_MAX], n_more_eos; /* other tokens that end a text as well */
};
/* Whether a text ends with this token. */
bool model_ends(const struct model_config *cfg, int32_t token);

/* One named tensor inside the flat parameter block. Names are Hugging Face's ("model.layers.0.self_attn.q_proj.weight"). */
struct model_tensor {
    char name[96];
    int rows, cols;  /* cols == 0 for a vector of `rows` */
    size_t offset;   /* in floats from model->params */
    bool transposed; /* files have it as [cols, rows] */
    bool decay;      /* AdamW weight decay applies (matrices) */
};

struct model {
    struct model_config cfg;
    float *params; /* one block, 64-byte aligned */
    size_t n_params;
    struct model_tensor *tensors;
    int n_tensors;
    char *generation_config; /* generation_config.json as it was read, NULL: none */
    char *config;            /* config.json as it was read: keys that are not ours are kept */
    struct lora *lora; /* NULL: none; else it alone is trained, and all above stays as it is */
    bool borrowed;     /* params, tensors and both texts are another model's */
    int compute;       /* enum model_compute (product.h) */
    bool recompute;    /* backward makes activations again; only the inputs of layers are kept */
};

/* What an optimiser changes: the weights, or the adapter of a model that has one. Gradients and moments are laid out like it. */
struct model_trained {
    float *params;
    size_t n;
    const struct model_tensor *tensors; /* offsets count from params */
    int n_tensors;
};
struct model_trained model_trained(const struct model *m);

/* 0 or -EINVAL with the offending field named. Called by both constructors. */
int model_config_check(const struct model_config *cfg, struct err *err);
/* "llama", "qwen2", "qwen3", "gpt2"; NULL-terminated. */
extern const char *const model_family_names[];
/* Sets the switches that come with cfg->family. */
void model_config_family(struct model_config *cfg);

/* Random weights: N(0, 0.02), residual output projections scaled by 1/sqrt(2*layers), norms 1. Owned; free with model_free. */
int model_create(const struct model_config *cfg, uint64_t seed, struct model *ret, struct err *err);
/* Same layout, weights zero (file loaders fill them). */
int model_alloc(const struct model_config *cfg, struct model *ret, struct err *err);
int model_copy(const struct model *from, struct model *ret);
/* The model as it is now: a copy of what is trained. Weights that an adapter keeps still are shared: `from` must outlive it. */
int model_snapshot(const struct model *from, struct model *ret);
void model_free(struct model *m);
const struct model_tensor *model_find(const struct model *m, const char *name);

/* ---- hf.c: a Hugging Face folder (config.json + model.safetensors; the tokenizer is text/tokenizer.h's) ---------------- */
int model_load(const char *dir, struct model *ret, struct err *err);
/* Writes config.json, generation_config.json and model.safetensors (f32, or rounded to bf16), each to a temporary name, fsync, rename. */
int model_save(const struct model *m, const char *dir, bool bf16, struct err *err);

/* ---- run.c: forward and backward over packed sequences, one `struct model_run` per worker --------------------------------- */
/* Sequences back to back. Sequence s is tokens[start[s]] .. tokens[start[s+1]-1], positions from 0, attention causal within it.
 * Row r is scored: token target[r] was (or is to be) produced after packed token row[r]. Rows ascend; one may come several times.
 *
 * parent lets sequences share a prompt: sequence s then continues parent[s], an earlier sequence of the batch without a parent (-1: none).
 * Its positions go on from the parent's end and it sees all of the parent's tokens. The sums are those of the prompts repeated. */
struct model_batch {
    int n_seq, n_tokens, n_rows;
    const int *start; /* n_seq + 1 */
    const int32_t *tokens;
    const int *row;
    const int32_t *target;
    const int *parent; /* n_seq entries, or NULL: no sequence has a parent */
};

/* Activations, recycled between batches; grows to the largest batch seen, then allocates no more. */
struct model_run *model_run_new(const struct model *m);
void model_run_free(struct model_run *run);

/* ret_logp[R] = log softmax(logits / temperature)[target]; ret_entropy[R] may be NULL (nats). Keeps what backward needs. */
void model_forward(struct model_run *run, const struct model *m, const struct model_batch *b,
                   float temperature, float *ret_logp, float *ret_entropy);
/* grads += dLoss/dparams of what is trained (model_trained), given dlogp[R] = dLoss/dlogp of the last model_forward of this run with the same batch. */
void model_backward(struct model_run *run, const struct model *m, const struct model_batch *b,
                    const float *dlogp, float *grads);
/* What a run takes for batches of n_tokens, of which n_rows are scored, in sequences of at most `longest` tokens; m's params are not read. */
size_t model_run_bytes(const struct model *m, int n_tokens, int n_rows, int longest);
/* Logits of every scored row, [R, V], for tests and tools. */
void model_logits(struct model_run *run, const struct model *m, const struct model_batch *b,
                  float *ret_logits);

/* ---- adamw.c ------------------------------------------------------------------------------------------------------ */
struct adamw {
    float *m, *v; /* one for each trained parameter */
    int64_t step;
    float beta1, beta2, eps, weight_decay;
};
int adamw_new(const struct model *m, float beta1, float beta2, float eps, float weight_decay,
              struct adamw *ret);
void adamw_free(struct adamw *a);
/* Loshchilov & Hutter 2019, bias-corrected, decay on matrices only. Clips grads to global norm `clip` first (0: no clipping).
 * Returns the norm before clipping. Non-finite norm: nothing is changed and NAN/INF is returned. */
double adamw_step(struct adamw *a, struct model *m, float *grads, float lr, float clip,
                  struct team *team);

/* ---- sampler.c: batched KV-cache generation ------------------------------------------------------------------------- */
struct sample_options {
    float temperature; /* 0: greedy */
    float top_p;       /* 1: off */
    float min_p;       /* 0: off; else the least share of the likeliest token's probability */
    int top_k;         /* 0: off */
    float repetition_penalty; /* 0, 1: off; else of tokens seen: logits / it, below 0 times it */
    int max_new, rows_max;    /* rows_max: sequences in flight per worker, e.g. 128 */
    uint64_t seed;
    /* Polled by every worker before each token, with sample_run's ctx; true ends sampling early: completions in flight are reported as
     * truncated, those not begun as empty and truncated. May be NULL. */
    bool (*stop)(void *ctx);
    /* Asked after each token with the completion so far, once for all of a prompt that are the same; true ends it there, not truncated. May be NULL. */
    bool (*ends)(void *ctx, const int32_t *tokens, int n_tokens);
};

struct sample_prompt {
    const int32_t *tokens;
    int n_tokens;
    uint64_t stream; /* completion k draws from rng_make(seed, stream + k), in any batch */
};

/* The tokens are without the prompt, with the final eos if it came; logp is that of each under the sampling temperature, before cuts and
 * penalty. Both are borrowed during the callback only, and never NULL. */
struct completion {
    const int32_t *tokens;
    const float *logp;
    int n_tokens;
    bool truncated; /* max_new reached without an eos or a stop */
};

/* Called from worker threads, as soon as each completion ends. */
typedef void (*sample_done)(void *ctx, int prompt, int k, const struct completion *c);

/* Samples `group` completions of each prompt, whose keys and values they share; those that are the same so far are computed once. Finished
 * rows are replaced by waiting ones. What is sampled depends on neither rows_max nor the team's size, to the bit.
 * A completion also ends, truncated, where the model's positions do. ret_tokens (may be NULL): tokens sampled in all.
 * -EINVAL: a bad option or prompt, nothing was sampled. -EDOM: the logits were not finite; some completions were not reported. */
int sample_run(const struct model *m, struct team *team, const struct sample_options *opt,
               const struct sample_prompt *prompts, int n_prompts, int group, sample_done done,
               void *ctx, int64_t *ret_tokens, struct err *err);

/* Bytes that sample_run takes, for prompts of at most prompt_tokens: the weights laid out anew, keys and values, all else. */
struct sample_memory {
    size_t packed, cache, buffers;
};
struct sample_memory sample_memory(const struct model *m, int workers, int rows_max, int n_prompts,
                                   int group, int prompt_tokens, int max_new);

#endif
