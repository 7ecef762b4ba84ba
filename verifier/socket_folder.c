/* socket_folder.c: who starts a private server may be killed at any instant, so it leaves nothing
 * behind to be removed: it invents a path that nobody can guess, and the server makes the folder,
 * after it has asked to be told of its parent's death, and removes it when it ends. */
#include "socket_folder.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX], socket_path[PATH_MAX]; /* "" when there is nothing to remove */

/* Told to end before the server handles signals: async-signal-safe calls alone. */
static void on_early_end(int number)
{
    (void)number;
    unlink(socket_path);
    rmdir(folder);
    _exit(0);
}

/* A folder that was there before counts as private when no other user can enter it. */
static bool is_private(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & 0077) == 0;
}

int socket_folder_make(const char *listen, struct err *err)
{
    char path[PATH_MAX];
    const char *slash = strrchr(listen, '/');
    if (strncmp(listen, "unix:", 5) != 0 || !slash || slash == listen + 5)
        return 0;
    const size_t n = (size_t)(slash - listen) - 5;
    if (strlen(listen) >= sizeof path)
        return err_set(err, -ENAMETOOLONG, "%.200s...: name too long", listen);
    memcpy(path, listen + 5, n);
    path[n] = 0;
    if (mkdir(path, 0700) != 0) {
        if (errno != EEXIST)
            return err_set(err, -errno, "%s: %s", path, strerror(errno));
        return is_private(path) ? 0
                                : err_set(err, -EEXIST, "%s: others may enter this folder", path);
    }
    memcpy(folder, path, n + 1);
    memcpy(socket_path, listen + 5, strlen(listen + 5) + 1);
    const struct sigaction act = {.sa_handler = on_early_end};
    sigaction(SIGTERM, &act, NULL);
    return 0;
}

void socket_folder_remove(void)
{
    if (folder[0])
        rmdir(folder);
    folder[0] = 0;
}
