"""Print, as JSON, random numbers of the original MXNet, for tests/test_streams.py to compare with.

Run with an interpreter that has MXNet 1.9.1 it records nd, with MXNet 2.0 np; random_golden_more.json is both lists,
one after the other:

    OMP_NUM_THREADS=1 python1 record_random.py >nd.json
    OMP_NUM_THREADS=1 python2 record_random.py >np.json
    jq -s add nd.json np.json >random_golden_more.json

A case names the stream, its method and arguments as mxgrad.streams has them. It holds, for two calls in a row, the
first numbers and the SHA-256 of all in little-endian bytes.
"""
import hashlib
import json
import warnings

import numpy

warnings.simplefilter("ignore")  # MXNet's own, on newer Pythons
import mxnet as mx  # noqa: E402

SIZES = ((1,), (3,), (65,), (2, 65), (1000,))
LARGE = (70000,)     # uses all 1024 parallel engines
FLOATS = ("float32", "float64", "float16")


def array(values, dtype="float32"):
    return {"array": values, "dtype": dtype}


def case(stream, method, *args, dtypes=FLOATS, sizes=SIZES, seeds=(0, 7), **kwargs):
    for dtype in dtypes:
        for size in sizes:
            for seed in seeds:
                yield {"stream": stream, "method": method, "args": args, "kwargs": kwargs, "size": size,
                       "dtype": dtype, "seed": seed}


def nd_cases():
    yield from case("nd", "uniform", -1.5, 2.75)
    yield from case("nd", "uniform", array([0, -3]), array([1, 5]), sizes=((), (65,)))
    yield from case("nd", "normal", 0.25, 1.75)
    yield from case("nd", "normal", array([0, -3], "float64"), array([1, 5], "float64"), sizes=((), (65,)))
    yield from case("nd", "exponential", 3.0)
    yield from case("nd", "exponential", array([3, 0.5]), sizes=((), (65,)))
    for alpha, beta in ((0.25, 1.0), (1.0, 2.0), (2.5, 0.7), (30.0, 1.5)):
        yield from case("nd", "gamma", alpha, beta)
    yield from case("nd", "gamma", array([0.3, 2, 11]), array([1, 0.7, 2]), sizes=((), (65,)))
    for lam in (0.0, 0.5, 4.0, 11.99, 12.0, 30.0, 1000.0, 1e6):
        yield from case("nd", "poisson", lam)
    yield from case("nd", "poisson", array([0.5, 5, 30]), sizes=((), (65,)))
    for k, p in ((1, 0.4), (5, 0.2), (40, 0.3), (3, 1.0), (0, 0.5)):
        yield from case("nd", "negative_binomial", k, p)
    yield from case("nd", "negative_binomial", array([1, 5, 20]), array([0.3, 0.5, 0.8]), sizes=((), (65,)))
    for mu, alpha in ((2.0, 0.3), (50.0, 0.5), (3.0, 0.0), (2.0, 4.0)):
        yield from case("nd", "generalized_negative_binomial", mu, alpha)
    yield from case("nd", "generalized_negative_binomial", array([1, 5, 20]), array([0.3, 0, 0.8]),
                    sizes=((), (65,)))
    for low, high in ((0, 10), (-7, 1000003), (-5, -2), (0, 2**31 - 1)):
        yield from case("nd", "randint", low, high, dtypes=("int32", "int64"))
    for method, args in (("uniform", (0, 1)), ("normal", (0, 1)), ("gamma", (2.0, 1.0)), ("poisson", (20.0,)),
                         ("exponential", (1.0,))):
        yield from case("nd", method, *args, dtypes=("float32", "float64"), sizes=(LARGE,), seeds=(1,))
    yield from case("nd", "bernoulli_mask", 0.7)
    for dtype in FLOATS:
        p = array([[0.1, 0.2, 0.3, 0.15, 0.25], [0.5, 0.1, 0.1, 0.1, 0.2]], dtype)
        yield from case("nd", "multinomial", p, dtypes=("int32", "float32"))
        yield from case("nd", "multinomial", p, dtypes=("int32",), get_prob=True)
    yield from case("nd", "shuffle", dtypes=("float32",), sizes=(*SIZES, (10, 1), LARGE))


def np_cases():
    one, many = ((), (3,), (65,)), (*SIZES, LARGE)
    yield from case("np", "uniform", -1.5, 2.75, sizes=many)
    yield from case("np", "uniform", array([0, -3, 2]), array([1, 5, 1]), sizes=((), (2, 3)))
    yield from case("np", "normal", 0.25, 1.75, sizes=many)
    yield from case("np", "normal", array([[0], [-3]]), array([1, 5, 1]), sizes=((), (2, 3)))
    yield from case("np", "laplace", 0.5, 2.0)
    yield from case("np", "lognormal", 0.5, 1.25)
    for a, scale in ((0.25, 1.0), (1.0, 2.0), (2.5, 0.7), (30.0, 1.5)):
        yield from case("np", "gamma", a, scale)
    yield from case("np", "gamma", array([0.3, 2, 11]), 0.7, sizes=((), (2, 3)))
    yield from case("np", "beta", 0.5, 2.0)
    yield from case("np", "chisquare", 3.0)
    for logit in (False, True):
        for size in SIZES:
            yield from case("np", "bernoulli", sizes=(size,), **{"logit" if logit else "prob": 0.3})
    none = {"dtypes": (None,)}
    yield from case("np", "f", 3.0, 5.0, **none)
    for method in ("exponential", "rayleigh", "weibull", "pareto", "power"):
        yield from case("np", method, 3.0, **none)
        yield from case("np", method, array([0.5, 1, 3]), sizes=((), (2, 3)), **none)
    for method in ("gumbel", "logistic"):
        yield from case("np", method, 0.5, 3.0, **none)
        yield from case("np", method, array([0.5, 1, 3]), 2.0, sizes=((), (2, 3)), **none)
    yield from case("np", "randint", 0, 10, dtypes=("int32", "int64"), sizes=many)
    yield from case("np", "randint", -7, 1000003, dtypes=("int64",), sizes=one)
    p = [0.1, 0.2, 0.3, 0.15, 0.25]
    for n in (1, 20):
        yield from case("np", "multinomial", n, p, **none)
        yield from case("np", "multinomial", n, array(p), **none)
    yield from case("np", "choice", 7, sizes=many, **none)
    yield from case("np", "choice", 3000, replace=False, **none)
    yield from case("np", "choice", 130, sizes=((1,), (65,), (100,), (130,)), replace=False, **none)
    yield from case("np", "choice", 5, p=array(p), **none)
    yield from case("np", "choice", 5, p=array(p), replace=False, sizes=((1,), (3,), (5,)), **none)
    yield from case("np", "shuffle", dtypes=("float32",))


def value(v, frontend):
    return frontend.array(numpy.array(v["array"], v["dtype"]), dtype=v["dtype"]) if isinstance(v, dict) else v


def nd_call(method, args, kwargs, size, dtype):
    nd = mx.nd
    args = [value(a, nd) for a in args]
    if method == "shuffle":
        return [nd.random.shuffle(nd.arange(int(numpy.prod(size))).reshape(size))]
    if method == "bernoulli_mask":
        with mx.autograd.record():
            kept = nd.Dropout(nd.ones(size, dtype=dtype), p=1 - args[0])
        return [kept.asnumpy() != 0]
    shape = {} if size == () else {"shape": size}
    out = getattr(nd.random, method)(*args, dtype=dtype, **shape, **kwargs)
    return out if isinstance(out, list) else [out]


def np_call(method, args, kwargs, size, dtype):
    np = mx.np
    args = [value(a, np) for a in args]
    kwargs = {k: value(v, np) for k, v in kwargs.items()}
    if method == "shuffle":
        x = np.arange(int(numpy.prod(size))).reshape(size)
        np.random.shuffle(x)
        return [x]
    if method == "choice" and "p" in kwargs:
        args = [np.arange(args[0], dtype="int64")]      # with a number, 2.0 beta 1 overlooks p
    if dtype is not None:
        kwargs["dtype"] = dtype
    namespace = mx.npx.random if method == "bernoulli" else np.random
    return [getattr(namespace, method)(*args, size=size or None, **kwargs)]


def recorded(call, case):
    # MXNet 2.0's gamma looks at memory it never wrote, and may draw once more; other draws leave that memory harmless.
    for _ in range(4):
        mx.np.random.uniform(size=(100000,)).wait_to_read()
    mx.random.seed(case["seed"])
    calls = []
    for _ in range(2):
        for out in call(case["method"], case["args"], case["kwargs"], case["size"], case["dtype"]):
            out = out if isinstance(out, numpy.ndarray) else out.asnumpy()
            if out.shape == (1,) and case["size"] == ():
                out = out.reshape(())
            out = out.astype(out.dtype.newbyteorder("<"), order="C")
            calls.append({"shape": out.shape, "dtype": out.dtype.name, "head": out.ravel()[:3].tolist(),
                          "sha256": hashlib.sha256(out.tobytes()).hexdigest()})
    return {**case, "calls": calls}


def main():
    if mx.__version__.startswith("1."):
        cases, call = nd_cases(), nd_call
    else:
        mx.npx.set_np()
        cases, call = np_cases(), np_call
    lines = [json.dumps({"mxnet": mx.__version__, **recorded(call, c)}) for c in cases]
    print("[" + ",\n ".join(lines) + "]")


if __name__ == "__main__":
    main()
