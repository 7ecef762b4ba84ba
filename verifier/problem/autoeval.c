/* autoeval.c: SandboxFusion's rows: {id, content, test, canonical_solution, labels}.
 *
 * `labels` is JSON text: entry_point, programming_language, ... `test` is one of
 *     Python source                     asserts and check(candidate), or a module of test cases
 *     {"code": source, "asset": null}   AutoEval: a module of test functions and classes
 *     {"code": "...#<INSERT>...", "asset": {"word_test.py": base64}}   the program is the module
 *                                       `word`, which the one test file imports
 * as an object or as its JSON text. Tests that need other files, or a language other than
 * Python, are refused with the reason. */
#include <regex.h>

#include "readers.h"

bool prb_is_autoeval(const json_t *object)
{
    const json_t *test = json_object_get(object, "test");
    const char *text = json_string_value(test);
    /* Without any space it is no source but packed data: another format. */
    bool readable = json_is_object(test) || (text && *text != '[' && strpbrk(text, " \n{"));
    return readable && json_object_get(object, "id") &&
           json_is_string(json_object_get(object, "content"));
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    CHECK(regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) == 0);
    bool found = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return found;
}

static const char test_module[] = "^(class [A-Za-z0-9_]*Test|class .*TestCase|def test)";

/* ---- assets ---------------------------------------------------------------------------------- */

static int sextet(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Text that was written as base64; false where it is none, or holds a NUL. */
static bool decode(const char *text, struct buf *out)
{
    unsigned bits = 0, have = 0;
    for (; *text && *text != '='; text++) {
        int value = sextet(*text);
        if (value < 0 && !isspace((unsigned char)*text))
            return false;
        if (value < 0)
            continue;
        bits = (bits << 6 | (unsigned)value) & 0xfff;
        if ((have += 6) >= 8) {
            have -= 8;
            if (!(bits >> have & 0xff))
                return false;
            buf_char(out, (char)(bits >> have));
        }
    }
    return text[strspn(text, "= \n")] == 0;
}

struct tests {
    json_t *source, *modules;
    bool framework;
};

/* The one asset `word_test.py`; the program is `word`. */
static int read_inserted(const json_t *object, const json_t *assets, const struct where *w,
                         struct tests *ret, struct err *err)
{
    static const char ending[] = "_test.py";
    const char *name = json_object_iter_key(json_object_iter((json_t *)assets));
    size_t n = name ? strlen(name) : 0, tail = sizeof ending - 1;
    struct buf text = {0};
    if (json_object_size(assets) != 1 || n <= tail || strcmp(name + n - tail, ending) != 0)
        return keys_fail(w, object, "test", err,
                         "`test.asset` must hold exactly one file, NAME_test.py: other files are "
                         "not given to tests");
    const char *packed = prb_text(assets, name, NULL);
    ret->source =
        packed && decode(packed, &text) ? json_stringn(buf_view(&text).s, text.len) : NULL;
    ret->modules = json_pack("[o]", json_stringn(name, n - tail));
    ret->framework = true;
    buf_free(&text);
    return ret->source ? 0
                       : keys_fail(w, object, "test", err,
                                   "`test.asset.%.100s` is not the base64 "
                                   "of a text",
                                   name);
}

static int read_test(const json_t *object, const struct where *w, struct tests *ret,
                     struct err *err)
{
    const json_t *test = json_object_get(object, "test");
    const char *text = json_string_value(test);
    if (text && text[strspn(text, " \t\r\n")] != '{') {
        TRY(prb_no_nul(object, "test", w, err));
        ret->source = json_string(text);
        ret->framework = matches(text, test_module);
        return 0;
    }
    json_t *inner = prb_inner(object, "test");
    const json_t *assets = json_object_get(inner, "asset");
    const char *code = prb_text(inner, "code", NULL);
    int rc = 0;
    if (!json_is_object(inner))
        rc = keys_fail(w, object, "test", err, "`test` is neither Python source nor JSON");
    else if (!code)
        rc = keys_fail(w, object, "test", err,
                       "`test.code` is missing: nothing here tests a program");
    else if (strstr(code, "#<INSERT>") && json_object_size(assets) > 0)
        rc = read_inserted(object, assets, w, ret, err);
    else if (json_object_size(assets) > 0)
        rc = keys_fail(w, object, "test", err,
                       "`test.asset`: files beside the tests (%.100s, ...) are not given to them",
                       json_object_iter_key(json_object_iter((json_t *)assets)));
    else
        *ret = (struct tests){.source = json_string(code), .framework = matches(code, test_module)};
    json_decref(inner);
    return rc;
}

/* ---- the row --------------------------------------------------------------------------------- */

static bool defines(const char *text, const char *entry)
{
    size_t n = strlen(entry);
    for (const char *at = text; (at = strstr(at, entry)); at++)
        if (at - text >= 4 && strncmp(at - 4, "def ", 4) == 0 && strchr("( \t", at[n]))
            return true;
    return false;
}

static json_t *reference(const json_t *object, const char *content, const char *entry)
{
    const char *solution = prb_text(object, "canonical_solution", NULL);
    if (!solution)
        return NULL;
    json_t *program = prb_unfence(solution);
    if (entry && defines(content, entry) && !defines(json_string_value(program), entry)) {
        json_t *whole = json_sprintf("%s%s", content, json_string_value(program));
        json_decref(program);
        return whole;
    }
    return program;
}

static void read_row(const json_t *object, const json_t *labels, const struct tests *tests,
                     struct problem *ret)
{
    static const char *const ids[] = {"id"};
    const char *content = prb_text(object, "content", "");
    const char *entry = prb_text(labels, "entry_point", NULL);
    ret->id = prb_foreign_id(object, ids, COUNT_OF(ids), "");
    if (entry && defines(content, entry)) {
        prb_continue(ret, content, entry);
    } else {
        ret->prompt = check_alloc(strdup(content));
        ret->entry_point = entry && *entry ? check_alloc(strdup(entry)) : NULL;
        ret->starter = check_alloc(strdup(prb_usual_imports));
    }
    ret->limits = LIMITS_DEFAULT;
    ret->limits.cpu_s = 10;
    ret->limits.wall_s = 30;
    if (tests->framework)
        ret->limits.memory_mib = 1024;
    json_t *derive = tests->framework ? json_pack("{s:i}", "times", 4) : NULL;
    json_t *program = reference(object, content, entry);
    prb_finish(ret, &(struct prb_tests){.tests = tests->source,
                                        .framework = tests->framework ? "pytest" : NULL,
                                        .modules = tests->modules,
                                        .derive = derive,
                                        .reference = program});
    json_decref(derive);
    json_decref(program);
}

int prb_read_autoeval(const json_t *object, const struct where *w, struct problem *ret,
                      struct err *err)
{
    static const char *const texts[] = {"content"};
    struct tests tests = {0};
    TRY(prb_need_texts(object, texts, COUNT_OF(texts), w, err));
    json_t *labels = prb_inner(object, "labels");
    const char *language = prb_text(labels, "programming_language", "python");
    int rc =
        strcmp(language, "python") == 0
            ? read_test(object, w, &tests, err)
            : keys_fail(w, object, "labels", err,
                        "`labels.programming_language` is %.40s: only Python is graded", language);
    if (rc == 0)
        read_row(object, labels, &tests, ret);
    json_decref(labels);
    json_decref(tests.source);
    json_decref(tests.modules);
    return rc;
}
