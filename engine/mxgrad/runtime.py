"""`mx.runtime`: which of MXNet's build features this installation has (level 1).

The names are those of MXNet 1.9.1 and 2.0 together.  A feature is enabled if what it promises is true here:
CUDA if CuPy is installed (`mxgrad.num_gpus` tells whether there is a GPU to use), BLAS_OPEN if NumPy was
built with OpenBLAS, the CPU_ ones if every kernel of NumPy was built for that instruction set.
"""
from __future__ import annotations

from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy

__all__ = ["Feature", "Features", "feature_list"]

# MXNet's names; what makes them true here is in _enabled.
_NAMES = (
    "CUDA CUDNN NCCL CUDA_RTC TENSORRT CUTENSOR CPU_SSE CPU_SSE2 CPU_SSE3 CPU_SSE4_1 CPU_SSE4_2 CPU_SSE4A "
    "CPU_AVX CPU_AVX2 OPENMP SSE F16C JEMALLOC BLAS_OPEN BLAS_ATLAS BLAS_MKL BLAS_APPLE LAPACK MKLDNN ONEDNN "
    "OPENCV CAFFE PROFILER DIST_KVSTORE CXX14 INT64_TENSOR_SIZE SIGNAL_HANDLER DEBUG TVM_OP"
).split()
_BLAS = {"openblas": "BLAS_OPEN", "atlas": "BLAS_ATLAS", "mkl": "BLAS_MKL", "accelerate": "BLAS_APPLE"}
# What NumPy calls a baseline, which the sets below it are part of.
_X86_V2 = {"CPU_SSE", "CPU_SSE2", "CPU_SSE3", "CPU_SSE4_1", "CPU_SSE4_2"}
_X86_V3 = _X86_V2 | {"CPU_AVX", "CPU_AVX2", "F16C"}
_BASELINES = {
    "X86_V2": _X86_V2, "X86_V3": _X86_V3, "X86_V4": _X86_V3, "F16C": {"F16C"}, "SSE41": {"CPU_SSE4_1"},
    "SSE42": {"CPU_SSE4_2"},
}


class Feature(NamedTuple):
    """A feature: `name` and whether it is `enabled`."""

    name: str
    enabled: bool

    def __repr__(self) -> str:
        return f"{'✔' if self.enabled else '✖'} {self.name}"


def _enabled() -> set[str]:
    """The names of the features that are true."""
    true = {"LAPACK", "INT64_TENSOR_SIZE"}
    if find_spec("cupy") is not None:
        true |= {"CUDA", "CUDA_RTC"}
    built: Any = numpy.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {}).get("name", "").lower()
    true |= {feature for library, feature in _BLAS.items() if library in blas}
    for simd in built.get("SIMD Extensions", {}).get("baseline", []):
        true |= _BASELINES.get(simd, {f"CPU_{simd}"})
    return true


def feature_list() -> list[Feature]:
    """Every feature that MXNet names, and whether it is true here.

    >>> [f.name for f in feature_list() if f.name in ("LAPACK", "DIST_KVSTORE") and f.enabled]
    ['LAPACK']
    """
    true = _enabled()
    return [Feature(name, name in true) for name in _NAMES]


class Features(dict[str, Feature]):
    """The features by name.

    >>> from mxgrad.runtime import Features
    >>> features = Features()
    >>> features.is_enabled("LAPACK"), features["OPENCV"]
    (True, ✖ OPENCV)
    """

    def __init__(self) -> None:
        super().__init__((feature.name, feature) for feature in feature_list())

    def __repr__(self) -> str:
        return str(list(self.values()))

    def is_enabled(self, feature_name: str) -> bool:
        """Whether a feature, in either case, is enabled; RuntimeError if MXNet has none of that name."""
        name = feature_name.upper()
        if name not in self:
            raise RuntimeError(f"Feature {name!r} is unknown, known features are: {list(self)}")
        return self[name].enabled
