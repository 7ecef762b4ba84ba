/* command_lint.c: `assay lint`: which language a text is written in, and what is wrong with it: the
 * whole text, or the program in a model's reply. */
#include <stdlib.h>

#include "base/file.h"
#include "command.h"
#include "extract.h"
#include "lint.h"
#include "report.h"

enum { LINT_MS_MAX = 20000 };

struct options {
    const char *file, *entry_point;
    bool json, reply;
};

static const struct argp_option option_table[] = {
    {"json", 'J', NULL, 0, "Print the linter's answer as JSON", 0},
    {"reply", 'r', NULL, 0,
     "FILE is a model's reply: look at the program in it, found as grading finds it", 0},
    {"entry-point", 'e', "NAME", 0, "The function or class that the text should define", 0},
    {0},
};

static const char doc[] = "Say what language a text is written in and what a linter finds in it.\v"
                          "Examples:\n"
                          "  assay lint solution.py\n"
                          "  assay lint --reply reply.txt\n"
                          "  assay lint --reply --json - < reply.txt | jq -r .language\n\n"
                          "The text is parsed, never run. Exit status: 0 it was looked at, 1 a "
                          "fault of ours, 2 bad usage or bad input.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'J':
        o->json = true;
        return 0;
    case 'r':
        o->reply = true;
        return 0;
    case 'e':
        o->entry_point = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "one FILE at a time, please");
        o->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, "which FILE? (- is stdin)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Bytes of what a terminal would obey, not show, at `s`: control characters, and those that turn the
 * direction of writing. */
static int unsafe_bytes(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < ' ' || u[0] == 0x7f)
        return u[0] != '\t';
    if (u[0] == 0xc2 && u[1] < 0xa0)
        return 2;
    bool turns = u[0] == 0xe2 && ((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
                                  (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
    return turns ? 3 : 0;
}

static void print_safely(const char *s)
{
    while (*s) {
        int n = unsafe_bytes(s);
        putchar(n ? '?' : *s);
        s += n ? n : 1;
    }
}

/* The line with a caret under its place: under tabs stand tabs, so that both indent alike. */
static void print_source(const char *source, int column)
{
    printf("    ");
    print_safely(source);
    printf("\n    ");
    for (const char *s = source; *s && column > 1; s++)
        if (((unsigned char)*s & 0xc0) != 0x80) {
            putchar(*s == '\t' ? '\t' : ' ');
            column--;
        }
    printf("^\n");
}

static int integer_of(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* `first`: the line of `file` where the text begins. `rule`: how it was found there, or NULL. */
static void print_report(const json_t *result, const char *file, int first, const char *rule)
{
    const json_t *list = json_object_get(result, "diagnostics");
    size_t n = json_array_size(list);
    printf("%s: %s%s", file, text_of(result, "language"),
           json_is_true(json_object_get(result, "parses")) ||
                   strcmp(text_of(result, "language"), "python") != 0
               ? ""
               : ", with syntax errors");
    if (rule)
        printf(" (%s)", rule);
    putchar('\n');
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(list, i);
        printf("%s:%d:%d: %s: ", file, first - 1 + integer_of(d, "line"), integer_of(d, "column"),
               text_of(d, "severity"));
        print_safely(text_of(d, "message"));
        printf(" [%s]\n", text_of(d, "code"));
        if (text_of(d, "source"))
            print_source(text_of(d, "source"), integer_of(d, "column"));
    }
}

/* The line of `text` where `part` begins; 0 where it does not stand there as it is. */
static int line_of(struct str text, struct str part)
{
    const ptrdiff_t at = str_find(text, part, 0);
    int line = at >= 0;
    for (ptrdiff_t i = 0; i < at; i++)
        line += text.s[i] == '\n';
    return line;
}

int command_lint(int argc, char **argv)
{
    static const struct argp argp = {option_table, parse, "FILE", doc, NULL, NULL, NULL};
    struct options o = {0};
    struct buf text = {0};
    struct arena arena = {0};
    struct extraction x = {0};
    struct err err = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (file_read(o.file, LINT_TEXT_BYTES_MAX, &text, &err) < 0)
        return command_error(&err);
    struct str code = buf_view(&text);
    if (o.reply) {
        extract_program(code, o.entry_point, &arena, &x);
        code = x.code;
    }
    /* A program that was put together, or whose indentation was taken off, has lines of its own. */
    const int first = line_of(buf_view(&text), code);
    const char *name = strcmp(o.file, "-") == 0 ? "stdin" : o.file;
    json_t *source = json_stringn(code.s, code.len), *result = NULL;
    buf_free(&text);
    arena_free(&arena);
    if (!source) {
        err_set(&err, -EILSEQ, "%s: not UTF-8 text", name);
        return command_error(&err);
    }
    json_t *question = json_pack("{s:o, s:s?}", "text", source, "entry_point", o.entry_point);
    result = command_ask(POOL_LINT, question, LINT_MS_MAX, &err);
    json_decref(question);
    if (!result) {
        command_error(&err);
        return EXIT_FAULT;
    }
    if (x.rule)
        json_object_set_new(result, "extraction", json_string(x.rule));
    if (o.json) {
        json_dumpf(result, stdout, REPORT_JSON);
        putchar('\n');
    } else {
        print_report(result, first ? name : "program", first ? first : 1, x.rule);
    }
    json_decref(result);
    return 0;
}
