/* routes_run.c: POST /run_code and GET /v1/ping, as SandboxFusion answers them.
 *
 * A program runs as `assay run` runs it: in a guest of its own, with pipes for its streams. Where the
 * request has files, run_files.py stands before the program: it writes them to the guest's private
 * folder, and what is fetched comes at the end of its output, behind a mark that no other request
 * has. */
#include <stdlib.h>
#include <sys/random.h>

#include "embed.h"
#include "fusion.h"

EMBED_TEXT(routes__run_files, "verifier/run_files.py");

enum {
    RUN_S = 10,
    MARGIN_S = 20,
    MEMORY_MIB = 1024,
    MEMORY_MIB_MAX = 32768,
    OUTPUT_KIB = 4096,
    FILES_MAX = 256,
    FILES_BYTES_MAX = 16 << 20, /* as base64 */
    FETCH_BYTES_MAX = 4 << 20,
    FETCH_KIB_MAX = 6 << 10, /* the same as base64, with names */
    THREADS = 64,
};

static const struct key run_keys[] = {
    {"code", KEY_STRING, true},
    {"language", KEY_STRING, true},
    {"compile_timeout", KEY_NUMBER, false},
    {"run_timeout", KEY_NUMBER, false},
    {"memory_limit_MB", KEY_NUMBER, false},
    {"stdin", KEY_STRING | KEY_NULL, false},
    {"files", KEY_OBJECT, false},
    {"fetch_files", KEY_ARRAY, false},
};

void routes_ping(struct request *r)
{
    request_answer(r, MHD_HTTP_OK, json_string("pong"));
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* The fetched files, a new object; *ret_output is what the program itself printed. */
static json_t *split_output(const char *mark, struct str printed, struct str *ret_output)
{
    json_t *files = NULL;
    ptrdiff_t at = *mark ? str_find(printed, str_of(mark), 0) : -1;
    *ret_output = printed;
    if (at >= 0) {
        struct str packed = str_from(printed, (size_t)at + strlen(mark));
        ret_output->len = (size_t)at;
        files = json_loadb(packed.s, packed.len, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!json_is_object(files)) {
        json_decref(files);
        files = json_object();
    }
    return files;
}

/* Null for a status that no program has. */
static json_t *return_code(const char *status)
{
    if (strncmp(status, "signal ", 7) == 0)
        return json_integer(-strtol(status + 7, NULL, 10));
    if (strncmp(status, "exit ", 5) == 0)
        return json_integer(strtol(status + 5, NULL, 10));
    return json_null();
}

static void answer_run(struct request *r, json_t *result)
{
    const char *reason = json_string_value(json_object_get(result, "reason"));
    const char *status = json_string_value(json_object_get(result, "status"));
    const json_t *text = json_object_get(result, "stdout");
    bool late = reason && strcmp(reason, "time-limit") == 0;
    struct str output;
    CHECK(status && json_is_string(text));
    json_t *files = split_output(
        r->files_mark, str_make(json_string_value(text), json_string_length(text)), &output);
    json_t *code = late ? json_null() : return_code(status);
    bool good = !late && !reason && json_is_integer(code) && json_integer_value(code) == 0;
    double wall_ms = json_number_value(json_object_get(json_object_get(result, "time"), "wall_ms"));
    json_t *run =
        json_pack("{s:s, s:f, s:o, s:o, s:O}", "status", late ? "TimeLimitExceeded" : "Finished",
                  "execution_time", wall_ms / 1000, "return_code", code, "stdout",
                  json_stringn(output.s, output.len), "stderr", json_object_get(result, "stderr"));
    CHECK(run);
    request_answer(r, MHD_HTTP_OK,
                   fusion_ran(good ? "Success" : "Failed", reason ? reason : "", run, files));
}

/* ---- the question ---------------------------------------------------------------------------- */

/* NULL, or what is wrong with a file's name: it must lie in the program's own folder. */
static const char *path_fault(const char *path)
{
    if (!*path || strlen(path) > 1000)
        return "a path of 1 to 1000 bytes is wanted";
    if (*path == '/')
        return "an absolute path: files lie in the program's own folder";
    for (const char *at = path; *at; at += strspn(at, "/")) {
        size_t n = strcspn(at, "/");
        if (n == 2 && memcmp(at, "..", 2) == 0)
            return "a path that leaves the program's own folder";
        at += n;
    }
    return path[strlen(path) - 1] == '/' ? "a folder, no file" : NULL;
}

static bool is_base64(const json_t *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *s = json_string_value(text);
    size_t n = json_string_length(text), body = strspn(s, digits), pad = strspn(s + body, "=");
    return n == strlen(s) && n % 4 == 0 && pad <= 2 && body + pad == n;
}

/* False after a 422. */
static bool check_files(struct request *r, const json_t *body)
{
    const json_t *files = json_object_get(body, "files"),
                 *fetch = json_object_get(body, "fetch_files");
    size_t bytes = 0, i;
    const char *path, *why;
    json_t *value;
    if (json_object_size(files) > FILES_MAX)
        fusion_invalid(r, NULL, "files", "up to %d files are taken", FILES_MAX);
    if (json_array_size(fetch) > FILES_MAX && !r->answered)
        fusion_invalid(r, NULL, "fetch_files", "up to %d files are fetched", FILES_MAX);
    json_object_foreach ((json_t *)files, path, value) {
        if (r->answered)
            return false;
        bytes += json_string_length(value);
        if ((why = path_fault(path)))
            fusion_invalid(r, "files", path, "%s", why);
        else if (!json_is_null(value) && !(json_is_string(value) && is_base64(value)))
            fusion_invalid(r, "files", path, "must be base64 or null");
        else if (bytes > FILES_BYTES_MAX)
            fusion_invalid(r, NULL, "files", "more than %d bytes", FILES_BYTES_MAX);
    }
    json_array_foreach (fetch, i, value) {
        path = json_string_value(value);
        if (r->answered)
            return false;
        if (!path || strlen(path) != json_string_length(value))
            fusion_invalid(r, NULL, "fetch_files", "must be a list of paths");
        else if ((why = path_fault(path)))
            fusion_invalid(r, "fetch_files", path, "%s", why);
    }
    return !r->answered;
}

static int append(const char *bytes, size_t n, void *out)
{
    buf_add(out, bytes, n);
    return 0;
}

static void draw_mark(char ret_mark[33])
{
    unsigned char bytes[16];
    CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret_mark + 2 * i, 3, "%02x", bytes[i]);
}

/* The program behind run_files.py, which gets it as JSON text in a Python literal. Without files
 * the program as it is. */
static json_t *program_with_files(struct request *r, const json_t *body)
{
    json_t *code = json_object_get(body, "code"), *fetch = json_object_get(body, "fetch_files");
    json_t *files = json_object(), *value;
    const char *path;
    struct buf request = {0}, text = {0};
    json_object_foreach (json_object_get(body, "files"), path, value)
        if (json_is_string(value))
            json_object_set(files, path, value);
    if (!json_object_size(files) && !json_array_size(fetch)) {
        json_decref(files);
        return json_incref(code);
    }
    if (json_array_size(fetch))
        draw_mark(r->files_mark);
    json_t *asked = json_pack("{s:o, s:o, s:s, s:i, s:O}", "files", files, "fetch",
                              fetch ? json_incref(fetch) : json_array(), "mark", r->files_mark,
                              "room", (int)FETCH_BYTES_MAX, "program", code);
    CHECK(asked && json_dump_callback(asked, append, &request, JSON_COMPACT) == 0);
    json_t *literal = json_stringn(request.s, request.len);
    buf_puts(&text, routes__run_files);
    buf_puts(&text, "_run_with_files(__import__(\"json\").loads(");
    CHECK(json_dump_callback(literal, append, &text, JSON_ENCODE_ANY) == 0);
    buf_puts(&text, "), globals())\n");
    json_t *program = json_stringn(text.s, text.len);
    json_decref(asked);
    json_decref(literal);
    buf_free(&request);
    buf_free(&text);
    return program;
}

static void begin(struct request *r, const json_t *body, double seconds, double memory_mib)
{
    const json_t *input = json_object_get(body, "stdin");
    json_t *program = program_with_files(r, body);
    int output = OUTPUT_KIB + (r->files_mark[0] ? FETCH_KIB_MAX : 0);
    /* The wall clock is SandboxFusion's only one: threads may use a core each until then. */
    json_t *question =
        json_pack("{s:s, s:o, s:o, s:{s:f, s:f, s:i, s:i, s:i}}", "op", "run", "program", program,
                  "stdin", json_is_string(input) ? json_incref((json_t *)input) : json_string(""),
                  "limits", "cpu_s", seconds * pool_cores(), "wall_s", seconds, "memory_mib",
                  (int)memory_mib, "output_kib", output, "threads", (int)THREADS);
    CHECK(question);
    errand_start(r, r->server->grader.judges, question, (int64_t)((seconds + MARGIN_S) * 1000),
                 answer_run);
}

void routes_run(struct request *r)
{
    json_t *body = fusion_body(r, run_keys, COUNT_OF(run_keys));
    if (!body)
        return;
    const char *language = json_string_value(json_object_get(body, "language"));
    double seconds = fusion_seconds(r, body, NULL, "run_timeout", RUN_S);
    double memory = json_number_value(json_object_get(body, "memory_limit_MB"));
    if (memory > MEMORY_MIB_MAX && !r->answered)
        fusion_invalid(r, NULL, "memory_limit_MB", "at most %d are given", MEMORY_MIB_MAX);
    if (!r->answered && fusion_language(r, NULL, language) && check_files(r, body)) {
        if (strcmp(language, "python") != 0)
            request_answer(r, MHD_HTTP_OK,
                           fusion_ran("SandboxError", "only the language python is run here", NULL,
                                      json_object()));
        else if (!request_refused(r, 1))
            begin(r, body, seconds, memory >= 1 ? memory : MEMORY_MIB);
    }
}
