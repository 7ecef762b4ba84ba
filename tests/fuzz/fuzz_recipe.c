/* Any bytes as a recipe: refused with a message, or one that is written out resolved and read back to the same text. */
#include "trainer/rl/recipe.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recipe r, again;
    struct err err = {0};
    struct buf first = {0}, second = {0};
    if (recipe_parse("f", str_make((const char *)data, size), NULL, 0, &r, &err) < 0) {
        CHECK(err.code < 0 && err.text[0]);
        return 0;
    }
    recipe_write(&r, &first);
    if (recipe_parse("f", buf_view(&first), NULL, 0, &again, &err) < 0) {
        fprintf(stderr, "%s\n%s\n", err.text, first.s);
        abort();
    }
    recipe_write(&again, &second);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    recipe_free(&r);
    recipe_free(&again);
    buf_free(&first);
    buf_free(&second);
    return 0;
}
