"""Writes the params_*.params files of this directory with the original MXNet: its bytes are the truth.

Run once under MXNet 1.9.1 and once under 2.0.0b1 (old NumPy names that they use are put back below)::

    python make_params.py

ARRAYS says what is in each file, for this script and for the test alike. The two legacy files (layouts of
MXNet 0.x and 1.0) are laid out by hand, and MXNet 1.9.1 has to read them back right.
"""
from __future__ import annotations

import os
import struct

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))


def _counting(shape: tuple[int, ...], dtype: str) -> numpy.ndarray:
    """-2, -1, 0, 1 … in `shape`, or what `dtype` makes of them."""
    size = int(numpy.prod(shape))
    return (numpy.arange(size) - 2).reshape(shape).astype(dtype)


def _extreme(dtype: str) -> numpy.ndarray:
    """The smallest and largest value of `dtype`, and for a float nan and -inf too."""
    if dtype == "bool":
        return numpy.array([True, False, True])
    if dtype.startswith("float"):
        most = numpy.finfo(dtype).max
        return numpy.array([-most, most, numpy.nan, -numpy.inf, -0.0], dtype)
    limits = numpy.iinfo(dtype)
    return numpy.array([limits.min, limits.max], dtype)


COMMON = ("float16", "float32", "float64", "uint8", "int8", "int32", "int64", "bool")
ONLY_2 = ("int16", "uint16", "uint32", "uint64")

# file -> {name: array} for named arrays, a list for unnamed ones
ARRAYS: dict[str, dict[str, numpy.ndarray] | list[numpy.ndarray]] = {
    "list": [_counting((2, 3), "float32"), _counting((4,), "int32")],
    "dict": {"arg:fc1_weight": _counting((2, 3), "float32"), "aux:bn_mean": _counting((3,), "float64"),
             "größe": _counting((1,), "uint8")},
    "dtypes": {dtype: _extreme(dtype) for dtype in COMMON},
    "shapes": [_counting((1,), "float32"), _counting((1, 1, 1), "int8"),
               _counting((2, 1, 3, 1, 2), "float16")],
    "none": [],
    "npshape": {"scalar": _counting((), "float32"), "empty": _counting((0, 3), "float64"),
                "empty5": _counting((2, 0, 1, 1, 3), "int64"), "plain": _counting((2, 2), "float32")},
}
ARRAYS_2 = {"dtypes2": {dtype: _extreme(dtype) for dtype in ONLY_2}}
SPARSE = {"row_sparse": _counting((3, 2), "float32"), "csr": _counting((3, 2), "float32")}
LEGACY = {kind: {"weight": _counting((2, 3), "float32"), "größe": _counting((1,), "uint8")}
          for kind in ("v0", "v1")}


def _legacy(kind: str, arrays: dict[str, numpy.ndarray]) -> bytes:
    """`arrays` as MXNet 0.x ('v0': uint32 shapes) or 1.0 ('v1': int64 shapes behind a magic) wrote them."""
    codes = {"float32": 0, "uint8": 3}
    data = struct.pack("<QQQ", 0x112, 0, len(arrays))
    for array in arrays.values():
        if kind == "v0":
            data += struct.pack(f"<I{array.ndim}I", array.ndim, *array.shape)
        else:
            data += struct.pack(f"<II{array.ndim}q", 0xF993FAC8, array.ndim, *array.shape)
        data += struct.pack("<iii", 1, 0, codes[array.dtype.name]) + array.tobytes()
    data += struct.pack("<Q", len(arrays))
    for name in arrays:
        data += struct.pack("<Q", len(name.encode())) + name.encode()
    return data


def main() -> None:
    for alias in (bool, object):  # MXNet uses names that NumPy dropped in 1.24
        if alias.__name__ not in vars(numpy):
            setattr(numpy, alias.__name__, alias)
    import mxnet as mx  # type: ignore[import-not-found]

    old = mx.__version__.startswith("1.")

    def path(name: str) -> str:
        return os.path.join(HERE, f"params_{'1.9.1' if old else '2.0.0b1'}_{name}.params")

    def made(array: numpy.ndarray):
        return mx.nd.array(array, dtype=array.dtype)

    for name, arrays in {**ARRAYS, **({} if old else ARRAYS_2)}.items():
        with mx.util.np_shape(name == "npshape" or not old):
            content = ({key: made(array) for key, array in arrays.items()} if isinstance(arrays, dict)
                       else [made(array) for array in arrays])
            mx.nd.save(path(name), content)
    if old:
        for stype, array in SPARSE.items():
            mx.nd.save(path(stype), {stype: made(array).tostype(stype)})
        for kind, expected in LEGACY.items():
            with open(path(kind), "wb") as file:
                file.write(_legacy(kind, expected))
            found = mx.nd.load(path(kind))
            assert list(found) == list(expected)
            for array, wanted in zip(found.values(), expected.values()):
                assert array.dtype == wanted.dtype
                numpy.testing.assert_array_equal(array.asnumpy(), wanted)
        net = mx.gluon.nn.Dense(2, in_units=3)
        net.initialize(mx.init.One())
        net.save_parameters(path("gluon"))


if __name__ == "__main__":
    main()
