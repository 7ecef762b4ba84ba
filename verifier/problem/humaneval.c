/* humaneval.c: HumanEval's JSON lines: {task_id, prompt, entry_point, canonical_solution, test}.
 *
 * The prompt is a file that breaks off inside the entry point: what a `completion` continues.
 * The lines before the entry point (imports, helpers that the tests may call too) are the
 * starter, so that an answer which repeats only the function still has them. `test` defines
 * check(candidate).
 *
 * Published labels and most harnesses for this set put the usual imports before every program,
 * so that `math.sqrt` without its import is no failure. So does this reader: one line, before
 * prompt and program alike. */
#include "readers.h"

static const char usual_imports[] = "import math, re, sys, copy, datetime, itertools, collections, "
                                    "heapq, statistics, functools, hashlib, string, random; "
                                    "from typing import *; from collections import *\n";

static const char *const needed[] = {"task_id", "prompt", "entry_point", "canonical_solution",
                                     "test"};

bool prb_is_humaneval(const json_t *object)
{
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        if (!json_object_get(object, needed[i]))
            return false;
    return true;
}

/* The bytes of `prompt` before the line that starts the definition of `entry`; all of it when
 * there is none. */
static size_t definition_at(const char *prompt, const char *entry)
{
    size_t len = strlen(entry), at = strlen(prompt);
    for (const char *line = prompt; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, "def ", 4) == 0 && strncmp(line + 4, entry, len) == 0 &&
            strchr("( \t", line[4 + len]))
            at = (size_t)(line - prompt);
    return at;
}

int prb_read_humaneval(const json_t *object, const struct where *w, struct problem *ret,
                       struct err *err)
{
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        if (!json_is_string(json_object_get(object, needed[i])))
            return keys_fail(w, object, needed[i], err, "`%s` must be a string", needed[i]);
        TRY(prb_no_nul(object, needed[i], w, err));
    }
    const char *prompt = prb_text(object, "prompt", ""),
               *entry = prb_text(object, "entry_point", "");
    ret->id = check_alloc(strdup(prb_text(object, "task_id", "")));
    ret->prompt = check_alloc(strdup(prompt));
    ret->entry_point = check_alloc(strdup(entry));
    CHECK(asprintf(&ret->starter, "%s%.*s", usual_imports, (int)definition_at(prompt, entry),
                   prompt) >= 0);
    CHECK(asprintf(&ret->prefix, "%s%s", usual_imports, prompt) >= 0);
    ret->limits = LIMITS_DEFAULT;
    json_t *reference = json_sprintf("%s%s", prompt, prb_text(object, "canonical_solution", ""));
    prb_finish(
        ret, &(struct prb_tests){.tests = json_object_get(object, "test"), .reference = reference});
    json_decref(reference);
    return 0;
}
