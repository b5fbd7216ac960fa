"""The steps of parity/steps.txt print the same in Python, Perl and C: what the file says."""
from __future__ import annotations

import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent / "parity"
RENDER = runpy.run_path(str(HERE / "render.py"))
LIBRARY = HERE.parent.parent / "pyffi" / "libmxgrad.so.1"

# Of the autograd rules, those whose steps must not get lost.
RULES = {
    "Gradients", "Kinds of variables", "What a gradient request does",
    "A computed array with a gradient of its own", "Marked variables", "Several heads",
    "What cannot be differentiated", "Gradients without attached ones", "Higher orders", "Scopes and modes",
    "Writes while recording", "Writes after recording", "Where gradients flow", "Kinks", "Custom functions",
    "Random numbers",
}


def needs(language: str) -> None:
    """Skips the test where the language cannot be run."""
    if language == "python":
        return
    if not LIBRARY.exists():
        pytest.skip(f"{LIBRARY} is not there; `python pyffi/build_ffi.py` builds it")
    if language == "c" and not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    if language == "perl":
        if not shutil.which("perl"):
            pytest.skip("there is no perl")
        if subprocess.run(["perl", "-MFFI::Platypus", "-e1"], capture_output=True).returncode:
            pytest.skip("perl has no FFI::Platypus")


def differences(got: dict[str, str], wanted: dict[str, str]) -> dict[str, Any]:
    # Python's own from 3.13 on, in the TypeError of a call
    got = {place: re.sub(r"\. Did you mean '\w+'\?", "", text) for place, text in got.items()}
    return {place: (got.get(place), wanted.get(place)) for place in sorted({*got, *wanted})
            if got.get(place) != wanted.get(place)}


@pytest.mark.parametrize("language", ["python", "perl", "c"])
def test_prints_what_the_file_says(language: str, tmp_path: Path) -> None:
    needs(language)
    assert differences(RENDER["run"](language, tmp_path), RENDER["expected"]()) == {}


def test_there_are_enough_steps() -> None:
    assert len(RENDER["expected"]()) >= 150
    assert RULES <= {place.rpartition(":")[0] for place in RENDER["expected"]()}


def test_a_difference_is_seen(tmp_path: Path) -> None:
    wanted = RENDER["expected"]()
    place = next(iter(wanted))
    wanted[place] = wanted[place].replace("3", "4")
    assert list(differences(RENDER["run"]("python", tmp_path), wanted)) == [place]
