#!/usr/bin/env bash
# apt-get install, as root: silent when it works, all of its output when it does not.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ apt-get update -q && apt-get install -q -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    exit 1
}
