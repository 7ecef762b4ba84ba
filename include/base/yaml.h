/* yaml.h: YAML text into jansson trees, so that one validator (keys.h) serves YAML and JSON
 * alike. Header-only, over libyaml.
 *
 * Quoted and block scalars are strings; plain ones follow YAML 1.2's core schema
 * (yaml_scalar.h). What JSON cannot hold is refused rather than bent: keys that are not scalars,
 * duplicate keys, anchors, aliases and tags. The line of every key and value is kept for
 * messages (yaml_lines.h). */
#ifndef ASSAY_BASE_YAML_H
#define ASSAY_BASE_YAML_H

#include <jansson.h>
#include <yaml.h>

#include "base/str.h"
#include "base/yaml_lines.h"
#include "base/yaml_scalar.h"

enum { YAML_DEPTH_MAX = 100 };

struct yaml__reader {
    yaml_parser_t parser;
    struct yaml *y;
    const char *name;
    struct err *err;
};

static inline int yaml__fail(struct yaml__reader *r, size_t line, const char *what)
{
    return err_set(r->err, -EINVAL, "%s:%zu: %s", r->name, line + 1, what);
}

static inline int yaml__next(struct yaml__reader *r, yaml_event_t *ret)
{
    if (yaml_parser_parse(&r->parser, ret))
        return 0;
    bool scanned = r->parser.problem_mark.line || r->parser.problem_mark.index;
    size_t line = scanned ? r->parser.problem_mark.line : r->parser.mark.line;
    return yaml__fail(r, line, r->parser.problem ? r->parser.problem : "not YAML");
}

static inline int yaml__node(struct yaml__reader *r, yaml_event_t *ev, int depth, json_t **ret);

static inline int yaml__sequence(struct yaml__reader *r, int depth, json_t *array)
{
    for (;;) {
        yaml_event_t ev = {0};
        json_t *item = NULL;
        TRY(yaml__next(r, &ev));
        if (ev.type == YAML_SEQUENCE_END_EVENT)
            return yaml_event_delete(&ev), 0;
        TRY(yaml__node(r, &ev, depth, &item));
        json_array_append_new(array, item);
    }
}

static inline int yaml__mapping(struct yaml__reader *r, int depth, json_t *object)
{
    for (;;) {
        yaml_event_t key = {0}, ev = {0};
        json_t *value = NULL;
        char message[128];
        TRY(yaml__next(r, &key));
        if (key.type == YAML_MAPPING_END_EVENT)
            return yaml_event_delete(&key), 0;
        size_t line = key.start_mark.line;
        const char *name = key.type == YAML_SCALAR_EVENT ? (const char *)key.data.scalar.value : "";
        snprintf(message, sizeof message, "duplicate key `%.80s`", name);
        int rc = key.type != YAML_SCALAR_EVENT ? yaml__fail(r, line, "a key must be a plain word")
                 : strlen(name) != key.data.scalar.length
                     ? yaml__fail(r, line, "a key with a NUL byte")
                 : key.data.scalar.anchor || key.data.scalar.tag
                     ? yaml__fail(r, line, "no anchor or tag on a key, please")
                 : json_object_get(object, name) ? yaml__fail(r, line, message)
                                                 : yaml__next(r, &ev);
        if (rc == 0)
            rc = yaml__node(r, &ev, depth, &value);
        if (rc == 0) {
            CHECK(json_object_set_new_nocheck(object, name, value) == 0);
            yaml__keep_line(r->y, json_object_iter_key(json_object_iter_at(object, name)),
                            (int)line + 1);
        }
        yaml_event_delete(&key);
        TRY(rc);
    }
}

/* Builds the node that starts with `ev`, which it deletes. */
static inline int yaml__node(struct yaml__reader *r, yaml_event_t *ev, int depth, json_t **ret)
{
    json_t *node = NULL;
    size_t line = ev->start_mark.line;
    int rc = 0, type = ev->type;
    const char *why = NULL;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (type == YAML_SCALAR_EVENT)
        anchor = ev->data.scalar.anchor, tag = ev->data.scalar.tag;
    else if (type == YAML_SEQUENCE_START_EVENT)
        anchor = ev->data.sequence_start.anchor, tag = ev->data.sequence_start.tag;
    else if (type == YAML_MAPPING_START_EVENT)
        anchor = ev->data.mapping_start.anchor, tag = ev->data.mapping_start.tag;
    if (type == YAML_ALIAS_EVENT || anchor || tag)
        rc = yaml__fail(r, line,
                        "anchors (&), aliases (*) and tags (!) are not read here: quote the text, "
                        "or write it out");
    else if (depth >= YAML_DEPTH_MAX)
        rc = yaml__fail(r, line, "nested too deeply");
    else if (type == YAML_SEQUENCE_START_EVENT)
        rc = yaml__sequence(r, depth + 1, node = json_array());
    else if (type == YAML_MAPPING_START_EVENT)
        rc = yaml__mapping(r, depth + 1, node = json_object());
    else if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        rc = (node = json_stringn((char *)ev->data.scalar.value, ev->data.scalar.length))
                 ? 0
                 : yaml__fail(r, line, "not UTF-8");
    else if (!(node = yaml_scalar((const char *)ev->data.scalar.value, &why)))
        rc = yaml__fail(r, line, why);
    yaml_event_delete(ev);
    if (rc < 0)
        return json_decref(node), rc;
    if (!json_is_boolean(node) && !json_is_null(node))
        yaml__keep_line(r->y, node, (int)line + 1);
    *ret = node;
    return 0;
}

static inline void yaml_free(struct yaml *y)
{
    json_decref(y->docs);
    free(y->at);
    *y = (struct yaml){0};
}

/* Reads every document of `text`. Errors are "name:line: ...". */
static inline int yaml_load(const char *name, const char *text, size_t len, struct yaml *ret,
                            struct err *err)
{
    struct yaml y = {.docs = json_array()};
    struct yaml__reader r = {.y = &y, .name = name, .err = err};
    CHECK(yaml_parser_initialize(&r.parser));
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    int rc = 0, type = YAML_NO_EVENT;
    while (rc == 0 && type != YAML_STREAM_END_EVENT) {
        yaml_event_t ev = {0};
        json_t *doc = NULL;
        if ((rc = yaml__next(&r, &ev)) < 0)
            break;
        type = ev.type;
        if (type == YAML_STREAM_START_EVENT || type == YAML_STREAM_END_EVENT ||
            type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT)
            yaml_event_delete(&ev);
        else if ((rc = yaml__node(&r, &ev, 0, &doc)) == 0)
            json_array_append_new(y.docs, doc);
    }
    yaml_parser_delete(&r.parser);
    if (rc < 0)
        return yaml_free(&y), rc;
    *ret = y;
    return 0;
}

#endif
