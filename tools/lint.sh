#!/usr/bin/env bash
# Everything that can be checked without running the project; stops at the first fault.
set -euo pipefail
shopt -s globstar nullglob

echo "ruff"
ruff check --quiet --output-format concise .
echo "mypy"
mypy engine/mxgrad pyffi
echo "gcc -std=c99 -Wall -Wextra -Werror"
CFLAGS="-Werror -g" python pyffi/build_ffi.py build/lint >/dev/null
CFLAGS=-Werror python pyffi/build_kernels.py build/lint >/dev/null
gcc -std=c99 -Wall -Wextra -Werror -fsyntax-only -x c pyffi/include/mxgrad.h
for program in tests/c/*.c examples/c/*.c; do
    gcc -std=c99 -Wall -Wextra -Werror -fsyntax-only -Ibuild/lint/include "$program"
done
echo "g++ -std=c++17 -Wall -Wextra -Werror"
if command -v g++ >/dev/null; then
    for program in tests/cpp/*.cpp; do
        g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only -Ibuild/lint/include "$program"
    done
else
    echo "skipped: g++ is not installed (Debian: g++)"
fi
echo "abidiff"
tools/abi.sh build/lint
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
