/* assay train: a recipe's stages one after the other, and the run folder that tells of them. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "trainer/commands.h"
#include "trainer/model/lora.h"
#include "trainer/model/product.h"
#include "trainer/rl/checkpoint.h"
#include "trainer/rl/evaluate.h"
#include "trainer/rl/report.h"
#include "trainer/rl/setup.h"
#include "trainer/rl/sft.h"
#include "trainer/rl/summary.h"
#include "trainer/rl/world.h"

enum { OVERRIDES_MAX = 64 };

struct options {
    const char *recipe, *out;
    const char *overrides[OVERRIDES_MAX];
    int n_overrides;
    bool overwrite, resume, dry_run;
};

/* A run on its way through its stages. */
struct training {
    struct rl_run run;
    struct checkpoint at;     /* what to go on with; evals gathers the results */
    double started, before_s; /* before_s: what the run had taken when it was resumed */
};

enum { KEY_SET = 256, KEY_OUT, KEY_OVERWRITE, KEY_RESUME, KEY_DRY_RUN };

static const struct argp_option OPTION_TABLE[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Change one setting of the recipe, such as grpo.lr=1e-4; may be given again", 0},
    {"out", KEY_OUT, "FOLDER", 0, "The run's folder instead of the recipe's `out`", 0},
    {"overwrite", KEY_OVERWRITE, NULL, 0, "Replace a former run in that folder", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "Go on from the folder's last checkpoint, or from the beginning when there is none", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0,
     "Check the recipe, print it with every default filled in, and stop", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case KEY_SET:
        if (o->n_overrides == OVERRIDES_MAX)
            argp_error(state, "more than %d --set", OVERRIDES_MAX);
        o->overrides[o->n_overrides++] = arg;
        return 0;
    case KEY_OUT:
        o->out = arg;
        return 0;
    case KEY_OVERWRITE:
        o->overwrite = true;
        return 0;
    case KEY_RESUME:
        o->resume = true;
        return 0;
    case KEY_DRY_RUN:
        o->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->recipe)
            argp_error(state, "one recipe, please");
        o->recipe = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->recipe)
            argp_error(state, "which recipe?");
        if (o->resume && o->overwrite)
            argp_error(state, "--resume and --overwrite exclude each other");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTION_TABLE,
    .parser = parse,
    .args_doc = "RECIPE.yaml",
    .doc = "Train a model as the recipe says: supervised stages, GRPO stages, evaluations.\v"
           "Examples:\n"
           "  assay train trainer/recipes/demo.yaml --out runs/demo\n"
           "  assay train trainer/recipes/demo.yaml --out runs/demo --resume\n"
           "  assay train trainer/recipes/demo.yaml --out runs/two --set seed=2\n"
           "  assay train trainer/recipes/demo.yaml --dry-run\n\n"
           "The folder then holds recipe.yaml, metrics.jsonl, completions/, checkpoints/, model/, "
           "summary.json and report.html, and with LoRA adapter/.\n\n"
           "Exit status: 0 the run is done, 1 it failed on the way, 2 bad usage or a bad recipe, "
           "130 it was interrupted; after 1 and 130 --resume goes on.\n",
};

static double seconds_of(const struct training *t)
{
    return t->before_s + wall_s() - t->started;
}

static int save(void *ctx, struct rl_run *run, int stage, const struct stage_state *state,
                struct err *err)
{
    struct training *t = ctx;
    struct checkpoint at = {.stage = stage, .evals = t->at.evals, .seconds = seconds_of(t)};
    if (state)
        at.at = *state;
    return world_agree(world_rank() == 0 ? checkpoint_save(run, &at, err) : 0, err);
}

static int run_stage(struct training *t, int stage, const struct stage_state *resume,
                     struct err *err)
{
    struct rl_run *run = &t->run;
    json_t *result = NULL;
    switch (run->recipe->stages[stage].kind) {
    case STAGE_SFT:
        TRY(sft_stage(run, stage, resume, save, t, err));
        break;
    case STAGE_GRPO:
        TRY(grpo_stage(run, stage, resume, save, t, err));
        break;
    default:
        TRY(evaluate_stage(run, stage, &result, err));
        json_array_append_new(t->at.evals, result);
    }
    return save(t, run, stage + 1, NULL, err);
}

static int run_stages(struct training *t, struct err *err)
{
    const char *refused = NULL;
    TRY(world_agree(rl_setup_policy(&t->run, err), err));
    if (t->run.progress)
        progress_note(t->run.progress,
                      "model: %zu parameters, %zu of them trained, %d tokens in its vocabulary, %d "
                      "worker%s, products in %s",
                      t->run.model.n_params, model_trained(&t->run.model).n, t->run.model.cfg.vocab,
                      team_size(t->run.team), team_size(t->run.team) == 1 ? "" : "s",
                      model_compute_what(&t->run.model, &refused));
    if (t->run.progress && refused)
        progress_note(t->run.progress, "warning: %s", refused);
    for (int i = t->at.stage; i < t->run.recipe->n_stages; i++)
        TRY(run_stage(t, i, i == t->at.stage && t->at.at.step > 0 ? &t->at.at : NULL, err));
    return 0;
}

/* The policy (an adapter by itself and merged), the summary, the report, and the table on stdout. */
static int finish(struct training *t, struct err *err)
{
    struct buf table = {0};
    const char *out = t->run.recipe->out;
    char model_dir[4096];
    if (t->run.model.lora) {
        snprintf(model_dir, sizeof model_dir, "%s/adapter", out);
        TRY(lora_save(&t->run.model, t->run.recipe->model_path, model_dir, err));
        model_merge(&t->run.model);
    }
    snprintf(model_dir, sizeof model_dir, "%s/model", out);
    TRY(policy_save(&t->run.model, t->run.tok, model_dir, t->run.recipe->save_dtype == 1, err));
    json_t *summary = summary_make(&t->run, t->at.evals, seconds_of(t), model_dir);
    char best[PATH_MAX];
    double value;
    if (checkpoint_best(t->run.recipe, out, best, &value))
        json_object_set_new(summary, "best_checkpoint",
                            json_pack("{s:s, s:f}", "path", best, "value", value));
    else if (t->run.recipe->keep_best)
        progress_note(t->run.progress, "checkpoints.best_metric: no step and no eval told a `%s`",
                      t->run.recipe->best_metric);
    int rc = runlog_json(t->run.log, "summary.json", summary, err);
    if (rc == 0)
        rc = report_html(out, err);
    report_text(summary, &table);
    progress_end(t->run.progress);
    t->run.progress = NULL;
    printf("%.*s\nModel: %s   Report: %s/report.html\n", (int)table.len, buf_view(&table).s,
           model_dir, out);
    if (t->run.infra)
        printf("%lld completions could not be graded; no rate or reward counts them.\n",
               (long long)t->run.infra);
    buf_free(&table);
    json_decref(summary);
    return rc;
}

/* A resumed run must be the same run. */
static int same_recipe(const struct recipe *r, struct str resolved, struct err *err)
{
    struct buf before = {0};
    char path[4096];
    snprintf(path, sizeof path, "%s/recipe.yaml", r->out);
    FILE *f = fopen(path, "rbe");
    if (!f)
        return 0;
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(&before, chunk, n);
    fclose(f);
    bool same = str_eq(buf_view(&before), resolved);
    buf_free(&before);
    return same ? 0
                : err_set(err, -EINVAL,
                          "%s: the run was made with another recipe; --resume goes on with the "
                          "same one only",
                          path);
}

/* Every rank loads the checkpoint, before the first of them changes anything in the folder. */
static int open_folder(struct training *t, const struct options *o, struct str resolved,
                       struct err *err)
{
    enum runlog_mode mode = o->overwrite ? RUNLOG_OVERWRITE : RUNLOG_NEW;
    struct stat st;
    const char *out = t->run.recipe->out;
    int rc = 0;
    if (o->resume && stat(out, &st) == 0) {
        rc = same_recipe(t->run.recipe, resolved, err);
        if (rc == 0)
            rc = checkpoint_load(&t->run, out, &t->at, err);
        mode = rc > 0 ? RUNLOG_RESUME : RUNLOG_OVERWRITE;
        t->before_s = t->at.seconds;
    }
    TRY(world_agree(rc < 0 ? rc : 0, err));
    rc = 0;
    if (world_rank() == 0 && mode == RUNLOG_RESUME)
        rc = checkpoint_cut(&t->run, out, &t->at, err);
    if (world_rank() == 0 && rc == 0)
        rc = runlog_open(out, mode, resolved, &t->run.log, err);
    return world_agree(rc, err);
}

/* Loads or starts what the run needs. A family of many problems takes seconds to read, so a folder
 * that is taken is refused before, and what goes on is said. */
static int begin(struct training *t, const struct options *o, const struct recipe *recipe,
                 struct err *err)
{
    int rc = 0;
    if (world_rank() == 0 && !o->resume)
        rc = runlog_check(recipe->out, o->overwrite ? RUNLOG_OVERWRITE : RUNLOG_NEW, err);
    TRY(world_agree(rc, err));
    t->run.progress = world_rank() == 0 ? progress_start(stderr) : NULL;
    if (t->run.progress)
        progress_note(t->run.progress, "%s: %d stage%s%s", o->recipe, recipe->n_stages,
                      recipe->n_stages == 1 ? "" : "s",
                      recipe->sources.n && !recipe->verifier_urls.n
                          ? "; a verifier reads their problems"
                          : "");
    return rl_setup(&t->run, recipe, err);
}

static int train(const struct options *o, const struct recipe *recipe, struct str resolved)
{
    struct training t = {.started = wall_s(),
                         .run = {.stop = command_stop, .watched = {.value = NAN}}};
    struct err err = {0};
    int started = 0, rc = world_start(&err);
    if (rc == 0)
        rc = begin(&t, o, recipe, &err);
    if (rc == 0)
        rc = open_folder(&t, o, resolved, &err);
    if (rc == 0) {
        started = 1;
        t.at.evals = t.at.evals ? t.at.evals : json_array();
        rc = run_stages(&t, &err);
    }
    if (rc == 0)
        rc = world_agree(world_rank() == 0 ? finish(&t, &err) : 0, &err);
    rl_takedown(&t.run);
    checkpoint_free(&t.at);
    if (rc < 0 && (world_rank() == 0 || !world_agreed()))
        fprintf(stderr, "assay train: %s\n", err.text);
    world_end(rc);
    return command_status(rc, started ? EXIT_INFRA : EXIT_USAGE);
}

int command_train(int argc, char **argv)
{
    struct options o = {0};
    struct recipe recipe;
    struct err err = {0};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay train";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    if (recipe_load(o.recipe, o.overrides, o.n_overrides, &recipe, &err) < 0) {
        fprintf(stderr, "assay train: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (o.out) {
        free(recipe.out);
        recipe.out = check_alloc(strdup(o.out));
    }
    struct buf resolved = {0};
    recipe_write(&recipe, &resolved);
    int status = 0;
    command_catch_signals();
    if (o.dry_run)
        fwrite(resolved.s, 1, resolved.len, stdout);
    else
        status = train(&o, &recipe, buf_view(&resolved));
    buf_free(&resolved);
    recipe_free(&recipe);
    return status;
}
