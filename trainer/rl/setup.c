#include "trainer/rl/setup.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "trainer/model/lora.h"
#include "trainer/rl/checkpoint.h"
#include "trainer/rl/sft.h"
#include "trainer/rl/verifiers.h"
#include "trainer/rl/world.h"

/* The one special token of tokenizers made here: ends a completion. */
static const char END_OF_TEXT[] = "<|endoftext|>";

enum { VERIFIER_LOG_BYTES_MAX = 64 << 20, TOKEN_BYTES_MAX = 64 << 10 };

static int start_verifier(struct rl_run *run, struct err *err)
{
    const struct recipe *r = run->recipe;
    /* Until it is known whether the run leaves a trace at all, these messages leave none. */
    TRY(verifier_process_log(run->verifier_log, &run->verifier_log_fd, err));
    const struct verifier_process_options opt = {
        .problems = (const char *const *)r->sources.v,
        .n_problems = r->sources.n,
        .slots = r->verifier_slots || world_size() == 1 ? r->verifier_slots : world_cores(),
        .no_timing = !r->verifier_timing,
        .config = r->verifier_config,
        .log = run->verifier_log,
    };
    return verifier_process_start(&opt, &run->verifier, err);
}

static int read_token(const char *path, char **ret, struct err *err)
{
    struct buf text = {0};
    TRY(file_read(path, TOKEN_BYTES_MAX, &text, err));
    struct str token = str_trim(buf_view(&text));
    int rc = token.len ? 0 : err_set(err, -EINVAL, "%s: holds no token", path);
    if (rc == 0)
        *ret = check_alloc(strndup(token.s, token.len));
    buf_free(&text);
    return rc;
}

static int reach_verifier(struct rl_run *run, struct err *err)
{
    const struct recipe *r = run->recipe;
    char *token = NULL;
    const char *own;
    struct client_options opt = {.urls = (const char *const *)r->verifier_urls.v,
                                 .n_urls = r->verifier_urls.n,
                                 .deadline_s = r->verifier_deadline_s,
                                 .no_timing = !r->verifier_timing};
    if (!r->verifier_urls.n) {
        TRY(start_verifier(run, err));
        own = verifier_process_url(run->verifier);
        opt.urls = &own;
        opt.n_urls = 1;
    }
    int rc = r->verifier_token_file ? read_token(r->verifier_token_file, &token, err) : 0;
    opt.token = token;
    if (rc == 0)
        rc = client_start(&opt, &run->client, err);
    free(token);
    TRY(rc);
    return client_health(run->client, NULL, err);
}

/* The adapter that the recipe names goes on learning, or else a new one begins. Where all weights
 * are trained, or none, it becomes a part of them. */
static int setup_adapter(struct rl_run *run, struct err *err)
{
    const struct recipe *r = run->recipe;
    const struct recipe_lora *want = &r->lora;
    struct model *m = &run->model;
    unsigned targets = 0;
    if (r->model_adapter)
        TRY(lora_load(r->model_adapter, m, &m->lora, err));
    if (!want->rank) {
        model_merge(m);
        return 0;
    }
    TRY(lora_targets(&m->cfg, (const char *const *)want->targets.v, want->targets.n, "lora.targets",
                     &targets, err));
    if (!m->lora)
        m->lora = lora_create(&m->cfg, want->rank, (float)want->alpha, targets,
                              rl_seed(r->seed, SEED_LORA, 0));
    if (m->lora->rank != want->rank || fabsf(m->lora->alpha - (float)want->alpha) > 0 ||
        m->lora->targets != targets)
        return err_set(err, -EINVAL,
                       "%s: an adapter of rank %d and alpha %g; `lora` wants another rank, alpha "
                       "or targets",
                       r->model_adapter, m->lora->rank, (double)m->lora->alpha);
    return 0;
}

/* Work is dealt out as if all ranks had this rank's number of workers. */
static int same_threads(int threads, struct err *err)
{
    int *all = xcalloc((size_t)world_size(), sizeof *all), other = threads;
    world_gather(&threads, sizeof threads, all);
    for (int r = 0; r < world_size(); r++)
        other = all[r] != threads ? all[r] : other;
    free(all);
    int rc = other == threads ? 0
                              : err_set(err, -EINVAL,
                                        "the ranks have different numbers of cores (%d and %d): "
                                        "set `threads` to what each has",
                                        threads, other);
    return world_agree(rc, err);
}

int rl_setup(struct rl_run *run, const struct recipe *recipe, struct err *err)
{
    run->recipe = recipe;
    int rc = recipe->model_path ? policy_load(recipe->model_path, &run->model, &run->tok, err) : 0;
    rl_compute_as(recipe, &run->model);
    if (rc == 0 && recipe->model_path)
        rc = setup_adapter(run, err);
    if (rc == 0 && recipe->sources.n)
        rc = reach_verifier(run, err);
    if (rc == 0)
        run->team = team_start(recipe->threads ? recipe->threads : world_cores());
    rc = world_agree(rc, err);
    if (rc == 0)
        rc = same_threads(team_size(run->team), err);
    if (rc < 0)
        rl_takedown(run);
    return rc;
}

/* The texts that the tokenizer learns from: its own, or else all that the stages use. */
static int read_texts(struct rl_run *run, struct dataset *ret, struct err *err)
{
    const struct recipe *r = run->recipe;
    if (r->tokenizer_texts.n)
        return sft_read(run, r->tokenizer_data, r->tokenizer_texts.n, DATASET_ALL, ret, err);
    for (int i = 0; i < r->n_stages; i++)
        if (r->stages[i].kind == STAGE_SFT)
            TRY(sft_read(run, r->stages[i].sft.data, r->stages[i].sft.data_specs.n, DATASET_ALL,
                         ret, err));
    return ret->n ? 0
                  : err_set(err, -EINVAL,
                            "the tokenizer has nothing to learn from: name `tokenizer.texts`, or a "
                            "`model.path`");
}

static int train_tokenizer(struct rl_run *run, struct err *err)
{
    struct dataset d = {0};
    const char *const specials[] = {END_OF_TEXT};
    int rc = read_texts(run, &d, err);
    struct str *texts = xcalloc(2 * (size_t)d.n, sizeof *texts);
    for (int i = 0; i < d.n; i++) {
        texts[2 * i] = d.text[i].prompt;
        texts[2 * i + 1] = d.text[i].completion;
    }
    if (rc == 0)
        rc = tok_train(texts, 2 * d.n, run->recipe->tokenizer_vocab, NULL, specials,
                       COUNT_OF(specials), &run->tok, err);
    free(texts);
    dataset_free(&d);
    return rc;
}

int rl_setup_policy(struct rl_run *run, struct err *err)
{
    if (run->tok)
        return 0;
    TRY(train_tokenizer(run, err));
    struct model_config cfg = run->recipe->model;
    cfg.vocab = tok_vocab(run->tok);
    cfg.eos_id = tok_special(run->tok, END_OF_TEXT);
    TRY(model_create(&cfg, rl_seed(run->recipe->seed, SEED_MODEL, 0), &run->model, err));
    rl_compute_as(run->recipe, &run->model);
    return 0;
}

static void keep_verifier_log(struct rl_run *run)
{
    struct buf text = {0};
    if (run->log && file_read(run->verifier_log, VERIFIER_LOG_BYTES_MAX, &text, NULL) == 0)
        runlog_file(run->log, "verifier.log", buf_view(&text), NULL);
    buf_free(&text);
    close(run->verifier_log_fd);
}

void rl_takedown(struct rl_run *run)
{
    if (run->client)
        client_stop(run->client);
    verifiers_free(run);
    verifier_process_stop(run->verifier);
    if (run->verifier_log[0])
        keep_verifier_log(run);
    if (run->team)
        team_stop(run->team);
    if (run->model.params)
        model_free(&run->model);
    if (run->tok)
        tok_free(run->tok);
    if (run->progress)
        progress_end(run->progress);
    if (run->log)
        runlog_close(run->log);
    *run = (struct rl_run){0};
}
