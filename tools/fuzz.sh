#!/bin/sh
# fuzz.sh SECONDS TARGET...: runs build/fuzz's targets one after another, SECONDS each, and prints a table. New inputs go to
# build/fuzz/corpus-TARGET/, which the next run starts from; what stopped a target goes to build/fuzz/crash-TARGET-*, its report
# to build/fuzz/log-TARGET. A crash is seen again with: build/fuzz/tests/fuzz/fuzz_TARGET FILE. FUZZ_BUILD names another folder.
set -u
seconds=$1
shift
build=${FUZZ_BUILD:-build/fuzz}
export UBSAN_OPTIONS="print_stacktrace=1:${UBSAN_OPTIONS:-}"
bad=0

# final NAME LOG: a figure of libFuzzer's closing statistics.
final() { sed -n "s/^stat::$1: *//p" "$2" | tail -1; }

printf '%-18s %8s %12s %9s %9s %8s %8s  %s\n' target seconds executions exec/s coverage corpus rss_mib result
for target; do
    log=$build/log-$target new=$build/corpus-$target seeds=tests/fuzz/corpus/$target
    mkdir -p "$new"
    set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$build/crash-$target-"
    [ -f "tests/fuzz/$target.dict" ] && set -- "$@" -dict="tests/fuzz/$target.dict"
    [ -d "$seeds" ] || seeds=
    # CPython keeps memory to the end in ways that look like leaks.
    leaks=1
    ldd "$build/tests/fuzz/fuzz_$target" | grep -q libpython && leaks=0
    begun=$(date +%s)
    ASAN_OPTIONS="allocator_may_return_null=1:detect_leaks=$leaks:${ASAN_OPTIONS:-}" \
        "$build/tests/fuzz/fuzz_$target" "$@" "$new" $seeds >"$log" 2>&1
    status=$?
    result=clean
    if [ $status -ne 0 ]; then
        bad=1
        result=$(grep -aoE "$build/crash-[^ ]+" "$log" | tail -1)
        result="STOPPED ${result:-with status $status, see $log}"
    fi
    printf '%-18s %8s %12s %9s %9s %8s %8s  %s\n' "$target" $(($(date +%s) - begun)) \
        "$(final number_of_executed_units "$log")" "$(final average_exec_per_sec "$log")" \
        "$(grep -aoE 'cov: [0-9]+' "$log" | tail -1 | cut -c6-)" "$(find "$new" -type f | wc -l)" \
        "$(final peak_rss_mb "$log")" "$result"
done
exit $bad
