"""Print, as JSON, random numbers of the original MXNet, for tests/test_streams.py to compare with.

With MXNet 1.9.1 it records nd, with MXNet 2.0 np and what nd has only there; random_golden_more.json is both
lists in one:

    OMP_NUM_THREADS=1 python-1.9 record_random.py >nd.json
    OMP_NUM_THREADS=1 python-2.0 record_random.py >np.json
    jq -cs add nd.json np.json >random_golden_more.json

A case names a method of mxgrad.streams, its arguments and the seed. Its "calls" are two calls in a row,
each as the first numbers and a digest of dtype, shape and all numbers (see `digest`).
"""
import hashlib
import itertools
import json
import warnings

import numpy

SIZES = ((1,), (3,), (65,), (2, 65), (1000,))
SHORT = ((), (65,))
LARGE = ((70000,),)      # keeps all 1024 parallel engines busy
SEEDS = (5, -1, -7, 2**31 - 1, 2**31, 2**32 + 3, 33818641)
LARGEST_WORD = 14784396     # an engine so seeded starts with a word that rounds to 1
FLOATS = ("float32", "float64", "float16")


def array(values, dtype="float32"):
    return {"array": values, "dtype": dtype}


def cases(method, *args, dtypes=("float32",), sizes=SIZES, seeds=(0, 7), per_context=False, **kwargs):
    for dtype, size, seed in itertools.product(dtypes, sizes, seeds):
        yield {"method": method, "args": args, "kwargs": kwargs, "size": size, "dtype": dtype, "seed": seed,
               "per_context": per_context}


def nd_cases():
    for per_context in (False, True):
        yield from cases("nd.uniform", 0, 1, sizes=((3,),), seeds=SEEDS, per_context=per_context)
    yield from cases("nd.uniform", -1.5, 2.75, dtypes=FLOATS)
    yield from cases("nd.normal", 0.25, 1.75, dtypes=FLOATS)
    yield from cases("nd.exponential", 3.0, dtypes=FLOATS)
    for alpha, beta in ((0.25, 1.0), (1.0, 2.0), (2.5, 0.7), (30.0, 1.5)):
        yield from cases("nd.gamma", alpha, beta, dtypes=FLOATS)
    for lam in (0.0, 0.5, 4.0, 11.99, 12.0, 30.0, 1000.0, 1e6):
        yield from cases("nd.poisson", lam)
    for k, p in ((1, 0.4), (5, 0.2), (40, 0.3), (3, 1.0), (0, 0.5)):
        yield from cases("nd.negative_binomial", k, p)
    for mu, alpha in ((2.0, 0.3), (50.0, 0.5), (3.0, 0.0), (2.0, 4.0)):
        yield from cases("nd.generalized_negative_binomial", mu, alpha)
    for low, high in ((0, 10), (-7, 1000003), (-5, -2), (0, 2**31 - 1)):
        yield from cases("nd.randint", low, high, dtypes=("int32", "int64"))
    for method, args in (("uniform", (0, 1)), ("normal", (0, 1)), ("gamma", (2.0, 1.0)), ("poisson", (20.0,)),
                         ("exponential", (1.0,)), ("negative_binomial", (3, 0.5)),
                         ("generalized_negative_binomial", (3.0, 0.5))):
        yield from cases("nd." + method, *args, sizes=LARGE, seeds=(1,))
        yield from cases("nd." + method, *args, dtypes=FLOATS[1:], sizes=((65,),), seeds=(1,))
    for dtype in FLOATS[:2]:
        three = lambda *values: array(values, dtype)    # noqa: B023, called at once
        for method, parameters in (
            ("uniform", (three(0, 1, -3), three(1, 5, 7))), ("normal", (three(0, 1, -3), three(1, 0.5, 2))),
            ("exponential", (three(1, 0.25, 2),)), ("gamma", (three(0.3, 2, 11), three(1, 0.7, 2))),
            ("poisson", (three(0.5, 5, 30),)), ("negative_binomial", (three(1, 5, 20), three(0.3, 0.5, 0.8))),
            ("generalized_negative_binomial", (three(1, 5, 20), three(0.3, 0, 0.8))),
        ):
            yield from cases("nd." + method, *parameters, dtypes=FLOATS, sizes=SHORT)
    yield from cases("nd.bernoulli_mask", 0.7, dtypes=FLOATS)
    for dtype in FLOATS:
        p = array([[0.1, 0.2, 0.3, 0.15, 0.25], [0.5, 0.1, 0.1, 0.1, 0.2]], dtype)
        yield from cases("nd.multinomial", p, dtypes=("int32", "float32"), sizes=SHORT)
        yield from cases("nd.multinomial", p, dtypes=("int32",), get_prob=True)
    yield from cases("nd.shuffle", sizes=(*SIZES, (10, 1), *LARGE))


def np_cases():
    for per_context in (False, True):
        yield from cases("np.uniform", 0, 1, sizes=((3,),), seeds=SEEDS, per_context=per_context)
    yield from cases("np.uniform", 0, 1, sizes=((3,),), seeds=(LARGEST_WORD,), per_context=True)
    a, b, ab, wide = array([0, 1, -3]), array([1, 0.5, 2]), ((), (2, 3)), (*SIZES, *LARGE)
    yield from cases("np.uniform", -1.5, 2.75, dtypes=FLOATS, sizes=wide)
    yield from cases("np.normal", 0.25, 1.75, dtypes=FLOATS, sizes=wide)
    yield from cases("np.laplace", 0.5, 2.0, dtypes=FLOATS)
    yield from cases("np.lognormal", 0.5, 1.25, dtypes=FLOATS)
    for method in ("uniform", "normal", "laplace"):
        yield from cases("np." + method, a, b, dtypes=FLOATS, sizes=ab)
        yield from cases("np." + method, array([[0], [-3]]), b, sizes=ab)
    for shape, scale in ((0.25, 1.0), (1.0, 2.0), (2.5, 0.7), (30.0, 1.5)):
        yield from cases("np.gamma", shape, scale, dtypes=FLOATS)
    yield from cases("np.gamma", array([0.3, 2, 11]), 0.7, sizes=ab)
    yield from cases("np.beta", 0.5, 2.0, dtypes=FLOATS)
    yield from cases("np.chisquare", 3.0, dtypes=FLOATS)
    for parameter in ("prob", "logit"):
        yield from cases("np.bernoulli", dtypes=("float32", "int32"), **{parameter: 0.3})
        yield from cases("np.bernoulli", sizes=ab, **{parameter: array([0.25, 0.5, 1])})
    yield from cases("np.randint", 0, 10, dtypes=("int32", "int64"), sizes=wide)
    yield from cases("np.randint", -7, 1000003, dtypes=("int64",), sizes=SHORT)
    yield from cases("np.shuffle")
    yield from cases("np.f", 3.0, 5.0, dtypes=(None,))
    for method in ("exponential", "rayleigh", "weibull", "pareto", "power"):
        yield from cases("np." + method, 3.0, dtypes=(None,))
        yield from cases("np." + method, b, dtypes=(None,), sizes=ab)
    for method in ("gumbel", "logistic"):
        yield from cases("np." + method, 0.5, 3.0, dtypes=(None,))
        yield from cases("np." + method, a, 2.0, dtypes=(None,), sizes=ab)
    p = [0.1, 0.2, 0.3, 0.15, 0.25]
    for n in (1, 20):
        yield from cases("np.multinomial", n, p, dtypes=(None,))
        yield from cases("np.multinomial", n, array(p), dtypes=(None,))
    yield from cases("np.choice", 7, dtypes=(None,), sizes=wide)
    yield from cases("np.choice", 3000, dtypes=(None,), replace=False)
    yield from cases("np.choice", 130, dtypes=(None,), sizes=((1,), (65,), (100,), (130,)), replace=False)
    yield from cases("np.choice", 5, dtypes=(None,), p=array(p))
    yield from cases("np.choice", 5, dtypes=(None,), sizes=((1,), (3,), (5,)), p=array(p), replace=False)


def nd_cases_of_2():
    for n, p in ((5, 0.5), (5, 0.8), (5, 0.0), (5, 1.0), (0, 0.5), (20, 0.3), (34, 0.3), (40, 0.95),
                 (100, 0.5), (100, 0.101), (100, 0.85), (1000, 0.5)):
        yield from cases("nd.binomial", n, p)
    three = (array([5, 20, 100]), array([0.3, 0.9, 0.4]))
    yield from cases("nd.binomial", *three, dtypes=FLOATS[:2], sizes=SHORT)
    for n, p in ((5, [0.2, 0.3, 0.5]), (50, [0.2, 0.3, 0.5]), (50, [0.5, 0, 0.5]), (7, [0.1] * 10),
                 (5, [0, 0, 1]), (5, [1, 0, 0])):
        yield from cases("nd.multinomial_counts", array(n), array(p))
    two = (array([5, 9]), array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]))
    yield from cases("nd.multinomial_counts", *two, sizes=((3,), (2, 65)))


def value(v, frontend):
    return frontend.array(numpy.array(v["array"], v["dtype"]), dtype=v["dtype"]) if isinstance(v, dict) else v


def nd_call(mx, method, args, kwargs, size, dtype):
    nd = mx.nd
    args = [value(a, nd) for a in args]
    if method == "shuffle":
        return nd.random.shuffle(nd.arange(int(numpy.prod(size))).reshape(size))
    if method == "bernoulli_mask":
        with mx.autograd.record():
            return nd.Dropout(nd.ones(size, dtype=dtype), p=1 - args[0]).asnumpy() != 0
    shape = {"shape": size} if size else {}
    return getattr(nd.random, method)(*args, dtype=dtype, **shape, **kwargs)


def np_call(mx, method, args, kwargs, size, dtype):
    np = mx.np
    if method == "binomial":
        return nd_call(mx, method, args, kwargs, size, dtype)
    args = [value(a, np) for a in args]
    if method == "multinomial_counts":
        return mx.npx.random.multinomial(*args, shape=size, dtype=dtype)
    kwargs = {k: value(v, np) for k, v in kwargs.items()}
    if method == "shuffle":
        x = np.arange(int(numpy.prod(size))).reshape(size)
        np.random.shuffle(x)
        return x
    if method == "choice" and "p" in kwargs:
        args = [np.arange(args[0], dtype="int64")]      # with a number, 2.0 beta 1 overlooks p
    if dtype is not None:
        kwargs["dtype"] = dtype
    namespace = mx.npx.random if method == "bernoulli" else np.random
    return getattr(namespace, method)(*args, size=size or None, **kwargs)


def digest(numbers):
    """64 bits of the SHA-256 of dtype, shape, and the numbers in little-endian bytes."""
    raw = numbers.astype(numbers.dtype.newbyteorder("<")).tobytes()
    return hashlib.sha256(f"{numbers.dtype.name} {numbers.shape} ".encode() + raw).hexdigest()[:16]


def recorded(mx, call, case):
    # MXNet 2.0's gamma looks at memory it never wrote, and may draw once more; other draws leave it harmless.
    for _ in range(4):
        mx.np.random.uniform(size=(100000,)).wait_to_read()
    mx.random.seed(case["seed"], mx.cpu() if case["per_context"] else "all")
    calls = []
    for _ in range(2):
        out = call(mx, case["method"][3:], *(case[k] for k in ("args", "kwargs", "size", "dtype")))
        for numbers in out if isinstance(out, list) else [out]:
            numbers = numbers if isinstance(numbers, numpy.ndarray) else numbers.asnumpy()
            if case["size"] == () and numbers.shape == (1,):
                numbers = numbers.reshape(())
            calls.append([numbers.ravel()[:2].tolist(), digest(numbers)])
    return {**case, "calls": calls}


def main():
    warnings.simplefilter("ignore")     # MXNet's own, on newer Pythons
    import mxnet as mx

    if mx.__version__.startswith("1."):
        every, call = nd_cases(), nd_call
    else:
        mx.npx.set_np()
        every, call = itertools.chain(np_cases(), nd_cases_of_2()), np_call
    print(json.dumps([recorded(mx, call, case) for case in every]))


if __name__ == "__main__":
    main()
