/* Who ran out of memory: the counters of both versions of control groups, and a guest that meets the
 * cap of a real one. */
#include "sandbox_harness.h"

#include <sys/stat.h>

#include "sandbox/cgroup.h"

static int file_with(const char *text)
{
    char path[] = "/tmp/assay-cgroup-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void become(int fd, const char *text)
{
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
}

static void version_2_counts(void **state)
{
    (void)state;
    int events = file_with("low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\noom_group_kill 0\n");
    struct sbx_cgroup group = {.unified = true, .kills = events, .meets = events};
    sbx__cgroup_mark(&group);
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE);
    become(events, "low 0\nhigh 0\nmax 30\noom 2\noom_kill 3\noom_group_kill 1\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE); /* it was at its cap and found room */
    become(events, "low 0\nhigh 0\nmax 30\noom 3\noom_kill 4\noom_group_kill 0\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_CAP);
    become(events, "low 0\nhigh 0\nmax 9\noom 2\noom_kill 4\noom_group_kill 0\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_HOST);
    sbx__cgroup_mark(&group);
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE);
    close(events);
}

static void version_1_counts(void **state)
{
    (void)state;
    int control = file_with("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"),
        met = file_with("12\n");
    struct sbx_cgroup group = {.kills = control, .meets = met};
    sbx__cgroup_mark(&group);
    become(met, "13\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE);
    become(control, "oom_kill_disable 0\nunder_oom 1\noom_kill 8\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_CAP);
    become(met, "12\n");
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_HOST);
    /* An older kernel does not count, and a group without the files neither. */
    become(control, "oom_kill_disable 0\nunder_oom 0\n");
    sbx__cgroup_mark(&group);
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE);
    close(control);
    close(met);
    group.kills = group.meets = -1;
    sbx__cgroup_mark(&group);
    assert_int_equal(sbx__cgroup_oom(&group), SBX_OOM_NONE);
}

/* ---- a real one ------------------------------------------------------------------------------ */

#define MEMORY_ROOT "/sys/fs/cgroup/memory"

static char group_path[64];

static void in_a_delegated_group(void)
{
    char procs[128];
    snprintf(procs, sizeof procs, "%s/cgroup.procs", group_path);
    int fd = open(procs, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1 || setgid(65432) != 0 || setuid(65432) != 0)
        _exit(126);
    close(fd);
}

/* Memory that processes could share is counted by no resource limit. Version 1 only, and where this
 * process is in the root group of that hierarchy: other groups have managers. */
static void a_guest_meets_the_cap_of_its_slot(void **state)
{
    (void)state;
    char command[160];
    const bool in_root = system("grep -q ':memory:/$' /proc/self/cgroup") == 0;
    snprintf(group_path, sizeof group_path, MEMORY_ROOT "/assay-test-%d", (int)getpid());
    if (geteuid() != 0 || !in_root || mkdir(group_path, 0755) != 0) {
        print_message("# needs root, and the root group of " MEMORY_ROOT "\n");
        skip();
    }
    assert_int_equal(chown(group_path, 65432, 65432), 0);
    slot_copy();
    slot_prepare = in_a_delegated_group;
    struct slot slot = slot_start(NULL);
    slot_prepare = NULL;
    assert_true(slot.isolation & SBX_CGROUP);
    struct keeper_fork order = {LIMITS_OF_TESTS};
    order.memory_kib = 32 << 10;
    struct run run = run_start(&slot, order);
    assert_string_equal(
        run_load(&run,
                 "import mmap\n"
                 "m = mmap.mmap(-1, 1 << 30)\n"
                 "for i in range(0, 1 << 30, 1 << 20): m[i:i + (1 << 20)] = bytes(1 << 20)\n",
                 0),
        "end of stream");
    struct keeper_exited e = run_exited(&run);
    assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL);
    assert_int_equal(e.cause, KEEPER_BY_MEMORY);
    /* The next one starts with a clean sheet. */
    run = run_start(&slot, (struct keeper_fork){LIMITS_OF_TESTS});
    assert_string_equal(run_load(&run, "x = 1\n", 0), "None");
    run_end(&run);
    slot_stop(&slot);
    slot_copy_end();
    snprintf(command, sizeof command, "rmdir %s/assay-slot-* %s", group_path, group_path);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_counts),
        cmocka_unit_test(version_1_counts),
        cmocka_unit_test(a_guest_meets_the_cap_of_its_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
