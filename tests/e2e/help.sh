#!/bin/sh
# What users read: every command has a --help whose examples can be typed as they stand, no page names an option that its command lacks,
# and README's first commands work.
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

# The commands of README's section on grading as somebody types them in a fresh folder, but for make, and with fewer mutants: they take their time.
typed() {
    mkdir -p "$tmp/fresh/build"
    ln -s "$(realpath "$ASSAY_BUILD/assay")" "$tmp/fresh/build/assay"
    ln -s "$(realpath "$top/problems")" "$tmp/fresh/problems"
    awk '/^## / {on = $0 == "## Grade"} /^```/ {code = on && /^```sh/; next} code && !/^make/' "$top/README.md" |
        sed 's/ check [^ ]*/& --mutants 2/' >"$tmp/typed"
    (cd "$tmp/fresh" && timeout -k 5 120 sh -e "$tmp/typed") >"$tmp/said" 2>&1 || { cat "$tmp/said"; return 1; }
    says "$tmp/said" '"reason":"prose"' "3 verdicts in" "66 problems: " "undefined-name"
}
check "what README says about grading works as typed" typed
plan $tests
