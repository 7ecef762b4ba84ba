# Verdicts of samples.jq's samples as lines "STATE<tab>NAME<tab>WHY". STATE: held, rewarded, odd, lost, passed, unpromised.
# rewarded: a hostile program got more than it may. odd: it failed for another reason than its file names, or met a fault of ours.
# A time limit is never odd: limits are tight here, and the host may be busy.
# lost: an honest program was not correct, or one of quick/ not faster. unpromised: the program's file says that it needs more than this guest had.

def granted($needs; $isolation):
    $needs == "" or ($needs | split("|") | any(. as $n | $isolation | index($n)));

def why: "\(.grade) \(.reason)" + if .infra then " infra: \(.infra)" else "" end
    + if .tests then " \(.tests.passed)/\(.tests.total)" else "" end;

select(.file != null)
| (.expect // "" | split(" ")) as [$grades, $reasons]
| "\(.file) (\(.form)\(if .round > 0 then ", \(.round)" else "" end))" as $name
| .grade as $grade | .reason as $reason
| ["not-code", "wrong-language", "fails-tests", "correct", "faster"] as $order
| ($order | index($grade)) as $got | ([$grades | split("|")[] as $g | $order | index($g)] | max) as $most
| (if .honest then (if $grade == "faster" or ($grade == "correct" and $most < 4) then "passed" else "lost" end)
   elif $grade == null then "odd"
   elif $got > $most then "rewarded"
   elif $got == $most and $reasons and ($reasons | split("|") + ["time-limit"] | index($reason) | not) then "odd"
   else "held" end) as $state
| [if ($state == "rewarded" or $state == "lost") and (granted(.needs; .isolation) | not) then "unpromised" else $state end,
   $name, "wanted \(.expect), got \(why)"]
| @tsv
