"""Writes names_numpy.json: the public names of the installed NumPy, by namespace; modules are left out.

    python tests/data/record_numpy_names.py tests/data/names_numpy.json
"""
from __future__ import annotations

import json
import sys
import types

import numpy

SPACES = {
    "np": numpy, "np.ndarray": numpy.ndarray, "np.linalg": numpy.linalg, "np.fft": numpy.fft,
    "np.polynomial.polynomial": numpy.polynomial.polynomial, "np.random": numpy.random,
}

with open(sys.argv[1], "w") as file:
    lines = []
    for space, here in SPACES.items():
        own = {n: getattr(here, n, None) for n in dir(here) if n[0] != "_"}
        names = sorted(n for n, value in own.items() if not isinstance(value, types.ModuleType))
        lines.append(f" {json.dumps(space)}: {json.dumps(names)}")
    file.write("{\n" + ",\n".join(lines) + "\n}\n")
