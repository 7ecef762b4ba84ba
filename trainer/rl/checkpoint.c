/* checkpoint.c: bytes on disk.
 *
 *   step_N/            config.json, model.safetensors, tokenizer.json, ... (the policy); with
 *     LoRA only adapter_config.json and adapter_model.safetensors: the model stays where it was
 *   step_N/reference/  the same for the frozen reference, only with a KL term
 *   step_N/optimizer   "assayADW", u64 step, u64 count, then count f32 of m and count f32 of v;
 *     little-endian; only in the middle of a stage
 *   step_N/state.json
 *     {"stage","step","cursor","seconds","metrics_bytes","metric","totals":{...},"evals":[...]}
 *
 * Random streams need no state of their own: every draw is a function of the seed, the stage and
 * the cursor. Nor does a group in flight: its step is made again, to the same bits.
 *
 * A folder is written as `new` and renamed, and renamed to `gone` before it is removed, so that one
 * with a listed name is always whole. Where it takes another's place, that one is called NAME.old for
 * a moment, and is still a checkpoint. Which is the newest state.json tells, not the name. */
#include "trainer/rl/checkpoint.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>

#include "base/file.h"
#include "trainer/model/lora.h"

enum { STATE_BYTES_MAX = 16 << 20 };
static const char OPTIMIZER_MAGIC[8] = {'a', 's', 's', 'a', 'y', 'A', 'D', 'W'};

static int join(char out[PATH_MAX], const char *dir, const char *name, struct err *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", dir);
    return 0;
}

int policy_save(const struct model *m, const struct tokenizer *tok, const char *dir, bool bf16,
                struct err *err)
{
    if (mkdir(dir, 0777) < 0 && errno != EEXIST)
        return err_set(err, -errno, "%s: %s", dir, strerror(errno));
    TRY(model_save(m, dir, bf16, err));
    return tok_save(tok, dir, err);
}

int policy_load(const char *dir, struct model *ret_model, struct tokenizer **ret_tok,
                struct err *err)
{
    struct stat st;
    if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, -ENOENT, "%s: no such model folder", dir);
    TRY(tok_load(dir, ret_tok, err));
    int rc = model_load(dir, ret_model, err);
    if (rc == 0 && tok_vocab(*ret_tok) > ret_model->cfg.vocab) {
        rc = err_set(err, -EINVAL, "%s: the tokenizer has %d entries, the model only %d", dir,
                     tok_vocab(*ret_tok), ret_model->cfg.vocab);
        model_free(ret_model);
    }
    if (rc < 0) {
        tok_free(*ret_tok);
        *ret_tok = NULL;
    }
    return rc;
}

/* ---- the optimiser --------------------------------------------------------------------------- */

static int optimizer_save(const char *path, const struct adamw *a, uint64_t n, struct err *err)
{
    struct file_new f = {0};
    uint64_t head[2] = {(uint64_t)a->step, n};
    TRY(file_new_open(&f, path, err));
    fwrite(OPTIMIZER_MAGIC, sizeof OPTIMIZER_MAGIC, 1, f.out);
    fwrite(head, sizeof head, 1, f.out);
    fwrite(a->m, sizeof *a->m, n, f.out);
    fwrite(a->v, sizeof *a->v, n, f.out);
    return file_new_commit(&f, err);
}

static int optimizer_load(const char *path, uint64_t n, struct adamw *ret, struct err *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    char magic[sizeof OPTIMIZER_MAGIC];
    uint64_t head[2];
    struct adamw a = {.m = xcalloc(n, sizeof(float)), .v = xcalloc(n, sizeof(float))};
    bool good = fread(magic, sizeof magic, 1, f) == 1 &&
                memcmp(magic, OPTIMIZER_MAGIC, sizeof magic) == 0 &&
                fread(head, sizeof head, 1, f) == 1 && head[1] == n &&
                fread(a.m, sizeof(float), n, f) == n && fread(a.v, sizeof(float), n, f) == n &&
                fgetc(f) == EOF;
    fclose(f);
    if (!good) {
        free(a.m);
        free(a.v);
        return err_set(err, -EINVAL, "%s: damaged, or of another model", path);
    }
    a.step = (int64_t)head[0];
    *ret = a;
    return 0;
}

/* ---- folders --------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st, (void)flag, (void)at;
    return remove(path);
}

static void remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A whole checkpoint. */
struct found {
    char name[64];
    int stage, step;
    double metric; /* NaN: none */
};

struct folder {
    struct found *v;
    int n;
};

static int newest_first(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->stage != y->stage)
        return x->stage < y->stage ? 1 : -1;
    if (x->step != y->step)
        return x->step < y->step ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int read_json(const char *path, json_t **ret, struct err *err)
{
    json_error_t at;
    struct buf text = {0};
    TRY(file_read(path, STATE_BYTES_MAX, &text, err));
    *ret = json_loadb(buf_view(&text).s, text.len, 0, &at);
    buf_free(&text);
    return *ret ? 0 : err_set(err, -EINVAL, "%s:%d: %s", path, at.line, at.text);
}

/* A folder without a state.json is none of ours. */
static int look(const char *checkpoints, const char *name, struct folder *f, struct err *err)
{
    char path[PATH_MAX];
    struct found x;
    json_t *state;
    if ((strncmp(name, "step_", 5) != 0 && strncmp(name, "stage_", 6) != 0) ||
        strlen(name) >= sizeof x.name)
        return 0;
    TRY(join(path, checkpoints, name, err));
    TRY(join(path, strdupa(path), "state.json", err));
    if (access(path, F_OK) != 0)
        return 0;
    TRY(read_json(path, &state, err));
    const json_t *metric = json_object_get(state, "metric");
    x.stage = (int)json_integer_value(json_object_get(state, "stage"));
    x.step = (int)json_integer_value(json_object_get(state, "step"));
    x.metric = json_is_number(metric) ? json_number_value(metric) : NAN;
    memcpy(x.name, name, strlen(name) + 1);
    json_decref(state);
    f->v = xrealloc(f->v, (size_t)f->n + 1, sizeof *f->v);
    f->v[f->n++] = x;
    return 0;
}

/* All checkpoints, newest first; free f->v also on failure. */
static int folder_list(const char *checkpoints, struct folder *f, struct err *err)
{
    DIR *d = opendir(checkpoints);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && d && (e = readdir(d));)
        rc = look(checkpoints, e->d_name, f, err);
    if (d)
        closedir(d);
    if (f->n)
        qsort(f->v, (size_t)f->n, sizeof *f->v, newest_first);
    return rc;
}

/* How many of the others are better; of equal ones the newer. */
static int rank_of(const struct folder *f, int i, bool highest)
{
    int better = 0;
    for (int k = 0; k < f->n; k++) {
        double ahead = highest ? f->v[k].metric - f->v[i].metric : f->v[i].metric - f->v[k].metric;
        better += ahead > 0 || (k < i && !(ahead < 0) && !isnan(ahead));
    }
    return better;
}

static void discard(const char *checkpoints, const char *name)
{
    char path[PATH_MAX], gone[PATH_MAX];
    if (join(path, checkpoints, name, NULL) < 0 || join(gone, checkpoints, "gone", NULL) < 0)
        return;
    remove_tree(gone);
    if (rename(path, gone) == 0)
        remove_tree(gone);
}

static int prune(const struct recipe *r, const char *checkpoints, struct err *err)
{
    struct folder f = {0};
    int rc = folder_list(checkpoints, &f, err);
    for (int i = 0; rc == 0 && r->keep_last && i < f.n; i++)
        if (i >= r->keep_last &&
            (isnan(f.v[i].metric) || rank_of(&f, i, r->best_is_highest) >= r->keep_best))
            discard(checkpoints, f.v[i].name);
    free(f.v);
    return rc;
}

bool checkpoint_best(const struct recipe *r, const char *dir, char ret_path[PATH_MAX],
                     double *ret_value)
{
    char checkpoints[PATH_MAX];
    struct folder f = {0};
    bool found = false;
    if (join(checkpoints, dir, "checkpoints", NULL) == 0 && folder_list(checkpoints, &f, NULL) == 0)
        for (int i = 0; i < f.n && !found; i++)
            if (!isnan(f.v[i].metric) && rank_of(&f, i, r->best_is_highest) == 0) {
                found = join(ret_path, checkpoints, f.v[i].name, NULL) == 0;
                *ret_value = f.v[i].metric;
            }
    free(f.v);
    return found;
}

static void sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Puts a finished folder under its name, in place of one that may be there. */
static int publish(const char *checkpoints, const char *fresh, const char *name, struct err *err)
{
    char path[PATH_MAX], old[80], old_path[PATH_MAX];
    snprintf(old, sizeof old, "%s.old", name);
    TRY(join(path, checkpoints, name, err));
    TRY(join(old_path, checkpoints, old, err));
    if (access(path, F_OK) == 0) {
        discard(checkpoints, old);
        if (rename(path, old_path) != 0)
            return err_set(err, -errno, "%s: %s", path, strerror(errno));
    }
    if (rename(fresh, path) != 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    sync_folder(checkpoints);
    discard(checkpoints, old);
    return 0;
}

/* ---- saving ---------------------------------------------------------------------------------- */

static json_t *state_json(struct rl_run *run, const struct checkpoint *c, double metric)
{
    json_t *state = json_pack(
        "{s:i, s:i, s:I, s:f, s:I, s:n, s:{s:I, s:I, s:I, s:I}, s:O}", "stage", c->stage, "step",
        c->at.step, "cursor", (json_int_t)c->at.cursor, "seconds", c->seconds, "metrics_bytes",
        (json_int_t)c->metrics_bytes, "metric", "totals", "verdicts", (json_int_t)run->verdicts,
        "infra", (json_int_t)run->infra, "tokens_sampled", (json_int_t)run->tokens_sampled,
        "tokens_trained", (json_int_t)run->tokens_trained, "evals", c->evals);
    json_set_number(check_alloc(state), "metric", metric);
    return state;
}

/* What the run changes of a model: all of it, or its adapter. */
static int trained_save(const struct rl_run *run, const struct model *m, const char *dir,
                        struct err *err)
{
    return m->lora ? lora_save(m, run->recipe->model_path, dir, err)
                   : policy_save(m, run->tok, dir, false, err);
}

static int fill_folder(struct rl_run *run, const struct checkpoint *c, double metric,
                       const char *dir, struct err *err)
{
    char path[PATH_MAX];
    TRY(trained_save(run, &run->model, dir, err));
    if (c->at.adamw) {
        TRY(join(path, dir, "optimizer", err));
        TRY(optimizer_save(path, c->at.adamw, model_trained(&run->model).n, err));
    }
    if (c->at.reference) {
        TRY(join(path, dir, "reference", err));
        TRY(trained_save(run, c->at.reference, path, err));
    }
    json_t *state = state_json(run, c, metric);
    char *text = check_alloc(json_dumps(state, JSON_INDENT(1)));
    json_decref(state);
    TRY(join(path, dir, "state.json", err));
    int rc = file_replace(path, str_of(text), err);
    free(text);
    return rc;
}

/* Whether SFT changed the policy after GRPO did: then the number of steps names another one. */
static bool is_past_grpo(const struct recipe *r, const struct checkpoint *c)
{
    int before = c->stage - 1;
    while (before > 0 && r->stages[before].kind == STAGE_EVAL)
        before--;
    return rl_grpo_steps(r, c->stage) > 0 && r->stages[before].kind == STAGE_SFT;
}

static void name_of(const struct recipe *r, const struct checkpoint *c, char ret[64])
{
    const bool begun = c->at.step > 0;
    if (begun ? r->stages[c->stage].kind == STAGE_SFT : is_past_grpo(r, c))
        snprintf(ret, 64, "stage_%d_step_%d", c->stage, c->at.step);
    else
        snprintf(ret, 64, "step_%d", rl_grpo_steps(r, c->stage) + c->at.step);
}

int checkpoint_save(struct rl_run *run, const struct checkpoint *at, struct err *err)
{
    char checkpoints[PATH_MAX], fresh[PATH_MAX], name[64];
    struct checkpoint c = *at;
    snprintf(checkpoints, sizeof checkpoints, "%s", runlog_path(run->log, "checkpoints"));
    TRY(join(fresh, checkpoints, "new", err));
    name_of(run->recipe, &c, name);
    remove_tree(fresh);
    if ((mkdir(checkpoints, 0777) < 0 && errno != EEXIST) || mkdir(fresh, 0777) < 0)
        return err_set(err, -errno, "%s: %s", fresh, strerror(errno));
    TRY(runlog_sync(run->log, &c.metrics_bytes, err));
    int rc = fill_folder(run, &c, rl_run_watched(run), fresh, err);
    if (rc < 0)
        remove_tree(fresh);
    TRY(rc);
    TRY(publish(checkpoints, fresh, name, err));
    return prune(run->recipe, checkpoints, err);
}

/* ---- loading --------------------------------------------------------------------------------- */

static int read_state(struct rl_run *run, const char *path, struct checkpoint *c, struct err *err)
{
    json_error_t at;
    json_t *state, *metric;
    json_int_t cursor, metrics, verdicts, infra, sampled, trained;
    TRY(read_json(path, &state, err));
    int rc = json_unpack_ex(
        state, &at, 0, "{s:i, s:i, s:I, s:F, s:I, s:o, s:{s:I, s:I, s:I, s:I}, s:O}", "stage",
        &c->stage, "step", &c->at.step, "cursor", &cursor, "seconds", &c->seconds, "metrics_bytes",
        &metrics, "metric", &metric, "totals", "verdicts", &verdicts, "infra", &infra,
        "tokens_sampled", &sampled, "tokens_trained", &trained, "evals", &c->evals);
    if (rc == 0)
        run->watched.value = json_is_number(metric) ? json_number_value(metric) : NAN;
    json_decref(state);
    if (rc < 0)
        return err_set(err, -EINVAL, "%s: %s", path, at.text);
    bool inside = c->stage >= 0 && c->stage < run->recipe->n_stages; /* of a stage; or at the end */
    if ((!inside && (c->stage != run->recipe->n_stages || c->at.step != 0)) || c->at.step < 0 ||
        cursor < 0 || metrics < 0 || !json_is_array(c->evals))
        return err_set(err, -EINVAL, "%s: a value out of range", path);
    c->at.cursor = cursor;
    c->metrics_bytes = metrics;
    run->verdicts = verdicts;
    run->infra = infra;
    run->tokens_sampled = sampled;
    run->tokens_trained = trained;
    return 0;
}

/* Takes the place of what the recipe began with. */
static int trained_load(struct rl_run *run, const char *dir, struct err *err)
{
    if (run->model.lora) {
        struct lora *saved;
        TRY(lora_load(dir, &run->model, &saved, err));
        lora_free(run->model.lora);
        run->model.lora = saved;
        return 0;
    }
    model_free(&run->model);
    if (run->tok)
        tok_free(run->tok);
    run->tok = NULL;
    TRY(policy_load(dir, &run->model, &run->tok, err));
    rl_compute_as(run->recipe, &run->model);
    return 0;
}

static int reference_load(const struct rl_run *run, const char *dir, struct model *ret,
                          struct err *err)
{
    struct lora *saved;
    if (!run->model.lora) {
        TRY(model_load(dir, ret, err));
        rl_compute_as(run->recipe, ret);
        return 0;
    }
    TRY(lora_load(dir, &run->model, &saved, err));
    *ret = run->model;
    ret->lora = saved;
    ret->borrowed = true;
    return 0;
}

static int read_folder(struct rl_run *run, const char *dir, struct checkpoint *c, struct err *err)
{
    char path[PATH_MAX];
    TRY(join(path, dir, "state.json", err));
    TRY(read_state(run, path, c, err));
    TRY(trained_load(run, dir, err));
    if (c->at.step == 0)
        return 0;
    struct adamw *adamw = xcalloc(1, sizeof *adamw);
    c->at.adamw = adamw;
    TRY(join(path, dir, "optimizer", err));
    TRY(optimizer_load(path, model_trained(&run->model).n, adamw, err));
    if (run->recipe->stages[c->stage].kind != STAGE_GRPO ||
        run->recipe->stages[c->stage].grpo.beta <= 0)
        return 0;
    struct model *reference = xcalloc(1, sizeof *reference);
    c->at.reference = reference;
    TRY(join(path, dir, "reference", err));
    return reference_load(run, path, reference, err);
}

int checkpoint_cut(const struct rl_run *run, const char *dir, const struct checkpoint *c,
                   struct err *err)
{
    const struct recipe *r = run->recipe;
    const int in_stage = c->at.step && r->stages[c->stage].kind == STAGE_GRPO ? c->at.step : 0,
              step = rl_grpo_steps(r, c->stage) + in_stage;
    char path[PATH_MAX];
    TRY(join(path, dir, "metrics.jsonl", err));
    struct stat st;
    if (stat(path, &st) < 0 || st.st_size < c->metrics_bytes)
        return err_set(err, -EINVAL, "%s: shorter than when the checkpoint was made", path);
    if (truncate(path, c->metrics_bytes) < 0)
        return err_set(err, -errno, "%s: %s", path, strerror(errno));
    TRY(join(path, dir, "completions", err));
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d));) {
        char *end, *number = strncmp(e->d_name, "step_", 5) == 0 ? (char *)e->d_name + 5 : NULL;
        if (number && strtol(number, &end, 10) > step && strcmp(end, ".jsonl") == 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
    TRY(join(path, dir, "checkpoints", err));
    discard(path, "new");
    discard(path, "gone");
    return prune(r, path, err);
}

int checkpoint_load(struct rl_run *run, const char *dir, struct checkpoint *ret, struct err *err)
{
    char checkpoints[PATH_MAX], path[PATH_MAX];
    struct checkpoint c = {0};
    struct folder f = {0};
    TRY(join(checkpoints, dir, "checkpoints", err));
    int rc = folder_list(checkpoints, &f, err);
    if (rc == 0 && f.n > 0) {
        rc = join(path, checkpoints, f.v[0].name, err);
        if (rc == 0)
            rc = read_folder(run, path, &c, err);
        if (rc == 0)
            *ret = c;
        else
            checkpoint_free(&c);
        rc = rc == 0 ? 1 : rc;
    }
    free(f.v);
    return rc;
}

void checkpoint_free(struct checkpoint *c)
{
    struct adamw *adamw = (struct adamw *)c->at.adamw;
    struct model *reference = (struct model *)c->at.reference;
    if (adamw) {
        free(adamw->m);
        free(adamw->v);
    }
    if (reference)
        model_free(reference);
    free(adamw);
    free(reference);
    json_decref(c->evals);
    *c = (struct checkpoint){0};
}
