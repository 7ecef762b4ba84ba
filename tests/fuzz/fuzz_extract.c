/* fuzz_extract.c: any bytes as a reply. The first byte chooses whether there is an entry point.
 *   clang -std=gnu17 -D_GNU_SOURCE -Iinclude -I. -fsanitize=fuzzer,address,undefined \
 *       tests/fuzz/fuzz_extract.c verifier/extract.c -o fuzz_extract && ./fuzz_extract tests/fuzz/corpus/extract */
#include "verifier/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct extraction x;
    struct str reply = str_make((const char *)data, size);
    const char *entry_point = size && data[0] % 2 ? "solve" : NULL;
    CHECK(extract_program(reply, entry_point, &a, &x) == 0);
    CHECK(x.rule && x.tag.s);
    CHECK((x.code.len == 0) == (strcmp(x.rule, "empty") == 0));
    CHECK(x.code.len == 0 || x.code.s[x.code.len - 1] == '\n');
    CHECK(memchr(x.code.s, 0, x.code.len) == NULL && memchr(x.code.s, '\r', x.code.len) == NULL);

    /* What was extracted is clean: cleaning it again, as a whole text, changes no byte of it. */
    struct extraction again;
    if (str_find(x.code, STR("`"), 0) < 0 && str_find(x.code, STR("~"), 0) < 0 &&
        str_find(x.code, STR("<"), 0) < 0 && !str_starts(x.code, STR("\xef\xbb\xbf"))) {
        CHECK(extract_program(x.code, entry_point, &a, &again) == 0);
        /* Words around it, which a fence protected, may fall away. */
        CHECK(strcmp(again.rule, "between-prose") == 0 || str_eq(again.code, x.code));
    }
    arena_free(&a);
    return 0;
}
