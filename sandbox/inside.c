/* inside.c: what a guest really has, asked of the kernel by the guest itself after its last step
 * and before the first hostile byte. A verdict's `isolation` is this answer, and a guest that finds
 * less than the floor, or less than its keeper promised, does not start.
 *
 * Where it can be, the question is an attempt: a call that must be refused. Two things cannot be
 * asked from here, since nothing of /proc is left: that the network and ipc namespaces are not the
 * host's. They are the keeper's own, which it compared with the host's before; a fork cannot be
 * in others. */
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/check.h"
#include "sandbox/confine.h"

static bool refused(long rc, int error)
{
    return rc == -1 && errno == error;
}

/* One call that the inherited filter refuses and one that the guest's own does; both would get
 * another error from the kernel. */
static bool filters_hold(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 && refused(socket(-1, 0, 0), EPERM) &&
           refused(syscall(SYS_seccomp, ~0u, ~0u, NULL), EPERM);
}

/* The root folder itself is in no rule. */
static bool landlock_holds(void)
{
    return refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), EACCES);
}

static bool root_is_private(const struct sbx_guest *guest)
{
    struct stat st;
    return stat("/", &st) == 0 && st.st_dev != guest->host_root;
}

static bool name_is_ours(void)
{
    struct utsname name;
    return uname(&name) == 0 && strcmp(name.nodename, SBX_HOST_NAME) == 0;
}

uint32_t sbx__inside(const struct sbx_guest *guest)
{
    const uint32_t promised = guest->slot;
    uint32_t has = promised & (SBX_USERNS | SBX_NETNS | SBX_IPCNS | SBX_CGROUP);
    if ((promised & SBX_PIDNS) && getpid() == 1 && getppid() == 0)
        has |= SBX_PIDNS;
    if ((promised & SBX_MNTNS) && root_is_private(guest))
        has |= SBX_MNTNS;
    if ((promised & SBX_UTSNS) && name_is_ours())
        has |= SBX_UTSNS;
    if ((promised & SBX_LANDLOCK) && landlock_holds())
        has |= SBX_LANDLOCK;
    if (filters_hold())
        has |= SBX_SECCOMP;
    if (sbx__limits_hold(&guest->limits))
        has |= SBX_RLIMIT;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
        has |= SBX_NNP;
    return has;
}
