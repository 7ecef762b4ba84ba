/* replay.c: stands in for libFuzzer in the ordinary tests: runs the target over its committed seeds, tests/fuzz/corpus/<subject>/, and
 * prints TAP. A target stops the program itself when something is wrong. The first argument, if any, is a file or folder to run instead. */
#include <dirent.h>
#include <libgen.h>
#include <sys/stat.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 8 << 20 };

static int replay_file(const char *path)
{
    struct buf content = {0};
    struct stat st;
    int rc = stat(path, &st) == 0 && S_ISREG(st.st_mode)
                 ? file_read(path, FILE_BYTES_MAX, &content, NULL)
                 : -ENOENT;
    if (rc == 0) {
        /* A copy of the exact size, so that reading past its end is caught. */
        uint8_t *bytes = xrealloc(NULL, content.len, 1);
        memcpy(bytes, buf_view(&content).s, content.len);
        LLVMFuzzerTestOneInput(bytes, content.len);
        free(bytes);
    }
    buf_free(&content);
    return rc == 0;
}

/* How many files were played. */
static int replay(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), played = 0;
    if (n < 0)
        return replay_file(path);
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX + 256];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        played += replay_file(file);
        free(names[i]);
    }
    free(names);
    return played;
}

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
    int played = replay(folder);
    bool enough = played >= SEEDS_MIN || (argc > 1 && played > 0);
    printf("%s 1 - %d seeds of %s\n", enough ? "ok" : "not ok", played, name + 5);
    return !enough;
}
