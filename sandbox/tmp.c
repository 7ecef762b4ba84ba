/* tmp.c: the one folder that a guest may write to.
 *
 * In a private root it is a tmpfs with a size and a number of inodes. Emptying it between guests
 * would not do: times, mode and inode numbers of the folder itself would still carry a message
 * from one to the next. So the keeper remembers how the fresh folder looked, and any difference
 * afterwards means a new tmpfs; the old one goes with the last reference, whatever is in it. Most
 * guests never touch it, and pay two system calls.
 *
 * Where the host refuses mount namespaces it is a folder below the host's /tmp, open to this user
 * alone, made for each guest; Landlock keeps the guest inside. There the disk is shared, so its size
 * is watched from outside. A keeper that is killed while a guest lives cannot tidy up: it holds a
 * lock on the folder, and the next one to start removes each folder whose lock is free. */
#include "sandbox/tmp.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/confine.h"
#include "sandbox/tidy.h"

#define HOST_TMP    "/tmp"
#define SLOT_PREFIX "assay-slot-"
enum { SWEEP_S = 60 };

/* ---- how it looks ---------------------------------------------------------------------------- */

static int look(struct sbx_tmp *t)
{
    /* A fixed time, so that the folder does not tell when the guest before used it. */
    static const struct timespec times[2] = {{946684800, 0}, {946684800, 0}};
    if (utimensat(AT_FDCWD, t->path, times, 0) != 0 ||
        statx(AT_FDCWD, t->path, 0, STATX_BASIC_STATS, &t->look) != 0 ||
        statfs(t->path, &t->room) != 0)
        return -errno;
    return 0;
}

static bool same_time(struct statx_timestamp a, struct statx_timestamp b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_fresh(const struct sbx_tmp *t)
{
    struct statx now;
    struct statfs room;
    const struct statx *then = &t->look;
    if (statx(AT_FDCWD, t->path, 0, STATX_BASIC_STATS, &now) != 0 || statfs(t->path, &room) != 0)
        return false;
    if (room.f_bfree != t->room.f_bfree || room.f_ffree != t->room.f_ffree)
        return false;
    return now.stx_mode == then->stx_mode && now.stx_nlink == then->stx_nlink &&
           now.stx_size == then->stx_size && same_time(now.stx_atime, then->stx_atime) &&
           same_time(now.stx_mtime, then->stx_mtime) && same_time(now.stx_ctime, then->stx_ctime);
}

/* ---- on the host's disk ---------------------------------------------------------------------- */

/* Removes the folders of keepers that are gone: theirs is the prefix, and nobody holds the lock. */
static void sweep(void)
{
    DIR *dir = opendir(HOST_TMP);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[sizeof HOST_TMP + sizeof entry->d_name];
        struct stat st;
        if (strncmp(entry->d_name, SLOT_PREFIX, strlen(SLOT_PREFIX)) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", HOST_TMP, entry->d_name);
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        /* A young one may not have its lock yet. */
        if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && st.st_mtime + SWEEP_S < time(NULL) &&
            flock(fd, LOCK_EX | LOCK_NB) == 0 && sbx__tidy(path) == 0)
            (void)rmdir(path);
        close(fd);
    }
    if (dir)
        closedir(dir);
}

static int make_folder(struct sbx_tmp *t)
{
    if (mkdir(t->path, 0700) != 0)
        return -errno;
    t->lock = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return t->lock >= 0 && flock(t->lock, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
}

/* The caps are those of the tmpfs. nftw has no argument to pass through. */
static struct {
    uint64_t bytes, inodes;
} seen;

static int measure(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)path;
    (void)at;
    if (type == FTW_NS || type == FTW_DNR)
        return 1;
    seen.bytes += (uint64_t)st->st_blocks * 512;
    seen.inodes++;
    return seen.bytes > (uint64_t)SBX_TMP_MIB << 20 || seen.inodes > SBX_TMP_INODES;
}

bool sbx__tmp_is_full(const struct sbx_tmp *t)
{
    struct statfs now;
    if (t->mounted || statfs(t->path, &now) != 0)
        return false;
    const uint64_t bytes = (uint64_t)now.f_bsize * (uint64_t)(t->room.f_bfree - now.f_bfree);
    if ((now.f_bfree >= t->room.f_bfree || bytes < (uint64_t)SBX_TMP_MIB << 20) &&
        now.f_ffree + SBX_TMP_INODES >= t->room.f_ffree)
        return false;
    seen.bytes = seen.inodes = 0;
    return nftw(t->path, measure, 16, FTW_PHYS | FTW_MOUNT) != 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

int sbx__tmp_open(bool mounted, struct sbx_tmp *t, struct err *err)
{
    int rc = 0;
    *t = (struct sbx_tmp){.mounted = mounted, .path = HOST_TMP, .lock = -1};
    if (mounted) {
        rc = look(t);
    } else {
        sweep();
        snprintf(t->path, sizeof t->path, "%s/%sXXXXXX", HOST_TMP, SLOT_PREFIX);
        if (!mkdtemp(t->path) || rmdir(t->path) != 0)
            rc = -errno;
    }
    return rc == 0
               ? 0
               : err_set(err, rc, "cannot make a folder for temporary files: %s", strerror(-rc));
}

int sbx__tmp_begin(struct sbx_tmp *t)
{
    if (t->mounted)
        return 0;
    TRY(make_folder(t));
    TRY(look(t));
    return 1;
}

int sbx__tmp_end(struct sbx_tmp *t)
{
    int rc;
    if (!t->mounted) {
        rc = sbx__tidy(t->path);
        if (rc == 0 && rmdir(t->path) != 0)
            rc = -errno;
        if (t->lock >= 0)
            close(t->lock);
        t->lock = -1;
        return rc;
    }
    if (is_fresh(t))
        return 0;
    if (umount2(t->path, MNT_DETACH) != 0)
        return -errno;
    TRY(sbx__mount_tmp());
    TRY(look(t));
    return 1;
}
