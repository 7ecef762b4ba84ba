#include "trainer/rl/dataset.h"

#include "base/file.h"
#include "base/keys.h"

enum { DATASET_FILE_BYTES_MAX = 1 << 30 };

static void add_row(struct dataset *d, struct str prompt, struct str completion)
{
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 1024;
        d->text = xrealloc(d->text, (size_t)d->cap, sizeof *d->text);
    }
    d->text[d->n++] =
        (struct text_row){arena_str(&d->arena, prompt), arena_str(&d->arena, completion)};
}

static struct str json_str(const json_t *s)
{
    return str_make(json_string_value(s), json_string_length(s));
}

/* Without a chat template a conversation is one question and one answer, and the question goes into
 * the prompt template; with one it may have a system message, and any number of turns before the
 * answer, which is what is learned. */
static int messages_row(struct dataset *d, const struct recipe *r, const json_t *messages,
                        const struct where *w, struct err *err)
{
    const size_t n = json_array_size(messages);
    struct chat_message *said = xcalloc(n + 1, sizeof *said);
    struct buf text = {0};
    size_t turn = 0;
    int rc = n >= 2 && (n == 2 || r->chat != CHAT_NONE)
                 ? 0
                 : keys_fail(w, NULL, NULL, err,
                             n < 2 ? "`messages` must end with an answer to something"
                                   : "`messages` of more than one question and its answer need a "
                                     "chat_template in the recipe");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const json_t *m = json_array_get(messages, i), *content = json_object_get(m, "content");
        const char *role = json_string_value(json_object_get(m, "role"));
        const bool system = i == 0 && r->chat != CHAT_NONE && role && strcmp(role, "system") == 0;
        const char *wanted = system ? "system" : turn++ % 2 ? "assistant" : "user";
        if (!role || strcmp(role, wanted) != 0 || !json_is_string(content))
            rc =
                keys_fail(w, NULL, NULL, err,
                          "`messages[%zu]` must have role \"%s\" and a content of text", i, wanted);
        else
            said[i] = (struct chat_message){wanted, json_str(content)};
    }
    if (rc == 0 && turn % 2)
        rc = keys_fail(w, NULL, NULL, err, "`messages` must end with the assistant's answer");
    if (rc == 0) {
        if (r->chat == CHAT_NONE)
            recipe_prompt(r, said[0].content, &text);
        else
            chat_render((enum chat)r->chat, said, (int)n - 1, &text);
        add_row(d, buf_view(&text), said[n - 1].content);
    }
    buf_free(&text);
    free(said);
    return rc;
}

static int json_row(struct dataset *d, const struct recipe *r, const json_t *row,
                    const struct where *w, struct err *err)
{
    const json_t *p = json_object_get(row, "prompt"), *c = json_object_get(row, "completion");
    const json_t *messages = json_object_get(row, "messages");
    if (json_is_array(messages) && !p && !c)
        return messages_row(d, r, messages, w, err);
    if (!json_is_string(p) || !json_is_string(c) || messages)
        return keys_fail(w, NULL, NULL, err,
                         "a row needs `prompt` and `completion`, or `messages`");
    struct buf text = {0};
    recipe_prompt(r, json_str(p), &text);
    add_row(d, buf_view(&text), json_str(c));
    buf_free(&text);
    return 0;
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r\n", s.s[i]))
            return false;
    return true;
}

int dataset_add_file(struct dataset *d, const struct recipe *r, const char *path, struct err *err)
{
    struct buf bytes = {0};
    int rc = file_read(path, DATASET_FILE_BYTES_MAX, &bytes, err), before = d->n;
    struct str rest = buf_view(&bytes);
    for (int line = 1; rc == 0 && rest.len; line++) {
        ptrdiff_t end = str_find(rest, STR("\n"), 0);
        struct str text = str_make(rest.s, end < 0 ? rest.len : (size_t)end);
        rest = str_from(rest, text.len + 1);
        if (is_blank(text))
            continue;
        const struct where w = {.file = path, .line = line};
        json_error_t at;
        json_t *row = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, &at);
        rc = row ? json_row(d, r, row, &w, err) : keys_fail(&w, NULL, NULL, err, "%s", at.text);
        json_decref(row);
    }
    if (rc == 0 && d->n == before)
        rc = err_set(err, -EINVAL, "%s: no rows", path);
    buf_free(&bytes);
    return rc;
}

int dataset_add_tasks(struct dataset *d, const struct task_set *set, enum dataset_tasks which,
                      const char *spec, struct err *err)
{
    int before = d->n;
    for (int i = 0; i < set->n; i++)
        if (set->v[i].demonstration || which == DATASET_ALL)
            add_row(d, str_of(set->v[i].prompt), str_of(set->v[i].demonstration));
    if (d->n == before)
        return err_set(err, -EINVAL, "%s: no problem has a `demonstration` to learn from", spec);
    return 0;
}

int dataset_tokenise(struct dataset *d, const struct tokenizer *tok, int32_t eos, int max_positions,
                     struct err *err)
{
    struct ids ids = {0};
    int rc = eos >= 0 ? 0
                      : err_set(err, -EINVAL,
                                "the model names no token that ends a text (`eos_token_id` of its "
                                "config.json): a completion could not be taught to end");
    d->rows = xrealloc(d->rows, (size_t)d->n, sizeof *d->rows);
    for (int i = 0; rc == 0 && i < d->n; i++) {
        ids.n = 0;
        tok_encode(tok, d->text[i].prompt, true, &ids);
        int n_prompt = ids.n;
        tok_encode(tok, d->text[i].completion, false, &ids);
        int n = ids.n + 1;
        if (n_prompt == 0)
            rc = err_set(err, -EINVAL, "training row %d has an empty prompt", i + 1);
        else if (n > max_positions)
            rc = err_set(err, -EINVAL, "training row %d has %d tokens, the model takes %d", i + 1,
                         n, max_positions);
        if (rc < 0)
            break;
        int32_t *tokens = ARENA_ARRAY(&d->arena, int32_t, (size_t)n);
        memcpy(tokens, ids.v, (size_t)(n - 1) * sizeof *tokens);
        tokens[n - 1] = eos;
        d->rows[i] = (struct rl_sequence){.tokens = tokens, .n_prompt = n_prompt, .n_tokens = n};
    }
    free(ids.v);
    return rc;
}

void dataset_free(struct dataset *d)
{
    arena_free(&d->arena);
    free(d->text);
    free(d->rows);
    *d = (struct dataset){0};
}

int dataset_plan_make(const struct dataset *d, uint64_t seed, int epochs, int tokens_per_batch,
                      struct dataset_plan *ret, struct err *err)
{
    size_t rows = (size_t)d->n * (size_t)epochs;
    if (rows >= INT_MAX)
        return err_set(err, -E2BIG,
                       "%d epochs of %d rows are too many: `max_steps` may say how far", epochs,
                       d->n);
    struct dataset_plan p = {.order = xcalloc(rows, sizeof(int)),
                             .cut = xcalloc(rows + 1, sizeof(int))};
    for (int e = 0; e < epochs; e++) {
        int *order = p.order + (size_t)e * (size_t)d->n, tokens = 0;
        task_shuffle(seed, (uint64_t)e, d->n, order);
        for (int i = 0; i < d->n; i++) {
            int n = d->rows[order[i]].n_tokens;
            if (i == 0 || tokens + n > tokens_per_batch) {
                p.cut[p.n_batches++] = e * d->n + i;
                tokens = 0;
            }
            tokens += n;
        }
        if (e == 0)
            p.batches_per_epoch = p.n_batches;
    }
    p.cut[p.n_batches] = epochs * d->n;
    *ret = p;
    return 0;
}

void dataset_plan_free(struct dataset_plan *p)
{
    free(p->order);
    free(p->cut);
    *p = (struct dataset_plan){0};
}
