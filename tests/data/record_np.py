"""Write anew what MXNet 2.0 prints for the expressions in a transcript of its NumPy frontend:

    OMP_NUM_THREADS=1 python-2.0 record_np.py np_2.0.0b1.txt npx_2.0.0b1.txt

A transcript is read by tests/transcript.py.
"""
import logging
import math
import sys
import warnings

import mxnet as mx
import numpy as onp

sys.path.insert(0, __file__.rsplit("/", 2)[0])
from transcript import read, run

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
mx.npx.set_np()
for path in sys.argv[1:]:
    space = {"mx": mx, "nd": mx.nd, "np": mx.np, "npx": mx.npx, "onp": onp, "math": math}
    with open(path) as f:
        steps = read(f.read())
    with open(path, "w") as f:
        for given, _ in steps:
            printed = run(given, space)
            f.write(f">>> {given}\n" + (printed + "\n" if printed else ""))
