/* assay generate: text from a model. Prompts come from the command line, or from problems as the
 * verifier shows them; the latter gives sample lines that `assay grade` reads. */
#include <stdlib.h>

#include "base/file.h"
#include "base/utf8.h"
#include "trainer/commands.h"
#include "trainer/rl/rollout.h"
#include "trainer/rl/sampling.h"
#include "trainer/rl/setup.h"

struct options {
    struct sampling_options sample;
    const char *prompt, *problems;
};

enum { KEY_PROMPT = 256 };

static const struct argp_option OPTION_TABLE[] = {
    {"prompt", KEY_PROMPT, "TEXT", 0, "What to complete; - reads it from stdin", 0},
    {"problems", 'p', "PROBLEMS", 0, "Complete each of these problems instead", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->sample;
        return 0;
    case 'p':
        o->problems = arg;
        return 0;
    case KEY_PROMPT:
        o->prompt = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "`%s`: what is it? A prompt comes after --prompt", arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->prompt == !o->problems)
            argp_error(state, "either --prompt TEXT or -p PROBLEMS is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child CHILDREN[] = {{&SAMPLING_ARGP, 0, NULL, 0}, {0}};
static const struct argp ARGP = {
    .options = OPTION_TABLE,
    .parser = parse,
    .children = CHILDREN,
    .doc = "Complete a prompt: plain text on stdout, several completions parted by lines of "
           "dashes. With -p: JSON lines of task_id and "
           "response, for `assay grade -s`.\v"
           "Examples:\n"
           "  assay generate -m MODEL --greedy --prompt 'def add(a, b):'\n"
           "  assay generate -m MODEL -n 4 --temperature 0.8 --prompt - < prompt.txt\n"
           "  assay generate -m MODEL -p problems/starter -n 4 --seed 7 > samples.jsonl\n",
};

/* The completions of one batch of prompts, kept until all are there so that they come out in
 * order. */
struct texts {
    const struct tokenizer *tok;
    const struct recipe_strings *stop;
    struct buf *v;
    int group;
};

static void on_done(void *ctx, int prompt, int k, const struct completion *c)
{
    const struct texts *t = ctx;
    tok_decode(t->tok, c->tokens, c->n_tokens, false, &t->v[prompt * t->group + k]);
}

static bool at_stop(void *ctx, const int32_t *tokens, int n)
{
    const struct texts *t = ctx;
    return rl_reached_stop(t->tok, t->stop, tokens, n);
}

static int sample(struct rl_run *run, const struct options *o, const struct ids *prompts, int n,
                  struct buf *ret, struct err *err)
{
    struct sample_options opt = rl_sample_options(&o->sample.sampling, (uint64_t)o->sample.seed);
    opt.stop = run->stop;
    opt.ends = o->sample.sampling.stop.n ? at_stop : NULL;
    struct sample_prompt *ask = xcalloc((size_t)n, sizeof *ask);
    for (int i = 0; i < n; i++)
        ask[i] = (struct sample_prompt){.tokens = prompts[i].v,
                                        .n_tokens = prompts[i].n,
                                        .stream = (uint64_t)i * (uint64_t)o->sample.samples};
    struct texts texts = {
        .tok = run->tok, .stop = &o->sample.sampling.stop, .v = ret, .group = o->sample.samples};
    int rc = sample_run(&run->model, run->team, &opt, ask, n, o->sample.samples, on_done, &texts,
                        NULL, err);
    free(ask);
    return rc ? rc : rl_run_stopped(run, err);
}

static int read_prompt(const char *arg, struct buf *text, struct err *err)
{
    if (strcmp(arg, "-") == 0)
        return file_read("-", 64 << 20, text, err);
    buf_puts(text, arg);
    return 0;
}

static int generate_text(struct rl_run *run, const struct options *o, struct err *err)
{
    struct buf text = {0}, seen = {0}, *out = xcalloc((size_t)o->sample.samples, sizeof *out);
    struct ids ids = {0};
    int rc = read_prompt(o->prompt, &text, err);
    if (rc == 0) {
        recipe_prompt(run->recipe, buf_view(&text), &seen);
        tok_encode(run->tok, buf_view(&seen), true, &ids);
        rc = ids.n ? sample(run, o, &ids, 1, out, err)
                   : err_set(err, -EINVAL, "the prompt is empty");
    }
    for (int k = 0; k < o->sample.samples; k++) {
        struct str s = buf_view(&out[k]);
        if (rc == 0)
            printf("%s%.*s\n", k ? "--------\n" : "", (int)s.len, s.s);
        buf_free(&out[k]);
    }
    free(out);
    free(ids.v);
    buf_free(&text);
    buf_free(&seen);
    return rc;
}

static int generate_samples(struct rl_run *run, const struct options *o, struct err *err)
{
    struct task_set set;
    TRY(rl_run_tasks(run, 0, &set, err));
    int n = o->sample.limit && o->sample.limit < set.n ? o->sample.limit : set.n;
    struct ids *prompts = xcalloc((size_t)n, sizeof *prompts);
    struct buf *out = xcalloc((size_t)n * (size_t)o->sample.samples, sizeof *out);
    for (int i = 0; i < n; i++)
        prompts[i] = set.v[i].tokens;
    int rc = sample(run, o, prompts, n, out, err);
    for (int i = 0; i < n * o->sample.samples; i++) {
        struct buf clean = {0};
        utf8_clean(buf_view(&out[i]), &clean);
        json_t *line = json_pack("{s:s, s:s%}", "task_id", set.v[i / o->sample.samples].id,
                                 "response", buf_view(&clean).s, clean.len);
        if (rc == 0) {
            json_dumpf(line, stdout, JSON_COMPACT);
            putchar('\n');
        }
        json_decref(line);
        buf_free(&clean);
        buf_free(&out[i]);
    }
    free(out);
    free(prompts);
    task_set_free(&set);
    return rc;
}

/* A recipe that names the model and, with -p, one eval stage whose problems the verifier is to
 * show. */
static int make_recipe(const struct options *o, struct recipe *ret, struct err *err)
{
    const char *spec = o->problems ? o->problems : "none.jsonl";
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s*}, s:s, s:s, s:s*, s:[{s:{s:[s]}}]}", "compute",
                  o->sample.compute, "model", "path", o->sample.model, "adapter", o->sample.adapter,
                  "prompt_template", o->sample.template, "chat_template", o->sample.chat, "system",
                  o->sample.system, "stages", "sft", "data", spec);
    char *text = json_dumps(root, 0);
    json_decref(root);
    if (!text)
        return err_set(err, -EINVAL, "the options are not UTF-8");
    int rc = recipe_parse("options", str_of(text), NULL, 0, ret, err);
    free(text);
    return rc;
}

int command_generate(int argc, char **argv)
{
    struct options o = {.sample = SAMPLING_DEFAULT};
    struct recipe recipe;
    struct rl_run run = {.stop = command_stop};
    struct err err = {0};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay generate";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    command_catch_signals();
    int rc = make_recipe(&o, &recipe, &err);
    if (rc == 0) {
        rc = rl_setup(&run, &recipe, &err);
        if (rc == 0)
            rc = o.problems ? generate_samples(&run, &o, &err) : generate_text(&run, &o, &err);
        rl_takedown(&run);
        recipe_free(&recipe);
    }
    if (rc < 0)
        fprintf(stderr, "assay generate: %s\n", err.text);
    return command_status(rc, EXIT_USAGE);
}
