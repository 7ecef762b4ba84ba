/* Any bytes as YAML: refused with "name:line:", or documents that JSON can hold and whose nodes know their lines. */
#include "base/yaml.h"

static void check_lines(const struct yaml *y, json_t *node, int lines, int depth)
{
    const char *key;
    json_t *value;
    size_t i;
    CHECK(depth <= YAML_DEPTH_MAX && yaml_line(y, node) <= lines);
    json_object_foreach (node, key, value) {
        CHECK(yaml_key_line(y, node, key) >= 1 && yaml_key_line(y, node, key) <= lines);
        check_lines(y, value, lines, depth + 1);
    }
    json_array_foreach (node, i, value)
        check_lines(y, value, lines, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml y;
    struct err err = {0};
    int line, lines = 2;
    for (size_t i = 0; i < size;
         i++) /* YAML 1.1 knows other line ends as well; each has one of these bytes */
        lines += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 ||
                 data[i] == 0xa9;
    if (yaml_load("f", (const char *)data, size, &y, &err) < 0) {
        CHECK(err.code == -EINVAL && sscanf(err.text, "f:%d: ", &line) == 1 && line >= 1);
        return 0;
    }
    check_lines(&y, y.docs, lines, -1);
    char *text = json_dumps(y.docs, 0);
    json_t *again = text ? json_loads(text, JSON_ALLOW_NUL, NULL) : NULL;
    CHECK(again && json_equal(again, y.docs));
    json_decref(again);
    free(text);
    yaml_free(&y);
    return 0;
}
