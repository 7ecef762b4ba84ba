#!/bin/sh
# Every program of tests/escape: the hostile ones earn nothing and do nothing to the host, whatever form of problem they attack;
# the honest ones are correct; and so is an honest one graded after each hostile one, in the same slot.
. "$(dirname "$0")/tap.inc"
. "$here/../escape/corpus.inc"
trap 'corpus_end; cleanup' EXIT
[ -d "$escape/lying" ] || skip_all "no programs in $escape"

# report: a test for each verdict.
report() {
    while IFS="$(printf '\t')" read -r state name why; do
        case $state in
        held | passed) check "$name" true ;;
        unpromised) skip "$name" "this host lacks what it needs; $why" ;;
        *) check "$name" same held "$state: $why" ;;
        esac
    done <"$corpus/states"
}

corpus_begin
# shellcheck disable=SC2046
corpus_samples "" $(corpus_files | grep -v -e '^timing/' -e '^quick/')
start=$(date +%s)
check "graded without a fault of ours" corpus_grade --no-timing
took=$(($(date +%s) - start))
report
check "the honest one after each stays correct" same "$honest_wanted" "$honest_after"
check "no effect on the host" same "" "$(corpus_effects)"
# shellcheck disable=SC2046
corpus_samples "" $(corpus_files './timing/*') $(corpus_files './quick/*')
check "timed, without a fault of ours" corpus_grade
report
check "no effect on the host, timed" same "" "$(corpus_effects)"
# shellcheck disable=SC2046
corpus_samples "function" $(corpus_files './surviving/*') $(corpus_files './killing/*') $(corpus_files './exits/exit_*')
check "nothing lives on beside a slot" same "" "$(corpus_slot)"
echo "# $took s"
plan "$tests"
