#!/bin/sh
# deps.sh: installs what assay needs to build and run, on a bare Debian 12 or a current Ubuntu.
# Does nothing, and needs no privilege, when everything is there already. Grammars come later, through the Makefile.
set -eu

packages="gcc make libc6-dev pkg-config libseccomp-dev libuv1-dev libopenblas-pthread-dev libtree-sitter-dev
libpython3.11-dev python3.11 libpython3.11-stdlib libjansson-dev libyaml-dev libmicrohttpd-dev
libcurl4-openssl-dev libpcre2-dev libutf8proc-dev libcmocka-dev zlib1g-dev jq curl procps ca-certificates"
tools="clang clang-format clang-tidy cppcheck"

mpi="libopenmpi-dev openmpi-bin"
for option; do
    case $option in
    --with-lint) packages="$packages $tools" ;;
    --with-mpi) packages="$packages $mpi" ;;
    *) echo "deps: $option: --with-lint and --with-mpi are all the options" >&2; exit 2 ;;
    esac
done
command -v npm >/dev/null 2>&1 || packages="$packages npm"

missing=
for p in $packages; do
    dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -q '^installed$' || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

echo "deps: installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        echo "deps: not root and no sudo; as root run: apt-get install$missing" >&2
        exit 2
    fi
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of words is meant
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
