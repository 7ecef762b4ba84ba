/* Any bytes as a program: the linter names a language and lists diagnostics that point into the text. The first byte chooses
 * whether there is an entry point and a starter. A program that no sign of a pattern is in has no match of one. */
#include "verifier/lint.h"

#include "base/check.h"
#include "verifier/linter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct linter l;
    if (!l.language)
        linter_open(&l);
    int flags = size ? data[0] : 0;
    struct str text = str_make((const char *)data + (size > 0), size - (size > 0));
    json_t *json = json_stringn(text.s, text.len);
    if (!json)
        return 0; /* not UTF-8: such a text does not come this far */
    json_t *job =
        json_pack("{s:o, s:s?, s:s?}", "text", json, "entry_point", flags & 1 ? "solve" : NULL,
                  "starter", flags & 2 ? "import math\ndef helper(x): return x\n" : NULL);
    json_t *result = linter_run(&l, job), *d;
    const json_t *diagnostics = json_object_get(result, "diagnostics");
    size_t i, lines = 1;
    for (size_t at = 0; at < text.len; at++)
        lines += text.s[at] == '\n';
    CHECK(json_is_string(json_object_get(result, "language")));
    CHECK(json_is_boolean(json_object_get(result, "parses")));
    CHECK(json_is_array(json_object_get(result, "defines")));
    CHECK(json_array_size(diagnostics) <= LINT_DIAGNOSTICS_MAX);
    json_array_foreach (diagnostics, i, d) {
        json_int_t line = json_integer_value(json_object_get(d, "line"));
        CHECK(line >= 1 && (size_t)line <= lines + 1);
        CHECK(json_integer_value(json_object_get(d, "column")) >= 1);
        CHECK(json_string_length(json_object_get(d, "code")) > 0);
        CHECK(json_string_length(json_object_get(d, "message")) > 0);
    }
    if (json_is_true(json_object_get(
            result, "parses"))) { /* whether patterns are looked for says nothing else */
        const unsigned needs = l.needs;
        l.needs = ~0u;
        json_t *asked = linter_run(&l, job);
        CHECK(json_equal(result, asked));
        json_decref(asked);
        l.needs = needs;
    }
    json_decref(result);
    json_decref(job);
    return 0;
}
