/* server_body.c: a request's body as JSON.
 *
 * A body may have ASSAY_BODY_BYTES_MAX bytes, and reading so many takes a second. So large ones are
 * read aside (aside.h), and the loop serves others meanwhile. What a body becomes may be much larger
 * than its text: an empty object has two bytes there and some hundred in memory. So it is looked
 * through first: what its values will need counts as held, and more than VALUES_BYTES_MAX is
 * refused. */
#include "server.h"

#include <stdlib.h>

#include "client.h"

enum { PARSE_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };

/* About what jansson needs for a value in an array, and for an object with its first members. */
enum { VALUE_BYTES = 40, OBJECT_BYTES = 240, VALUES_BYTES_MAX = 256 << 20 };

struct reading {
    struct aside aside;
    struct request *request; /* NULL: it is gone */
    struct asides *asides;
    struct buf text;
    bool lines, too_many;
    size_t cost;
    json_t *tree;
    char why[JSON_ERROR_TEXT_LENGTH + 64];
};

/* Past the string that begins at `at`, behind its quote. */
static const char *past_string(const char *at, const char *end)
{
    for (const char *from = at; (at = memchr(at, '"', (size_t)(end - at))); from = ++at) {
        const char *slashes = at;
        while (slashes > from && slashes[-1] == '\\')
            slashes--;
        if ((at - slashes) % 2 == 0)
            return at + 1;
    }
    return end;
}

/* How much memory a text's values need, apart from its strings. Brackets and commas outside of
 * strings count, whether or not the text is JSON. */
static size_t cost_of(struct str text)
{
    size_t cost = 0;
    for (const char *at = text.s, *end = text.s + text.len; at < end;) {
        char c = *at++;
        if (c == '"')
            at = past_string(at, end);
        else if (c == '{')
            cost += OBJECT_BYTES;
        else if (c == ',' || c == '[' || c == ':')
            cost += VALUE_BYTES;
    }
    return cost;
}

/* One item a line; blank lines are passed over. */
static void read_lines(struct reading *b)
{
    struct str rest = buf_view(&b->text);
    json_error_t why;
    b->tree = json_array();
    for (int line = 1; rest.len && !b->why[0]; line++) {
        const char *end = memchr(rest.s, '\n', rest.len);
        struct str text = str_make(rest.s, end ? (size_t)(end - rest.s) : rest.len);
        rest = str_from(rest, text.len + 1);
        if (!str_trim(text).len)
            continue;
        json_t *item = json_loadb(text.s, text.len, PARSE_FLAGS, &why);
        if (item)
            json_array_append_new(b->tree, item);
        else
            snprintf(b->why, sizeof b->why, "line %d: not a whole JSON object: %s", line, why.text);
    }
    if (!b->why[0])
        return;
    json_decref(b->tree);
    b->tree = NULL;
}

static void work(struct aside *a)
{
    struct reading *b = NODE_OWNER(a, struct reading, aside);
    struct str text = buf_view(&b->text);
    json_error_t why = {0};
    b->cost = cost_of(text);
    b->too_many = b->cost > VALUES_BYTES_MAX;
    if (b->lines && !b->too_many)
        read_lines(b);
    else if (!b->too_many && !(b->tree = json_loadb(text.s, text.len, PARSE_FLAGS, &why)))
        snprintf(b->why, sizeof b->why, "%s", why.text);
    buf_free(&b->text);
}

static void on_read(struct aside *a)
{
    struct reading *b = NODE_OWNER(a, struct reading, aside);
    struct request *r = b->request;
    if (r) {
        r->reading = NULL;
        r->json = b->tree;
        memcpy(r->bad_json, b->why, sizeof r->bad_json);
        request_hold(r, b->cost);
        if (b->too_many)
            request_error(r, MHD_HTTP_CONTENT_TOO_LARGE,
                          "the body's values need more than %d MiB of memory",
                          VALUES_BYTES_MAX >> 20);
        else
            r->route->handle(r);
    } else {
        asides_drop(b->asides, b->tree);
    }
    free(b);
}

bool request_wants_lines(struct request *r, const char *header)
{
    const char *value = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, header);
    return value && strcasestr(value, REQUEST_LINES);
}

void request_read(struct request *r)
{
    struct reading *b = xcalloc(1, sizeof *b);
    *b = (struct reading){.aside = {.work = work, .done = on_read},
                          .request = r,
                          .asides = &r->server->grader.asides,
                          .text = r->body,
                          .lines = r->lines = r->route->lines &&
                                              request_wants_lines(r, MHD_HTTP_HEADER_CONTENT_TYPE)};
    _Static_assert(sizeof b->why == sizeof r->bad_json, "the one is copied to the other");
    r->reading = b;
    r->body = (struct buf){0};
    if (b->text.len < ASIDE_BYTES_MIN) {
        work(&b->aside);
        on_read(&b->aside);
    } else {
        asides_submit(b->asides, &b->aside);
    }
}

void request_unread(struct request *r)
{
    if (r->reading)
        r->reading->request = NULL;
    r->reading = NULL;
    if (r->server->stopped) /* the loop is at its end */
        json_decref(r->json);
    else
        asides_drop(&r->server->grader.asides, r->json);
    r->json = NULL;
}
