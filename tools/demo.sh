#!/usr/bin/env bash
# The five tutorials, then the digits example, each in Python, Perl and C.
set -euo pipefail
shopt -s nullglob

build=build/demo
mkdir -p "$build"
perl_works=yes
"$PERL" -MFFI::Platypus -e1 2>/dev/null || perl_works=

heading() { printf '\n===== %s\n' "$1"; }

run() { # run PROGRAM: by the interpreter or compiler that its suffix asks for
    case $1 in
    *.py) python "$1" ;;
    *.pl)
        # a script written for AI::MXNet gets its names
        "$PERL" -Iperl/lib $(grep -q "^use AI::MXNet" "$1" && echo -MAI::MXGrad::Compat) "$1"
        ;;
    *.c)
        local binary=$build/${1##*/}
        gcc -std=c99 -O2 "$1" -o "${binary%.c}" $(mxgrad-config --cflags --libs) -lm
        "${binary%.c}"
        ;;
    esac
}

programs() { # programs: all of $@ that this machine can run and that are no digits example
    local program
    for program; do
        case $program in
        */digits.*) ;;
        *.pl) if [ "$perl_works" ]; then echo "$program"; fi ;;
        *) echo "$program" ;;
        esac
    done
}

if [ -z "$perl_works" ]; then
    echo "skipped: the Perl examples, because $PERL has no FFI::Platypus (Debian: libffi-platypus-perl)"
fi

for program in $(programs examples/tutorials/*.py perl/examples/*.pl examples/c/*.c); do
    heading "$program"
    run "$program"
done

first=
for program in examples/digits.py ${perl_works:+perl/examples/digits.pl} examples/c/digits.c; do
    heading "$program"
    output=$build/digits.${program##*.}
    run "$program" >"$output"
    awk '!/^step/ || $2 == 1 || $2 % 50 == 0' "$output"
    if [ -z "$first" ]; then
        first=$output
    elif cmp "$first" "$output"; then
        echo "all $(wc -l <"$output") lines are those of examples/digits.py"
    else
        exit 1
    fi
done
