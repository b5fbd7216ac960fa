"""A checker for doctests: numbers may differ in their last digits."""
from __future__ import annotations

import doctest
import re

import pytest

NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")


class Nearly(doctest.OutputChecker):
    """White space does not count, and numbers are compared as such: processors, and BLAS libraries, round
    differently.
    """

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        if super().check_output(want, got, optionflags | doctest.NORMALIZE_WHITESPACE):
            return True
        want, got = (t.replace("<BLANKLINE>", "") for t in (want, got))
        texts = [re.sub(r"\s+", "", NUMBER.sub("#", t)) for t in (want, got)]
        pairs = zip(NUMBER.findall(want), NUMBER.findall(got))
        return texts[0] == texts[1] and all(
            float(a) == pytest.approx(float(b), rel=1e-4, abs=1e-6) for a, b in pairs)


def failures(test: doctest.DocTest) -> int:
    """How many examples of a docstring print something else."""
    return doctest.DocTestRunner(Nearly()).run(test).failed
