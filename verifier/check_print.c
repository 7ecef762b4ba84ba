/* check_print.c: what was found in one problem, for people and for programs. */
#include "base/str.h"
#include "check.h"
#include "report.h"

enum { SURVIVORS_SHOWN = 3 };

const char *check_status(const struct check_row *r)
{
    return r->infra[0]                 ? "INFRA"
           : r->worst == CHECK_ERROR   ? "FAIL"
           : r->worst == CHECK_WARNING ? "warn"
                                       : "ok";
}

/* The first line of a text, made safe for a terminal. */
static void print_line(const char *indent, const char *text)
{
    size_t n = strcspn(text, "\n");
    fputs(indent, stdout);
    for (size_t i = 0; i < n; i++)
        putchar((unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
    puts(text[n] ? " ..." : "");
}

/* A mutant that passes, as the line that was and the line that does as well. */
static void print_survivor(const json_t *f)
{
    const char *was = json_string_value(json_object_get(f, "was")),
               *now = json_string_value(json_object_get(f, "now"));
    char indent[32];
    snprintf(indent, sizeof indent, "         %4lld  - ",
             (long long)json_integer_value(json_object_get(f, "line")));
    print_line(indent, was ? was : "");
    print_line("               + ", now && *now ? now : "(nothing)");
}

void check_print(const struct check_row *r, int width, bool verbose)
{
    int survivors = 0;
    size_t i;
    json_t *f;
    printf("%-6s %-*s  reference %d/%d", check_status(r), width, r->problem->id, r->passed,
           r->runs);
    if (r->others)
        printf("  others %d/%d", r->others_passed, r->others);
    printf("  wrong %d/%d  mutants %d/%d", r->wrong_caught, r->wrong, r->killed, r->mutants);
    if (r->worst == CHECK_ERROR || r->infra[0])
        printf("  (%s)", r->problem->source);
    putchar('\n');
    if (r->infra[0])
        printf("       cannot be judged: %s\n", r->infra);
    json_array_foreach (r->findings, i, f) {
        const char *level = json_string_value(json_object_get(f, "level"));
        if (json_object_get(f, "was")) {
            if (verbose || survivors++ < SURVIVORS_SHOWN)
                print_survivor(f);
        } else if (verbose || strcmp(level, "note") != 0) {
            char indent[32];
            snprintf(indent, sizeof indent, "       %s: ", level);
            print_line(indent, json_string_value(json_object_get(f, "message")));
        }
    }
    if (survivors > SURVIVORS_SHOWN)
        printf("               %d more with -v\n", survivors - SURVIVORS_SHOWN);
}

void check_print_json(const struct check_row *r)
{
    static const char *const levels[] = {"clean", "warning", "error"};
    json_t *line = json_pack(
        "{s:s, s:s, s:b, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:s?, s:O}", "id",
        r->problem->id, "source", r->problem->source, "ok", r->worst < CHECK_ERROR && !r->infra[0],
        "level", levels[r->worst], "reference_passed", r->passed, "reference_runs", r->runs,
        "references", r->others, "references_passed", r->others_passed, "wrong", r->wrong,
        "wrong_caught", r->wrong_caught, "mutants", r->mutants, "mutants_killed", r->killed,
        "reference_cpu_ms", r->cpu_ms, "infra", r->infra[0] ? r->infra : NULL, "findings",
        r->findings);
    CHECK(line);
    json_dumpf(line, stdout, REPORT_JSON);
    putchar('\n');
    json_decref(line);
}
