#!/bin/sh
# layers.sh BUILD: reads the compiler's own dependency files (BUILD/**/*.d) and checks that a room includes only what lies below it.
# The order is the one ARCHITECTURE.md draws; a room that is not listed is an error, so new rooms must say where they stand.
set -eu
build=${1:-build/release}

# What was built from a file that is gone says nothing about the tree.
find "$build" -name '*.d' ! -path '*/grammars/*' | while read -r d; do
    source=${d#"$build"/}
    [ ! -e "${source%.d}.c" ] || cat "$d"
done | tr -d '\\' | tr ' ' '\n' | awk '
    # rank of a room; headers of include/ and include/base/ are below everything
    function room(path) {
        if (path ~ /^include\/base\//)      return "base"
        if (path ~ /^include\//)            return "include"
        if (path ~ /^verifier\/problem\//)  return "verifier/problem"
        if (path ~ /^verifier\//)           return "verifier"
        if (path ~ /^sandbox\//)            return "sandbox"
        if (path ~ /^trainer\/client\//)    return "trainer/client"
        if (path ~ /^trainer\/kernels\//)   return "trainer/kernels"
        if (path ~ /^trainer\/text\//)      return "trainer/text"
        if (path ~ /^trainer\/model\//)     return "trainer/model"
        if (path ~ /^trainer\/rl\//)        return "trainer/rl"
        if (path ~ /^trainer\/mpi\//)       return "trainer/mpi"
        if (path ~ /^trainer\//)            return "trainer"
        if (path ~ /^tools\//)              return "tools"
        if (path ~ /^tests\//)              return "tests"
        return ""
    }
    BEGIN {
        below["include"]          = " base include "
        below["sandbox"]          = " base include sandbox "
        below["verifier/problem"] = " base include verifier/problem "
        below["verifier"]         = " base include sandbox verifier/problem verifier "
        below["trainer/client"]   = " base include trainer/client "
        below["trainer/kernels"]  = " base include trainer/kernels "
        below["trainer/text"]     = " base include trainer/text "
        below["trainer/model"]    = " base include trainer/kernels trainer/text trainer/model "
        below["trainer/rl"]       = " base include trainer/client trainer/kernels trainer/text trainer/model trainer/rl "
        below["trainer/mpi"]      = " base include trainer/client trainer/rl trainer/mpi "
        below["trainer"]          = " base include trainer/client trainer/kernels trainer/text trainer/model trainer/rl trainer "
        below["tools"]            = " base include verifier tools "
    }
    /:$/ { if ($0 ~ /\.o:$/) source = ""; next }
    /\.[ch]$/ {
        r = room($0)
        if (source == "" && $0 ~ /\.c$/) { source = $0; mine = r; next }
        if (r == "" || mine == "tests") next
        if (!(mine in below)) { print "layers: no place in the order for " source; bad = 1; next }
        if (index(below[mine], " " r " ") == 0 && !seen[source, $0]++) {
            print "layers: " source " (" mine ") includes " $0 " (" r ")"; bad = 1
        }
        edges++
    }
    END { if (!edges) { print "layers: nothing built in '"$build"'"; exit 1 }
          if (!bad) print "layers: " edges " includes, all point down"; exit bad }'
