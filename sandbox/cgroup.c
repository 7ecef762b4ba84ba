/* cgroup.c: caps on a slot as a whole, by control groups of version 1 or 2.
 *
 * They see what resource limits do not: the kernel's own memory, page tables, tmpfs. A group can
 * be had without privilege only where one was delegated: its folder belongs to this user, or, for
 * root, carries systemd's mark of delegation; any other group is its manager's business. The
 * keeper enters a group once, together with all it will fork, since moving a process for each guest
 * would cost milliseconds; per guest the caps are written, when they change.
 *
 * Version 2 gives controllers only to groups whose parent holds no process. So the verifier first
 * moves itself down into "assay-host", and slots become siblings of that. Nobody can remove the
 * group it is in: each slot removes the empty groups that earlier ones left.
 *
 * The kernel counts whom it killed in a group for want of memory, whoever wanted it, and how often the
 * group met its cap: "oom_kill" and "oom" of memory.events, or memory.oom_control's "oom_kill" and
 * memory.failcnt of version 1. A kill without a meeting is the host's. */
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/check.h"
#include "base/str.h"
#include "sandbox.h"

#define SLOT_PREFIX "assay-slot-"
#define HOST_GROUP  "assay-host"

/* ---- finding it ------------------------------------------------------------------------------ */

static bool has_word(const char *list, const char *word)
{
    for (size_t n; *list; list += n + (list[n] == ',')) {
        n = strcspn(list, ",");
        if (n == strlen(word) && strncmp(list, word, n) == 0)
            return true;
    }
    return false;
}

/* The path of this process within the hierarchy of a controller; NULL asks for version 2. */
static bool own_path(const char *controller, char ret_path[PATH_MAX])
{
    char line[PATH_MAX + 64];
    bool found = false;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        found = controller ? has_word(list + 1, controller) : list[1] == 0;
        if (found)
            snprintf(ret_path, PATH_MAX, "%s", path);
    }
    if (file)
        fclose(file);
    return found;
}

/* Where that hierarchy is mounted, and which of its groups is the mount's root. */
static bool find_mount(const char *controller, char ret_root[PATH_MAX], char ret_point[PATH_MAX])
{
    char line[3 * PATH_MAX], type[32], options[512];
    bool found = false;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *rest = strstr(line, " - ");
        if (!rest || sscanf(line, "%*s %*s %*s %4095s %4095s", ret_root, ret_point) != 2 ||
            sscanf(rest, " - %31s %*s %511s", type, options) != 2)
            continue;
        found = controller ? strcmp(type, "cgroup") == 0 && has_word(options, controller)
                           : strcmp(type, "cgroup2") == 0;
    }
    if (file)
        fclose(file);
    return found;
}

static bool own_folder(const char *controller, char ret_folder[PATH_MAX])
{
    char path[PATH_MAX], root[PATH_MAX], point[PATH_MAX];
    if (!own_path(controller, path) || !find_mount(controller, root, point))
        return false;
    const size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
    const char *below = strncmp(path, root, n) == 0 ? path + n : path;
    return snprintf(ret_folder, PATH_MAX, "%s%s", point, strcmp(below, "/") == 0 ? "" : below) <
           PATH_MAX;
}

static bool is_delegated(const char *folder)
{
    static const char *const marks[] = {"trusted.delegate", "user.delegate"};
    struct stat st;
    char value;
    if (stat(folder, &st) != 0 || access(folder, W_OK) != 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (getxattr(folder, marks[i], &value, 1) == 1 && value == '1')
            return true;
    return geteuid() != 0 && st.st_uid == geteuid();
}

/* ---- one slot -------------------------------------------------------------------------------- */

static bool put(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool good = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return good;
}

/* A group that is in use refuses; one that is still empty may be about to be entered by the process
 * that it is named after. */
static void sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    const size_t n = strlen(SLOT_PREFIX);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (strncmp(entry->d_name, SLOT_PREFIX, n) == 0 &&
            kill((pid_t)strtol(entry->d_name + n, NULL, 10), 0) != 0 && errno == ESRCH)
            (void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
    if (dir)
        closedir(dir);
}

/* Enters a new group below `folder` and opens the named files of it: caps, then others that are only
 * read. -1 when it has none of the caps or refuses. */
static int enter_below(const char *folder, const char *const files[], int *ret_fds, size_t n,
                       size_t n_caps)
{
    char leaf[PATH_MAX];
    sweep(folder);
    if (snprintf(leaf, sizeof leaf, "%s/%s%d", folder, SLOT_PREFIX, (int)getpid()) >=
            (int)sizeof leaf ||
        (mkdir(leaf, 0755) != 0 && errno != EEXIST))
        return -1;
    int had = 0, dir = open(leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < n && dir >= 0; i++) {
        ret_fds[i] = openat(dir, files[i], (i < n_caps ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        had += i < n_caps && ret_fds[i] >= 0;
    }
    if (dir >= 0)
        close(dir);
    if (had && put(leaf, "cgroup.procs", "0")) {
        (void)put(leaf, "memory.swap.max", "0");
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (ret_fds[i] >= 0)
            close(ret_fds[i]);
        ret_fds[i] = -1;
    }
    (void)rmdir(leaf);
    return -1;
}

bool sbx__cgroup_enter(struct sbx_cgroup *group)
{
    static const char *const unified[] = {"pids.max", "memory.max", "memory.events"};
    static const char *const pids[] = {"pids.max"};
    static const char *const memory[] = {"memory.limit_in_bytes", "memory.oom_control",
                                         "memory.failcnt"};
    char folder[PATH_MAX];
    int fds[4] = {-1, -1, -1, -1}; /* processes; memory: its cap and its counters */
    if (own_folder(NULL, folder)) {
        char *last = strrchr(folder, '/');
        if (last && strcmp(last + 1, HOST_GROUP) == 0) {
            *last = 0;
            if (is_delegated(folder))
                (void)enter_below(folder, unified, fds, 3, 2);
        }
    }
    const bool is_unified = fds[1] >= 0;
    if (!is_unified && own_folder("memory", folder) && is_delegated(folder))
        (void)enter_below(folder, memory, &fds[1], 3, 1);
    if (fds[0] < 0 && own_folder("pids", folder) && is_delegated(folder))
        (void)enter_below(folder, pids, &fds[0], 1, 1);
    *group = (struct sbx_cgroup){.processes = fds[0],
                                 .memory = fds[1],
                                 .unified = is_unified,
                                 .kills = fds[2],
                                 .meets = is_unified ? fds[2] : fds[3]};
    return fds[0] >= 0 || fds[1] >= 0;
}

static int write_cap(int fd, uint64_t value, uint64_t *now)
{
    char text[32];
    if (fd < 0 || value == *now)
        return 0;
    const int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    if (pwrite(fd, text, (size_t)n, 0) != n)
        return -errno;
    *now = value;
    return 0;
}

int sbx__cgroup_limit(struct sbx_cgroup *group, uint64_t memory, uint64_t processes)
{
    TRY(write_cap(group->memory, memory, &group->memory_now));
    return write_cap(group->processes, processes, &group->processes_now);
}

/* The number behind `key` in a file of lines, or the number that is the whole file. 0 where there is
 * none. */
static uint64_t count(int fd, const char *key)
{
    char text[1024];
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    if (!key)
        return strtoull(text, NULL, 10);
    const size_t length = strlen(key);
    for (const char *line = text; *line; line += line[0] == '\n') {
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length, NULL, 10);
        line += strcspn(line, "\n");
    }
    return 0;
}

static uint64_t kills_of(const struct sbx_cgroup *group)
{
    return count(group->kills, "oom_kill");
}

static uint64_t meets_of(const struct sbx_cgroup *group)
{
    return count(group->meets, group->unified ? "oom" : NULL);
}

void sbx__cgroup_mark(struct sbx_cgroup *group)
{
    group->kills_then = kills_of(group);
    group->meets_then = meets_of(group);
}

enum sbx_oom sbx__cgroup_oom(const struct sbx_cgroup *group)
{
    if (group->meets < 0 || kills_of(group) == group->kills_then)
        return SBX_OOM_NONE;
    return meets_of(group) == group->meets_then ? SBX_OOM_HOST : SBX_OOM_CAP;
}

/* ---- the verifier ---------------------------------------------------------------------------- */

void sbx_cgroup_host(void)
{
    char folder[PATH_MAX], host[PATH_MAX];
    if (!own_folder(NULL, folder) || !is_delegated(folder) ||
        strcmp(strrchr(folder, '/') + 1, HOST_GROUP) == 0 ||
        snprintf(host, sizeof host, "%s/%s", folder, HOST_GROUP) >= (int)sizeof host ||
        (mkdir(host, 0755) != 0 && errno != EEXIST))
        return;
    if (put(host, "cgroup.procs", "0") && put(folder, "cgroup.subtree_control", "+memory +pids"))
        return;
    /* Others are in it as well, or the controllers are not ours: back to where we were. */
    (void)put(folder, "cgroup.procs", "0");
    (void)rmdir(host);
}
