/* namespace.c: the namespaces of a slot, made once by the keeper without any privilege.
 *
 * The user namespace comes first, since it grants the rights to make the others. Its one user is
 * nobody inside, whoever it is outside. Each other kind is tried by itself: a host that refuses one
 * still gets the rest, and the isolation bits tell. A bit is set when the kernel shows another
 * namespace than before, not because a call succeeded. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox/confine.h"

int sbx__without(uint32_t *ret_bits, struct err *err)
{
    const char *at = getenv("ASSAY_SANDBOX_WITHOUT");
    uint32_t bits = 0;
    while (at && *at) {
        size_t n = strcspn(at, ",");
        int bit = 0;
        while (sbx_isolation_name(bit) && !str_eq(str_of(sbx_isolation_name(bit)), str_make(at, n)))
            bit++;
        if (n && (!sbx_isolation_name(bit) || (SBX_FLOOR & (1u << bit))))
            return err_set(err, -EINVAL,
                           "ASSAY_SANDBOX_WITHOUT: \"%.*s\" is no feature that can be left out",
                           (int)n, at);
        if (n)
            bits |= 1u << bit;
        at += n + (at[n] == ',');
    }
    *ret_bits = bits;
    return 0;
}

int sbx__become_nobody(struct err *err)
{
    if (geteuid() != 0)
        return 0;
    if (setgroups(0, NULL) == 0 && setresgid(SBX_NOBODY, SBX_NOBODY, SBX_NOBODY) == 0 &&
        setresuid(SBX_NOBODY, SBX_NOBODY, SBX_NOBODY) == 0)
        return 0;
    /* A container whose user map has one entry knows no nobody, or its root may not change its
     * user. Such a root is an ordinary user outside; its capabilities are dropped like any other's
     * and it cannot regain them. */
    if (errno == EINVAL || errno == EPERM)
        return 0;
    return err_set(err, -errno, "cannot give up root: %s", strerror(errno));
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n == (ssize_t)strlen(text) ? 0 : -errno;
    close(fd);
    return rc;
}

/* One user and one group inside, whoever we are outside. */
static int map_ids(uid_t uid, gid_t gid, struct err *err)
{
    char text[64];
    int rc = write_file("/proc/self/setgroups", "deny");
    if (rc == 0) {
        snprintf(text, sizeof text, "%d %u 1", SBX_NOBODY, (unsigned)uid);
        rc = write_file("/proc/self/uid_map", text);
    }
    if (rc == 0) {
        snprintf(text, sizeof text, "%d %u 1", SBX_NOBODY, (unsigned)gid);
        rc = write_file("/proc/self/gid_map", text);
    }
    return rc == 0
               ? 0
               : err_set(err, rc, "user namespace: cannot write the id maps: %s", strerror(-rc));
}

static ino_t namespace_of(const char *name)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/self/ns/%s", name);
    return stat(path, &st) == 0 ? st.st_ino : 0;
}

int sbx__enter_namespaces(uint32_t without, uint32_t *isolation, struct err *err)
{
    static const struct {
        int flag;
        uint32_t bit;
        const char *name;
    } kinds[] = {
        {CLONE_NEWNS, SBX_MNTNS, "mnt"},  {CLONE_NEWNET, SBX_NETNS, "net"},
        {CLONE_NEWIPC, SBX_IPCNS, "ipc"}, {CLONE_NEWUTS, SBX_UTSNS, "uts"},
        {CLONE_NEWPID, SBX_PIDNS, NULL}, /* of children to come: each guest looks for itself */
    };
    const ino_t host = namespace_of("user");
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    /* Giving up root made our /proc files root's; the maps are written through them. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0)
        return err_set(err, -errno, "prctl(PR_SET_DUMPABLE): %s", strerror(errno));
    if ((without & SBX_USERNS) || unshare(CLONE_NEWUSER) != 0)
        return 0;
    TRY(map_ids(uid, gid, err));
    if (namespace_of("user") != host)
        *isolation |= SBX_USERNS;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const ino_t before = kinds[i].name ? namespace_of(kinds[i].name) : 0;
        if (!(without & kinds[i].bit) && unshare(kinds[i].flag) == 0 &&
            (!kinds[i].name || namespace_of(kinds[i].name) != before))
            *isolation |= kinds[i].bit;
    }
    if ((*isolation & SBX_UTSNS) && sethostname(SBX_HOST_NAME, strlen(SBX_HOST_NAME)) != 0)
        return err_set(err, -errno, "sethostname: %s", strerror(errno));
    return 0;
}
