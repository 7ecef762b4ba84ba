/* command_run.c: `assay run`: one program in the jail, as the main program, with what it printed
 * and what it cost. */
#include <stdlib.h>

#include "base/file.h"
#include "command.h"
#include "config.h"
#include "problem.h"
#include "report.h"

enum {
    PROGRAM_BYTES_MAX = 16 << 20,
    STDIN_BYTES_MAX = 64 << 20,
    MARGIN_MS = 20000,
    SECONDS_MAX = 3600,
};

struct options {
    const char *file, *input;
    struct limits limits;
    bool json;
};

static const struct argp_option option_table[] = {
    {"stdin", 'i', "FILE", 0, "What the program reads on its standard input (default: nothing)", 0},
    {"cpu", 'c', "SECONDS", 0, "CPU time limit (default 2)", 0},
    {"wall", 'w', "SECONDS", 0, "Wall time limit (default 10)", 0},
    {"memory", 'm', "MIB", 0, "Memory limit (default 256)", 0},
    {"output", 'o', "KIB", 0, "Limit of what it may print (default 256)", 0},
    {"json", 'J', NULL, 0, "Print all as one JSON object on stdout", 0},
    {0},
};

static const char doc[] = "Run one Python program in the jail.\v"
                          "Examples:\n"
                          "  assay run hello.py\n"
                          "  echo 'print(input()[::-1])' | assay run - --stdin words.txt\n"
                          "  assay run --cpu 10 --memory 1024 --json heavy.py | jq .time\n\n"
                          "Its output goes to stdout and stderr, a table of status, time and "
                          "memory to stderr. Exit status: 0 it was "
                          "run, however it ended, 1 a fault of ours, 2 bad usage or bad input.";

static double seconds(struct argp_state *state, const char *what, const char *arg)
{
    char *end;
    double v = strtod(arg, &end);
    if (*end || end == arg || !(v > 0) || v > SECONDS_MAX)
        argp_error(state, "%s %s: a number above 0 and up to %d is wanted", what, arg, SECONDS_MAX);
    return v;
}

static int whole(struct argp_state *state, const char *what, const char *arg, int max)
{
    char *end;
    long v = strtol(arg, &end, 10);
    if (*end || end == arg || v < 1 || v > max)
        argp_error(state, "%s %s: a whole number from 1 to %d is wanted", what, arg, max);
    return (int)v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'i':
        o->input = arg;
        return 0;
    case 'c':
        o->limits.cpu_s = seconds(state, "--cpu", arg);
        return 0;
    case 'w':
        o->limits.wall_s = seconds(state, "--wall", arg);
        return 0;
    case 'm':
        o->limits.memory_mib = whole(state, "--memory", arg, 1 << 20);
        return 0;
    case 'o':
        o->limits.output_kib = whole(state, "--output", arg, 64 << 10);
        return 0;
    case 'J':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one FILE at a time, please");
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, "which FILE? (- is stdin)");
        else if (o->input && strcmp(o->file, "-") == 0 && strcmp(o->input, "-") == 0)
            argp_error(state, "the program and its input cannot both be stdin");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The file as a JSON string, NULL with *err. No file is the empty string. */
static json_t *text_of_file(const char *path, size_t max, struct err *err)
{
    struct buf text = {0};
    if (path && file_read(path, max, &text, err) < 0)
        return NULL;
    json_t *value = json_stringn(buf_view(&text).s, text.len);
    buf_free(&text);
    if (!value)
        err_set(err, -EILSEQ, "%s: not UTF-8 text", path);
    return value;
}

static void put(const json_t *result, const char *key, FILE *out)
{
    const json_t *v = json_object_get(result, key);
    fwrite(json_string_value(v), 1, json_string_length(v), out);
    fflush(out);
}

static void print_table(const json_t *result)
{
    const json_t *time = json_object_get(result, "time");
    const char *reason = json_string_value(json_object_get(result, "reason"));
    const json_t *isolation = json_object_get(result, "isolation");
    fprintf(stderr, "  status     %s%s%s\n", json_string_value(json_object_get(result, "status")),
            reason ? ", " : "", reason ? reason : "");
    fprintf(stderr, "  cpu        %.1f ms\n  wall       %.1f ms\n",
            json_number_value(json_object_get(time, "cpu_ms")),
            json_number_value(json_object_get(time, "wall_ms")));
    fprintf(stderr, "  memory     %.1f MiB\n  isolation ",
            json_number_value(json_object_get(result, "memory_peak_kib")) / 1024);
    for (size_t i = 0; i < json_array_size(isolation); i++)
        fprintf(stderr, " %s", json_string_value(json_array_get(isolation, i)));
    fputc('\n', stderr);
}

static json_t *question_of(const struct options *o, struct err *err)
{
    json_t *input = NULL, *program = text_of_file(o->file, PROGRAM_BYTES_MAX, err);
    if (program)
        input = text_of_file(o->input, STDIN_BYTES_MAX, err);
    if (!input) {
        json_decref(program);
        return NULL;
    }
    const struct limits *l = &o->limits;
    return json_pack("{s:s, s:o, s:o, s:{s:f, s:f, s:i, s:i, s:i}}", "op", "run", "program",
                     program, "stdin", input, "limits", "cpu_s", l->cpu_s, "wall_s", l->wall_s,
                     "memory_mib", l->memory_mib, "output_kib", l->output_kib, "threads",
                     l->threads);
}

int command_run(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, "FILE", doc, config_option, NULL, NULL};
    struct options o = {.limits = LIMITS_DEFAULT};
    struct err err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (o.limits.wall_s < o.limits.cpu_s)
        o.limits.wall_s = o.limits.cpu_s * 2;
    json_t *question = question_of(&o, &err);
    if (!question)
        return command_error(&err);
    json_t *result =
        command_ask(POOL_JUDGE, question, MARGIN_MS + (int64_t)(o.limits.wall_s * 1000), &err);
    json_decref(question);
    if (!result) {
        command_error(&err);
        return EXIT_FAULT;
    }
    if (o.json) {
        json_dumpf(result, stdout, REPORT_JSON);
        putchar('\n');
    } else {
        put(result, "stdout", stdout);
        put(result, "stderr", stderr);
        print_table(result);
    }
    json_decref(result);
    return 0;
}
