"""What each op costs, small and large, forward and with its backward, beside NumPy.

    python benchmarks/ops.py [torch=/path/to/python] [mxnet=/path/to/python] [name ...]

Two tables, of ratios of times; how they are taken says peers.py.  The first is of the ops of the registry,
beside the NumPy code that is their reference in tests/samples; a large case is the first sample with elements
laid out anew, or one of `LARGE`.  The second is of public functions (`PUBLIC`), beside NumPy and, where an
interpreter that has them is named, PyTorch and MXNet, each with one thread.  Written to build/bench/ops.json,
too.  Run it with OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE unset.
"""
from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy  # noqa: E402
from peers import ROOT, Worker, best, named  # noqa: E402
from timer import per_call  # noqa: E402
from tqdm import tqdm  # noqa: E402

sys.path.insert(0, str(ROOT / "tests"))

from gradients import arrays_of, differentiated, listed, pointwise  # noqa: E402
from mxgrad import autograd  # noqa: E402
from mxgrad.invoke import F  # noqa: E402
from mxgrad.registry import OPS  # noqa: E402
from samples import SAMPLES, Sample  # noqa: E402

ROUNDS = 7
SECONDS = 0.004     # that one measurement of a small case takes, and a large one at least


def f(*shape: int) -> numpy.ndarray:
    """float32 between 0.1 and 0.9: inside the domain of nearly every function."""
    return numpy.random.default_rng(0).uniform(0.1, 0.9, shape).astype("float32")


def i(*shape: int, high: int = 1000) -> numpy.ndarray:
    return numpy.random.default_rng(1).integers(0, high, shape)


def square(n: int) -> numpy.ndarray:
    """A well conditioned symmetric matrix."""
    a = f(n, n)
    return a @ a.T / n + numpy.eye(n, dtype="float32")


# The samples' references of these build matrices, or loop: no measure of speed.
WINDOW: dict[str, Any] = {"reference": False, "kernel": (3, 3), "stride": (1, 1), "pad": (1, 1)}
STEPS: dict[str, Any] = {"reference": False, "stride": (1, 1), "dilate": (1, 1), "pad": (1, 1)}
# Arguments of a large case of the ops that are not elementwise.
LARGE: dict[str, Callable[[], Sample]] = {
    **{name: lambda: Sample(f(1000, 1000), axis=1) for name in (
        "sum mean max min prod nansum nanprod norm var std cumsum cumprod softmax log_softmax sort argsort "
        "argmax argmin flip").split()},
    "all": lambda: Sample(f(1000, 1000) > 0, axis=1), "any": lambda: Sample(f(1000, 1000) > 1, axis=1),
    "sum_to": lambda: Sample(f(1000, 1000), shape=(1000,)),
    "reshape": lambda: Sample(f(1000, 1000), shape=(500, 2000)),
    "transpose": lambda: Sample(f(1000, 1000)),
    "swapaxes": lambda: Sample(f(100, 100, 100), axis1=0, axis2=2),
    "moveaxis": lambda: Sample(f(100, 100, 100), source=0, destination=-1),
    "expand_dims": lambda: Sample(f(1000, 1000), axis=0), "squeeze": lambda: Sample(f(1, 1000, 1000)),
    "broadcast_to": lambda: Sample(f(1000), shape=(1000, 1000)),
    "roll": lambda: Sample(f(1000, 1000), shift=7, axis=0), "rot90": lambda: Sample(f(1000, 1000)),
    "concatenate": lambda: Sample(f(1000, 500), f(1000, 500), axis=1),
    "stack": lambda: Sample(f(1000, 500), f(1000, 500), axis=1),
    "slice_axis": lambda: Sample(f(1000, 1000), axis=0, begin=100, end=900),
    "split": lambda: Sample(f(1000, 1000), indices_or_sections=10, axis=1),
    "tile": lambda: Sample(f(500, 500), reps=(2, 2)),
    "repeat": lambda: Sample(f(500, 1000), repeats=2, axis=0),
    "pad": lambda: Sample(f(1000, 1000), pad_width=((1, 1), (1, 1))),
    "im2col": lambda: Sample(f(8, 16, 32, 32), dilate=(1, 1), **WINDOW),
    "conv": lambda: Sample(f(8, 16, 32, 32), f(32, 16, 3, 3), **STEPS),
    "conv_data": lambda: Sample(f(8, 32, 32, 32), f(32, 16, 3, 3), shape=(32, 32), **STEPS),
    "conv_weight": lambda: Sample(f(8, 16, 32, 32), f(8, 32, 32, 32), kernel=(3, 3), **STEPS),
    "sum_windows": lambda: Sample(f(8, 16, 32, 32), out=(32, 32), count=None, **WINDOW),
    "max_windows": lambda: Sample(f(8, 16, 32, 32), out=(32, 32), lowest=-9.0, **WINDOW),
    "fill": lambda: Sample(f(2), shape=(1000, 1000), dtype="float32", value=1.5),
    "cast": lambda: Sample(f(1000, 1000), dtype="float64", reference=lambda x, dtype: x.astype(dtype)),
    "clip": lambda: Sample(f(1000, 1000), a_min=0.2, a_max=0.7),
    "getitem": lambda: Sample(f(1000, 1000), key=(slice(100, 900, 2), slice(None))),
    "take": lambda: Sample(f(1000, 1000), i(1000)),
    "add_taken": lambda: Sample(f(1000, 1000), i(1000), shape=(1000, 1000)),
    "take_along_axis": lambda: Sample(f(1000, 1000), i(1000, 1000)),
    "add_along_axis": lambda: Sample(f(1000, 1000), i(1000, 1000), shape=(1000, 1000)),
    "gather_nd": lambda: Sample(f(1000, 1000), i(2, 100000)),
    "scatter_nd": lambda: Sample(f(1000), numpy.arange(1000)[None], shape=(1000,)),
    "one_hot": lambda: Sample(i(1000), depth=1000),
    "matmul": lambda: Sample(f(500, 500), f(500, 500)), "dot": lambda: Sample(f(500, 500), f(500, 500)),
    "tensordot": lambda: Sample(f(100, 20, 30), f(20, 30, 100)),
    "einsum": lambda: Sample(f(300, 300), f(300, 300), subscripts="ij,jk->ik"),
    "diagonal": lambda: Sample(f(1000, 1000)), "tril": lambda: Sample(f(1000, 1000)),
    "triu": lambda: Sample(f(1000, 1000)), "pack_triangle": lambda: Sample(f(500, 500)),
    **{name: lambda: Sample(square(200)) for name in "inv det slogdet cholesky eigh qr svd".split()},
    "cofactor": lambda: Sample(square(200), reference=False),
    "solve": lambda: Sample(square(200), f(200, 50)),
    "solve_triangular": lambda: Sample(numpy.tril(square(200)), f(200, 50)),
    "softmax_output": lambda: Sample(f(1000, 1000), i(1000)),
    "cross_entropy": lambda: Sample(f(1000, 1000), i(1000)),
}

SIZES = ("small", "large")
ONE = {"small": ((4, 4),), "large": ((1000, 1000),)}
TWO = {"small": ((4, 4), (4, 4)), "large": ((1000, 1000), (1000, 1000))}
# name -> {size: shapes}, and for each library an expression of the arrays a, b, c.
PUBLIC: dict[str, tuple[dict[str, tuple[tuple[int, ...], ...]], dict[str, str]]] = {
    "add": (TWO, {"numpy": "a + b", "nd": "a + b", "torch": "a + b"}),
    "exp": (ONE, {"numpy": "numpy.exp(a)", "nd": "nd.exp(a)", "torch": "torch.exp(a)"}),
    "tanh": (ONE, {"numpy": "numpy.tanh(a)", "nd": "nd.tanh(a)", "torch": "torch.tanh(a)"}),
    "sum": (ONE, {"numpy": "a.sum(1)", "nd": "nd.sum(a, axis=1)", "torch": "a.sum(1)"}),
    "max": (ONE, {"numpy": "a.max(1)", "nd": "nd.max(a, axis=1)", "torch": "a.amax(1)"}),
    "dot": ({"small": ((4, 4), (4, 4)), "large": ((500, 500), (500, 500))},
            {"numpy": "a @ b", "nd": "nd.dot(a, b)", "torch": "a @ b"}),
    "batch_dot": ({"small": ((2, 4, 4), (2, 4, 4)), "large": ((32, 100, 100), (32, 100, 100))},
                  {"numpy": "a @ b", "nd": "nd.batch_dot(a, b)", "torch": "torch.bmm(a, b)"}),
    "transpose": (ONE, {"numpy": "a.T.copy()", "nd": "nd.transpose(a)", "torch": "a.T.contiguous()"}),
    "concat": ({"small": ((4, 4), (4, 4)), "large": ((1000, 500), (1000, 500))},
               {"numpy": "numpy.concatenate([a, b], 1)", "nd": "nd.concat(a, b, dim=1)",
                "torch": "torch.cat([a, b], 1)"}),
    "slice": (ONE,
              {"numpy": "a[:2].copy()", "nd": "nd.slice_axis(a, axis=0, begin=0, end=2)",
               "torch": "a[:2].clone()"}),
    "softmax": (ONE,
                {"numpy": "(lambda e: e / e.sum(1, keepdims=True))(numpy.exp(a - a.max(1, keepdims=True)))",
                 "nd": "nd.softmax(a)", "torch": "torch.softmax(a, 1)"}),
    "log_softmax": (ONE,
                    {"numpy": "(lambda d: d - numpy.log(numpy.exp(d).sum(1, keepdims=True)))"
                              "(a - a.max(1, keepdims=True))",
                     "nd": "nd.log_softmax(a)", "torch": "torch.log_softmax(a, 1)"}),
    "relu": (ONE, {"numpy": "numpy.maximum(a, 0)", "nd": "nd.relu(a)", "torch": "torch.relu(a)"}),
    "LeakyReLU gelu": ({"small": ((4, 4),), "large": ((500, 500),)},
                       {"nd": "nd.LeakyReLU(a, act_type='gelu')", "torch": "torch.nn.functional.gelu(a)"}),
    "FullyConnected": ({"small": ((4, 8), (16, 8), (16,)), "large": ((256, 1024), (1024, 1024), (1024,))},
                       {"numpy": "a @ b.T + c",
                        "nd": "nd.FullyConnected(a, b, c, num_hidden=b.shape[0])",
                        "torch": "torch.nn.functional.linear(a, b, c)"}),
    "Convolution": ({"small": ((2, 3, 8, 8), (4, 3, 3, 3), (4,)),
                     "large": ((16, 16, 32, 32), (32, 16, 3, 3), (32,))},
                    {"nd": "nd.Convolution(a, b, c, kernel=(3, 3), num_filter=b.shape[0])",
                     "torch": "torch.nn.functional.conv2d(a, b, c)"}),
    "Deconvolution": ({"small": ((2, 4, 6, 6), (4, 3, 3, 3)), "large": ((16, 32, 16, 16), (32, 16, 3, 3))},
                      {"nd": "nd.Deconvolution(a, b, kernel=(3, 3), num_filter=b.shape[1])",
                       "torch": "torch.nn.functional.conv_transpose2d(a, b)"}),
    "Pooling max": ({"small": ((2, 3, 8, 8),), "large": ((16, 16, 32, 32),)},
                    {"nd": "nd.Pooling(a, kernel=(2, 2), stride=(2, 2))",
                     "torch": "torch.nn.functional.max_pool2d(a, 2)"}),
    "Pooling avg": ({"small": ((2, 3, 8, 8),), "large": ((16, 16, 32, 32),)},
                    {"nd": "nd.Pooling(a, kernel=(2, 2), stride=(2, 2), pool_type='avg')",
                     "torch": "torch.nn.functional.avg_pool2d(a, 2)"}),
    "LayerNorm": ({"small": ((4, 8), (8,), (8,)), "large": ((1000, 1000), (1000,), (1000,))},
                  {"numpy": "(a - a.mean(1, keepdims=True)) / (a.var(1, keepdims=True) + 1e-5) ** 0.5 "
                            "* b + c",
                   "nd": "nd.LayerNorm(a, b, c)",
                   "torch": "torch.nn.functional.layer_norm(a, b.shape, b, c)"}),
    "BatchNorm": ({"small": ((4, 3, 4, 4), (3,), (3,)), "large": ((16, 16, 32, 32), (16,), (16,))},
                  {"nd": "nd.BatchNorm(a, b, c, nd.zeros(b.shape), nd.ones(b.shape), fix_gamma=False)",
                   "torch": "torch.nn.functional.batch_norm(a, None, None, b, c, training=True)"}),
    "Dropout": (ONE,
                {"numpy": "a * (rng.random(a.shape, numpy.float32) < 0.5) * 2",
                 "nd": "nd.Dropout(a, p=0.5, mode='always')",
                 "torch": "torch.nn.functional.dropout(a, 0.5, True)"}),
    "Embedding": ({"small": ((10, 4),), "large": ((1000, 1000),)},
                  {"numpy": "a[at]", "nd": "nd.Embedding(at, a, input_dim=a.shape[0], output_dim=a.shape[1])",
                   "torch": "torch.nn.functional.embedding(at, a)"}),
    "softmax_cross_entropy": ({"small": ((4, 10),), "large": ((1000, 1000),)},
                              {"nd": "nd.softmax_cross_entropy(a, at[:a.shape[0]])",
                               "torch": "torch.nn.functional.cross_entropy(a, at[:a.shape[0]], "
                                        "reduction='sum')"}),
    "sort": (ONE, {"numpy": "numpy.sort(a, 1)", "nd": "nd.sort(a, axis=1)",
                   "torch": "torch.sort(a, 1).values"}),
    "topk": (ONE, {"nd": "nd.topk(a, k=2, ret_typ='value')", "torch": "torch.topk(a, 2).values"}),
    "where": (TWO,
              {"numpy": "numpy.where(a > b, a, b)", "nd": "nd.where(a > b, a, b)",
               "torch": "torch.where(a > b, a, b)"}),
}

ARRAYS = """
import json, numpy
cases = json.loads({cases!r})
rng = numpy.random.default_rng(0)
def hosts(shapes):
    return [rng.uniform(0.1, 0.9, s).astype(numpy.float32) for s in shapes]
def at_of(a):
    return rng.integers(0, min(a.shape[0], a.shape[-1]), max(a.shape[0], 8))
made = {{}}
def figures(key):
    if key not in made:
        name, size, what = key.split("/")
        shapes, expression = cases[name]
        made[key] = per_call(make(expression, hosts(shapes[size]), what), {seconds})
    return made[key]()
"""

ND = ARRAYS + """
def make(expression, arrays, what):
    at = nd.array(at_of(arrays[0]), dtype="float32")
    arrays = [nd.array(a) for a in arrays]
    f = eval("lambda a=None, b=None, c=None: " + expression, dict(nd=nd, at=at))
    for a in arrays:
        a.attach_grad()
    def forward():
        {wait}(f(*arrays))
    def both():
        with autograd.record():
            y = f(*arrays)
        y.backward()
        {wait}(arrays[0].grad)
    return both if what == "both" else forward
serve(figures)
"""

WORKERS = {
    "mxgrad": "from mxgrad import autograd, nd\n" + ND.replace("{wait}", "nd.NDArray.wait_to_read"),
    "mxnet": "import os; os.environ.update(OMP_NUM_THREADS='1', MXNET_ENGINE_TYPE='NaiveEngine')\n"
             "from mxnet import autograd, nd\n" + ND.replace("{wait}", "nd.NDArray.wait_to_read"),
    "torch": "import torch; torch.set_num_threads(1)\n" + ARRAYS + """
def make(expression, arrays, what):
    at = torch.from_numpy(at_of(arrays[0]))
    arrays = [torch.from_numpy(a) for a in arrays]
    f = eval("lambda a=None, b=None, c=None: " + expression, dict(torch=torch, at=at))
    if what == "forward":
        return lambda: f(*arrays)
    for a in arrays:
        a.requires_grad_()
    def both():
        y = f(*arrays)
        y.backward(torch.ones_like(y))
        for a in arrays:
            a.grad = None
    return both
serve(figures)
""",
    "numpy": ARRAYS + """
def make(expression, arrays, what):
    f = eval("lambda a=None, b=None, c=None: " + expression, dict(numpy=numpy, at=at_of(arrays[0]), rng=rng))
    return lambda: f(*arrays)
serve(figures)
""",
}


Figures = dict[str, dict[str, dict[str, float]]]     # name -> size -> what -> microseconds


def owned(result: Any) -> Any:
    """What NumPy gives as a view, copied: every op's result has its own memory."""
    if isinstance(result, (list, tuple)):
        return [owned(r) for r in result]
    return result.copy() if getattr(result, "base", None) is not None else result


def computed(result: Any) -> None:
    """Wait until the values are there: those of large arrays may be computed only when they are asked for."""
    for y in listed(result):
        y.wait_to_read()


def cases_of(name: str) -> dict[str, Sample]:
    """By size, the samples an op is timed on."""
    op, first = OPS[name], SAMPLES[name][0]
    found = {"small": first}
    if name in LARGE:
        found["large"] = LARGE[name]()
    elif pointwise(op):
        arrays = [
            numpy.resize(a.astype("float32") if a.dtype.kind == "f" else a, (1000, 1000))
            if isinstance(a, numpy.ndarray) and a.size else a for a in first.arrays
        ]
        found["large"] = Sample(*arrays, **first.params)
    for sample in found.values():
        sample.differentiate = first.differentiate
        if sample.reference is None:
            sample.reference = first.reference
    return found


def op_figures(name: str, sample: Sample) -> dict[str, float]:
    """Microseconds of an op: NumPy's, ours, and ours with the backward, where there are such."""
    function = getattr(F, name)
    arrays = arrays_of(sample)
    measures = {"forward": per_call(lambda: computed(function(*arrays, **sample.params)), SECONDS)}
    reference = sample.reference or getattr(numpy, name, None)
    if callable(reference):
        measures["numpy"] = per_call(lambda: owned(reference(*sample.arrays, **sample.params)), SECONDS)
    xs = [arrays[at] for at in differentiated(OPS[name], sample)]
    if xs:
        for x in xs:
            x.attach_grad()
        with autograd.pause():
            ones = [F.ones_like(y) for y in listed(function(*arrays, **sample.params))]
        floats = [k for k, y in enumerate(ones) if y._data.dtype.kind == "f"]

        def both() -> None:
            with autograd.record():
                ys = listed(function(*arrays, **sample.params))
            autograd.backward([ys[k] for k in floats], [ones[k] for k in floats])
            computed([x.grad for x in xs])

        if floats:
            measures["both"] = per_call(both, SECONDS)
    return best(ROUNDS, measures)


def time_ops(names: list[str]) -> Figures:
    found: Figures = {}
    for name in tqdm(names, unit="op", desc="ops"):
        with numpy.errstate(all="ignore"):
            found[name] = {size: op_figures(name, sample) for size, sample in cases_of(name).items()}
    return found


def time_public(names: list[str], peers: dict[str, str]) -> Figures:
    pythons = {"numpy": sys.executable, "mxgrad": sys.executable, **peers}
    language = {"mxgrad": "nd", "mxnet": "nd"}
    workers = {}
    for library, python in pythons.items():
        spoken = language.get(library, library)
        cases = {name: (PUBLIC[name][0], PUBLIC[name][1].get(spoken)) for name in names}
        source = WORKERS[library].format(cases=json.dumps(cases), seconds=SECONDS)
        workers[library] = Worker.python(python, source)
    found: Figures = {}
    for name in tqdm(names, unit="function", desc="public functions"):
        for size in SIZES:
            measures = {}
            for library, worker in workers.items():
                if language.get(library, library) in PUBLIC[name][1]:
                    for what in ("forward",) if library == "numpy" else ("forward", "both"):
                        key = f"{library} {what}"
                        measures[key] = partial(worker.measure, f"{name}/{size}/{what}")
            found.setdefault(name, {})[size] = best(ROUNDS, measures)
    return found


def ratio(figures: dict[str, float], a: str, b: str) -> str:
    return f"{figures[a] / figures[b]:.2f}" if a in figures and b in figures else ""


def table(title: str, found: Figures, ours: str, pairs: list[tuple[str, str]]) -> str:
    """Markdown: our microseconds and ratios, small and large, by falling ratio of the large cases."""
    lines = [f"## {title}", ""]
    heads = [f"{size} {head}" for size in SIZES for head in ("us", *(f"{a} / {b}" for a, b in pairs))]
    lines += ["| | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]

    def order(name: str) -> float:
        return -float(ratio(found[name].get("large", {}), *pairs[0]) or 0)

    for name in sorted(found, key=order):
        cells = []
        for size in SIZES:
            figures = found[name].get(size, {})
            cells += [f"{figures[ours]:.1f}" if ours in figures else "", *(ratio(figures, *p) for p in pairs)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    peers = named(arguments)
    wanted = [a for a in arguments if "=" not in a]
    unknown = [n for n in wanted if n not in OPS and n not in PUBLIC]
    if unknown:
        raise SystemExit(f"neither ops nor among the public functions timed: {', '.join(unknown)}")
    ops = time_ops([n for n in OPS if not wanted or n in wanted])
    public = time_public([n for n in PUBLIC if not wanted or n in wanted], peers)
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ops.json").write_text(json.dumps({"ops": ops, "public": public}, indent=1) + "\n")
    print(table("Ops", ops, "forward", [("forward", "numpy"), ("both", "numpy")]))
    pairs = [("mxgrad forward", "numpy forward")]
    for peer in peers:
        pairs += [("mxgrad forward", f"{peer} forward"), ("mxgrad both", f"{peer} both")]
    print()
    print(table("Public functions", public, "mxgrad forward", pairs))
    print(f"\nwritten to {folder / 'ops.json'}; no large case: "
          + ", ".join(n for n in ops if "large" not in ops[n]))


if __name__ == "__main__":
    main(sys.argv[1:])
