/* assay tokenize: JSON lines {"text"} to {"ids"}, and back. */
#include <stdlib.h>

#include "base/file.h"
#include "base/keys.h"
#include "base/utf8.h"
#include "trainer/commands.h"
#include "trainer/text/tokenizer.h"

enum { KEY_DECODE = 256 };

struct options {
    const char *model, *input;
    bool decode;
};

static const struct argp_option OPTION_TABLE[] = {
    {"model", 'm', "FOLDER", 0, "A folder that holds tokenizer.json", 0},
    {"decode", KEY_DECODE, NULL, 0, "From {\"ids\"} back to {\"text\"}", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'm':
        o->model = arg;
        return 0;
    case KEY_DECODE:
        o->decode = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num)
            argp_error(state, "one file, please");
        o->input = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->model)
            argp_error(state, "-m MODEL is needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp ARGP = {
    .options = OPTION_TABLE,
    .parser = parse,
    .args_doc = "[FILE|-]",
    .doc = "Read JSON lines with a `text`, write JSON lines with its token `ids`. Special tokens "
           "in the text count as such.\v"
           "Examples:\n"
           "  echo '{\"text\": \"def f(x):\"}' | assay tokenize -m runs/demo/model\n"
           "  assay tokenize -m MODEL texts.jsonl | assay tokenize -m MODEL --decode\n",
};

static json_t *encode(const struct tokenizer *tok, const json_t *text, struct ids *ids)
{
    json_t *out = json_array();
    ids->n = 0;
    tok_encode(tok, str_make(json_string_value(text), json_string_length(text)), true, ids);
    for (int i = 0; i < ids->n; i++)
        json_array_append_new(out, json_integer(ids->v[i]));
    return json_pack("{s:o}", "ids", out);
}

static int decode(const struct tokenizer *tok, const json_t *row, const struct where *w,
                  json_t **ret, struct err *err)
{
    struct buf bytes = {0}, text = {0};
    size_t i;
    json_t *id;
    int rc = 0;
    json_array_foreach (json_object_get(row, "ids"), i, id) {
        const json_int_t n = json_is_integer(id) ? json_integer_value(id) : -1;
        if (n < 0 || n >= tok_vocab(tok)) {
            rc = keys_fail(w, row, "ids", err, "`ids[%zu]` must be a token, 0 to %d", i,
                           tok_vocab(tok) - 1);
            break;
        }
        const int32_t token = (int32_t)n;
        tok_decode(tok, &token, 1, true, &bytes);
    }
    if (rc == 0) {
        utf8_clean(buf_view(&bytes), &text);
        *ret = json_pack("{s:s%}", "text", buf_view(&text).s, text.len);
    }
    buf_free(&bytes);
    buf_free(&text);
    return rc;
}

static int convert(const struct options *o, const struct tokenizer *tok, struct str rest,
                   struct err *err)
{
    const struct key keys[2] = {{"text", KEY_STRING, true}, {"ids", KEY_ARRAY, true}};
    struct ids ids = {0};
    int rc = 0;
    for (int line = 1; rc == 0 && rest.len; line++) {
        ptrdiff_t end = str_find(rest, STR("\n"), 0);
        struct str text = str_make(rest.s, end < 0 ? rest.len : (size_t)end);
        rest = str_from(rest, text.len + 1);
        if (!text.len)
            continue;
        const struct where w = {.file = strcmp(o->input, "-") == 0 ? "stdin" : o->input,
                                .line = line};
        json_error_t at;
        json_t *row = json_loadb(text.s, text.len, JSON_ALLOW_NUL, &at), *out = NULL;
        rc = row ? keys_check(row, &keys[o->decode], 1, "", &w, err)
                 : keys_fail(&w, NULL, NULL, err, "%s", at.text);
        if (rc == 0 && o->decode)
            rc = decode(tok, row, &w, &out, err);
        else if (rc == 0)
            out = encode(tok, json_object_get(row, "text"), &ids);
        if (out) {
            json_dumpf(out, stdout, JSON_COMPACT);
            putchar('\n');
        }
        json_decref(out);
        json_decref(row);
    }
    free(ids.v);
    return rc;
}

int command_tokenize(int argc, char **argv)
{
    struct options o = {.input = "-"};
    struct tokenizer *tok = NULL;
    struct buf bytes = {0};
    struct err err = {0};
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = "assay tokenize";
    argp_parse(&ARGP, argc, argv, 0, NULL, &o);
    int rc = tok_load(o.model, &tok, &err);
    if (rc == 0)
        rc = file_read(o.input, 1 << 30, &bytes, &err);
    if (rc == 0)
        rc = convert(&o, tok, buf_view(&bytes), &err);
    buf_free(&bytes);
    if (tok)
        tok_free(tok);
    if (rc < 0)
        fprintf(stderr, "assay tokenize: %s\n", err.text);
    return rc < 0 ? EXIT_USAGE : 0;
}
