/* Any bytes as a reward table: refused with a message, or rewards that rise with the grade. */
#include "verifier/reward.h"

#include "base/check.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reward r;
    struct err err = {0};
    struct memory_file f = memory_file_make(data, size);
    if (reward_load(f.path, &r, &err) == 0) {
        CHECK(r.not_code < r.wrong_language && r.wrong_language < r.fails_base);
        CHECK(r.fails_base + r.fails_scale < r.correct && r.correct <= r.faster_base);
    } else {
        CHECK(err.code < 0 && err.text[0]);
    }
    close(f.fd);
    return 0;
}
