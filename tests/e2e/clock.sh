#!/bin/sh
# The calendar's clock jumps by days, in every process of the verifier, at each look: no verdict is another one, and no limit.
. "$(dirname "$0")/tap.inc"
command -v "${CC:-gcc}" >/dev/null || skip_all "there is no compiler"
plan 5

# A library that answers for the C library. Clocks of another kind are the kernel's.
cat >"$tmp/jump.c" <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t jump(void)
{
    static unsigned looks;
    const time_t days = looks++ % 2 ? -3000 : 3000;
    return days * 86400 + looks;
}
int clock_gettime(clockid_t id, struct timespec *t)
{
    long rc = syscall(SYS_clock_gettime, id, t);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
        t->tv_sec += jump();
    return (int)rc;
}
int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    long rc = syscall(SYS_gettimeofday, t, zone);
    t->tv_sec += jump();
    return (int)rc;
}
time_t time(time_t *ret)
{
    const time_t now = syscall(SYS_time, NULL) + jump();
    if (ret)
        *ret = now;
    return now;
}
C
check "the clock is built" "${CC:-gcc}" -shared -fPIC -O1 -o "$tmp/jump.so" "$tmp/jump.c"
for i in 1 2 3 4; do
    printf '{"task_id":"add","solution":"def add(a, b): return a + b  # %d"}\n' $i
    printf '{"task_id":"add","solution":"import time\\ntime.sleep(0.05)\\ndef add(a, b): return b + a  # %d"}\n' $i
    printf '{"task_id":"add","solution":"def add(a, b): return a - b  # %d"}\n' $i
    printf '{"task_id":"add","response":"I would add the two numbers, in step %d or later."}\n' $i
done >"$tmp/s.jsonl"
printf '{"task_id":"add","solution":"def add(a, b):\\n    while True: pass"}\n' >>"$tmp/s.jsonl"
few='{task_id, sample, grade, reward, reason, infra, tests, language}'
# Helpers get nothing of the verifier's environment: here each is a script that starts it with its own.
mkdir "$tmp/bin"
cp "$ASSAY_BUILD/assay" "$ASSAY_BUILD/assay-verifier" "$tmp/bin"
build=$(cd "$ASSAY_BUILD" && pwd)
for helper in judge keeper lint; do
    printf '#!/bin/sh\nLD_PRELOAD="%s" ASAN_OPTIONS="%s" exec "%s" "$@"\n' \
        "$tmp/jump.so" "$ASAN_OPTIONS:verify_asan_link_order=0" "$build/assay-$helper" >"$tmp/bin/assay-$helper"
    chmod +x "$tmp/bin/assay-$helper"
done
jumping() {
    timeout -k 5 120 env LD_PRELOAD="$tmp/jump.so" ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0" "$tmp/bin/assay" "$@"
}
year() { echo 'import time; print(time.gmtime().tm_year)' | jumping run - 2>"$tmp/err"; }
other_year() { y=$(year) && [ -n "$y" ] && [ "$y" != "$(date +%Y)" ]; }
check "it jumps, for programs too" other_year
check "undisturbed" status 0 assay grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v" --no-timing
check "while it jumps" status 0 jumping grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/w" --no-timing
jq -c "$few" "$tmp/v" >"$tmp/wanted"
jq -c "$few" "$tmp/w" >"$tmp/got"
check "every verdict is the same" cmp "$tmp/wanted" "$tmp/got"
