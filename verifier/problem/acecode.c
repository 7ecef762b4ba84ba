/* acecode.c: rows of a question and a list of assert statements: AceCode's {question,
 * test_cases}, open-instruct's {prompt | messages, ground_truth} and plain {question, tests},
 * each perhaps with `program`, a solution. The list may also be JSON text. The asserts name the
 * functions; there is no entry point. */
#include "readers.h"

static const char *const asked[] = {"question", "prompt", "messages", "text"};
static const char *const tested[] = {"test_cases", "tests", "ground_truth"};

/* New reference: the list of statements, or NULL. */
static json_t *statements(const json_t *object, const char **ret_key)
{
    for (size_t i = 0; i < COUNT_OF(tested); i++) {
        json_t *list = prb_inner(object, tested[i]);
        if (json_is_array(list) && json_is_string(json_array_get(list, 0))) {
            *ret_key = tested[i];
            return list;
        }
        json_decref(list);
    }
    return NULL;
}

/* A text, or the user's words in a list of messages. */
static const char *question(const json_t *object)
{
    const char *text = NULL;
    json_t *message;
    size_t at;
    for (size_t i = 0; i < COUNT_OF(asked) && !text; i++) {
        const json_t *v = json_object_get(object, asked[i]);
        text = json_string_value(v);
        json_array_foreach (v, at, message)
            if (strcmp(prb_text(message, "role", ""), "user") == 0)
                text = prb_text(message, "content", text);
    }
    return text;
}

bool prb_is_acecode(const json_t *object)
{
    const char *key;
    if (!question(object))
        return false;
    json_t *list = statements(object, &key);
    json_decref(list);
    return list != NULL;
}

int prb_read_acecode(const json_t *object, const struct where *w, struct problem *ret,
                     struct err *err)
{
    static const char *const ids[] = {"id", "task_id", "question_id", "index"};
    static const char *const solutions[] = {"program", "solution", "code"};
    const char *key, *program = NULL;
    json_t *list = statements(object, &key), *item;
    struct buf tests = {0};
    size_t i;
    int rc = 0;
    json_array_foreach (list, i, item) {
        const char *text = json_string_value(item);
        if (!text || strlen(text) != json_string_length(item)) {
            rc = keys_fail(w, object, key, err, "`%s[%zu]` must be a Python statement", key, i);
            break;
        }
        buf_printf(&tests, "%s\n", text);
    }
    for (i = 0; i < COUNT_OF(solutions) && !program; i++)
        program = prb_text(object, solutions[i], NULL);
    if (rc == 0) {
        ret->id = prb_foreign_id(object, ids, COUNT_OF(ids), "AceCode/");
        ret->prompt = check_alloc(strdup(question(object)));
        ret->starter = check_alloc(strdup(prb_usual_imports));
        ret->limits = LIMITS_DEFAULT;
        json_t *source = json_stringn(buf_view(&tests).s, tests.len);
        json_t *reference = program ? prb_unfence(program) : NULL;
        prb_finish(ret, &(struct prb_tests){.tests = source, .reference = reference});
        json_decref(source);
        json_decref(reference);
    }
    json_decref(list);
    buf_free(&tests);
    return rc;
}
