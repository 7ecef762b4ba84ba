/* command_doctor.c: `assay doctor`: what this host offers, and what would make it offer more. */
#include <jansson.h>
#include <stdlib.h>

#include "base/check.h"
#include "command.h"
#include "config.h"
#include "packages.h"
#include "sandbox.h"

static const struct argp_option option_table[] = {
    {"json", 'J', NULL, 0, "Print the findings as JSON", 0},
    {0},
};

static const char doc[] = "Say what isolation and what clocks this host offers.\v"
                          "Examples:\n"
                          "  assay doctor\n"
                          "  assay doctor --json | jq '.probes[] | select(.ok | not)'\n\n"
                          "Exit status: 0 programs can be run safely here, 1 something that assay "
                          "never goes without is missing.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    (void)arg;
    if (key == 'J')
        *(bool *)state->input = true;
    else if (key == ARGP_KEY_ARG)
        argp_error(state, "unexpected argument: %s", arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

int command_doctor(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, NULL, doc, config_option, NULL, NULL};
    bool as_json = false, good = true;
    struct sbx_probe probes[SBX_PROBES_MAX];
    argp_parse(&argp, argc, argv, 0, NULL, &as_json);
    int n = sbx_probe(probes);
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const struct sbx_probe *p = &probes[i];
        good = good && (p->ok || !p->floor);
        json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:s, s:s?, s:s?}", "name", p->name,
                                              "ok", p->ok, "floor", p->floor, "detail", p->detail,
                                              "lost", p->lost, "remedy", p->remedy));
        if (as_json)
            continue;
        printf("%-9s %-26s %s\n",
               p->ok      ? "ok"
               : p->floor ? "MISSING"
                          : "absent",
               p->name, p->detail);
        if (p->lost)
            printf("%-9s %-26s lost: %s\n", "", "", p->lost);
        if (p->remedy)
            printf("%-9s %-26s -> %s\n", "", "", p->remedy);
    }
    json_t *packages = as_json ? json_array() : NULL;
    good = packages_report(packages) && good;
    if (as_json) {
        json_t *all =
            json_pack("{s:b, s:o, s:o}", "ok", good, "probes", list, "packages", packages);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        puts(good ? "Programs can be run here: the floor is there."
                  : "Programs cannot be run here: what is MISSING is never gone without.");
        json_decref(list);
    }
    return good ? 0 : EXIT_FAULT;
}
