#!/usr/bin/env bash
# Everything that can be checked without running the project; stops at the first fault.
set -euo pipefail
shopt -s globstar nullglob

echo "ruff"
ruff check --quiet --output-format concise .
echo "mypy"
mypy engine/mxgrad pyffi
echo "gcc -std=c99 -Wall -Wextra -Werror"
CFLAGS=-Werror python pyffi/build_ffi.py build/lint >/dev/null
gcc -std=c99 -Wall -Wextra -Werror -fsyntax-only -x c pyffi/include/mxgrad.h
for program in tests/c/*.c examples/c/*.c; do
    gcc -std=c99 -Wall -Wextra -Werror -fsyntax-only -Ipyffi/include "$program"
done
echo "perl -c"
for file in perl/lib/**/*.pm perl/examples/*.pl perl/t/*.t; do
    "$PERL" -Iperl/lib -c "$file" 2>&1 | { grep -v ' syntax OK$' || true; }
done
echo "perlcritic --gentle"
if "$PERL" -MPerl::Critic -e1 2>/dev/null; then
    perlcritic --gentle --quiet perl/lib perl/examples
else
    echo "skipped: perlcritic is not installed (Debian: libperl-critic-perl)"
fi
