#!/bin/sh
# What users read: every command has a --help whose examples can be typed as they stand, and no page names an option that its command lacks.
. "$(dirname "$0")/tap.inc"
top=$here/../..
assay --help >"$tmp/front.help"
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' "$tmp/front.help")

# complete COMMAND: a usage line, options, examples; nothing an example says is broken into a second line.
complete() {
    assay "$1" --help >"$tmp/$1.help" || return 1
    says "$tmp/$1.help" "Usage: assay $1" "Examples:" "  assay $1" "--help" || return 1
    awk '/^Examples:/ {on = 1; next} /^$/ {on = 0} on && !/^  / {print "broken: " $0; bad = 1} END {exit bad}' "$tmp/$1.help"
}
for command in $commands; do
    check "assay $command --help" complete "$command"
done
check "assay help COMMAND is the same" sh -c '"$1/assay" help grade | cmp - "$2"' - "$ASSAY_BUILD" "$tmp/grade.help"
check "all commands are there" same 11 "$(echo "$commands" | wc -w)"

# options FILE...: the options behind each "assay COMMAND" of a text, up to a pipe, a comment or the end of the code, are that command's.
options() {
    for command in $commands; do
        cat "$@" | grep -oE "assay $command [^|#\`]*" | grep -oE -- " --[a-z][a-z0-9-]+" | sort -u >"$tmp/named"
        while read -r option; do
            grep -qE -- " $option\b" "$tmp/$command.help" || { echo "assay $command has no $option"; return 1; }
        done <"$tmp/named"
    done
    says "$tmp/named" "--" # the last command's: something was found at all
}
check "the options in --help's examples exist" options "$tmp"/*.help
check "the options in the pages exist" options "$top"/*.md "$top"/problems/README.md "$top"/tests/bench/README.md "$top"/tools/python/README.md
plan $tests
