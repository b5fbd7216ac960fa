#!/usr/bin/env bash
# The tests of the Perl distribution. What is not installed is named, and its tests are left out.
set -euo pipefail

has() { "$PERL" -M"$1" -e1 2>/dev/null; }

for module in FFI::Platypus FFI::CheckLib; do
    if ! has "$module"; then
        package=${module,,}
        echo "skipped: the Perl tests, because $PERL has no $module (Debian: lib${package//::/-}-perl)"
        exit 0
    fi
done
for module in PDL PDL::LinearAlgebra Test::LeakTrace; do
    has "$module" || echo "skipped: the Perl tests that use $module, because $PERL does not have it"
done
exec prove -r -Iperl/lib perl/t
