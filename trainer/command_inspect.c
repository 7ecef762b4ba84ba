/* assay inspect: what a model folder holds, and what using it takes. */
#include <stdlib.h>

#include "base/check.h"
#include "trainer/commands.h"
#include "trainer/kernels/team.h"
#include "trainer/rl/checkpoint.h"
#include "trainer/rl/rollout.h"
#include "trainer/rl/sampling.h"

struct options {
    const char *model;
    bool tensors;
};

enum { KEY_TENSORS = 256 };

static const struct argp_option OPTION_TABLE[] = {
    {"tensors", KEY_TENSORS, NULL, 0, "List every tensor and its shape", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_TENSORS:
        o->tensors = true;
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
    .doc = "Prints a model's configuration, its size, and the memory that each use of it needs.\v"
           "Examples:\n  assay inspect runs/demo/model\n  assay inspect MODEL --tensors\n",
};

static void print_mib(const char *what, double bytes)
{
    printf("  %-34s %10.1f MiB\n", what, bytes / (1 << 20));
}

/* Weights, gradients and moments are exact; all else of a step (activations) depends on the batch
 * and is not counted. */
static void print_memory(const struct model *m, int workers)
{
    const struct model_config *c = &m->cfg;
    double weights = 4.0 * (double)m->n_params;
    double state = weights * (2 + workers); /* two moments, and gradients of each worker */
    double cache = 8.0 * c->layers * c->kv_heads * c->head_dim; /* keys and values, per token */
    char label[64];
    printf("memory, before activations, with %d worker%s\n", workers, workers == 1 ? "" : "s");
    print_mib("weights", weights);
    snprintf(label, sizeof label, "sampling, %d rows of %d tokens", workers * ROLLOUT_ROWS_MAX,
             c->max_positions);
    print_mib(label, weights + cache * workers * ROLLOUT_ROWS_MAX * c->max_positions);
    print_mib("supervised training", weights + state);
    print_mib("GRPO", weights + state);
    print_mib("GRPO with a KL term", 2 * weights + state);
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
    const char *jinja = tok_chat_template(tok);
    enum chat chat = jinja ? chat_recognise(jinja) : CHAT_NONE;
    if (jinja)
        printf("chat template   %s\n",
               chat == CHAT_NONE
                   ? "of its own, not one that is built in (see assay generate --help)"
                   : chat_names[chat]);
    printf("special tokens  bos %d, eos %d, pad %d\n", c->bos_id, c->eos_id, c->pad_id);
}

int command_inspect(int argc, char **argv)
{
    struct options o = {0};
    struct model m;
    struct tokenizer *tok;
    struct err err = {0};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay inspect";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    if (policy_load(o.model, &m, &tok, &err) < 0) {
        fprintf(stderr, "assay inspect: %s\n", err.text);
        return EXIT_USAGE;
    }
    struct team *team = team_start(0);
    print_model(&m, tok);
    print_memory(&m, team_size(team));
    for (int i = 0; o.tensors && i < m.n_tensors; i++) {
        const struct model_tensor *t = &m.tensors[i];
        if (t->cols)
            printf("%-56s [%d, %d]\n", t->name, t->rows, t->cols);
        else
            printf("%-56s [%d]\n", t->name, t->rows);
    }
    team_stop(team);
    tok_free(tok);
    model_free(&m);
    return 0;
}
