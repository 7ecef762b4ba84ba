#!/bin/sh
# A slot's processes stay on one core of those that the verifier may use; the linter on none in particular.
. "$(dirname "$0")/tap.inc"
sock=$tmp/s.sock
cores=$(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2])')
plan 10

# allowed PID...: the cores that each of these may use, a line each, sorted.
allowed() {
    for pid; do
        sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$pid/status"
    done | sort
}

# children NAME PID...: the children so named.
children() {
    name=$1
    shift
    for pid; do
        ps -o pid=,comm= --ppid "$pid" | awk -v name="$name" '$2 == name { print $1 }'
    done
}

# up CORES: a server of two slots on these cores, both of which have worked.
up() {
    taskset -c "$1" "$ASSAY_BUILD/assay" serve -p "$data/add.yaml" --listen "unix:$sock" -j 2 2>"$tmp/log" &
    server=$!
    server_answers "$sock" || return 1
    for i in $(seq 200); do
        curl -s --unix-socket "$sock" http://x/metrics | grep -qx 'assay_slots_ready 2' && break
        sleep 0.1
    done
    # Two at a time: were there more, a spare slot would take one while the others sleep.
    for i in 1 2 3; do
        jq -nc --arg i $i '{items: [range(2) | {task_id: "add",
            solution: "import time\ntime.sleep(0.2)\ndef add(a, b): return a + b # \($i).\(.)"}]}' >"$tmp/items"
        curl -s --max-time 60 --unix-socket "$sock" http://x/v1/grade -d "@$tmp/items" |
            jq -e '[.verdicts[].grade] | length == 2 and all(. == "correct")' || return 1
    done
}

# together: judges and keepers of both slots are kept to one core each, the same for a judge and its keeper.
# A keeper in a process namespace of its own is the child of the one that was started.
together() {
    judges=$(allowed $(children assay-judge "$server"))
    started=$(children assay-keeper "$server")
    inner=$(children assay-keeper $started)
    same 2 "$(echo "$judges" | grep -cx '[0-9]*')" || return 1
    same "$judges" "$(allowed ${inner:-$started})"
}

# linter CORES: it may use all of them.
linter() {
    same "$(taskset -c "$1" sh -c "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status")" \
        "$(allowed $(children assay-lint "$server"))"
}

echo 'import os; print(*os.sched_getaffinity(0))' >"$tmp/cores.py"
# run_on CORES WANTED: a program sees one core, one of these.
run_on() {
    taskset -c "$1" "$ASSAY_BUILD/assay" run "$tmp/cores.py" 2>/dev/null | grep -Ex "$2"
}

one=${cores%% *}
both=$(echo "$cores" | tr ' ' ,)
check "one core: starts and grades" up "$one"
check "one core: slots are on it" together
check "one core: and nowhere else" same "$one" "$(allowed $(children assay-judge "$server") | uniq)"
check "one core: ends" down
check "one core: the program is on it" run_on "$one" "$one"
if [ "$one" = "$cores" ]; then
    for what in "starts and grades" "slots stay on one each" "the linter may use both" ends "the program is on one"; do
        skip "two cores: $what" "this process may use one core only"
    done
    exit 0
fi
check "two cores: starts and grades" up "$both"
check "two cores: slots stay on one each" together
check "two cores: the linter may use both" linter "$both"
check "two cores: ends" down
check "two cores: the program is on one" run_on "$both" "$(echo "$cores" | tr ' ' '|')"
