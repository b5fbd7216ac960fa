#!/usr/bin/env bash
# Makes the virtual environment given as $1, from a Python that the C library can be built with:
# 3.10 or newer, with a shared libpython, Python.h and venv. $PYTHON, where set, is the only one tried.
set -euo pipefail
venv=$1

suits() {
    command -v "$1" >/dev/null && "$1" - >/dev/null 2>&1 <<'PY'
import ensurepip, os, sys, sysconfig, venv
var = sysconfig.get_config_var
library = f"libpython{var('LDVERSION')}.so"
libdir, multiarch = var("LIBDIR"), var("MULTIARCH") or ""
folders = [libdir, os.path.join(libdir, multiarch), os.path.join(sys.base_prefix, "lib")]
ok = (
    sys.version_info >= (3, 10)
    and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
    and any(os.path.exists(os.path.join(folder, library)) for folder in folders)
)
sys.exit(not ok)
PY
}

find_python() {
    local candidate candidates=(python3 python3.{15..10} /usr/bin/python3)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if suits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

if ! python=$(find_python); then
    if [ -z "${PYTHON:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing Debian packages: python3-dev python3-venv"
        "$(dirname "$0")/apt-install.sh" python3-dev python3-venv
    fi
    python=$(find_python) || {
        cat >&2 <<TEXT
The C library needs a Python of version 3.10 or newer with a shared libpython, Python.h and venv;
${PYTHON:-what is called python3 here} is none. On Debian 12 or newer:
    sudo apt-get install python3-dev python3-venv
With pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.12
To name one: make PYTHON=/path/to/python3
TEXT
        exit 1
    }
fi
echo "virtual environment: $venv, $("$python" --version), $python"
"$python" -m venv --clear "$venv"
