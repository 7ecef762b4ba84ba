/* assay inspect: what a model folder holds, and what using it takes. */
#include <stdlib.h>

#include "base/check.h"
#include "trainer/commands.h"
#include "trainer/kernels/kernels.h"
#include "trainer/kernels/team.h"
#include "trainer/model/lora.h"
#include "trainer/model/product.h"
#include "trainer/rl/checkpoint.h"
#include "trainer/rl/memory.h"

struct options {
    const char *model, *adapter;
    bool tensors, recompute, bf16;
    int rank;
    struct memory_plan plan; /* workers 0: one per core */
};

enum {
    KEY_TENSORS = 256,
    KEY_ADAPTER,
    KEY_RECOMPUTE,
    KEY_BF16,
    KEY_RANK,
    KEY_PROMPTS,
    KEY_GROUP,
    KEY_PROMPT_TOKENS,
    KEY_MAX_NEW,
    KEY_TOKENS,
    KEY_THREADS
};

static const struct argp_option OPTION_TABLE[] = {
    {"tensors", KEY_TENSORS, NULL, 0, "List every tensor and its shape", 0},
    {"adapter", KEY_ADAPTER, "FOLDER", 0, "A LoRA adapter of that model, to tell of too", 0},
    {NULL, 0, NULL, 0, "What the memory is worked out for (keys of a recipe):", 1},
    {"rank", KEY_RANK, "N", 0, "Of the LoRA adapter, on all matrices (16)", 1},
    {"prompts-per-step", KEY_PROMPTS, "N", 0, "Of a GRPO step (32)", 1},
    {"group", KEY_GROUP, "N", 0, "Completions of each prompt (8)", 1},
    {"prompt-tokens", KEY_PROMPT_TOKENS, "N", 0, "Of the longest prompt (256)", 1},
    {"max-new", KEY_MAX_NEW, "N", 0, "Tokens of a completion (512)", 1},
    {"tokens-per-batch", KEY_TOKENS, "N", 0, "Of a micro-batch (4096)", 1},
    {"recompute", KEY_RECOMPUTE, NULL, 0, "Activations are made again, not kept", 1},
    {"bf16", KEY_BF16, NULL, 0, "Products are computed in bf16", 1},
    {"threads", KEY_THREADS, "N", 0, "Workers (one per core)", 1},
    {0},
};

/* Whole numbers, and where they go. */
static int *number_of(struct options *o, int key)
{
    switch (key) {
    case KEY_RANK:
        return &o->rank;
    case KEY_PROMPTS:
        return &o->plan.prompts;
    case KEY_GROUP:
        return &o->plan.group;
    case KEY_PROMPT_TOKENS:
        return &o->plan.prompt_tokens;
    case KEY_MAX_NEW:
        return &o->plan.max_new;
    case KEY_TOKENS:
        return &o->plan.tokens_per_batch;
    case KEY_THREADS:
        return &o->plan.workers;
    default:
        return NULL;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    int *number = number_of(o, key);
    if (number) {
        char name[32];
        const struct argp_option *option = OPTION_TABLE;
        while (option->key != key)
            option++;
        snprintf(name, sizeof name, "--%s", option->name);
        *number = command_number(arg, 1, key == KEY_RANK ? LORA_RANK_MAX : 1000000, state, name);
        return 0;
    }
    switch (key) {
    case KEY_TENSORS:
        o->tensors = true;
        return 0;
    case KEY_ADAPTER:
        o->adapter = arg;
        return 0;
    case KEY_RECOMPUTE:
        o->recompute = true;
        return 0;
    case KEY_BF16:
        o->bf16 = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "one model, please");
        o->model = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->model)
            argp_error(state, "which model?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTION_TABLE,
    .parser = parse,
    .args_doc = "MODEL",
    .doc = "Print a model's configuration, its size, and the memory that each use of it needs.\v"
           "Examples:\n  assay inspect runs/demo/model\n  assay inspect MODEL --tensors\n"
           "  assay inspect MODEL --rank 16 --max-new 1024 --prompts-per-step 8\n",
};

static void print_mib(const char *what, size_t lora, size_t all)
{
    printf("  %-34s %10.1f MiB %10.1f MiB\n", what, (double)lora / (1 << 20),
           (double)all / (1 << 20));
}

/* What both kinds of training take, part by part and in all. The program itself, its libraries and
 * the tokenizer come to some 0.1 GiB more. */
static void print_memory(const struct model *m, const struct memory_plan *p, int rank)
{
    struct model adapted = *m;
    unsigned targets = 0;
    lora_targets(&m->cfg, NULL, 0, "", &targets, NULL);
    struct lora *lora = lora_alloc(&m->cfg, rank, 1, targets);
    adapted.lora = NULL;
    const struct memory f = memory_of(&adapted, p);
    adapted.lora = lora;
    const struct memory a = memory_of(&adapted, p);
    lora_free(lora);
    printf("memory          %d worker%s, %d prompts of %d tokens, %d completions of %d each, "
           "micro-batches of %d\n",
           p->workers, p->workers == 1 ? "" : "s", p->prompts, p->prompt_tokens, p->group,
           p->max_new, p->tokens_per_batch);
    printf("  %-34s %5s %3d %14s\n", "trained:", "LoRA rank", rank, "all weights");
    print_mib("weights", a.weights, f.weights);
    print_mib("sampling: packed copy of them", a.sample.packed, f.sample.packed);
    print_mib("sampling: keys and values", a.sample.cache, f.sample.cache);
    print_mib("sampling: buffers", a.sample.buffers, f.sample.buffers);
    print_mib("training: adapter", a.adapter, f.adapter);
    print_mib("training: gradients and moments", a.optimizer, f.optimizer);
    print_mib("training: activations", a.activations, f.activations);
    print_mib("supervised training", a.weights + a.adapter + a.optimizer + a.activations,
              f.weights + f.optimizer + f.activations);
    print_mib("GRPO", memory_grpo(&a), memory_grpo(&f));
    print_mib("GRPO with a KL term", memory_grpo(&a) + a.reference, memory_grpo(&f) + f.reference);
}

static void print_special(const char *name, int id, const char *end)
{
    if (id >= 0)
        printf(" %s %d%s", name, id, end);
    else
        printf(" no %s%s", name, end);
}

static void print_model(const struct model *m, const struct tokenizer *tok)
{
    const struct model_config *c = &m->cfg;
    static const char *const scaling[] = {"", ", scaled (linear)", ", scaled (llama3)"};
    printf("architecture    %s\n", model_family_names[c->family]);
    printf("parameters      %zu\n", m->n_params);
    printf("layers          %d\n", c->layers);
    printf("width           %d, feed-forward %d\n", c->width, c->ff);
    printf("attention       %d heads of %d, %d for keys and values\n", c->heads, c->head_dim,
           c->kv_heads);
    printf("vocabulary      %d, head %s, tokenizer %d\n", c->vocab,
           c->tied ? "tied to the embedding" : "of its own", tok_vocab(tok));
    if (c->learned_positions)
        printf("positions       %d, learned\n", c->max_positions);
    else
        printf("positions       %d, rope theta %g%s\n", c->max_positions, (double)c->rope_theta,
               scaling[c->rope.kind]);
    const char *jinja = tok_chat_template(tok), *refused, *what = nn_bf16_what(&refused);
    enum chat chat = jinja ? chat_recognise(jinja) : CHAT_NONE;
    if (jinja)
        printf("chat template   %s\n",
               chat == CHAT_NONE
                   ? "of its own, not one that is built in (see assay generate --help)"
                   : chat_names[chat]);
    printf("bf16 here       %s%s%s\n", what, refused ? "; " : "", refused ? refused : "");
    printf("special tokens ");
    print_special("bos", c->bos_id, ",");
    print_special("eos", c->eos_id, "");
    for (int i = 0; i < c->n_more_eos; i++)
        printf(" or %d", c->more_eos[i]);
    putchar(',');
    print_special("pad", c->pad_id, "\n");
}

static void print_tensors(const struct model_tensor *v, int n)
{
    for (int i = 0; i < n; i++) {
        if (v[i].cols)
            printf("%-56s [%d, %d]\n", v[i].name, v[i].rows, v[i].cols);
        else
            printf("%-56s [%d]\n", v[i].name, v[i].rows);
    }
}

static void print_adapter(const struct model *m)
{
    printf("adapter         rank %d, alpha %g, %zu parameters, on", m->lora->rank,
           (double)m->lora->alpha, m->lora->n_params);
    for (int i = 0; lora_target_name(&m->cfg, i); i++)
        if (m->lora->targets >> i & 1)
            printf(" %s", lora_target_name(&m->cfg, i));
    putchar('\n');
}

/* Prompt and completion share the positions: where there is no room for both as they were asked for,
 * each has the part of it that it would have had. */
static void fit_positions(struct memory_plan *p, int positions)
{
    const int wanted = p->prompt_tokens + p->max_new;
    if (wanted - 1 <= positions) /* the last token is not put in */
        return;
    const int prompt = (int)((int64_t)p->prompt_tokens * positions / wanted);
    p->prompt_tokens = prompt > 0 ? prompt : 1;
    p->max_new = positions - p->prompt_tokens + 1;
}

static void inspect(struct options *o, struct model *m, const struct tokenizer *tok)
{
    struct memory_plan *p = &o->plan;
    m->recompute = o->recompute;
    m->compute = o->bf16 ? COMPUTE_BF16 : COMPUTE_F32;
    struct team *team = team_start(p->workers);
    p->workers = team_size(team);
    team_stop(team);
    fit_positions(p, m->cfg.max_positions);
    print_model(m, tok);
    if (m->lora)
        print_adapter(m);
    print_memory(m, p, m->lora ? m->lora->rank : o->rank);
    if (o->tensors) {
        print_tensors(m->tensors, m->n_tensors);
        if (m->lora)
            print_tensors(m->lora->tensors, m->lora->n_tensors);
    }
}

int command_inspect(int argc, char **argv)
{
    struct options o = {.rank = 16, .plan = {0, 32, 8, 256, 512, 4096}};
    struct model m;
    struct tokenizer *tok;
    struct err err = {0};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay inspect";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    int rc = policy_load(o.model, &m, &tok, &err);
    if (rc == 0) {
        rc = o.adapter ? lora_load(o.adapter, &m, &m.lora, &err) : 0;
        if (rc == 0)
            inspect(&o, &m, tok);
        tok_free(tok);
        model_free(&m);
    }
    if (rc < 0)
        fprintf(stderr, "assay inspect: %s\n", err.text);
    return rc < 0 ? EXIT_USAGE : 0;
}
