/* fusion.c: SandboxFusion's rules for bodies, and its words. */
#include "fusion.h"

static const char *const languages[] = {
    "python", "cpp",   "nodejs", "go",         "go_test",      "java", "php",     "csharp",
    "bash",   "sql",   "rust",   "cuda",       "lua",          "R",    "perl",    "D_ut",
    "ruby",   "scala", "julia",  "pytest",     "junit",        "jest", "verilog", "python_gpu",
    "lean",   "swift", "racket", "typescript", "kotlin_script"};

void fusion_invalid(struct request *r, const char *under, const char *key, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_t *place = json_pack("[s, s*, s*]", "body", under, key);
    json_t *why = json_pack("{s:s, s:o, s:o}", "type", "value_error", "loc", place, "msg",
                            request_sentence(text));
    char sentence[500];
    snprintf(sentence, sizeof sentence, "%s%s%s%s%s", under ? under : "", under ? "." : "",
             key ? key : "the body", *text ? ": " : "", text);
    request_answer(r, MHD_HTTP_UNPROCESSABLE_CONTENT,
                   json_pack("{s:[o], s:o}", "detail", why, "error", request_sentence(sentence)));
}

bool fusion_check(struct request *r, const json_t *object, const char *under,
                  const struct key *keys, size_t n)
{
    char wanted[128];
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, keys[i].name);
        if (!value && keys[i].required) {
            fusion_invalid(r, under, keys[i].name, "is missing");
            return false;
        }
        if (value && !(keys[i].types & 1u << json_typeof(value))) {
            keys_types(keys[i].types, wanted, sizeof wanted);
            fusion_invalid(r, under, keys[i].name, "must be %s", wanted);
            return false;
        }
    }
    return true;
}

json_t *fusion_body(struct request *r, const struct key *keys, size_t n)
{
    if (!json_is_object(r->json))
        fusion_invalid(r, NULL, NULL, "is not a JSON object%s%s", r->json ? "" : ": ", r->bad_json);
    else if (fusion_check(r, r->json, NULL, keys, n))
        return r->json;
    return NULL;
}

double fusion_seconds(struct request *r, const json_t *object, const char *under, const char *key,
                      double otherwise)
{
    const json_t *value = json_object_get(object, key);
    double seconds = json_is_number(value) ? json_number_value(value) : otherwise;
    if (seconds > 0 && seconds <= FUSION_S_MAX)
        return seconds;
    fusion_invalid(r, under, key, "must be above 0 and at most %d", FUSION_S_MAX);
    return 0;
}

bool fusion_language(struct request *r, const char *under, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(languages); i++)
        if (strcmp(languages[i], name) == 0)
            return true;
    fusion_invalid(r, under, "language", "is none that is known");
    return false;
}

json_t *fusion_ran(const char *status, const char *message, json_t *run, json_t *files)
{
    return json_pack("{s:s, s:s, s:n, s:o?, s:n, s:o}", "status", status, "message", message,
                     "compile_result", "run_result", run, "executor_pod_name", "files", files);
}
