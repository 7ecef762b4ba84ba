/* root.c: the file system a guest sees: what CPython reads, two devices, and an empty /tmp of
 * its own.
 *
 * Each folder of the host is cloned as a detached tree, made read-only as a whole, and attached
 * below a fresh tmpfs, which then becomes the root; the old root is detached. Needs the mount
 * calls of Linux 5.12; an older kernel gets no private root. */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox/confine.h"

/* No /dev/zero: a shared mapping of it would be memory in nobody's limit. No /proc: nothing
 * honest needs it. */
const struct sbx_path sbx__paths[] = {
    {"/usr/lib", true, false, false, "the interpreter's library and shared objects"},
    {"/usr/lib64", false, false, false, "the dynamic loader"},
    {"/lib", false, false, false, "shared objects, where /lib is no link into /usr"},
    {"/lib64", false, false, false, "the dynamic loader, likewise"},
    {"/usr/share/zoneinfo", false, false, false, "zoneinfo"},
    {"/etc/localtime", false, false, false, "time.localtime"},
    {"/etc/ld.so.cache", false, false, false, "the dynamic loader"},
    {"/etc/alternatives", false, false, false, "Debian's links to numeric libraries"},
    {"/dev/null", true, true, true, "os.devnull"},
    {"/dev/urandom", true, false, true, "random.SystemRandom"},
};
const unsigned sbx__paths_count = COUNT_OF(sbx__paths);

struct tree {
    char path[512];
    int fd;
    bool folder;
};

/* A read-only clone of one host path; *ret_tree->fd is -1 when it is optional and absent. */
static int clone_tree(const char *path, bool required, bool device, struct tree *ret_tree)
{
    struct stat st;
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID};
    if (!device)
        attr.attr_set |= MOUNT_ATTR_NODEV;
    ret_tree->fd = -1;
    snprintf(ret_tree->path, sizeof ret_tree->path, "%s", path);
    int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (fd < 0)
        return required || errno != ENOENT ? -errno : 0;
    if (device)
        attr.attr_set &=
            ~(uint64_t)MOUNT_ATTR_RDONLY; /* writing to a device is no write to its file system */
    if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0 ||
        fstat(fd, &st) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    ret_tree->folder = S_ISDIR(st.st_mode);
    ret_tree->fd = fd;
    return 0;
}

/* mkdir -p, relative to `root`, of every folder that leads to `path`. */
static int make_parents(int root, const char *path)
{
    char head[512];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(head, sizeof head, "%.*s", (int)(slash - path - 1), path + 1);
        if (mkdirat(root, head, 0755) != 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int attach_tree(int root, const struct tree *tree)
{
    const char *name = tree->path + 1;
    TRY(make_parents(root, tree->path));
    if (tree->folder) {
        if (mkdirat(root, name, 0755) != 0 && errno != EEXIST)
            return -errno;
    } else {
        int fd = openat(root, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0)
            return -errno;
        close(fd);
    }
    return move_mount(tree->fd, "", root, name, MOVE_MOUNT_F_EMPTY_PATH) == 0 ? 0 : -errno;
}

/* A detached tmpfs. */
static int new_tmpfs(const char *size, const char *inodes, const char *mode, unsigned attributes)
{
    int fd = -1, fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (fs < 0)
        return -errno;
    if (fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) == 0 &&
        fsconfig(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) == 0 &&
        fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode, 0) == 0 &&
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        fd = fsmount(fs, FSMOUNT_CLOEXEC, attributes);
    int rc = fd < 0 ? -errno : fd;
    close(fs);
    return rc;
}

int sbx__mount_tmp(void)
{
    char size[32], inodes[32];
    snprintf(size, sizeof size, "%dm", SBX_TMP_MIB);
    snprintf(inodes, sizeof inodes, "%d", SBX_TMP_INODES);
    int tmp =
        new_tmpfs(size, inodes, "1777",
                  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME);
    if (tmp < 0)
        return tmp;
    int rc = move_mount(tmp, "", AT_FDCWD, "/tmp", MOVE_MOUNT_F_EMPTY_PATH) == 0 ? 0 : -errno;
    close(tmp);
    return rc;
}

/* Fills the new root, whose descriptor is `root`, and makes it read-only. */
static int furnish(int root, const struct tree *trees, unsigned n)
{
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
    for (unsigned i = 0; i < n; i++)
        if (trees[i].fd >= 0)
            TRY(attach_tree(root, &trees[i]));
    /* The C library keeps semaphores in /dev/shm. */
    if (mkdirat(root, "tmp", 0755) != 0 || symlinkat("../tmp", root, "dev/shm") != 0 ||
        mount_setattr(root, "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0)
        return -errno;
    return 0;
}

/* From here on a failure leaves the process with half a root: the caller gives up. */
static int enter(const struct tree *trees, unsigned n)
{
    int root = new_tmpfs("1m", "256", "0755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
    if (root < 0)
        return root;
    /* Mounted over /usr for a moment, because that folder surely exists; the trees were cloned
     * before. */
    int rc = move_mount(root, "", AT_FDCWD, "/usr", MOVE_MOUNT_F_EMPTY_PATH) == 0
                 ? furnish(root, trees, n)
                 : -errno;
    if (rc == 0 && (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
                    umount2(".", MNT_DETACH) != 0 || chdir("/") != 0))
        rc = -errno;
    close(root);
    return rc == 0 ? sbx__mount_tmp() : rc;
}

int sbx__enter_root(const char *extra, uint32_t *isolation, struct err *err)
{
    struct tree trees[COUNT_OF(sbx__paths) + SBX_PATHS_MAX];
    unsigned n = 0;
    int rc = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : -errno;
    for (unsigned i = 0; i < sbx__paths_count && rc == 0; i++) {
        const struct sbx_path *row = &sbx__paths[i];
        rc = clone_tree(row->path, row->required, row->device, &trees[n]);
        n += rc == 0;
    }
    for (const char *at = extra; at && *at && rc == 0;) {
        size_t len = strcspn(at, ":");
        char path[sizeof trees[0].path];
        if (n == COUNT_OF(trees) || len >= sizeof path || (len && *at != '/')) {
            rc = err_set(err, -EINVAL, "sandbox: at most %d absolute extra paths", SBX_PATHS_MAX);
            break;
        }
        snprintf(path, sizeof path, "%.*s", (int)len, at);
        if (len) {
            rc = clone_tree(path, true, false, &trees[n]);
            n += rc == 0;
        }
        at += len + (at[len] == ':');
    }
    bool refused = rc == -EPERM || rc == -ENOSYS || rc == -EACCES;
    if (rc == 0 && (rc = enter(trees, n)) < 0)
        err_set(err, rc, "sandbox: cannot build the private root: %s", strerror(-rc));
    else if (refused)
        *isolation &= ~(uint32_t)SBX_MNTNS;
    else if (rc < 0)
        err_set(err, rc, "sandbox: cannot clone the host's folders: %s", strerror(-rc));
    for (unsigned i = 0; i < n; i++)
        if (trees[i].fd >= 0)
            close(trees[i].fd);
    return refused ? 0 : rc;
}
