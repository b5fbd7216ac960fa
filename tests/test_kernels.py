"""The compiled kernels beside the generic ones: values, gradients of both orders, levels, threads."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kernel_fuzz
import numpy
import pytest
from gradients import arrays_of, differentiated, hosts, listed
from kernel_samples import JOINED_SAMPLES, KERNEL_SAMPLES, recurrent
from mxgrad import autograd, nd, testing
from mxgrad.base import OutOfRangeError
from mxgrad.context import CPU0
from mxgrad.invoke import F
from mxgrad.kernels import cpu
from mxgrad.registry import COMPOSITIONS, OPS
from samples import SAMPLES, Sample

pytestmark = pytest.mark.skipif(cpu.lib is None, reason="the kernels are not built (make setup)")

NEVER = 1 << 60
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def kernels_from(size: int) -> Iterator[None]:
    """Kernels serve arrays of `size` elements and more."""
    before, cpu.small = cpu.small, size
    try:
        yield
    finally:
        cpu.small = before


def uneven(y: nd.NDArray, mean: float) -> nd.NDArray:
    """Weights of a mean other than 0, since sums about 0 are rounding errors."""
    return nd.array(mean + numpy.sin(numpy.arange(y.size) * 0.7).reshape(y.shape))


def all_of(name: str, sample: Sample) -> list[numpy.ndarray]:
    """Values, gradients under uneven head gradients, by a plain backward, whose kernels may be fused, and by
    one that is recorded, and gradients of the latter's weighted squares, in float32.
    """
    at = differentiated(OPS[name], sample)
    arrays = arrays_of(sample, dtype="float32")
    for i in at:
        arrays[i].attach_grad()
    found = []
    for create_graph in (False, True):
        with autograd.record():
            out = listed(getattr(F, name)(*arrays, **sample.params))
            if not at:
                return hosts(out)
            heads = [y for y in out if y._data.dtype.kind == "f"]
            weights = [uneven(y, 0.3) for y in heads]
            slopes = testing.slopes(heads, [arrays[i] for i in at], weights, create_graph)
            found += hosts(slopes)
    with autograd.record():
        # Gradients of gradients may depend on nothing, but then they are 0.
        total = sum((s * s * uneven(s, 1.3)).sum() for s in slopes) + sum((arrays[i] * 0).sum() for i in at)
    total.backward()
    return hosts(out) + found + [arrays[i].grad.asnumpy() for i in at]


def compare(name: str, sample: Sample) -> None:
    with kernels_from(NEVER):
        expected = all_of(name, sample)
    with kernels_from(0):
        got = all_of(name, sample)
    assert len(got) == len(expected)
    for a, b in zip(got, expected):
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = float(numpy.max(numpy.abs(b[numpy.isfinite(b)]), initial=0.0))
        numpy.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5 * max(scale, 1e-30))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_kernels_of_two_calls(threads: int) -> None:
    """They give the bits that both give one after the other."""
    assert set(JOINED_SAMPLES) == set(cpu.JOINED)
    before = cpu.threads()
    cpu.set_threads(threads)
    try:
        for names, samples in JOINED_SAMPLES.items():
            first, second = (getattr(CPU0.backend.F, name) for name in names)
            kernel = cpu.joined(*names, first, second)
            assert kernel is not None or cpu.lib is None
            for args, others, params in samples if kernel is not None else ():
                args, others = ([a.astype("float32") for a in values] for values in (args, others))
                for size in (0, NEVER):
                    with kernels_from(size), numpy.errstate(all="ignore"):
                        numpy.testing.assert_array_equal(
                            kernel(*args, *others, **params), second(first(*args, **params), *others))
    finally:
        cpu.set_threads(before)


def test_what_is_overridden_exists_and_is_sampled() -> None:
    for name in cpu.OVERRIDES:
        assert name in OPS or name in COMPOSITIONS, name
    missing = set(cpu.OVERRIDES) & set(OPS) - set(KERNEL_SAMPLES)
    assert not missing, f"ops with kernels without large samples in tests/kernel_samples.py: {missing}"


@pytest.mark.parametrize("name", sorted(set(cpu.OVERRIDES) & set(OPS)))
def test_kernels_agree_with_the_generic_ones(name: str) -> None:
    for sample in SAMPLES[name]:
        compare(name, sample)


def raw_calls() -> dict[str, list[kernel_fuzz.Call]]:
    """What the samples call, by the names of what has kernels."""
    calls: dict[str, list[kernel_fuzz.Call]] = {}
    with kernels_from(NEVER), kernel_fuzz.spied(calls):
        for name in sorted({name.removesuffix("_dx") for name in cpu.OVERRIDES} & set(OPS)):
            for sample in SAMPLES[name]:
                arrays = arrays_of(sample, dtype="float32")
                if name in cpu.OVERRIDES:
                    raw = tuple(getattr(a, "_data", a) for a in arrays)
                    calls.setdefault(name, []).append((raw, sample.params))
                all_of(name, sample)
    return calls


def outcome(size: int, kernel: Callable[..., Any], args: Any, params: Any) -> Any:
    """The shapes of the results, or that there is an error."""
    try:
        with kernels_from(size), numpy.errstate(all="ignore"):
            return [numpy.shape(y) for y in listed(kernel(*args, **params))]
    except kernel_fuzz.Left:
        raise
    except Exception:
        return "error"


def test_what_does_not_fit_is_left_to_the_generic_kernels() -> None:
    calls = raw_calls()
    assert set(calls) == set(cpu.OVERRIDES)
    served = 0
    for name, some in calls.items():
        kernel = cpu.OVERRIDES[name](kernel_fuzz.left)
        for args, params in some[:8]:
            for changed, numbers in kernel_fuzz.wrong(args, params):
                try:
                    got = outcome(0, kernel, changed, numbers)
                except kernel_fuzz.Left:
                    continue
                expected = outcome(NEVER, getattr(CPU0.backend.F, name), changed, numbers)
                assert got == expected, (name, [getattr(a, "shape", a) for a in changed], numbers)
                served += 1
    assert served       # some changes make other calls that are right


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(KERNEL_SAMPLES))
def test_kernels_agree_on_large_arrays(name: str, threads: int) -> None:
    before = cpu.threads()
    cpu.set_threads(threads)
    try:
        for sample in KERNEL_SAMPLES[name]:
            compare(name, sample)
    finally:
        cpu.set_threads(before)


@pytest.mark.parametrize("infinite", ["nothing", "weight", "gradient"])
@pytest.mark.parametrize(("name", "gates"), [("rnn_steps", 1), ("lstm_steps", 4), ("gru_steps", 3)])
def test_layers_that_begin_at_rest(name: str, gates: int, infinite: str) -> None:
    """Products with first states that are 0 are left out only where they would be 0."""
    sample = recurrent(4, 9, 5, 20, gates)
    found = []
    for size in (NEVER, 0):
        arrays = arrays_of(sample, dtype="float32")
        for state in arrays[5:]:
            state[:] = 0
        if infinite == "weight":
            arrays[2][3, 2] = numpy.inf
        for a in arrays:
            a.attach_grad()
        with kernels_from(size):
            with autograd.record():
                states = listed(getattr(F, name)(*arrays))[0]
            weights = uneven(states, 0.3)
            if infinite == "gradient":
                weights[0, 1, 7] = numpy.inf
            states.backward(weights)
        found.append(hosts([states, *(a.grad for a in arrays)]))
    assert numpy.isfinite(found[0][3]).all() == (infinite == "nothing")
    for expected, got in zip(*found):
        scale = numpy.max(numpy.abs(expected[numpy.isfinite(expected)]), initial=0.0)
        numpy.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["off", "v2", "v3", "v4"])
def test_every_level(level: str) -> None:
    environment = {**os.environ, "MXGRAD_KERNELS": level}
    asked = subprocess.run([sys.executable, "-c", "from mxgrad.kernels import cpu; print(cpu.level())"],
                           env=environment, capture_output=True, text=True, check=True).stdout.strip()
    if level != "off" and asked != level:
        pytest.skip(f"this processor does not run {level}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not slow", __file__], env=environment,
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path: Path) -> None:
    """Samples, and arguments that do not fit, with gcc's sanitizers of addresses and undefined behaviour."""
    if not shutil.which("gcc"):
        pytest.skip("there is no gcc")
    found = [subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
             .stdout.strip() for name in ("libasan.so", "libubsan.so", "libstdc++.so")]
    if not all(map(os.path.isabs, found)):
        pytest.skip("gcc's sanitizers are not installed")
    package = shutil.copytree(ROOT / "engine" / "mxgrad", tmp_path / "mxgrad")
    # GCC defines what shifts of negative numbers do.
    flags = "-O1 -g1 -fsanitize=address,undefined -fno-sanitize=shift -fno-sanitize-recover=undefined"
    build = [sys.executable, str(ROOT / "pyffi" / "build_kernels.py"), str(package / "kernels")]
    environment = {**os.environ, "CC": "gcc", "CFLAGS": flags}
    built = subprocess.run(build, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    environment = {
        **os.environ, "PYTHONPATH": str(tmp_path), "LD_PRELOAD": " ".join(found), "PYTHONMALLOC": "malloc",
        "MXGRAD_MEMORY": "0", "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", __file__, "-k",
         "does_not_fit or agree_with"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


def test_threads() -> None:
    import mxgrad as mx

    before = mx.engine.num_threads()
    try:
        mx.set_num_threads(2)
        assert mx.engine.num_threads() == 2
        with pytest.raises(ValueError, match="threads"):
            mx.set_num_threads(0)
    finally:
        mx.set_num_threads(before)


def test_a_forked_process_computes_and_ends() -> None:
    program = """
import os, numpy, signal
from mxgrad import nd
x = nd.array(numpy.ones((512, 512), "float32"))
a = nd.softmax(x).asnumpy()
pid = os.fork()
if not pid:
    signal.alarm(20)
    same = (nd.softmax(x).asnumpy() == a).all()
    os._exit(0 if same else 3)
assert os.waitpid(pid, 0)[1] == 0
assert (nd.softmax(x).asnumpy() == a).all()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("policy", ["", "active", "passive"])
def test_threads_without_work_sleep(policy: str) -> None:
    program = """
import time, mxgrad as mx
from mxgrad import nd
mx.set_num_threads(3)
x = nd.ones((512, 512))
assert (nd.softmax(x).asnumpy() == 1 / 512).all()
before = time.process_time()    # of all threads
time.sleep(0.4)
print(time.process_time() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "OMP_WAIT_POLICY": policy})
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.2


@pytest.mark.parametrize("make", [
    lambda x, ones, zeros: nd.LayerNorm(x, ones, zeros, eps=0),
    lambda x, ones, zeros: nd.InstanceNorm(x.expand_dims(0), ones[:len(x)], zeros[:len(x)], eps=0)[0],
])
def test_normalisation_far_from_zero(make: Callable[..., nd.NDArray]) -> None:
    x = (numpy.random.RandomState(0).standard_normal((30, 5003)) + 1000).astype("float32")
    x[:, 0] += 3000     # what a sum that is shifted by the first number must stand
    y = make(nd.array(x), nd.ones(5003), nd.zeros(5003)).asnumpy()
    exact = x.astype("float64")
    exact = (exact - exact.mean(1, keepdims=True)) / exact.std(1, keepdims=True)
    numpy.testing.assert_allclose(y, exact, atol=3e-6 * abs(exact).max())


def exact_rows(name: str, x: numpy.ndarray, g: numpy.ndarray, labels: numpy.ndarray) -> Any:
    """The result and its gradient by x under the head gradient g, in float64."""
    e = numpy.exp(x.astype("float64") - x.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    if name == "softmax":
        return p, p * (g - (g * p).sum(1, keepdims=True))
    if name == "log_softmax":
        return numpy.log(p), g - p * g.sum(1, keepdims=True)
    return -numpy.log(p[range(len(x)), labels]), g[:, None] * (p - numpy.eye(x.shape[1])[labels])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "cross_entropy"])
def test_rows_of_every_length(name: str) -> None:
    # beside vectors that are not full, and far from 0, where what fills them up would show
    random = numpy.random.RandomState(0)
    for n in range(1, 70):
        for far in (0, -300, 300):
            x = (random.standard_normal((5, n)) * 4 + far).astype("float32")
            g = random.standard_normal(5 if name == "cross_entropy" else (5, n)).astype("float32")
            labels = random.randint(0, n, 5)
            given = [nd.array(x), nd.array(labels)][:len(OPS[name].arrays)]
            given[0].attach_grad()
            with kernels_from(0):
                with autograd.record():
                    y = getattr(F, name)(*given)
                y.backward(nd.array(g))
            expected, slope = exact_rows(name, x, g, labels)
            numpy.testing.assert_allclose(y.asnumpy(), expected, rtol=1e-5, atol=1e-6)
            numpy.testing.assert_allclose(given[0].grad.asnumpy(), slope, rtol=1e-5, atol=3e-6)


def test_labels_as_numbers_of_any_kind() -> None:
    x = numpy.random.RandomState(0).standard_normal((9, 7)).astype("float32")
    # The nearest place counts; of floats that are no 64-bit integer x86 makes the least one.
    labels = numpy.array([0, 6, 3.9, -0.9, -1, 7, 1e9, -1e18, 2])
    found = []
    for dtype in ("float32", "float64", "int64"):
        label = labels.astype(dtype)
        for size in (0, NEVER):
            with kernels_from(size):
                pred = nd.array(x)
                pred.attach_grad()
                with autograd.record():
                    y = F.cross_entropy(pred, nd.array(label, dtype=dtype))
                y.backward()
                found.append((y.asnumpy(), pred.grad.asnumpy()))
    for y, slope in found[1:]:
        numpy.testing.assert_allclose(y, found[0][0], rtol=1e-6)
        numpy.testing.assert_allclose(slope, found[0][1], rtol=1e-5, atol=1e-7)
    for bad in (numpy.nan, numpy.inf, -numpy.inf):
        with pytest.raises(OutOfRangeError, match="indices are whole numbers, got"), kernels_from(0):
            F.cross_entropy(nd.array(x[:2]), nd.array([1, bad]))


def test_the_norm_of_few_numbers_is_rounded_as_in_float32() -> None:
    random = numpy.random.RandomState(0)
    for exponent in (-30, -19, 0, 15, 19, 25):
        for shape in ((), (1,), (4, 4), (3, 1, 5)):
            x = (random.uniform(-1, 1, shape) * 10.0 ** exponent).astype("float32")
            got = F.norm(nd.array(x)).asnumpy()
            assert got.dtype == numpy.float32 and got.shape == ()
            with numpy.errstate(over="ignore"):
                assert got[()] == numpy.sqrt(x.reshape(-1).dot(x.reshape(-1)))
    assert numpy.isnan(F.norm(nd.array([1, numpy.nan])).asnumpy())
    assert F.norm(nd.array([1, -numpy.inf])).asnumpy() == numpy.inf


def test_sums_are_accurate() -> None:
    x = numpy.random.RandomState(0).uniform(0, 1, (3000, 1000)).astype("float32")
    for axis in (None, 0, 1):
        exact = x.sum(axis, dtype="float64")
        numpy.testing.assert_allclose(F.sum(nd.array(x), axis=axis).asnumpy(), exact, rtol=5e-7)


def test_threads_do_not_change_a_bit() -> None:
    before = cpu.threads()
    found = []
    try:
        for threads in (1, 2, 3):
            cpu.set_threads(threads)
            found.append([a for name in ("sum", "layer_norm", "batch_norm", "cross_entropy", "dot", "linear")
                          for sample in KERNEL_SAMPLES[name] for a in all_of(name, sample)])
    finally:
        cpu.set_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other):
            numpy.testing.assert_array_equal(a, b)


def test_more_threads_than_parts_of_a_product() -> None:
    normal = numpy.random.RandomState(0).standard_normal
    a, b = normal((300, 1153)).astype("float32"), normal((1153, 700)).astype("float32")
    before = cpu.threads()
    try:
        cpu.set_threads(1)
        one = F.dot(nd.array(a), nd.array(b)).asnumpy()
        cpu.set_threads(8)
        for _ in range(50):
            numpy.testing.assert_array_equal(F.dot(nd.array(a), nd.array(b)).asnumpy(), one)
    finally:
        cpu.set_threads(before)


@pytest.mark.parametrize("sanitizer", ["", pytest.param("thread", marks=pytest.mark.slow)])
def test_the_pool(sanitizer: str, tmp_path: Path) -> None:
    compiler = next((c for c in ("gcc", "cc", "clang") if shutil.which(c)), None)
    if compiler is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "pool"
    flags = [f"-fsanitize={sanitizer}"] if sanitizer else []
    sources = [ROOT / "tests" / "kernels" / "pool.c", ROOT / "pyffi" / "kernels" / "pool.c"]
    built = subprocess.run(
        [compiler, "-std=gnu99", "-O2", "-g", "-Wall", "-Wextra", "-Werror", *flags,
         f"-I{ROOT / 'pyffi' / 'kernels'}", *map(str, sources), "-o", str(program), "-lpthread"],
        capture_output=True, text=True)
    if built.returncode and sanitizer:
        pytest.skip(f"{compiler} cannot build with -fsanitize={sanitizer}")
    assert built.returncode == 0, built.stderr
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr[-4000:]
