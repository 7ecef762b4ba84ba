/* landlock.c: a second fence around the file system, and the only one where the host refuses
 * mount namespaces. The rules are written once; each guest puts itself under them, since a process
 * under Landlock could no longer mount the next one's /tmp.
 *
 * Handled rights depend on the kernel's Landlock version: all rights it knows are denied, except
 * those granted below to the folders of root.c's table. Constants newer than the build host's
 * headers are spelled out. */
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/confine.h"

/* The kernel accepts a longer struct than it knows as long as the tail is zero. */
struct ruleset {
    uint64_t files, net, scoped;
};

enum {
    RIGHT_TRUNCATE = 1 << 14,      /* version 3 */
    RIGHT_DEVICE_IOCTL = 1 << 15,  /* version 5 */
    NET_BIND_AND_CONNECT = 3,      /* version 4 */
    SCOPE_SOCKETS_AND_SIGNALS = 3, /* version 6 */
};

static const uint64_t rights_read =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE;
static const uint64_t rights_file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE |
                                    LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE |
                                    RIGHT_DEVICE_IOCTL;
static const uint64_t rights_tmp = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                   LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                   LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                   LANDLOCK_ACCESS_FS_REFER | RIGHT_TRUNCATE;

static uint64_t handled_files(long version)
{
    uint64_t rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= RIGHT_TRUNCATE;
    if (version >= 5)
        rights |= RIGHT_DEVICE_IOCTL;
    return rights;
}

/* An absent path needs no rule: it stays closed. */
static int allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat st;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT ? 0 : -errno;
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= rights_file;
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
                  ? 0
                  : -errno;
    close(rule.parent_fd);
    return (int)rc;
}

static int allow_all(int ruleset, uint64_t handled, const char *extra, const char *tmp)
{
    for (unsigned i = 0; i < sbx__paths_count; i++)
        TRY(allow(ruleset, sbx__paths[i].path,
                  handled & (rights_read | (sbx__paths[i].write ? rights_file : 0))));
    for (const char *at = extra; at && *at;) {
        char path[512];
        size_t len = strcspn(at, ":");
        if (len >= sizeof path)
            return -ENAMETOOLONG;
        snprintf(path, sizeof path, "%.*s", (int)len, at);
        if (len)
            TRY(allow(ruleset, path, handled & rights_read));
        at += len + (at[len] == ':');
    }
    return tmp ? allow(ruleset, tmp, handled & rights_tmp) : 0;
}

int sbx__landlock_rules(const char *extra, const char *tmp, int *ret_fd, struct err *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *ret_fd = -1;
    if (version < 1)
        return 0;
    struct ruleset attr = {.files = handled_files(version)};
    if (version >= 4)
        attr.net = NET_BIND_AND_CONNECT;
    if (version >= 6)
        attr.scoped = SCOPE_SOCKETS_AND_SIGNALS;
    int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (fd < 0)
        return err_set(err, -errno, "landlock: cannot make a ruleset: %s", strerror(errno));
    int rc = allow_all(fd, attr.files, extra, tmp);
    if (rc < 0) {
        close(fd);
        return err_set(err, rc, "landlock: %s", strerror(-rc));
    }
    *ret_fd = fd;
    return 0;
}

int sbx__landlock_enter(int fd)
{
    return syscall(SYS_landlock_restrict_self, fd, 0) == 0 ? 0 : -errno;
}
