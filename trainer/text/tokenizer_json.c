/* tokenizer_json.c: the Hugging Face tokenizer.json, as far as it describes byte-level BPE.
 *
 *   {"added_tokens": [{"id", "content", "special", ...}],
 *    "normalizer": null | {"type": "NFC"},
 *    "pre_tokenizer": {"type": "ByteLevel", "use_regex": true}, which is GPT-2's pattern, or
 *        {"type": "Sequence", "pretokenizers": [Split{Regex}, ByteLevel{"use_regex": false}]},
 *    "decoder": {"type": "ByteLevel"},
 *    "model": {"type": "BPE", "vocab": {TOKEN: id}, "merges": ["A B", ...] | [["A", "B"], ...]}}
 *
 * TOKEN spells each byte as one printable character (GPT-2's alphabet). Truncation, padding and the
 * post-processor describe what is put around ids, which tok_encode never does: they do not change a
 * result here. Every other part that would change an id is refused by name.
 *
 * A tokenizer that was read is written as the bytes that were read, tokenizer_config.json and
 * chat_template.jinja too, so that nothing which other programs find there is lost. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/keys.h"
#include "trainer/text/tok_internal.h"

enum { TOKENIZER_BYTES_MAX = 256 << 20 };

/* ---- GPT-2's alphabet: byte <-> code point -------------------------------------------------- */

/* Printable bytes stand for themselves, the others for the code points from U+0100 on, in order. */
static void alphabet(uint16_t code_of[256])
{
    uint16_t next = 256;
    for (int b = 0; b < 256; b++) {
        bool printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        code_of[b] = printable ? (uint16_t)b : next++;
    }
}

static void spell(const uint16_t code_of[256], struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned c = code_of[(unsigned char)bytes.s[i]];
        if (c >= 0x80)
            buf_char(out, (char)(0xc0 | c >> 6));
        buf_char(out, (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c));
    }
}

/* The bytes that `text` spells; false when it holds a character outside the alphabet. */
static bool unspell(const int16_t byte_of[512], struct str text, struct buf *out)
{
    buf_clear(out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned c = (unsigned char)text.s[i];
        if (c >= 0x80) {
            if ((c & 0xe0) != 0xc0 || i + 1 >= text.len)
                return false;
            c = (c & 0x1f) << 6 | ((unsigned char)text.s[++i] & 0x3f);
        }
        if (c >= 512 || byte_of[c] < 0)
            return false;
        buf_char(out, (char)byte_of[c]);
    }
    return true;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
    const char *name;
    struct tokenizer *t;
    int16_t byte_of[512];
    struct err *err;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reader *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(r->err, -EINVAL, "%s: %s", r->name, text);
}

static const char *type_of(const json_t *o)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    return type ? type : "(none)";
}

static bool is_type(const json_t *o, const char *type)
{
    return strcmp(type_of(o), type) == 0;
}

static struct str text_of(const json_t *s)
{
    return str_make(json_string_value(s), json_string_length(s));
}

/* Refuses settings that would change ids: every key of `keys` must be absent, null, false, zero or
 * "". */
static int must_be_off(struct reader *r, const json_t *o, const char *what, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *v = json_object_get(o, *keys);
        bool off = !v || json_is_null(v) || json_is_false(v) ||
                   (json_is_string(v) && json_string_length(v) == 0) ||
                   (json_is_number(v) && !(json_number_value(v) > 0 || json_number_value(v) < 0));
        if (!off)
            return refuse(r, "%s with `%s` is not supported", what, *keys);
    }
    return 0;
}

static int read_byte_level(struct reader *r, const json_t *o, bool *ret_use_regex)
{
    static const char *const off[] = {"add_prefix_space", NULL};
    if (!is_type(o, "ByteLevel"))
        return refuse(r, "pre_tokenizer of type `%.60s` is not supported (want ByteLevel)",
                      type_of(o));
    *ret_use_regex = !json_is_false(json_object_get(o, "use_regex"));
    return must_be_off(r, o, "ByteLevel", off);
}

static int read_pre_tokenizer(struct reader *r, const json_t *pre)
{
    static const char *const off[] = {"invert", NULL};
    const json_t *list = json_object_get(pre, "pretokenizers");
    bool use_regex = false;
    struct err bad;
    const char *pattern = TOK_PATTERN_GPT2;
    if (is_type(pre, "Sequence")) {
        const json_t *split = json_array_get(list, 0);
        const json_t *behavior = json_object_get(split, "behavior");
        pattern = json_string_value(json_object_get(json_object_get(split, "pattern"), "Regex"));
        if (json_array_size(list) != 2 || !is_type(split, "Split"))
            return refuse(r, "pre_tokenizer Sequence must be [Split, ByteLevel]");
        if (!pattern || !json_is_string(behavior) ||
            strcmp(json_string_value(behavior), "Isolated") != 0)
            return refuse(r, "Split must have a `Regex` pattern and the behavior `Isolated`");
        TRY(must_be_off(r, split, "Split", off));
        TRY(read_byte_level(r, json_array_get(list, 1), &use_regex));
        if (use_regex)
            return refuse(r, "ByteLevel after a Split must have `use_regex`: false");
    } else {
        TRY(read_byte_level(r, pre, &use_regex));
        if (!use_regex)
            return refuse(r, "ByteLevel alone must have `use_regex`: true");
    }
    if (tok__set_pattern(r->t, pattern, &bad) < 0)
        return refuse(r, "%s", bad.text);
    return 0;
}

/* Checks the added tokens, and with `place` adds them: which must come after the vocabulary. */
static int read_added(struct reader *r, const json_t *list, bool place)
{
    static const char *const off[] = {"single_word", "lstrip", "rstrip", NULL};
    size_t i;
    json_t *o;
    if (list && !json_is_array(list))
        return refuse(r, "`added_tokens` must be a list");
    json_array_foreach ((json_t *)list, i, o) {
        const json_t *id = json_object_get(o, "id"), *content = json_object_get(o, "content");
        if (!json_is_integer(id) || !json_is_string(content) || !json_string_length(content))
            return refuse(r, "added_tokens[%zu] needs an `id` and a `content`", i);
        if (json_integer_value(id) < 0 || json_integer_value(id) >= TOK_VOCAB_MAX)
            return refuse(r, "added_tokens[%zu]: id %lld is out of range", i,
                          (long long)json_integer_value(id));
        TRY(must_be_off(r, o, "an added token", off));
        if (place && tok__add_special(r->t, text_of(content), (int32_t)json_integer_value(id),
                                      json_is_true(json_object_get(o, "special")),
                                      json_is_true(json_object_get(o, "normalized"))) < 0)
            return refuse(r, "added_tokens[%zu]: id %lld is taken", i,
                          (long long)json_integer_value(id));
    }
    return 0;
}

/* The added tokens' contents by id, of which there are *ret_n; free it. */
static const char **added_by_id(const json_t *added, json_int_t *ret_n)
{
    size_t i;
    json_t *o;
    json_int_t n = 0;
    json_array_foreach ((json_t *)added, i, o) {
        const json_int_t id = json_integer_value(json_object_get(o, "id"));
        n = id >= n ? id + 1 : n;
    }
    const char **content = xcalloc((size_t)n, sizeof *content);
    json_array_foreach ((json_t *)added, i, o)
        content[json_integer_value(json_object_get(o, "id"))] =
            json_string_value(json_object_get(o, "content"));
    *ret_n = n;
    return content;
}

static int read_vocab(struct reader *r, const json_t *vocab, const json_t *added)
{
    const char *text;
    json_t *v;
    json_int_t n_added;
    const char **of_added = added_by_id(added, &n_added);
    struct buf bytes = {0};
    int rc = json_is_object(vocab) ? 0 : refuse(r, "`model.vocab` must be a mapping");
    json_object_foreach ((json_t *)vocab, text, v) {
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || id >= TOK_VOCAB_MAX)
            rc = refuse(r, "the id of token `%.60s` is not a number in 0 .. %d", text,
                        TOK_VOCAB_MAX - 1);
        else if (id < n_added && of_added[id] && strcmp(of_added[id], text) == 0)
            continue;
        else if (!*text || !unspell(r->byte_of, str_of(text), &bytes))
            rc = refuse(r, "token `%.60s` (id %lld) is not spelt in the byte-level alphabet", text,
                        (long long)id);
        else if (tok__put(r->t, (int32_t)id, buf_view(&bytes)) < 0)
            rc = refuse(r, "id %lld of token `%.60s` is taken", (long long)id, text);
        if (rc < 0)
            break;
    }
    free(of_added);
    buf_free(&bytes);
    return rc;
}

static int32_t spelt_id(struct reader *r, struct str text, struct buf *scratch)
{
    if (!text.len || !unspell(r->byte_of, text, scratch))
        return -1;
    return tok__find(r->t, buf_view(scratch));
}

static int read_merges(struct reader *r, const json_t *merges)
{
    struct buf scratch = {0};
    size_t i;
    json_t *m;
    int rc = json_is_array(merges) ? 0 : refuse(r, "`model.merges` must be a list");
    json_array_foreach ((json_t *)merges, i, m) {
        struct str left = {0}, right = {0};
        if (json_is_array(m) && json_array_size(m) == 2) {
            left = text_of(json_array_get(m, 0));
            right = text_of(json_array_get(m, 1));
        } else if (json_is_string(m)) {
            struct str both = text_of(m);
            ptrdiff_t space = str_find(both, STR(" "), 0);
            left = space < 0 ? both : str_make(both.s, (size_t)space);
            right = space < 0 ? left : str_from(both, (size_t)space + 1);
        }
        int32_t a = spelt_id(r, left, &scratch), b = spelt_id(r, right, &scratch);
        if (a < 0 || b < 0 || tok__merge(r->t, a, b) < 0) {
            rc =
                refuse(r, "merges[%zu] does not join two tokens of the vocabulary into a third", i);
            break;
        }
    }
    buf_free(&scratch);
    return rc;
}

static int read_root(struct reader *r, const json_t *root)
{
    static const struct key keys[] = {
        {"version", KEY_ANY, false},
        {"truncation", KEY_ANY, false},
        {"padding", KEY_ANY, false},
        {"added_tokens", KEY_ARRAY | KEY_NULL, false},
        {"normalizer", KEY_OBJECT | KEY_NULL, false},
        {"pre_tokenizer", KEY_OBJECT, true},
        {"post_processor", KEY_OBJECT | KEY_NULL, false},
        {"decoder", KEY_OBJECT, true},
        {"model", KEY_OBJECT, true},
    };
    static const char *const off[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
                                      "byte_fallback", NULL};
    struct where w = {.file = r->name};
    TRY(keys_check(root, keys, COUNT_OF(keys), "", &w, r->err));
    const json_t *model = json_object_get(root, "model"),
                 *normalizer = json_object_get(root, "normalizer");
    const json_t *added = json_object_get(root, "added_tokens");
    added = json_is_array(added) ? added : NULL;
    if (json_object_get(model, "type") && !is_type(model, "BPE"))
        return refuse(r, "model of type `%.60s` is not supported (want BPE)", type_of(model));
    if (!is_type(json_object_get(root, "decoder"), "ByteLevel"))
        return refuse(r, "decoder of type `%.60s` is not supported (want ByteLevel)",
                      type_of(json_object_get(root, "decoder")));
    if (json_is_object(normalizer) && !is_type(normalizer, "NFC"))
        return refuse(r, "normalizer of type `%.60s` is not supported (want NFC or null)",
                      type_of(normalizer));
    r->t->nfc = json_is_object(normalizer);
    r->t->ignore_merges = json_is_true(json_object_get(model, "ignore_merges"));
    TRY(must_be_off(r, model, "BPE", off));
    TRY(read_pre_tokenizer(r, json_object_get(root, "pre_tokenizer")));
    TRY(read_added(r, added, false));
    TRY(read_vocab(r, json_object_get(model, "vocab"), added));
    TRY(read_merges(r, json_object_get(model, "merges")));
    TRY(read_added(r, added, true));
    struct err bad;
    return tok__finish(r->t, &bad) < 0 ? refuse(r, "%s", bad.text) : 0;
}

int tok__parse(const char *name, struct str text, struct tokenizer **ret, struct err *err)
{
    struct reader r = {.name = name, .err = err};
    uint16_t code_of[256];
    json_error_t bad;
    json_t *root = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, &bad);
    if (!root)
        return err_set(err, -EINVAL, "%s:%d: %s", name, bad.line, bad.text);
    alphabet(code_of);
    memset(r.byte_of, 0xff, sizeof r.byte_of);
    for (int b = 0; b < 256; b++)
        r.byte_of[code_of[b]] = (int16_t)b;
    r.t = tok__new();
    int rc = read_root(&r, root);
    json_decref(root);
    if (rc < 0)
        tok_free(r.t);
    else
        *ret = r.t;
    return rc;
}

/* tokenizer_config.json holds what other programs need (chat template, names of special tokens). */
static int read_config(struct tokenizer *t, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    json_error_t bad;
    snprintf(path, sizeof path, "%s/tokenizer_config.json", dir);
    if (access(path, F_OK) != 0)
        return 0;
    TRY(file_read(path, TOKENIZER_BYTES_MAX, &text, err));
    t->config = json_loadb(buf_view(&text).s, text.len, 0, &bad);
    t->config_file = text;
    return t->config ? 0 : err_set(err, -EINVAL, "%s:%d: %s", path, bad.line, bad.text);
}

/* Where newer folders keep the chat template. */
static int read_chat(struct tokenizer *t, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/chat_template.jinja", dir);
    return access(path, F_OK) == 0 ? file_read(path, TOKENIZER_BYTES_MAX, &t->chat_file, err) : 0;
}

int tok_load(const char *dir, struct tokenizer **ret, struct err *err)
{
    char path[PATH_MAX];
    struct buf text = {0};
    struct tokenizer *t = NULL;
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    TRY(file_read(path, TOKENIZER_BYTES_MAX, &text, err));
    int rc = tok__parse(path, buf_view(&text), &t, err);
    if (!t) {
        buf_free(&text);
        return rc;
    }
    t->file = text;
    rc = read_config(t, dir, err);
    if (rc == 0)
        rc = read_chat(t, dir, err);
    if (rc < 0)
        tok_free(t);
    else
        *ret = t;
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *byte_level(bool use_regex)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0,
                     "trim_offsets", 0, "use_regex", use_regex);
}

static json_t *pre_tokenizer(const struct tokenizer *t)
{
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, o]}", "type", "Sequence", "pretokenizers",
                     "type", "Split", "pattern", "Regex", t->pattern, "behavior", "Isolated",
                     "invert", 0, byte_level(false));
}

static json_t *model_json(const struct tokenizer *t)
{
    uint16_t code_of[256];
    struct buf text = {0};
    json_t *vocab = json_object(), *merges = json_array();
    alphabet(code_of);
    for (int id = 0; id < t->n_tokens; id++) {
        if (!t->token[id].s || t->is_added[id])
            continue;
        buf_clear(&text);
        spell(code_of, t->token[id], &text);
        json_object_set_new_nocheck(vocab, text.s, json_integer(id));
    }
    for (int i = 0; i < t->n_merges; i++) {
        buf_clear(&text);
        spell(code_of, t->token[t->merges[i].left], &text);
        buf_char(&text, ' ');
        spell(code_of, t->token[t->merges[i].right], &text);
        json_array_append_new(merges, json_stringn_nocheck(text.s, text.len));
    }
    buf_free(&text);
    return json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                     "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                     "byte_fallback", 0, "ignore_merges", 0, "vocab", vocab, "merges", merges);
}

static json_t *added_tokens(const struct tokenizer *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->n_added; i++) {
        const struct tok_added *a = &t->added[i];
        json_array_append_new(list, json_pack("{s:i, s:s%, s:b, s:b, s:b, s:b, s:b}", "id", a->id,
                                              "content", a->content.s, a->content.len,
                                              "single_word", 0, "lstrip", 0, "rstrip", 0,
                                              "normalized", a->normalized, "special", a->special));
    }
    return list;
}

static int write_json(const char *dir, const char *name, const json_t *root, struct err *err)
{
    char path[PATH_MAX];
    struct file_new f = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    TRY(file_new_open(&f, path, err));
    if (json_dumpf(root, f.out, JSON_INDENT(2)) != 0) {
        int code = errno ? -errno : -EIO;
        file_new_discard(&f);
        return err_set(err, code, "%s: could not be written", path);
    }
    fputc('\n', f.out);
    return file_new_commit(&f, err);
}

const char *tok_chat_template(const struct tokenizer *t)
{
    const json_t *one, *all = json_object_get(t->config, "chat_template");
    size_t i;
    if (t->chat_file.len)
        return t->chat_file.s;
    json_array_foreach ((json_t *)all, i, one) { /* several by name */
        const char *name = json_string_value(json_object_get(one, "name"));
        if (name && strcmp(name, "default") == 0)
            return json_string_value(json_object_get(one, "template"));
    }
    return json_string_value(all);
}

static int save_learnt(const struct tokenizer *t, const char *dir, struct err *err)
{
    json_t *root = json_pack("{s:s, s:n, s:n, s:o, s:n, s:o, s:n, s:o, s:o}", "version", "1.0",
                             "truncation", "padding", "added_tokens", added_tokens(t), "normalizer",
                             "pre_tokenizer", pre_tokenizer(t), "post_processor", "decoder",
                             byte_level(true), "model", model_json(t));
    CHECK(root);
    int rc = write_json(dir, "tokenizer.json", root, err);
    json_decref(root);
    return rc;
}

static int save_config(const struct tokenizer *t, const char *dir, struct err *err)
{
    json_t *config =
        json_pack("{s:s, s:s*, s:b}", "tokenizer_class", "PreTrainedTokenizerFast", "eos_token",
                  t->n_added ? t->added[0].content.s : NULL, "clean_up_tokenization_spaces", 0);
    int rc = write_json(dir, "tokenizer_config.json", check_alloc(config), err);
    json_decref(config);
    return rc;
}

static int save_file(const struct buf *file, const char *dir, const char *name, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return file_replace(path, buf_view(file), err);
}

int tok_save(const struct tokenizer *t, const char *dir, struct err *err)
{
    TRY(t->file.len ? save_file(&t->file, dir, "tokenizer.json", err) : save_learnt(t, dir, err));
    if (t->chat_file.len)
        TRY(save_file(&t->chat_file, dir, "chat_template.jinja", err));
    return t->config ? save_file(&t->config_file, dir, "tokenizer_config.json", err)
                     : save_config(t, dir, err);
}
