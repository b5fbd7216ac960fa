"""Large samples for the ops that have compiled kernels: several parts for threads, lengths that no vector
divides, infinities and nan.
"""
from __future__ import annotations

from typing import Any

import numpy
from samples import Sample


def large(*shape: int, seed: int = 0) -> numpy.ndarray:
    """Normal numbers."""
    return numpy.random.RandomState(seed).standard_normal(shape)


def spoiled(*shape: int) -> numpy.ndarray:
    """Normal numbers with nan, both infinities and extremes among them, each in a row of its own."""
    a = large(*shape)
    rows = a.reshape(-1, shape[-1])
    for i, bad in enumerate((numpy.nan, numpy.inf, -numpy.inf, 1e30, -1e30, 1e-40)):
        rows[i % len(rows), (7 * i) % shape[-1]] = bad
    return a


def recurrent(
    steps: int, batch: int, inputs: int, size: int, gates: int, ended: bool = False, **params: Any,
) -> Sample:
    """A layer's inputs, weights, biases and first states."""
    draw = numpy.random.RandomState(size)

    def normal(*shape: int, by: float = 1.0) -> numpy.ndarray:
        return by * draw.standard_normal(shape)

    width = gates * size
    inside = [draw.standard_normal((steps, batch, 1)) > -0.5] if ended else []
    given = [None] * ended if gates == 4 else []       # no projection
    x = normal(batch, steps, inputs) if params.get("turned") else normal(steps, batch, inputs)
    states = [normal(batch, size, by=0.5) for _ in range(2 if gates == 4 else 1)]
    return Sample(x, normal(width, inputs, by=inputs ** -0.5), normal(width, size, by=size ** -0.5),
                  normal(width), normal(width), *states, *given, *inside, **params)


def windows(
    shape: tuple[int, ...], filters: int, kernel: tuple[int, ...], stride: int = 1, dilate: int = 1,
    pad: int = 0, groups: int = 1,
) -> dict[str, Sample]:
    """Samples of a convolution and its adjoints, by the ops' names."""
    x = large(*shape)
    w = large(filters, shape[1] // groups, *kernel, seed=1)
    p = {name: (value,) * len(kernel) for name, value in
         (("stride", stride), ("dilate", dilate), ("pad", pad))}
    out = [(n + 2 * pad - dilate * (k - 1) - 1) // stride + 1 for n, k in zip(shape[2:], kernel)]
    g = large(shape[0], filters, *out, seed=2)
    return {"conv": Sample(x, w, groups=groups, **p),
            "conv_data": Sample(g, w, shape=shape[2:], groups=groups, **p),
            "conv_weight": Sample(x, g, kernel=kernel, groups=groups, **p)}


_CONVOLUTIONS = [
    windows((5, 3, 23, 31), 20, (5, 5)), windows((3, 20, 15, 14), 51, (5, 4), pad=2),
    windows((2, 33, 19, 21), 35, (3, 3), pad=1), windows((2, 64, 12, 13), 64, (3, 3), pad=1),
    windows((3, 16, 40, 17), 24, (3, 3), stride=2, pad=1), windows((2, 40, 17, 16), 80, (1, 1)),
    windows((2, 17, 21, 16), 70, (1, 1), stride=2), windows((2, 12, 20, 33), 18, (3, 2), dilate=2, groups=3),
    windows((2, 24, 20, 37), 24, (3, 3), pad=1, groups=24),
    windows((2, 8, 41, 20), 16, (5, 3), stride=3, pad=2, groups=8), windows((3, 9, 501), 13, (7,), pad=3),
    windows((3, 6, 21, 40), 12, (3, 9), stride=2, groups=2), windows((2, 5, 9, 60), 7, (2, 19)),
    windows((2, 2, 9, 10, 11), 3, (3, 2, 2), pad=1),
    # vectors of examples, not all full
    windows((15, 3, 11, 12), 7, (5, 5), pad=2), windows((29, 6, 9, 8), 16, (3, 2)),
    windows((16, 8, 40, 50), 5, (3, 3), pad=1), windows((30, 4, 13, 10), 9, (3, 4), stride=2, pad=1),
    windows((13, 6, 10, 11), 6, (2, 3), dilate=2, pad=1, groups=2), windows((31, 5, 90), 6, (9,), pad=4),
]

def _pools() -> dict[str, list[Sample]]:
    samples: dict[str, list[Sample]] = {"max_windows": [], "sum_windows": [], "spread_windows": []}
    for shape, kernel, stride, pad, out in [
        ((3, 5, 42, 71), 2, 2, 0, (21, 35)), ((3, 5, 43, 71), 2, 2, 0, (22, 36)),
        ((2, 9, 33, 38), 3, 2, 1, (17, 19)), ((2, 9, 33, 34), 5, 2, 2, (17, 17)),
        ((5, 7, 301), 3, 1, 1, (301,)), ((40, 9, 10, 10), 2, 2, 0, (5, 5)),
    ]:
        p = {name: (value,) * len(out) for name, value in
             (("kernel", kernel), ("stride", stride), ("pad", pad))}
        x, g = large(*shape), large(*shape[:2], *out)
        some = spoiled(*shape)
        samples["max_windows"] += [Sample(x, out=out, lowest=-3e38, **p),
                                   Sample(some.round(), out=out, lowest=-3e38, differentiate=False, **p)]
        for count in (None, "data", "pad"):
            samples["sum_windows"].append(Sample(x, out=out, count=count, **p))
            samples["spread_windows"].append(Sample(g, shape=shape[2:], count=count, **p))
    return samples


_ROWS = [Sample(large(40, 1037)), Sample(spoiled(9, 1000), differentiate=False),
         Sample(large(3, 5, 700), axis=-1), Sample(large(70000, 3), axis=1),
         Sample(large(40, 50, 60), axis=1), Sample(large(1037, 40), axis=0), Sample(large(7, 900, 3), axis=1),
         Sample(large(3, 2, 3001), axis=-2), Sample(spoiled(9, 1000), axis=0, differentiate=False),
         Sample(large(2, 20000)), Sample(large(700, 3003)), Sample(large(8, 300, 1003), axis=1)]



def places(n: int, *shape: int) -> numpy.ndarray:
    """Indices of an axis of length `n`, some of them outside and many of them twice."""
    return numpy.random.RandomState(n).randint(-n // 4, n + n // 4, shape)


_REDUCED = [
    Sample(large(40, 3001)), Sample(large(300, 401), axis=0), Sample(large(300, 401), axis=1),
    Sample(large(100000), axis=0), Sample(large(20, 30, 67), axis=1, keepdims=True),
    Sample(large(20, 30, 67), axis=(0, 2)), Sample(large(12, 5, 11, 13), axis=(0, 2), keepdims=True),
    Sample(large(1501, 1499), axis=1), Sample(large(30000, 3), axis=0), Sample(large(9, 2, 5000), axis=1),
    Sample(large(3, 5003, 7), axis=1),
    Sample(spoiled(9, 1000), axis=0, differentiate=False),
    Sample(spoiled(9, 1000), axis=1, differentiate=False),
    Sample(spoiled(700, 9), differentiate=False), Sample(spoiled(40, 3), axis=0, differentiate=False),
    Sample(large(200, 300).T, axis=1),
]

_TIES = large(3, 40000).round(1)

_LONG = [Sample(3 * large(40, 2037)), Sample(spoiled(9, 1000), differentiate=False),
         Sample(large(5, 7, 1000))]

KERNEL_SAMPLES: dict[str, list[Sample]] = {
    **dict.fromkeys(("relu", "erf", "sigmoid", "softsign", "softrelu", "log_sigmoid"), _LONG),
    **{name: [*_LONG, Sample(large(70001), slope=0.3)] for name in ("leaky_relu", "elu")},
    "where": [
        Sample(large(40, 2037) > 0, large(40, 2037, seed=1), large(40, 2037, seed=2)),
        Sample(large(9, 1000) > 0, spoiled(9, 1000), 0.5, differentiate=False),
        Sample(large(9, 1000) > 0, -2, large(9, 1000)),
        Sample(large(9, 1000) > 0, large(9, 1000), large(1000)),
    ],
    "take": [
        Sample(large(500, 67), places(500, 1031)), Sample(spoiled(700, 9), places(700, 5, 900), mode="wrap"),
        Sample(large(6, 300, 33), places(300, 500).astype("float32"), axis=1),
        Sample(large(5, 3000), places(3000, 40, 50), axis=-1),
        Sample(large(50, 100), places(5000, 900), axis=None),
    ],
    "add_taken": [
        Sample(large(1031, 67), places(500, 1031), shape=(500, 67)),
        Sample(spoiled(900, 9), places(700, 900), shape=(700, 9), mode="wrap"),
        Sample(large(6, 500, 33), places(300, 500), shape=(6, 300, 33), axis=1),
        Sample(large(5, 2000), places(3000, 2000), shape=(5, 3000), axis=-1),
        Sample(large(5000), places(900, 5000), shape=(30, 30), axis=None),
    ],
    "first_places": [
        Sample(large(70, 1037), k=5), Sample(large(7, 5000), k=300, is_ascend=False),
        Sample(spoiled(9, 1000), k=990, differentiate=False),
        Sample(spoiled(9, 1000), k=3, is_ascend=False, differentiate=False),
        Sample(_TIES, k=100, differentiate=False), Sample(_TIES, k=7, is_ascend=False, differentiate=False),
        Sample(numpy.zeros((5, 1000)), k=20, differentiate=False), Sample(large(3, 3000), k=2000),
        Sample(large(40, 50, 60), k=2, axis=1),
    ],
    "softmax": _ROWS,
    "log_softmax": _ROWS,
    "cross_entropy": [
        Sample(large(40, 1037), places(1037, 40)),
        Sample(large(7000, 10), places(10, 7000, 1), keepdims=True),
        Sample(spoiled(9, 1000), places(1000, 9).astype("float32"), differentiate=False),
        Sample(large(3, 5, 700), places(700, 3, 5).astype("uint8")),
        Sample(large(20, 30, 50), places(30, 20, 50), axis=1),
        Sample(large(1037, 40), places(1037, 1, 40), axis=0, keepdims=True),
        Sample(large(3, 2, 3001), places(2, 3, 3001), axis=-2),
        Sample(large(700, 3003), places(3003, 700)),
        Sample(large(8, 300, 1003), places(300, 8, 1003), axis=1),
    ],
    **dict.fromkeys(("sum", "mean", "max", "min", "norm"), _REDUCED),
    "sum_to": [
        Sample(large(300, 401), shape=(401,)), Sample(large(20, 30, 67), shape=(30, 1)),
        Sample(large(20, 30, 67), shape=(20, 1, 67)), Sample(large(4000, 11), shape=()),
        Sample(large(50000, 3), shape=(3,)),
    ],
    "broadcast_to": [
        Sample(large(401), shape=(300, 401)), Sample(large(30, 1), shape=(20, 30, 67)),
        Sample(large(20, 1, 67), shape=(20, 30, 67)), Sample(large(1, 30, 1, 1), shape=(40, 30, 9, 11)),
        Sample(numpy.array(0.5), shape=(4000, 11)),
    ],
    "fill": [Sample(large(2), shape=(300, 401), dtype="float32", value=0.25, differentiate=False)],
    "layer_norm": [
        Sample(large(300, 401), large(401), large(401)), Sample(large(9000, 5), large(5), large(5)),
        Sample(large(3, 5, 9000), large(9000), large(9000)), Sample(large(40, 50, 60), large(60), large(60)),
        Sample(spoiled(9, 1000), large(1000), large(1000), differentiate=False),
    ],
    "batch_norm": [
        Sample(large(5, 30, 21, 21), large(30), large(30)), Sample(large(700, 101), large(101), large(101)),
        Sample(large(90, 40, 3, 3), large(40), large(40)), Sample(large(6, 3, 9001), large(3), large(3)),
        Sample(large(9, 20, 21, 11), large(11), large(11), axis=-1),
        Sample(large(3, 100, 7, 7), large(100), large(100)),
        Sample(large(3, 40, 133, 133), large(40), large(40)),       # past the caches
        Sample(large(5, 30, 21, 21), large(30), large(30), large(30), large(30) ** 2,
               differentiate=(0, 1, 2)),
        Sample(large(700, 101), large(101), large(101), large(101), large(101) ** 2, differentiate=(0, 1, 2)),
        Sample(spoiled(3, 9, 1000), large(9), large(9), differentiate=False),
        Sample(spoiled(300, 90), large(90), large(90), differentiate=False),
    ],
    **_pools(),
    **{name: [all_of[name] for all_of in _CONVOLUTIONS] for name in ("conv_data", "conv_weight")},
    "conv": [all_of["conv"] for all_of in _CONVOLUTIONS] + [
        Sample(spoiled(2, 33, 19, 21), large(35, 33, 3, 3), stride=(1, 1), dilate=(1, 1), pad=(1, 1),
               differentiate=False)],
    "rnn_steps": [recurrent(3, 9, 21, 75, 1), recurrent(2, 40, 90, 160, 1, True, relu=True),
                  recurrent(5, 150, 5, 70, 1, turned=True), recurrent(9, 50, 6, 20, 1)],
    "lstm_steps": [recurrent(3, 9, 50, 37, 4, True), recurrent(2, 40, 130, 96, 4),
                   recurrent(5, 150, 7, 33, 4, True, turned=True), recurrent(9, 50, 6, 20, 4)],
    "lstm_cell": [Sample(large(9, 4 * 37), large(9, 37)), Sample(large(150, 4 * 96), large(150, 96)),
                  Sample(spoiled(20, 4 * 70), large(20, 70), differentiate=False)],
    "gru_steps": [recurrent(3, 9, 50, 37, 3, True), recurrent(2, 40, 130, 96, 3),
                  recurrent(5, 150, 7, 33, 3, turned=True), recurrent(9, 50, 6, 20, 3)],
    "dot": [Sample(large(130, 335), large(335, 101, seed=1)),
            Sample(large(9, 5, 61), large(70, 61), transpose_b=True),
            Sample(large(700, 33), large(700, 49, seed=1), transpose_a=True),
            Sample(large(400, 50), large(65, 400, seed=1), transpose_a=True, transpose_b=True),
            Sample(large(70, 800), large(800, 20, seed=1)),         # several blocks of inner products
            Sample(large(37, 800), large(800, 101, seed=1)),        # and few rows
            Sample(spoiled(40, 90), large(90, 50), differentiate=False)],
    "linear": [Sample(large(130, 335), large(101, 335, seed=1), large(101, seed=2)),
               Sample(large(9, 5, 61), large(70, 61, seed=1)),
               Sample(large(64, 500), large(10, 500, seed=1), large(10, seed=2)),
               Sample(large(33, 800), large(131, 800, seed=1), large(131, seed=2)),
               Sample(large(700, 33), large(100, 33, seed=1), large(100, seed=2)),      # the bias waits
               Sample(large(801, 40), large(50, 40, seed=1), large(50, seed=2)),        # several blocks
               Sample(spoiled(40, 90), large(50, 90), large(50), differentiate=False)],
    "matmul": [Sample(large(11, 40, 35), large(11, 35, 49, seed=1)),
               Sample(large(9, 64, 72), large(9, 64, 64, seed=1), transpose_a=True),
               Sample(large(3, 2, 35, 70), large(3, 2, 50, 35, seed=1), transpose_a=True, transpose_b=True),
               Sample(large(2, 65, 97), large(2, 70, 97, seed=1), transpose_b=True),
               Sample(large(9, 21, 35), large(9, 61, 35, seed=1), transpose_b=True),
               Sample(large(1, 2, 60, 70), large(3, 1, 70, 60, seed=1)), Sample(large(128, 70), large(70))],
}


# Arguments of the first call, the others of the second, and the parameters of both.
JOINED_SAMPLES: dict[tuple[str, str], list[tuple[tuple[Any, ...], tuple[Any, ...], dict[str, Any]]]] = {
    ("linear", "relu"): [
        ((large(m, k), large(n, k, seed=1), *bias), (), {})
        for m, n, k in ((64, 70, 801), (130, 33, 50), (7, 129, 64), (3, 5, 4))
        for bias in ((), (large(n, seed=2),))
    ] + [((spoiled(40, 90), large(50, 90), large(50)), (), {}), ((large(2, 40, 90), large(50, 90)), (), {}),
         ((large(90), large(50, 90)), (), {})],
    ("dot", "relu_dx"): [
        ((large(m, k), large(k, n, seed=1)), (large(m, n, seed=2),), {})
        for m, n, k in ((64, 70, 801), (130, 33, 50), (7, 129, 64), (3, 5, 4))
    ] + [((large(50, 40), large(50, 90)), (spoiled(40, 90),), {"transpose_a": True}),
         ((spoiled(40, 50), large(50, 90)), (spoiled(40, 90),), {}),
         ((large(40, 50), large(50, 90)), (large(1, 90),), {})],
}
