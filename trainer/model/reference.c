#include "trainer/model/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "trainer/model/layout.h"
#include "trainer/model/lora.h"

void ref_matmul(int m, int out, int in, const double *x, const double *w, double *y)
{
    for (int i = 0; i < m; i++)
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int j = 0; j < in; j++)
                sum += x[i * in + j] * w[o * in + j];
            y[i * out + o] = sum;
        }
}

void ref_rmsnorm(int n, int d, const double *x, const double *w, double eps, double *y)
{
    for (int i = 0; i < n; i++, x += d, y += d) {
        double square = 0;
        for (int j = 0; j < d; j++)
            square += x[j] * x[j];
        for (int j = 0; j < d; j++)
            y[j] = x[j] / sqrt(square / d + eps) * w[j];
    }
}

void ref_layernorm(int n, int d, const double *x, const double *wb, double eps, double *y)
{
    for (int i = 0; i < n; i++, x += d, y += d) {
        double mean = 0, variance = 0;
        for (int j = 0; j < d; j++)
            mean += x[j] / d;
        for (int j = 0; j < d; j++)
            variance += (x[j] - mean) * (x[j] - mean) / d;
        for (int j = 0; j < d; j++)
            y[j] = (x[j] - mean) / sqrt(variance + eps) * wb[j] + wb[d + j];
    }
}

void ref_gelu(int n, int f, const double *up, double *act)
{
    for (int i = 0; i < n * f; i++)
        act[i] = up[i] * (1 + tanh(sqrt(2 / M_PI) * (up[i] + 0.044715 * pow(up[i], 3)))) / 2;
}

void ref_rope(int position, int heads, int head_dim, double theta, double *x)
{
    const int half = head_dim / 2;
    for (int h = 0; h < heads; h++, x += head_dim)
        for (int i = 0; i < half; i++) {
            double angle = position * pow(theta, -2.0 * i / head_dim), u = x[i], v = x[i + half];
            x[i] = u * cos(angle) - v * sin(angle);
            x[i + half] = v * cos(angle) + u * sin(angle);
        }
}

void ref_swiglu(int n, int f, const double *gu, double *act)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < f; j++) {
            double g = gu[i * 2 * f + j], u = gu[i * 2 * f + f + j];
            act[i * f + j] = g / (1 + exp(-g)) * u;
        }
}

void ref_logp(int n, int v, const double *logits, double temperature, const int32_t *target,
              double *logp, double *entropy)
{
    for (int i = 0; i < n; i++, logits += v) {
        double max = -INFINITY, sum = 0.0, weighted = 0.0;
        for (int j = 0; j < v; j++)
            max = fmax(max, logits[j] / temperature);
        for (int j = 0; j < v; j++) {
            double t = logits[j] / temperature - max;
            sum += exp(t);
            weighted += exp(t) * t;
        }
        // cppcheck-suppress invalidFunctionArg -- there is at least one logit, so the sum is not 0
        logp[i] = logits[target[i]] / temperature - max - log(sum);
        if (entropy)
            entropy[i] = log(sum) - weighted / sum;
    }
}

void ref_attention(int heads, int kv_heads, int head_dim, struct ref_span s, const double *qkv,
                   double *o)
{
    const int width = (heads + 2 * kv_heads) * head_dim, keys = s.n_prefix + s.n_query;
    double *p = xcalloc((size_t)keys, sizeof *p);
    for (int i = 0; i < s.n_query; i++)
        for (int h = 0; h < heads; h++) {
            const double *q = qkv + (s.first + i) * width + h * head_dim;
            double *out = o + ((s.first + i) * heads + h) * head_dim, sum = 0;
            const int group = h / (heads / kv_heads), visible = s.n_prefix + i + 1;
            memset(out, 0, (size_t)head_dim * sizeof *out);
            for (int j = 0; j < visible; j++) {
                const double *k =
                    qkv + (j < s.n_prefix ? s.prefix + j : s.first + j - s.n_prefix) * width +
                    (heads + group) * head_dim;
                double dot = 0;
                for (int e = 0; e < head_dim; e++)
                    dot += q[e] * k[e];
                sum += p[j] = exp(dot / sqrt(head_dim));
            }
            for (int j = 0; j < visible; j++) {
                const double *v =
                    qkv + (j < s.n_prefix ? s.prefix + j : s.first + j - s.n_prefix) * width +
                    (heads + kv_heads + group) * head_dim;
                for (int e = 0; e < head_dim; e++)
                    out[e] += p[j] / sum * v[e];
            }
        }
    free(p);
}

static struct ref_span span_of(const struct model_batch *b, int s)
{
    struct ref_span span = {.first = b->start[s], .n_query = b->start[s + 1] - b->start[s]};
    if (b->parent && b->parent[s] >= 0) {
        span.prefix = b->start[b->parent[s]];
        span.n_prefix = b->start[b->parent[s] + 1] - span.prefix;
    }
    return span;
}

/* Llama 3.1's rule and plain division (rope_scaling), written from its description. */
static double frequency(const struct model_config *c, int i)
{
    const struct rope_scaling *r = &c->rope;
    double f = pow((double)c->rope_theta, -2.0 * i / c->head_dim), wave = 2 * M_PI / f;
    if (r->kind == ROPE_PLAIN)
        return f;
    if (r->kind == ROPE_LINEAR || wave > (double)r->original_positions / (double)r->low_factor)
        return f / (double)r->factor;
    if (wave < (double)r->original_positions / (double)r->high_factor)
        return f;
    double smooth = (r->original_positions / wave - (double)r->low_factor) /
                    ((double)r->high_factor - (double)r->low_factor);
    return (1 - smooth) * f / (double)r->factor + smooth * f;
}

static void turn(const struct model_config *c, int position, double *x)
{
    const int half = c->head_dim / 2;
    for (int h = 0; h < c->heads + c->kv_heads; h++, x += c->head_dim)
        for (int i = 0; i < half; i++) {
            double angle = position * frequency(c, i), u = x[i], v = x[i + half];
            x[i] = u * cos(angle) - v * sin(angle);
            x[i + half] = v * cos(angle) + u * sin(angle);
        }
}

static void norm(const struct model_config *c, int n, const double *x, const double *w, double *y)
{
    if (c->layer_norm)
        ref_layernorm(n, c->width, x, w, (double)c->norm_eps, y);
    else
        ref_rmsnorm(n, c->width, x, w, (double)c->norm_eps, y);
}

static void linear(int n, int out, int in, const double *x, const double *w, size_t at, size_t bias,
                   double *y)
{
    ref_matmul(n, out, in, x, w + at, y);
    for (int i = 0; bias && i < n * out; i++)
        y[i] += w[bias + (size_t)(i % out)];
}

static void queries_and_keys(const struct model_config *c, const double *w,
                             const struct layer_layout *p, int position, double *qk)
{
    double head[1024];
    for (int h = 0; c->qk_norm && h < c->heads + c->kv_heads; h++) {
        memcpy(head, qk + h * c->head_dim, (size_t)c->head_dim * sizeof *head);
        ref_rmsnorm(1, c->head_dim, head, w + (h < c->heads ? p->q_norm : p->k_norm),
                    (double)c->norm_eps, qk + h * c->head_dim);
    }
    if (!c->learned_positions)
        turn(c, position, qk);
}

/* x[N, D] through one layer in place. `work` holds N * (D + 3 * widest) doubles. */
static void ref_layer(const struct model *m, const double *w, const struct model_batch *b,
                      int layer, double *x, double *work)
{
    const struct model_config *c = &m->cfg;
    const struct layout y = layout_of(c);
    const struct layer_layout p = layout_layer(c, &y, layer);
    const int n = b->n_tokens;
    double *h = work, *wide = h + n * y.width,
           *narrow = wide + n * (y.qkv > 2 * y.ff ? y.qkv : 2 * y.ff);
    norm(c, n, x, w + p.attn_norm, h);
    linear(n, y.qkv, y.width, h, w, p.qkv, p.qkv_bias, wide);
    for (int s = 0; s < b->n_seq; s++) {
        const struct ref_span span = span_of(b, s);
        for (int i = 0; i < span.n_query; i++)
            queries_and_keys(c, w, &p, span.n_prefix + i, wide + (span.first + i) * y.qkv);
    }
    for (int s = 0; s < b->n_seq; s++)
        ref_attention(c->heads, c->kv_heads, c->head_dim, span_of(b, s), wide, narrow);
    linear(n, y.width, y.query, narrow, w, p.out, p.out_bias, h);
    for (int i = 0; i < n * y.width; i++)
        x[i] += h[i];
    norm(c, n, x, w + p.mlp_norm, h);
    linear(n, y.up, y.width, h, w, p.up, p.up_bias, wide);
    (c->gelu ? ref_gelu : ref_swiglu)(n, y.ff, wide, narrow);
    linear(n, y.width, y.ff, narrow, w, p.down, p.down_bias, h);
    for (int i = 0; i < n * y.width; i++)
        x[i] += h[i];
}

/* W += scale B A, for the matrix that the adapter's tensor names speak of. */
void ref_merge(const struct model *m, const double *adapter, double *params)
{
    static const char prefix[] = "base_model.model.";
    const struct lora *l = m->lora;
    for (int t = 0; t < l->n_tensors; t += 2) {
        const struct model_tensor *a = &l->tensors[t], *b = &l->tensors[t + 1];
        const char *stem = a->name + strlen(prefix);
        char name[128];
        snprintf(name, sizeof name, "%.*s.weight", (int)(strstr(stem, ".lora_A") - stem), stem);
        const struct model_tensor *w = model_find(m, name);
        CHECK(w && w->rows == b->rows && w->cols == a->cols);
        for (int i = 0; i < w->rows; i++)
            for (int j = 0; j < w->cols; j++)
                for (int k = 0; k < l->rank; k++)
                    params[w->offset + (size_t)(i * w->cols + j)] +=
                        (double)l->alpha / l->rank *
                        adapter[b->offset + (size_t)(i * l->rank + k)] *
                        adapter[a->offset + (size_t)(k * w->cols + j)];
    }
}

void ref_model(const struct model *m, const double *params, const struct model_batch *b,
               double temperature, double *logp, double *entropy)
{
    const struct model_config *c = &m->cfg;
    const struct layout y = layout_of(c);
    const int n = b->n_tokens, d = y.width, widest = y.qkv > 2 * y.ff ? y.qkv : 2 * y.ff;
    double *x = xcalloc((size_t)n * (size_t)d, sizeof *x);
    double *work = xcalloc((size_t)n * (size_t)(d + 3 * widest), sizeof *work);
    double *rows = xcalloc((size_t)b->n_rows * (size_t)d, sizeof *rows);
    double *logits = xcalloc((size_t)b->n_rows * (size_t)c->vocab, sizeof *logits);
    for (int i = 0; i < n; i++)
        memcpy(x + i * d, params + y.embed + (size_t)b->tokens[i] * (size_t)d,
               (size_t)d * sizeof *x);
    for (int s = 0; c->learned_positions && s < b->n_seq; s++) {
        const struct ref_span span = span_of(b, s);
        for (int i = 0; i < span.n_query * d; i++)
            x[span.first * d + i] += params[y.positions + (size_t)(span.n_prefix * d + i)];
    }
    for (int l = 0; l < c->layers; l++)
        ref_layer(m, params, b, l, x, work);
    for (int r = 0; r < b->n_rows; r++)
        norm(c, 1, x + b->row[r] * d, params + y.norm, rows + r * d);
    ref_matmul(b->n_rows, c->vocab, d, rows, params + y.head, logits);
    ref_logp(b->n_rows, c->vocab, logits, temperature, b->target, logp, entropy);
    free(x);
    free(work);
    free(rows);
    free(logits);
}
