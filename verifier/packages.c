/* packages.c: asks a guest, since only the jail knows what the jail lets in. */
#include "verifier/packages.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "command.h"
#include "config.h"
#include "problem.h"

enum { ANSWER_MS_MAX = 60000 };

/* Prints a line a module: its name, "ok" or "no", and its version or what went wrong. */
static const char program_text[] =
    "import importlib\n"
    "for name in NAMES:\n"
    "    try:\n"
    "        module = importlib.import_module(name)\n"
    "        print(name, 'ok', getattr(module, '__version__', 'of the standard library'))\n"
    "    except BaseException as error:\n"
    "        print(name, 'no', type(error).__name__, *str(error).splitlines()[:1])\n";

static json_t *ask(struct err *err)
{
    const struct limits l = LIMITS_DEFAULT;
    struct buf program = {0};
    buf_puts(&program, "NAMES = [");
    for (int i = 0; config_preload(i); i++)
        buf_printf(&program, "'%s', ", config_preload(i));
    buf_puts(&program, "]\n");
    buf_puts(&program, program_text);
    json_t *question =
        json_pack("{s:s, s:s, s:s, s:{s:f, s:f, s:i, s:i, s:i}}", "op", "run", "program", program.s,
                  "stdin", "", "limits", "cpu_s", l.cpu_s, "wall_s", l.wall_s, "memory_mib",
                  l.memory_mib, "output_kib", l.output_kib, "threads", l.threads);
    json_t *result = command_ask(POOL_JUDGE, question, ANSWER_MS_MAX, err);
    json_decref(question);
    buf_free(&program);
    return result;
}

static void tell(json_t *list, const char *name, bool ok, const char *detail)
{
    if (list)
        json_array_append_new(
            list, json_pack("{s:s, s:b, s:s}", "module", name, "ok", ok, "detail", detail));
    else
        printf("%-9s %-26s %s\n", ok ? "ok" : "MISSING", name, detail);
}

bool packages_report(json_t *list)
{
    struct err err = {0};
    bool all = true;
    if (!config_preload(0))
        return true;
    json_t *result = ask(&err);
    if (!result) {
        tell(list, "python packages", false, err.text);
        return false;
    }
    char *text = strdup(json_string_value(json_object_get(result, "stdout"))), *rest;
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        char *name = strsep(&line, " "), *word = strsep(&line, " ");
        bool ok = word && strcmp(word, "ok") == 0;
        all = all && ok;
        tell(list, name, ok, line ? line : "");
    }
    free(text);
    json_decref(result);
    return all;
}
