#!/bin/sh
# Poorer hosts, and poorer users: a part of tests/escape (all of it with ASSAY_TEST_FULL=1) graded in each, and a table of what came
# of it. Whatever the host lacks, no hostile program may earn or do anything; what honest ones lose is said by their files.
. "$(dirname "$0")/tap.inc"
. "$here/../escape/corpus.inc"
trap 'corpus_end; cleanup' EXIT
[ -d "$escape/lying" ] || skip_all "no programs in $escape"
cp "$ASSAY_BUILD/tests/e2e/refuse" "$tmp/refuse" 2>/dev/null || skip_all "$ASSAY_BUILD/tests/e2e/refuse is not built"
refuse=$tmp/refuse
ordinary=54321
everything=userns,pidns,netns,ipcns,mntns,utsns,landlock

# Every program that reaches for the host, and some of the others; two forms are enough here.
part() {
    if [ -n "$ASSAY_TEST_FULL" ]; then
        corpus_files | grep -v -e '^timing/' -e '^quick/' -e '^replies/' -e '^texts/'
    else
        corpus_files './honest/*' | awk 'NR % 8 == 0'
        corpus_files | grep -E '^(host|kernel|stash)/|^honest/(temporary_files|paths|current_folder|thread)'
        corpus_files | grep -E '^(killing|surviving)/' | awk 'NR % 3 == 0'
        corpus_files | grep -E '^(exhausting|exits|forging|lying|patching|stealing)/' | awk 'NR % 20 == 0'
    fi | sort -u
}

row() {
    printf '# %-34s %8s %8s %8s %8s %8s %6s  %s\n' "$@"
}

# mode NAME USER WITHOUT HOST: grades the part there.
mode() {
    name=$1
    ASSAY_SANDBOX_WITHOUT=$3
    export ASSAY_SANDBOX_WITHOUT
    corpus_begin "$2" "$4"
    # shellcheck disable=SC2046
    corpus_samples "${ASSAY_TEST_FULL:+assert class }function stdio" $(part)
    check "$name: graded without a fault of ours" corpus_grade --no-timing
    effects=$(corpus_effects)
    row "$name" "$(corpus_count '\(held\|odd\|rewarded\)')" "$(corpus_count rewarded)" "$(echo "$effects" | grep -c .)" \
        "$(corpus_count '\(passed\|lost\|unpromised\)')" "$(corpus_count lost)" "$(corpus_count unpromised)" \
        "$(jq -r 'select(.after != null) | .isolation | join(" ")' "$corpus/verdicts" | sort | uniq -c | sort -rn | awk 'NR == 1 { $1 = ""; print }')"
    check "$name: nobody is rewarded, nobody honest lost" same "" "$(grep -E '^(rewarded|lost)' "$corpus/states")"
    check "$name: an honest one after each is correct" same "$honest_wanted" "$honest_after"
    check "$name: no effect on the host" same "" "$effects"
    corpus_end
    unset ASSAY_SANDBOX_WITHOUT
}

# full NAME...: a mode for the long run only.
full() {
    [ -z "$ASSAY_TEST_FULL" ] || mode "$@"
}

row mode hostile rewarded effects honest lost other isolation
full "everything" "" "" ""
full "no user namespaces" "" userns ""
mode "no mount namespaces" "" mntns ""
full "no Landlock" "" landlock ""
mode "the floor" "" "$everything" ""
mode "user namespaces refused" "" "" "$refuse userns"
full "all namespaces refused" "" "" "$refuse namespaces"
full "namespaces, Landlock refused" "" "" "$refuse namespaces,landlock"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    mode "ordinary user" "$ordinary" "" ""
    mode "ordinary user, namespaces refused" "$ordinary" "" "$refuse namespaces"
    full "ordinary user, the floor" "$ordinary" "" "$refuse namespaces,landlock"
else
    skip "ordinary user" "needs to be started by root, with setpriv"
fi
plan "$tests"
