/* corpus.h: replays the files of a fuzz corpus through a fuzz target. */
#ifndef ASSAY_TESTS_CORPUS_H
#define ASSAY_TESTS_CORPUS_H

#include <dirent.h>
#include <sys/stat.h>

#include "base/file.h"

static int corpus_replay(const char *folder, int (*target)(const uint8_t *, size_t))
{
    struct dirent **names;
    struct stat st;
    int n = scandir(folder, &names, NULL, alphasort), played = 0;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct buf content = {0};
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            file_read(path, 1 << 20, &content, NULL) == 0) {
            target((const uint8_t *)buf_view(&content).s, content.len);
            played++;
        }
        buf_free(&content);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return played;
}

#endif
