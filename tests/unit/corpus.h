/* corpus.h: replays a file, or the files of a folder, through a fuzz target. */
#ifndef ASSAY_TESTS_CORPUS_H
#define ASSAY_TESTS_CORPUS_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"

enum { CORPUS_FILE_BYTES_MAX = 8 << 20 };

static int corpus_replay_file(const char *path, int (*target)(const uint8_t *, size_t))
{
    struct buf content = {0};
    struct stat st;
    int rc = stat(path, &st) == 0 && S_ISREG(st.st_mode)
                 ? file_read(path, CORPUS_FILE_BYTES_MAX, &content, NULL)
                 : -ENOENT;
    if (rc == 0) {
        /* A copy of the exact size, so that reading past its end is caught. */
        uint8_t *bytes = xrealloc(NULL, content.len, 1);
        memcpy(bytes, buf_view(&content).s, content.len);
        target(bytes, content.len);
        free(bytes);
    }
    buf_free(&content);
    return rc == 0;
}

/* How many files were played. */
static int corpus_replay(const char *path, int (*target)(const uint8_t *, size_t))
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), played = 0;
    if (n < 0)
        return corpus_replay_file(path, target);
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX + 256];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        played += corpus_replay_file(file, target);
        free(names[i]);
    }
    free(names);
    return played;
}

#endif
