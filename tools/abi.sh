#!/usr/bin/env bash
# Compares the binary interface of the library in $1 with the one of the last tagged version: what a program
# that was built with that version uses must still be there, unchanged.
set -euo pipefail
new=$1

if ! command -v abidiff >/dev/null; then
    echo "skipped: abidiff is not installed (Debian: abigail-tools)"
elif ! tag=$(git describe --tags --abbrev=0 2>/dev/null); then
    echo "skipped: no version is tagged yet, so that there is nothing to compare with"
else
    old=build/abi/$tag
    if [ ! -e "$old/pyffi/libmxgrad.so.1" ]; then
        mkdir -p "$old"
        git archive "$tag" engine pyffi | tar -x -C "$old"
        CFLAGS=-g python "$old/pyffi/build_ffi.py" >/dev/null
    fi
    abidiff --no-added-syms --headers-dir1 "$old/pyffi/include" --headers-dir2 "$new/include" \
        "$old/pyffi/libmxgrad.so.1" "$new/libmxgrad.so.1"
    echo "compatible with $tag"
fi
