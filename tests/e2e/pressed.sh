#!/bin/sh
# Clients that do not read, more of them than there are descriptors, and helpers killed meanwhile: everybody gets a verdict.
. "$(dirname "$0")/tap.inc"
plan 10
sock=$tmp/s.sock

# begin DESCRIPTORS: a server that may open so many.
begin() {
    (ulimit -n "$1" && exec "$ASSAY_BUILD/assay" serve -p "$data/add.yaml" --listen "unix:$sock" -j 2 2>"$tmp/log") &
    server=$!
    server_answers "$sock"
    # A verdict says that both slots are up, or nearly.
    curl -s --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b): return a"}' >/dev/null
}
end() {
    kill "$server" && wait "$server"
    code=$?
    server=
    return $code
}
begin 1024
check "those who do not read hold up nobody, and leave nothing" python3 "$here/pressed.py" "$sock" "$server" stalled
check "the server ends in order" end
begin 1024
check "a large body is read aside, whoever sends it and however it ends" python3 "$here/pressed.py" "$sock" "$server" large
check "the server ends in order" end
mkfifo "$tmp/unread"
sleep 600 <"$tmp/unread" &
reader=$!
"$ASSAY_BUILD/assay" serve -p "$data/add.yaml" --listen "unix:$sock" -j 1 --log requests 2>"$tmp/unread" &
server=$!
check "a log that nobody reads" server_answers "$sock"
check "holds up nobody, and says what was dropped" python3 "$here/pressed.py" "$sock" "$server" unread
check "the server ends in order" end
kill "$reader"
begin 64
check "more clients than descriptors: each is answered" python3 "$here/pressed.py" "$sock" "$server" crowd
check "the server ends in order" end
check "no process is left" no_orphans
