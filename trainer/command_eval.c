/* assay eval: how often a model's completions of problems are correct. A recipe of eval stages
 * alone, made from options. */
#include <stdlib.h>

#include "base/file.h"
#include "trainer/commands.h"
#include "trainer/rl/evaluate.h"
#include "trainer/rl/setup.h"

struct options {
    struct sampling_options sample;
    const char *out, *url, *config;
    json_t *problems;
    int slots, k[EVAL_K_MAX], n_k;
    bool json, answers, no_timing;
};

enum { KEY_K = 256, KEY_URL, KEY_JSON, KEY_NO_TIMING, KEY_ANSWERS, KEY_CONFIG };

static const struct argp_option OPTION_TABLE[] = {
    {"problems", 'p', "PROBLEMS", 0, "A problem file, folder or family; may be given again", 0},
    {"k", KEY_K, "K,K,...", 0, "Also estimate pass@k for these k, each at most N", 0},
    {"url", KEY_URL, "URL", 0,
     "A verifier that serves the same -p, in the same order, instead of one of our own", 0},
    {"jobs", 'j', "N", 0, "Slots of our own verifier (one per core)", 0},
    {"config", KEY_CONFIG, "FILE", 0, "Our own verifier's --config: which packages there are", 0},
    {"answers", KEY_ANSWERS, NULL, 0,
     "Where a problem's demonstration has a final answer, a completion with the same one is right",
     0},
    {"no-timing", KEY_NO_TIMING, NULL, 0, "Grade no speed", 0},
    {"output", 'o', "FILE", 0, "Write every completion and its verdict as JSON lines", 0},
    {"json", KEY_JSON, NULL, 0, "Print the result as JSON", 0},
    {0},
};

static void parse_k(struct options *o, char *arg, struct argp_state *state)
{
    for (char *rest, *item = strtok_r(arg, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        if (o->n_k == EVAL_K_MAX)
            argp_error(state, "more than %d values of k", EVAL_K_MAX);
        o->k[o->n_k++] = command_number(item, 1, 1000000, state, "--k");
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->sample;
        return 0;
    case 'p':
        json_array_append_new(o->problems, json_string(arg));
        return 0;
    case KEY_K:
        parse_k(o, arg, state);
        return 0;
    case KEY_URL:
        o->url = arg;
        return 0;
    case 'j':
        o->slots = command_number(arg, 1, 4096, state, "-j");
        return 0;
    case KEY_CONFIG:
        o->config = arg;
        return 0;
    case KEY_ANSWERS:
        o->answers = true;
        return 0;
    case KEY_NO_TIMING:
        o->no_timing = true;
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "`%s`: what is it? Problems come after -p, the model after -m", arg);
        return 0;
    case ARGP_KEY_END:
        if (!json_array_size(o->problems))
            argp_error(state, "-p PROBLEMS is needed");
        for (int i = 0; i < o->n_k; i++)
            if (o->k[i] > o->sample.samples)
                argp_error(state, "--k %d needs -n %d or more", o->k[i], o->k[i]);
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
    .doc = "Sample completions of problems from a model, grade them, and print pass@1, by "
           "level, and the five grades.\v"
           "Examples:\n"
           "  assay eval -m runs/demo/model -p 'problems/listops.yaml?split=test' -n 4\n"
           "  assay eval -m MODEL -p problems/starter -n 8 --k 1,8 -o completions.jsonl\n",
};

static json_t *strings_json(const struct recipe_strings *s)
{
    json_t *list = json_array();
    for (int i = 0; i < s->n; i++)
        json_array_append_new(list, json_string(s->v[i]));
    return list;
}

/* The recipe of eval stages that the options stand for. A recipe is YAML, and JSON is YAML. */
static int make_recipe(const struct options *o, struct recipe *ret, struct err *err)
{
    const struct recipe_sampling *how = &o->sample.sampling;
    json_t *stages = json_array(), *spec;
    size_t i;
    json_array_foreach (o->problems, i, spec) {
        json_array_append_new(
            stages,
            json_pack("{s:{s:s, s:O, s:i, s:i, s:f, s:f, s:f, s:f, s:i, s:o, s:i, "
                      "s:b}}",
                      "eval", "name", json_string_value(spec), "problems", spec, "samples",
                      o->sample.samples, "limit", o->sample.limit, "temperature", how->temperature,
                      "top_p", how->top_p, "min_p", how->min_p, "repetition_penalty",
                      how->repetition_penalty, "top_k", how->top_k, "stop",
                      strings_json(&how->stop), "max_new", how->max_new, "greedy", 0));
    }
    json_t *verifier = json_pack("{s:i, s:b}", "slots", o->slots, "timing", !o->no_timing);
    if (o->config)
        json_object_set_new(verifier, "config", json_string(o->config));
    if (o->url) {
        json_object_set_new(verifier, "url", json_string(o->url));
        json_object_set(verifier, "problems", o->problems);
    }
    json_t *root = json_pack("{s:I, s:s, s:{s:s, s:s*}, s:o, s:s, s:s, s:s*, s:o}", "seed",
                             (json_int_t)o->sample.seed, "compute", o->sample.compute, "model",
                             "path", o->sample.model, "adapter", o->sample.adapter, "verifier",
                             verifier, "prompt_template", o->sample.template, "chat_template",
                             o->sample.chat, "system", o->sample.system, "stages", stages);
    char *text = json_dumps(root, 0);
    json_decref(root);
    if (!text)
        return err_set(err, -EINVAL, "the options are not UTF-8");
    int rc = recipe_parse("options", str_of(text), NULL, 0, ret, err);
    free(text);
    return rc;
}

static void print_rate(const char *name, const json_t *value)
{
    if (name && value)
        printf("  %-16s %5.1f %%\n", name, 100 * json_number_value(value));
}

static void print_result(const char *spec, const json_t *r)
{
    const char *name;
    json_t *value;
    char label[64];
    json_t *n = json_object_get(r, "completions"), *infra = json_object_get(r, "infra");
    const long long problems = json_integer_value(json_object_get(r, "problems"));
    printf("%s: %lld problem%s, %lld completion%s\n", spec, problems, problems == 1 ? "" : "s",
           (long long)json_integer_value(n), json_integer_value(n) == 1 ? "" : "s");
    print_rate("pass@1", json_object_get(r, "pass_at_1"));
    json_object_foreach (json_object_get(r, "pass_at_k"), name, value) {
        snprintf(label, sizeof label, "pass@%s", name);
        print_rate(strcmp(name, "1") == 0 ? NULL : label, value);
    }
    json_object_foreach (json_object_get(r, "by_level"), name, value) {
        snprintf(label, sizeof label, "level %s", name);
        print_rate(label, json_object_get(value, "pass_at_1"));
    }
    const json_int_t graded = json_integer_value(n) - json_integer_value(infra);
    json_object_foreach (json_object_get(r, "grades"), name, value) {
        const json_int_t count = json_integer_value(value);
        printf("  %-16s %5.1f %%  %6lld\n", name,
               graded ? 100. * (double)count / (double)graded : 0, (long long)count);
    }
    if (json_integer_value(infra))
        printf("  %-16s          %6lld, left out of every rate\n", "not graded",
               (long long)json_integer_value(infra));
    printf("  %-16s %5.1f tokens\n", "mean length",
           json_number_value(json_object_get(r, "mean_length")));
}

static int eval_all(struct rl_run *run, const struct options *o, FILE *completions, json_t *results,
                    struct err *err)
{
    for (int i = 0; i < run->recipe->n_stages; i++) {
        const struct recipe_eval *e = &run->recipe->stages[i].eval;
        struct eval_request req = {.name = e->name,
                                   .source = e->source,
                                   .samples = e->samples,
                                   .limit = e->limit,
                                   .sampling = e->sampling,
                                   .answers = o->answers,
                                   .seed = rl_seed(run->recipe->seed, SEED_EVAL, 0),
                                   .n_k = o->n_k};
        memcpy(req.k, o->k, sizeof req.k);
        json_t *result = NULL;
        TRY(evaluate(run, &req, completions, &result, err));
        json_object_set_new(results, e->problems, result);
    }
    return 0;
}

static int eval_run(const struct options *o, struct err *err, bool *ret_infra)
{
    struct recipe recipe;
    struct rl_run run = {.stop = command_stop};
    struct file_new out = {0};
    json_t *results = json_object(), *result;
    const char *spec;
    TRY(make_recipe(o, &recipe, err));
    int rc = rl_setup(&run, &recipe, err);
    if (rc == 0 && o->out)
        rc = file_new_open(&out, o->out, err);
    if (rc == 0) {
        run.progress = progress_start(stderr);
        rc = eval_all(&run, o, out.out, results, err);
    }
    *ret_infra = run.infra > 0;
    rl_takedown(&run);
    if (out.out && rc == 0)
        rc = file_new_commit(&out, err);
    else if (out.out)
        file_new_discard(&out);
    if (rc == 0 && o->json) {
        json_dumpf(results, stdout, JSON_INDENT(1));
        putchar('\n');
    } else if (rc == 0) {
        json_object_foreach (results, spec, result) {
            print_result(spec, result);
        }
    }
    json_decref(results);
    recipe_free(&recipe);
    return rc;
}

int command_eval(int argc, char **argv)
{
    struct options o = {.sample = SAMPLING_DEFAULT, .problems = json_array()};
    struct err err = {0};
    bool infra = false;
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay eval";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    command_catch_signals();
    int rc = eval_run(&o, &err, &infra);
    json_decref(o.problems);
    if (rc < 0)
        fprintf(stderr, "assay eval: %s\n", err.text);
    return rc < 0 ? command_status(rc, EXIT_USAGE) : infra ? EXIT_INFRA : 0;
}
