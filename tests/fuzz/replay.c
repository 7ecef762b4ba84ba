/* replay.c: stands in for libFuzzer in the ordinary tests: runs the target over its committed seeds, tests/fuzz/corpus/<subject>/, and
 * prints TAP. A target stops the program itself when something is wrong. The first argument, if any, is a file or folder to run instead. */
#include <libgen.h>

#include "tests/unit/corpus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    enum { SEEDS_MIN = 3 };
    char folder[PATH_MAX];
    const char *name = basename(argv[0]);
    CHECK(strncmp(name, "fuzz_", 5) == 0);
    snprintf(folder, sizeof folder, "%s%s", argc > 1 ? "" : "tests/fuzz/corpus/",
             argc > 1 ? argv[1] : name + 5);
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("1..1");
    int played = corpus_replay(folder, LLVMFuzzerTestOneInput);
    bool enough = played >= SEEDS_MIN || (argc > 1 && played > 0);
    printf("%s 1 - %d seeds of %s\n", enough ? "ok" : "not ok", played, name + 5);
    return !enough;
}
