/* tidy.c: empties a folder on the host's disk after a guest.
 *
 * The tree may be deeper than any path can say, its names may be any bytes and its folders may
 * forbid reading. So there is no recursion and no path: each folder inside another is moved to
 * the top first, until all folders are at the top and each is flat. */
#include "sandbox/tidy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pass {
    int top;
    unsigned moved; /* names the folders that are moved up */
};

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Unlinks the files of one folder and moves its folders to the top. Takes over `fd`. */
static int flatten(struct pass *p, int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir));) {
        char name[32];
        if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        if (errno != EISDIR && errno != EPERM) {
            rc = -errno;
            break;
        }
        do
            snprintf(name, sizeof name, ".up%u", p->moved++);
        while (faccessat(p->top, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        if (renameat(fd, entry->d_name, p->top, name) != 0)
            rc = -errno;
    }
    closedir(dir);
    return rc;
}

/* One folder at the top: open it whatever its mode is, flatten it, remove it. */
static int clear_folder(struct pass *p, const char *name)
{
    if (fchmodat(p->top, name, 0700, 0) != 0)
        return -errno;
    int fd = openat(p->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = flatten(p, fd);
    if (rc == 0 && unlinkat(p->top, name, AT_REMOVEDIR) != 0)
        rc = -errno;
    return rc;
}

/* Removes the first entry it finds until there is none. */
static int clear_top(struct pass *p)
{
    for (;;) {
        char name[NAME_MAX + 1] = "";
        int fd = openat(p->top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir)
            return -errno;
        int rc = 0;
        for (struct dirent *entry; rc == 0 && !name[0] && (entry = readdir(dir));) {
            if (is_dot(entry->d_name) || unlinkat(p->top, entry->d_name, 0) == 0)
                continue;
            if (errno == EISDIR || errno == EPERM)
                snprintf(name, sizeof name, "%s", entry->d_name);
            else
                rc = -errno;
        }
        closedir(dir);
        if (rc == 0 && name[0])
            rc = clear_folder(p, name);
        else if (rc == 0)
            return 0;
        if (rc < 0)
            return rc;
    }
}

int sbx__tidy(const char *path)
{
    struct pass p = {.top = -1};
    if (chmod(path, 0700) != 0 ||
        (p.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
        return -errno;
    int rc = clear_top(&p);
    close(p.top);
    return rc;
}
