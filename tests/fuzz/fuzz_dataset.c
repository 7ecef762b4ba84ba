/* Any bytes as a file of training rows, plain or gzipped: refused with a message, or rows of a prompt and its completion. */
#include "trainer/rl/dataset.h"

#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char template[] = "Q: {prompt}\nA: ";
    struct recipe r = {.prompt_template = template};
    struct dataset d = {0};
    struct err err = {0};
    struct memory_file f = memory_file_make(data, size);
    if (dataset_add_file(&d, &r, f.path, &err) == 0)
        CHECK(d.n > 0);
    else
        CHECK(err.code < 0 && err.text[0]);
    for (int i = 0; i < d.n; i++)
        CHECK(str_starts(d.text[i].prompt, STR("Q: ")) && d.text[i].completion.s);
    dataset_free(&d);
    close(f.fd);
    return 0;
}
