/* Any text as the flags of an output validator: refused with a message, or a checker that the native reader accepts. */
#include "verifier/problem/kattis.h"
#include "verifier/problem/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kattis_flags flags;
    struct err err = {0};
    char *text = xcalloc(size + 1, 1);
    memcpy(text, data, size);
    if (kattis_flags_read(text, &flags, &err) == 0) {
        json_t *checker = kattis_flags_checker(&flags, &err), *words = kattis_flag_words(&flags);
        json_t *object =
            checker ? json_pack("{s:s, s:s, s:O, s:[{s:s, s:s}]}", "id", "a", "prompt", "p",
                                "checker", checker, "stdio", "stdin", "", "stdout", "")
                    : NULL;
        struct problem p = {0};
        CHECK(kattis_flags_equal(&flags, &flags) && json_is_array(words));
        CHECK(checker || err.text[0]);
        int rc = object ? prb_read_native(object, &(struct where){.file = "x"}, &p, &err) : 0;
        CHECK(rc == 0 || flags.relative >= 1);
        prb_release(&p);
        json_decref(object);
        json_decref(checker);
        json_decref(words);
    } else {
        CHECK(err.text[0]);
    }
    free(text);
    return 0;
}
