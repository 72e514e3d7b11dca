# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the scripts share. Source it first:
#   source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

set -euo pipefail
shopt -s inherit_errexit

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=$(basename -- "$0")
export ROOT

say() { printf '==> %s\n' "$*"; }
warn() { printf '%s: %s\n' "$SCRIPT" "$*" >&2; }
die() {
    warn "$*"
    exit 1
}

# job_count: how many compilers or tests run at a time
job_count() { printf '%s\n' "${JOBS:-$(nproc)}"; }

# step NAME COMMAND...: says what runs, and how long it took; stops the script loudly when it fails
step() {
    local name=$1 begin=$SECONDS status=0
    shift
    say "$name"
    "$@" </dev/null || status=$?
    if ((status != 0)); then
        say "FAILED after $((SECONDS - begin)) s: $name (exit status $status: $*)"
        exit "$status"
    fi
    say "done in $((SECONDS - begin)) s: $name"
}

# servers_cache: where scripts/servers keeps the nats-servers for the tests
servers_cache() { printf '%s\n' "${NATSPROTO_SERVERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/natsproto/servers}"; }

# npm_cache: where scripts/foreign keeps other people's clients for node
npm_cache() { printf '%s\n' "${NATSPROTO_NPM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/natsproto/npm}"; }

# debian_codename: bookworm, trixie, ... or a failure
debian_codename() {
    local id='' codename=''
    # shellcheck disable=SC1091  # a file of the system
    [[ -r /etc/os-release ]] && {
        id=$(. /etc/os-release && printf '%s' "${ID:-}")
        codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    }
    [[ $id == debian ]] || die "this is not Debian (${id:-unknown}): install what scripts/deps lists by hand"
    printf '%s\n' "$codename"
}

# installed_nats_server: the path of the system's nats-server, or a failure; /usr/sbin is not in everybody's PATH
installed_nats_server() {
    PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nats-server
}

# configure PRESET [ARGUMENT...]
configure() { (cd -- "$ROOT" && cmake --preset "$@" -Wno-dev); }

# build PRESET [ARGUMENT...]
build() { (cd -- "$ROOT" && cmake --build --preset "$1" --parallel "$(job_count)" "${@:2}"); }

# run_ctest PRESET [ARGUMENT...]: two more at a time than there are processors, since some only wait
run_ctest() { (cd -- "$ROOT" && ctest --preset "$1" --parallel "$(($(job_count) + 2))" "${@:2}"); }
