/* checkpoint.c: bytes on disk.
 *
 *   step_N/            config.json, model.safetensors, tokenizer.json, ... (the policy); with
 *     LoRA only adapter_config.json and adapter_model.safetensors: the model stays where it was
 *   step_N/reference/  the same for the frozen reference, only with a KL term
 *   step_N/optimizer   "assayADW", u64 step, u64 count, then count f32 of m and count f32 of v;
 *     little-endian
 *   step_N/state.json
 *     {"stage","step","cursor","seconds","metrics_bytes","totals":{...},"evals":[...]}
 *
 * Random streams need no state of their own: every draw is a function of the seed, the stage and
 * the cursor. A folder is written under another name and renamed, so that one called step_N is
 * always whole. */
#include "trainer/rl/checkpoint.h"

#include <dirent.h>
#include <ftw.h>

#include "base/file.h"
#include "trainer/model/lora.h"

enum { CHECKPOINTS_KEPT = 2, CHECKPOINTS_MAX = 256, STATE_BYTES_MAX = 16 << 20 };
static const char OPTIMIZER_MAGIC[8] = {'a', 's', 's', 'a', 'y', 'A', 'D', 'W'};

static int join(char out[PATH_MAX], const char *dir, const char *name, struct err *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", dir);
    return 0;
}

static int join_step(char out[PATH_MAX], const char *folder, int step, struct err *err)
{
    char name[32];
    snprintf(name, sizeof name, "step_%d", step);
    return join(out, folder, name, err);
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

static int descending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* The N of every whole step_N below `folder`, newest first. */
static int list_steps(const char *folder, int steps[CHECKPOINTS_MAX])
{
    DIR *d = opendir(folder);
    int n = 0;
    for (const struct dirent *e; d && (e = readdir(d)) && n < CHECKPOINTS_MAX;) {
        char *end;
        if (strncmp(e->d_name, "step_", 5) != 0)
            continue;
        long step = strtol(e->d_name + 5, &end, 10);
        if (*end == 0 && end > e->d_name + 5 && step >= 0 && step <= INT_MAX)
            steps[n++] = (int)step;
    }
    if (d)
        closedir(d);
    qsort(steps, (size_t)n, sizeof *steps, descending);
    return n;
}

/* Puts a finished folder under its name, in place of one that may be there. */
static int publish(const char *fresh, const char *name, struct err *err)
{
    if (rename(fresh, name) == 0)
        return 0;
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, name, RENAME_EXCHANGE) < 0)
        return err_set(err, -errno, "%s: %s", name, strerror(errno));
    remove_tree(fresh);
    return 0;
}

/* ---- saving ---------------------------------------------------------------------------------- */

static json_t *state_json(struct rl_run *run, const struct checkpoint *at)
{
    struct stat st = {0};
    stat(runlog_path(run->log, "metrics.jsonl"), &st);
    return json_pack("{s:i, s:i, s:I, s:f, s:I, s:{s:I, s:I, s:I, s:I}, s:O}", "stage", at->stage,
                     "step", at->grpo.step, "cursor", (json_int_t)at->grpo.cursor, "seconds",
                     at->seconds, "metrics_bytes", (json_int_t)st.st_size, "totals", "verdicts",
                     (json_int_t)run->verdicts, "infra", (json_int_t)run->infra, "tokens_sampled",
                     (json_int_t)run->tokens_sampled, "tokens_trained",
                     (json_int_t)run->tokens_trained, "evals", at->evals);
}

/* What the run changes of a model: all of it, or its adapter. */
static int trained_save(const struct rl_run *run, const struct model *m, const char *dir,
                        struct err *err)
{
    return m->lora ? lora_save(m, run->recipe->model_path, dir, err)
                   : policy_save(m, run->tok, dir, false, err);
}

static int fill_folder(struct rl_run *run, const struct checkpoint *at, const char *dir,
                       struct err *err)
{
    char path[PATH_MAX];
    TRY(trained_save(run, &run->model, dir, err));
    if (at->grpo.adamw) {
        TRY(join(path, dir, "optimizer", err));
        TRY(optimizer_save(path, at->grpo.adamw, model_trained(&run->model).n, err));
    }
    if (at->grpo.reference) {
        TRY(join(path, dir, "reference", err));
        TRY(trained_save(run, at->grpo.reference, path, err));
    }
    json_t *state = state_json(run, at);
    char *text = check_alloc(json_dumps(state, JSON_INDENT(1)));
    json_decref(state);
    TRY(join(path, dir, "state.json", err));
    int rc = file_replace(path, str_of(text), err);
    free(text);
    return rc;
}

int checkpoint_save(struct rl_run *run, const struct checkpoint *at, struct err *err)
{
    char folder[PATH_MAX], fresh[PATH_MAX], name[PATH_MAX];
    int steps[CHECKPOINTS_MAX], step = rl_grpo_steps(run->recipe, at->stage) + at->grpo.step;
    snprintf(folder, sizeof folder, "%s", runlog_path(run->log, "checkpoints"));
    TRY(join(fresh, folder, "new", err));
    TRY(join_step(name, folder, step, err));
    remove_tree(fresh);
    if ((mkdir(folder, 0777) < 0 && errno != EEXIST) || mkdir(fresh, 0777) < 0)
        return err_set(err, -errno, "%s: %s", fresh, strerror(errno));
    TRY(fill_folder(run, at, fresh, err));
    TRY(publish(fresh, name, err));
    for (int i = CHECKPOINTS_KEPT, n = list_steps(folder, steps); i < n; i++) {
        TRY(join_step(name, folder, steps[i], err));
        remove_tree(name);
    }
    return 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int read_state(struct rl_run *run, const char *path, struct checkpoint *c,
                      off_t *ret_metrics_bytes, struct err *err)
{
    json_error_t at;
    struct buf text = {0};
    json_int_t cursor, metrics, verdicts, infra, sampled, trained;
    TRY(file_read(path, STATE_BYTES_MAX, &text, err));
    json_t *state = json_loadb(buf_view(&text).s, text.len, 0, &at);
    buf_free(&text);
    if (!state)
        return err_set(err, -EINVAL, "%s:%d: %s", path, at.line, at.text);
    int rc = json_unpack_ex(state, &at, 0, "{s:i, s:i, s:I, s:F, s:I, s:{s:I, s:I, s:I, s:I}, s:O}",
                            "stage", &c->stage, "step", &c->grpo.step, "cursor", &cursor, "seconds",
                            &c->seconds, "metrics_bytes", &metrics, "totals", "verdicts", &verdicts,
                            "infra", &infra, "tokens_sampled", &sampled, "tokens_trained", &trained,
                            "evals", &c->evals);
    json_decref(state);
    if (rc < 0)
        return err_set(err, -EINVAL, "%s: %s", path, at.text);
    bool inside = c->stage >= 0 && c->stage < run->recipe->n_stages; /* of a stage; or at the end */
    if ((!inside && (c->stage != run->recipe->n_stages || c->grpo.step != 0)) || c->grpo.step < 0 ||
        cursor < 0 || metrics < 0 || !json_is_array(c->evals))
        return err_set(err, -EINVAL, "%s: a value out of range", path);
    c->grpo.cursor = cursor;
    *ret_metrics_bytes = metrics;
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
    return policy_load(dir, &run->model, &run->tok, err);
}

static int reference_load(const struct rl_run *run, const char *dir, struct model *ret,
                          struct err *err)
{
    struct lora *saved;
    if (!run->model.lora)
        return model_load(dir, ret, err);
    TRY(lora_load(dir, &run->model, &saved, err));
    *ret = run->model;
    ret->lora = saved;
    ret->borrowed = true;
    return 0;
}

static int read_folder(struct rl_run *run, const char *dir, struct checkpoint *c,
                       off_t *ret_metrics_bytes, struct err *err)
{
    char path[PATH_MAX];
    TRY(join(path, dir, "state.json", err));
    TRY(read_state(run, path, c, ret_metrics_bytes, err));
    TRY(trained_load(run, dir, err));
    if (c->grpo.step == 0)
        return 0;
    struct adamw *adamw = xcalloc(1, sizeof *adamw);
    c->grpo.adamw = adamw;
    TRY(join(path, dir, "optimizer", err));
    TRY(optimizer_load(path, model_trained(&run->model).n, adamw, err));
    if (run->recipe->stages[c->stage].kind != STAGE_GRPO ||
        run->recipe->stages[c->stage].grpo.beta <= 0)
        return 0;
    struct model *reference = xcalloc(1, sizeof *reference);
    c->grpo.reference = reference;
    TRY(join(path, dir, "reference", err));
    return reference_load(run, path, reference, err);
}

/* Records of steps after the checkpoint will be made again. */
static int cut_records(const char *dir, int step, off_t metrics_bytes, struct err *err)
{
    char path[PATH_MAX];
    TRY(join(path, dir, "metrics.jsonl", err));
    struct stat st;
    if (stat(path, &st) < 0 || st.st_size < metrics_bytes)
        return err_set(err, -EINVAL, "%s: shorter than when the checkpoint was made", path);
    if (truncate(path, metrics_bytes) < 0)
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
    return 0;
}

int checkpoint_load(struct rl_run *run, const char *dir, struct checkpoint *ret, struct err *err)
{
    char folder[PATH_MAX], path[PATH_MAX];
    int steps[CHECKPOINTS_MAX];
    off_t metrics_bytes = 0;
    struct checkpoint c = {0};
    TRY(join(folder, dir, "checkpoints", err));
    if (list_steps(folder, steps) == 0)
        return 0;
    TRY(join_step(path, folder, steps[0], err));
    int rc = read_folder(run, path, &c, &metrics_bytes, err);
    if (rc == 0)
        rc = cut_records(dir, steps[0], metrics_bytes, err);
    if (rc < 0) {
        checkpoint_free(&c);
        return rc;
    }
    *ret = c;
    return 1;
}

void checkpoint_free(struct checkpoint *c)
{
    struct adamw *adamw = (struct adamw *)c->grpo.adamw;
    struct model *reference = (struct model *)c->grpo.reference;
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
