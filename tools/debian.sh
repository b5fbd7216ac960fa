#!/usr/bin/env bash
# Sees to the programs and Perl modules that the tests and examples use, from Debian's packages.
# As root it installs what is missing; otherwise it prints the one line that would, and goes on:
# each target says what it then has to skip.
set -euo pipefail

# probe (a command that succeeds when the thing is there) | Debian package
needs() {
    cat <<'LIST'
command -v gcc | gcc
command -v g++ | g++
test -e /usr/include/stdio.h | libc6-dev
perl -MTest::More -e1 | perl
perl -MFFI::Platypus -e1 | libffi-platypus-perl
perl -MFFI::CheckLib -e1 | libffi-checklib-perl
perl -MPDL -e1 | pdl
perl -MPDL::LinearAlgebra -e1 | libpdl-linearalgebra-perl
perl -MTest::LeakTrace -e1 | libtest-leaktrace-perl
perl -MPerl::Critic -e1 | libperl-critic-perl
command -v pkg-config | pkg-config
command -v cmake | cmake
command -v clang | clang
command -v abidiff | abigail-tools
command -v man | man-db
command -v groff | groff
LIST
}

missing() {
    needs | while IFS='|' read -r probe package; do
        bash -c "$probe" >/dev/null 2>&1 || printf '%s ' "${package// /}"
    done
}

packages=$(missing)
[ -n "$packages" ] || exit 0
install="apt-get install --no-install-recommends $packages"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing Debian packages: $packages"
    "$(dirname "$0")/apt-install.sh" $packages
    packages=$(missing)
    [ -z "$packages" ] || echo "still missing after installing: $packages"
else
    echo "not installed: $packages"
    echo "to have them: sudo $install"
fi
