"""docs/gradients.md is about the ops there are, and the samples leave out no value of a short list."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
from gradients import BY_DEFINITION, differentiated
from mxgrad import nd
from mxgrad.invoke import F
from mxgrad.registry import OPS
from samples import SAMPLES

CERTIFICATE = Path(__file__).resolve().parent.parent / "docs" / "gradients.md"


def test_the_certificate_names_every_op() -> None:
    lines = [line for line in CERTIFICATE.read_text().splitlines() if line.startswith(("| `", "- "))]
    named = set(re.findall(r"`(\w+)`", "\n".join(line.split(": ")[-1] for line in lines
                                                 if not line.startswith("- **"))))
    named -= {"op"}
    missing, gone = sorted(set(OPS) - named), sorted(named - set(OPS))
    assert not missing and not gone, f"run `make certificate`: not in it {missing}, no ops any more {gone}"


def test_what_is_stated_is_not_derived() -> None:
    for name in BY_DEFINITION:
        assert not any(differentiated(OPS[name], s) for s in SAMPLES[name]), name


@pytest.mark.parametrize("name", sorted(n for n, op in OPS.items() if op.params))
def test_every_value_of_a_short_list_is_sampled(name: str) -> None:
    """Both truths of a parameter that is one, and each word that the error for an unknown word names."""
    op = OPS[name]
    for p, default in op.params.items():
        if not isinstance(default, (bool, str)) or p == "dtype":
            continue
        sampled = {s.params.get(p, default) for s in SAMPLES[name]}
        if isinstance(default, bool):
            assert sampled == {True, False}, f"{name}: {p} is only {sampled} in its samples"
        else:
            sample = SAMPLES[name][0]
            arrays = [nd.array(a, dtype=a.dtype) if hasattr(a, "dtype") else a for a in sample.arrays]
            with pytest.raises(ValueError) as caught:
                getattr(F, name)(*arrays, **{**sample.params, p: "no such word"})
            words = set(re.findall(r"'(\w+)'", str(caught.value).split("(called with")[0]))
            assert default in words and words <= sampled, f"{name}: {p} takes {words}, sampled are {sampled}"
