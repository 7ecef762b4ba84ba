#!/bin/sh
# kill_resume.sh [KILLS] [SEED]: tests/e2e/kills.sh with more kills (20) by another seed; a minute or two.
KILLS=${1:-20} SEED=${2:-$(date +%s)} exec sh "$(dirname "$0")/../e2e/kills.sh"
