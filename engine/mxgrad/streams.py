"""MXNet's CPU random numbers, bit for bit, on any platform (level 1).

    >>> NDStreams(seed=0).uniform(0, 1, (3,))
    array([0.5488135 , 0.5928446 , 0.71518934], dtype=float32)
    >>> NPStreams(seed=0).normal(0, 1, (3,))
    array([2.2122064, 1.1630787, 0.7740038], dtype=float32)

MXNet draws from two kinds of Mersenne twister (``std::mt19937``), and `Engines` holds both for one device:

* 1024 *parallel* engines, for `nd.random` (`NDStreams`), initializers, Dropout and `np.random.randint`.
  N numbers are cut into ``min(ceil(N/64), 1024)`` blocks of equal length, and engine i fills block i.
* one *sequential* engine, for `np.random` (`NPStreams`), and for `nd.random.multinomial` and `shuffle`.

An engine's words become numbers as in libstdc++ (``generate_canonical``, ``uniform_int_distribution``, the
polar method of ``normal_distribution``). The samplers above that follow MXNet 1.9.1 for nd and 2.0 for np,
in the same precision, step by step: gamma of Marsaglia and Tsang (*ACM TOMS* 26(3), 2000), Poisson of Knuth
and,
from a mean of 12 on, of *Numerical Recipes in C*, 7.3; sampling without replacement by Floyd's method or a
reservoir.

What "bit for bit" covers: all numbers equal MXNet's on x86-64 Linux with glibc 2.36. The float functions of
that libm are restated below, so float32 numbers come out the same everywhere. In float64, log, exp and pow
are the platform's, whose last bit may differ (a float32 exponential or gamma number sees it once in 1e9).
Exceptions:

* parameters in float16 arrays count as float32, where MXNet rounds every step to float16;
* MXNet 2.0 shuffles long vectors in as many parts as there are threads; here it is 1.9.1's shuffle always;
* MXNet 2.0's gamma sometimes draws once more for nothing, as a word of uninitialised memory has it.

Errors: a parameter out of range, or a negative size, is an `InvalidValueError` (a ValueError) that names it.
"""
from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .base import InvalidValueError, as_dtype

__all__ = ["Engines", "NDStreams", "NPStreams"]

Array = NDArray[Any]
DType = np.dtype[Any]
Shape = int | Sequence[int]
Parameter = float | Sequence[Any] | np.generic | Array
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


# ---- glibc's float functions -------------------------------------------------------------------------------
#
# logf, expf and powf work in double on a table of 16 or 32 intervals and round once (Arm's Optimized
# Routines, in glibc since 2.27); tanf and lgammaf are fdlibm's, in float throughout. Compared with glibc
# 2.36 over every float of their domain, none differs, but for two of expf's 6.7e8 arguments when the
# processor has FMA.

_INV_C, _LN_C, _LOG2_C = np.array([float.fromhex(x) for x in """
    0x1.661ec79f8f3bep+0 -0x1.57bf7808caadep-2 -0x1.efec65b963019p-2
    0x1.571ed4aaf883dp+0 -0x1.2bef0a7c06ddbp-2 -0x1.b0b6832d4fca4p-2
    0x1.49539f0f010bp+0  -0x1.01eae7f513a67p-2 -0x1.7418b0a1fb77bp-2
    0x1.3c995b0b80385p+0 -0x1.b31d8a68224e9p-3 -0x1.39de91a6dcf7bp-2
    0x1.30d190c8864a5p+0 -0x1.6574f0ac07758p-3 -0x1.01d9bf3f2b631p-2
    0x1.25e227b0b8eap+0  -0x1.1aa2bc79c81p-3   -0x1.97c1d1b3b7afp-3
    0x1.1bb4a4a1a343fp+0 -0x1.a4e76ce8c0e5ep-4 -0x1.2f9e393af3c9fp-3
    0x1.12358f08ae5bap+0 -0x1.1973c5a611cccp-4 -0x1.960cbbf788d5cp-4
    0x1.0953f419900a7p+0 -0x1.252f438e10c1ep-5 -0x1.a6f9db6475fcep-5
    0x1p+0                0x0p+0                0x0p+0
    0x1.e608cfd9a47acp-1  0x1.aa5aa5df25984p-5  0x1.338ca9f24f53dp-4
    0x1.ca4b31f026aap-1   0x1.c5e53aa362eb4p-4  0x1.476a9543891bap-3
    0x1.b2036576afce6p-1  0x1.526e57720db08p-3  0x1.e840b4ac4e4d2p-3
    0x1.9c2d163a1aa2dp-1  0x1.bc2860d22477p-3   0x1.40645f0c6651cp-2
    0x1.886e6037841edp-1  0x1.1058bc8a07ee1p-2  0x1.88e9c2c1b9ff8p-2
    0x1.767dcf5534862p-1  0x1.4043057b6ee09p-2  0x1.ce0a44eb17bccp-2""".split()]).reshape(16, 3).T.copy()


def _root32_of_2_to(i: int) -> float:
    """2**(i/32), correctly rounded (a platform's pow may not be): five square roots of a long integer."""
    n = 1 << (i + 32 * 60)
    for _ in range(5):
        n = math.isqrt(n)
    return n / 2.0**60


_EXP2 = np.array([_root32_of_2_to(i) for i in range(32)])
_LN2, _LOG2_E, _HALF_PI = 0.6931471805599453, 1.4426950408889634, 1.5707963267948966
_LN_POLY = -0.25089342214237154, 0.333456765744066, -0.4999997485802103
_LOG2_POLY = (
    0.288457581109214, -0.36092606229713164, 0.480898481472577, -0.7213474675006291, 1.4426950408774342)
_EXP2_POLY = 0.05550361559341535, 0.2402284522445722, 0.6931471806916203
_TAN_POLY = np.array([
    3.3333334327e-01, 1.3333334029e-01, 5.3968254477e-02, 2.1869488060e-02, 8.8632395491e-03,
    3.5920790397e-03, 1.4562094584e-03, 5.8804126456e-04, 2.4646313977e-04, 7.8179444245e-05,
    7.1407252108e-05, -1.8558637748e-05, 2.5907305826e-05], F32)
_LGAMMA_POLY = np.array([
    4.1893854737e-01, 8.3333335817e-02, -2.7777778450e-03, 7.9365057172e-04, -5.9518753551e-04,
    8.3633989561e-04, -1.6309292987e-03], F32)


def _log_interval(x: Array) -> tuple[Array, Array, Array]:
    """x = 2**k * z with z near the centre c of interval i: returns i, k and r = z/c - 1, in double."""
    bits = x.view(np.int32)
    offset = bits - np.int32(0x3F330000)
    i = (offset >> 19) & 15
    z = (bits - (offset & np.int32(-0x800000))).view(np.float32)
    return i, (offset >> 23).astype(F64), z.astype(F64) * _INV_C[i] - 1.0


def _logf(x: Array) -> Array:
    """The float32 logarithm of float32 x: 0, infinity, or a positive normal number."""
    i, k, r = _log_interval(x)
    a, b, c = _LN_POLY
    r2 = r * r
    y: Array = ((a * r2 + (b * r + c)) * r2 + ((_LN_C[i] + k * _LN2) + r)).astype(F32)
    if not x.all():
        y[x == 0] = -np.inf
    y[x == np.inf] = np.inf
    return y


def _exp2(x: Array, n: Array, poly: Sequence[float]) -> Array:
    """float32(2**(n/32) * p(x)), where n is integral and p the polynomial of 2**x, near 0."""
    a, b, c = poly
    n = n.astype(np.int64)
    power: Array = np.ldexp(_EXP2[n & 31], (n >> 5).astype(np.int32))
    power *= (a * x + b) * (x * x) + (c * x + 1.0)
    with np.errstate(over="ignore"):
        return power.astype(F32)


def _expf(x: Array) -> Array:
    """The float32 exponential of float32 x."""
    z = np.clip(x.astype(F64), -200.0, 200.0) * (_LOG2_E * 32)
    n = np.rint(z)
    return _exp2(z - n, n, [p / s for p, s in zip(_EXP2_POLY, (32.0**3, 32.0**2, 32.0))])


def _powf(x: Array, y: Array) -> Array:
    """float32 x to the power float32 y, for y > 0 and x as _logf takes it."""
    i, k, r = _log_interval(x)
    a, b, c, d, e = _LOG2_POLY
    r2 = r * r
    log2 = (a * r + b) * (r2 * r2) + ((c * r + d) * r2 + (e * r + (_LOG2_C[i] + k)))
    z = np.clip(y.astype(F64) * log2, -200.0, 200.0)
    n = np.rint(z * 32.0)
    power = _exp2(z - n / 32.0, n, _EXP2_POLY)
    power[x == 0] = 0.0
    power[x == np.inf] = np.inf
    return power


def _tanf(x: Array) -> Array:
    """The float32 tangent of float32 x in [0, pi]."""
    one, two = F32.type(1), F32.type(2)
    xd = x.astype(F64)
    quadrant = ((xd * (2.0**24 / _HALF_PI)).astype(np.int64) + 0x800000) >> 24
    xd -= quadrant * _HALF_PI
    head = xd.astype(F32)
    tail = (xd - head).astype(F32)
    sign = (1 - 2 * (quadrant & 1)).astype(F32)         # +1: the tangent of head, -1: minus its reciprocal
    near_quarter = np.abs(head) >= F32.type(0.6743355)   # 0x3f2ca140
    side = np.where(near_quarter & (head < 0), -one, one)
    near_x = (F32.type(7.8539812565e-01) - side * head) + (F32.type(3.7748947079e-08) - side * tail)
    t = np.where(near_quarter, near_x, head)
    tail = np.where(near_quarter, F32.type(0), tail)
    z = t * t
    w = z * z
    c = _TAN_POLY
    odd = c[1] + w * (c[3] + w * (c[5] + w * (c[7] + w * (c[9] + w * c[11]))))
    even = z * (c[2] + w * (c[4] + w * (c[6] + w * (c[8] + w * (c[10] + w * c[12])))))
    s = z * t
    r = tail + z * (s * (odd + even) + tail)
    r += c[0] * s
    w = t + r
    near = side * (sign - two * (t - (w * w / (w + sign) - r)))
    tiny = near_quarter & (np.abs(t) < F32.type(2.0**-13))
    near = np.where(tiny, side * sign * (one - two * sign * t), near)
    upper = _upper_half(w)
    v = r - (upper - t)
    with np.errstate(divide="ignore", invalid="ignore"):    # at 0, where the reciprocals are not used
        inverse = -one / w
        u = _upper_half(inverse)
        reciprocal = u + inverse * ((one + u * upper) + u * v)
        far = np.where(np.abs(head) < F32.type(2.0**-13), np.where(sign > 0, head, -one / head),
                       np.where(sign > 0, w, reciprocal))
    return np.where(near_quarter, near, far)


def _upper_half(x: Array) -> Array:
    """float32 x with the last 12 bits of its fraction cleared, so that a product with it is exact."""
    bits: Array = x.view(np.int32) & np.int32(-0x1000)
    return bits.view(np.float32)


_LOG_FACTORIAL = _logf(np.array([1, 1, 1, 2, 6, 24, 120, 720], F32))  # of x - 1


def _lgammaf(x: Array) -> Array:
    """The float32 log of gamma of float32 x: a positive integer, or any number from 8 on."""
    half, one = F32.type(0.5), F32.type(1)
    t = _logf(x)
    z = one / x
    y = z * z
    c = _LGAMMA_POLY
    w = c[0] + z * (c[1] + y * (c[2] + y * (c[3] + y * (c[4] + y * (c[5] + y * c[6])))))
    far = np.where(x < F32.type(2.0**26), (x - half) * (t - one) + w, x * (t - one))
    return np.where(x < 8, _LOG_FACTORIAL[np.minimum(x, 7).astype(np.int64)], far)


def _log(x: Array) -> Array:
    """The log of x > 0 in its dtype: glibc's in float32, the platform's (not NumPy's own) in float64."""
    return _logf(x) if x.dtype == F32 else np.fromiter(map(math.log, x.tolist()), F64, x.size)


def _pow(x: Array, y: Array) -> Array:
    """x ** y by the platform's double pow."""
    return np.fromiter(map(math.pow, x.tolist(), y.tolist()), F64, x.size)


# ---- engines -----------------------------------------------------------------------------------------------


class _NoEntropy(ISeedSequence):
    """Fills a new MT19937, seeded right after, at no cost: gathering entropy takes 40 times as long."""

    _words = [0] * 624

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return self._words


_NO_ENTROPY: Any = _NoEntropy()     # Any: NumPy's stub of MT19937 leaves this interface out


class Compiled(NamedTuple):
    """What `mxgrad.kernels.random` has for the parallel engines."""

    address: Callable[[np.random.MT19937], int]
    words: Callable[[Sequence[int], int, int], Array]
    units: Callable[[Sequence[int], int, int], Array]
    polar: Callable[[Sequence[int], int, int, bool], Array]
    dropout_mask: Callable[[Sequence[int], int, int, float, float], Array]


compiled: Compiled | None = None
"""Put here by `mxgrad.kernels.random`; the numbers are the same without."""


class _Engine:
    """One ``std::mt19937``: a sequence of 32-bit words, some of which can be put back unread."""

    __slots__ = ("_bits", "_unread", "_address")
    _none = np.empty(0, np.uint32)

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937(_NO_ENTROPY)
        np.random.RandomState(self._bits).seed(seed & 0xFFFFFFFF)
        self._unread = self._none
        self._address = 0

    def address(self, kernels: Compiled) -> int:
        """Where the kernels find the generator; 0 while words are unread."""
        if not self._address:
            self._address = kernels.address(self._bits)
        return 0 if self._unread.size else self._address

    def take(self, n: int) -> Array:
        """The next n words, uint32 (n,)."""
        unread = self._unread
        if unread.size == 0:
            return self._bits.random_raw(n).astype(np.uint32)
        self._unread = unread[n:]
        if n <= unread.size:
            return unread[:n]
        return np.concatenate([unread, self._bits.random_raw(n - unread.size).astype(np.uint32)])

    def put_back(self, words: Array) -> None:
        """Words taken last come next again."""
        if words.size:
            self._unread = np.concatenate([words, self._unread])

    def get_state(self) -> tuple[Any, Array]:
        return self._bits.state, self._unread.copy()

    def set_state(self, state: tuple[Any, Array]) -> None:
        self._bits.state = state[0]
        self._unread = np.array(state[1], np.uint32)


_PARALLEL = 1024    # engines
_MIN_BLOCK = 64     # numbers an engine draws before a second one joins in
_SEED_FACTOR = 127


_all_engines: WeakSet[Engines] = WeakSet()


def _fresh_locks() -> None:
    """In the child of a fork, where the threads that hold the locks do not exist."""
    for engines in _all_engines:
        engines.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fresh_locks)


class Engines:
    """All engines of one device, shared by its `NDStreams` and `NPStreams`; each made on first use; one lock.

    seed: any int. MXNet reduces 127 * seed + device_id mod 2**32; parallel engine i starts from that + i.
    per_context: what ``mx.random.seed(seed, ctx)`` does: the sequential engine starts from seed + device_id
        mod 2**32, the parallel ones all the same from 127 * seed + device_id.
    device_id: added to both. In MXNet every ``cpu(k)`` shares the engines of ``cpu(0)``.

    >>> engines = Engines(7)
    >>> saved = engines.get_state()
    >>> first = NDStreams(engines=engines).uniform(0, 1, (2,))
    >>> engines.set_state(saved)
    >>> bool((first == NDStreams(engines=engines).uniform(0, 1, (2,))).all())
    True
    """

    def __init__(self, seed: int = 0, per_context: bool = False, device_id: int = 0) -> None:
        self.lock = threading.RLock()
        _all_engines.add(self)
        self._device_id = device_id
        self.seed(seed, per_context)

    def seed(self, seed: int, per_context: bool = False, device_id: int | None = None) -> None:
        """Start all streams afresh from `seed`, on the same device unless another is given.

        Raises InvalidValueError when seed is not an integer.
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise InvalidValueError(f"seed_state must be int, not {seed!r}")
        with self.lock:
            if device_id is not None:
                self._device_id = device_id
            self._parallel_seed = _SEED_FACTOR * int(seed) + self._device_id
            self._sequential_seed = int(seed) + self._device_id if per_context else self._parallel_seed
            self._parallel: list[_Engine] = []
            self._sequential: _Engine | None = None

    def parallel(self, n: int) -> list[_Engine]:
        """The first n parallel engines."""
        made = self._parallel
        made.extend(_Engine(self._parallel_seed + i) for i in range(len(made), n))
        return made[:n]

    @property
    def sequential(self) -> _Engine:
        if self._sequential is None:
            self._sequential = _Engine(self._sequential_seed)
        return self._sequential

    def get_state(self, parallel: bool = True) -> dict[str, Any]:
        """The state of all streams, or of the sequential one alone; independent of later draws; picklable."""
        with self.lock:
            return {
                "seeds": (self._parallel_seed, self._sequential_seed),
                "parallel": [engine.get_state() for engine in self._parallel] if parallel else [],
                "sequential": self._sequential.get_state() if self._sequential else None,
            }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from where `state`, of `get_state`, was taken."""
        with self.lock:
            self._parallel_seed, self._sequential_seed = state["seeds"]
            self._parallel, self._sequential = [], None
            for engine, saved in zip(self.parallel(len(state["parallel"])), state["parallel"]):
                engine.set_state(saved)
            if state["sequential"]:
                self.sequential.set_state(state["sequential"])


# ---- from words to numbers ---------------------------------------------------------------------------------


_BLOCK = 2**14      # numbers whose arrays stay in the cache


def _words_per_unit(dtype: DType) -> int:
    return 1 if dtype == F32 else 2


def _unit(words: Array, dtype: DType) -> Array:
    """generate_canonical: uniform numbers in [0, 1); float64 takes two words each, from the last axis."""
    u: Array
    if dtype == F32:
        u = np.empty(words.shape, F32)
        np.multiply(words, 2.0**-32, out=u)     # in double, rounded to u block by block
    else:
        u = (words[..., 0::2] + words[..., 1::2] * 2.0**32) * 2.0**-64
    np.minimum(u, np.nextafter(dtype.type(1), dtype.type(0)), out=u)    # the largest words round up to 1
    return u


def _on_the_disc(words: Array, dtype: DType) -> tuple[Array, Array, Array, Array]:
    """Points x, y of the square, r2 = x*x + y*y, and which of them the polar method accepts."""
    u = _unit(words, dtype)
    u *= dtype.type(2)
    u -= dtype.type(1)
    x, y = u[..., 0::2], u[..., 1::2]
    r2 = x * x + y * y
    return x, y, r2, (r2 > 0) & (r2 <= 1)


def _polar_factor(r2: Array) -> Array:
    """sqrt(-2 log(r2) / r2); r2 has one axis."""
    factor: Array = np.empty_like(r2)
    for i in range(0, r2.size, _BLOCK):     # a logarithm makes many arrays
        part, found = r2[i:i + _BLOCK], factor[i:i + _BLOCK]
        np.multiply(r2.dtype.type(-2), _log(part), out=found)
        found /= part
        np.sqrt(found, out=found)
    return factor


def _accepted_points(engines: Sequence[_Engine], counts: Sequence[int], dtype: DType
                     ) -> tuple[Array, Array, Array]:
    """The next counts[i] points x, y the polar method accepts of engine i, and their r2; end to end."""
    per_pair = 2 * _words_per_unit(dtype)
    xs, ys, r2s = [], [], []
    # A square holds pi/4 of its points in the disc; the margin makes a second helping rare.
    most = max(counts, default=0)
    if most == 0:
        return np.empty(0, dtype), np.empty(0, dtype), np.empty(0, dtype)
    tries = int(most * 4 / math.pi + 5 * math.sqrt(most)) + 8
    together = max(1, 4 * _BLOCK // (tries * per_pair))
    for first in range(0, len(engines), together):
        lanes = engines[first:first + together]
        left = np.array(counts[first:first + together])
        words = np.empty((len(lanes), 0), np.uint32)
        nth = np.zeros((len(lanes), 1), np.int64)
        while (nth[:, -1] < left).any():
            more = np.stack([engine.take(tries * per_pair) for engine in lanes])
            words = np.concatenate([words, more], axis=1)
            x, y, r2, ok = _on_the_disc(words, dtype)
            nth = ok.cumsum(axis=1)
        used = per_pair * ((nth < left[:, None]).sum(axis=1) + 1)
        for engine, row, n in zip(lanes, words, used.tolist()):
            engine.put_back(row[n:])
        ok &= nth <= left[:, None]
        xs.append(x[ok])
        ys.append(y[ok])
        r2s.append(r2[ok])
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(r2s)


class _Lanes:
    """Engines read side by side, a number each at a time: for samplers that use a varying number of words.

    `lanes`, in the methods, are the indices of the engines that are to yield a number.
    """

    def __init__(self, engines: Sequence[_Engine], dtype: DType, helping: int) -> None:
        self._engines, self._dtype, self._helping = engines, dtype, helping
        self._words = np.empty((len(engines), 0), np.uint32)
        self._next = np.zeros(len(engines), np.int64)
        self._sure = 0      # words every engine has left, at least

    def peek(self, lanes: Array, n: int) -> Array:
        """The next n uniform numbers of each lane, (lanes, n), still to be used up by `skip`."""
        words = n * _words_per_unit(self._dtype)
        if self._sure < words:
            self._sure = self._words.shape[1] - int(self._next.max())
        while self._sure < words:
            self._refill()
        at = self._next[lanes, None] + np.arange(words)
        return _unit(self._words[lanes[:, None], at], self._dtype)

    def skip(self, lanes: Array, n: Array | int) -> None:
        """Use up n uniform numbers of each lane, or n[i] of lanes[i]."""
        words = n * _words_per_unit(self._dtype)
        self._next[lanes] += words
        self._sure -= int(np.max(words, initial=0))

    def unit(self, lanes: Array) -> Array:
        """The next uniform number of each lane."""
        u = self.peek(lanes, 1)[:, 0]
        self.skip(lanes, 1)
        return u

    def _refill(self) -> None:
        used = int(self._next.min())
        fresh = np.stack([engine.take(self._helping) for engine in self._engines])
        self._words = np.concatenate([self._words[:, used:], fresh], axis=1)
        self._next -= used
        self._sure = self._words.shape[1] - int(self._next.max())

    def put_back(self) -> None:
        """Return the words that were taken ahead; the last call."""
        for engine, words, n in zip(self._engines, self._words, self._next.tolist()):
            engine.put_back(words[n:])

    def normal(self, lanes: Array) -> Array:
        one, two, tries = self._dtype.type(1), self._dtype.type(2), 4
        y, r2 = np.empty((2, lanes.size), self._dtype)
        todo = np.arange(lanes.size)
        while todo.size:
            here = lanes[todo]
            points = two * self.peek(here, 2 * tries).reshape(-1, tries, 2) - one
            squares = points * points
            s = squares[:, :, 0] + squares[:, :, 1]
            ok = (s > 0) & (s <= 1)
            found, first = ok.any(axis=1), ok.argmax(axis=1)
            self.skip(here, np.where(found, 2 * first + 2, 2 * tries))
            row, first, done = np.flatnonzero(found), first[found], todo[found]
            y[done], r2[done] = points[row, first, 1], s[row, first]
            todo = todo[~found]
        return y * _polar_factor(r2)

    def gamma(self, lanes: Array, alpha: Array, beta: Array) -> Array:
        """Marsaglia and Tsang's gamma numbers, times a power of a uniform number where alpha < 1."""
        dtype = self._dtype
        small = alpha < 1
        a = alpha.astype(F64)
        d = np.where(small, a + 2.0 / 3.0, a - 1.0 / 3.0).astype(dtype)
        k = np.sqrt(9.0 * d.astype(F64)).astype(dtype)
        c = (1.0 / k.astype(F64)).astype(dtype)
        v = np.empty(lanes.size, dtype)
        todo = np.arange(lanes.size)
        while todo.size:
            z = self.normal(lanes[todo])
            inside = z > -k[todo]
            at, z = todo[inside], z[inside]
            x = (1.0 + (c[at] * z).astype(F64)).astype(dtype)
            cube = x * x * x
            bound = 0.5 * z.astype(F64) * z + d[at].astype(F64) * (1.0 - cube.astype(F64) + np.log(cube))
            ok = np.log(1.0 - self.unit(lanes[at]).astype(F64)) < bound
            v[at[ok]] = cube[ok]
            inside[inside] = ok
            todo = todo[~inside]
        sample: Array = ((d * v) * beta).astype(dtype)
        if small.any():
            at = np.flatnonzero(small)
            power = _pow(self.unit(lanes[at]), (1.0 / a[at]).astype(dtype))
            sample[at] = (sample[at].astype(F64) * power).astype(dtype)
        return sample

    def poisson(self, lanes: Array, rate: Array) -> Array:
        """int64 counts; rate is float32, and so is all arithmetic."""
        _require(rate <= np.float32(2.0**62),
                 "poisson: counts are 64-bit, so the mean must not exceed 2**62, got "
                 f"{rate.max(initial=0)}")
        count = np.empty(lanes.size, np.int64)
        few = rate < 12
        if few.any():
            count[few] = self._poisson_by_products(lanes[few], rate[few])
        if not few.all():
            count[~few] = self._poisson_by_rejection(lanes[~few], rate[~few])
        return count

    def binomial(self, lanes: Array, n: Array, p: Array) -> Array:
        """float64 counts of successes in n trials of probability p."""
        n, p = n.astype(F64), p.astype(F64)
        q = np.minimum(p, 1 - p)
        count = np.empty(lanes.size, F64)
        few = n * q < 10
        for at, method in ((few, self._binomial_by_inversion), (~few, self._binomial_by_rejection)):
            if at.any():
                count[at] = method(lanes[at], n[at], q[at])
        return np.where(p <= 0.5, count, n - count)

    def _binomial_by_inversion(self, lanes: Array, n: Array, p: Array) -> Array:
        """How many sums of probabilities a uniform number is above, one number for each count; in float32."""
        u, count = self.unit(lanes), np.zeros(lanes.size, F32)
        n, p = n.astype(F32), p.astype(F32)
        q = F32.type(1) - p
        odds, term = p / q, _expf(n * _logf(q))
        total = term.copy()
        todo = np.flatnonzero((u > total) & (n > 0))
        while todo.size:
            count[todo] += 1
            term[todo] *= (n[todo] - count[todo] + 1) / count[todo] * odds[todo]
            total[todo] += term[todo]
            todo = todo[(u[todo] > total[todo]) & (count[todo] < n[todo])]
        return count

    def _binomial_by_rejection(self, lanes: Array, n: Array, p: Array) -> Array:
        """Hoermann's algorithm BTRD (1993), which mostly accepts after the first number.

        Within 15 of the mode MXNet compares probabilities one place too low, and so do we; this makes the
        mean wrong where the spread is small.
        """
        q = 1 - p
        spread = np.sqrt(n * p * q)
        b = 1.15 + 2.53 * spread
        a = -0.0873 + 0.0248 * b + 0.01 * p
        top, alpha, mode = 0.92 - 4.2 / b, (2.83 + 5.1 / b) * spread, np.floor((n + 1) * p)
        count = np.empty(lanes.size, F64)
        todo = np.arange(lanes.size)
        while todo.size:
            here, high = lanes[todo], top[todo]
            v = self.unit(here).astype(F64)
            sure = v <= 0.86 * high
            u = v / high - np.where(sure, 0.43, 0.93)
            second = np.flatnonzero(~sure)
            if second.size:
                u[second] = np.copysign(0.5, u[second]) - u[second]
                w = self.unit(here[second]).astype(F64)
                far = v[second] >= high[second]
                u[second[far]] = w[far] - 0.5
                v[second] = np.where(far, v[second], w * high[second])
            near = 0.5 - abs(u)
            k = np.floor((2 * a[todo] / near + b[todo]) * u + n[todo] * p[todo] + 0.5)
            count[todo] = k
            at = todo[second]
            k, near = k[second], near[second]
            low = abs(k - mode[at]) <= 15
            ok = (k >= low) & (k <= n[at])
            height = np.log(v[second] * alpha[at] / (a[at] / near ** 2 + b[at]))
            bound = _log_binomial(n[at], p[at], np.where(ok, k - low, 0))
            bound -= _log_binomial(n[at], p[at], mode[at] - low)
            todo = at[~(ok & (height <= bound))]
        return count

    def _poisson_by_products(self, lanes: Array, rate: Array) -> Array:
        """How many uniform numbers it takes to bring their product down to exp(-rate), less one."""
        count = np.zeros(lanes.size, np.int64)
        threshold = _expf(-rate)[:, None]
        product = np.ones((lanes.size, 1), F32)
        todo = np.arange(lanes.size)
        ahead = int(rate.max()) + 6
        while todo.size:
            u = self.peek(lanes[todo], ahead)
            u[:, :1] *= product
            products = np.multiply.accumulate(u, axis=1)
            above = products > threshold[todo]
            done = ~above[:, -1]
            run = np.where(done, above.argmin(axis=1), ahead)
            count[todo] += run
            self.skip(lanes[todo], run + done)
            todo, product = todo[~done], products[~done, -1:]
        return count

    def _poisson_by_rejection(self, lanes: Array, rate: Array) -> Array:
        """A uniform number gives a Lorentzian candidate; not below 0, the next number decides on it."""
        count = np.empty(lanes.size, np.int64)
        todo, ahead = np.arange(lanes.size), 8
        while todo.size:
            here, mean = lanes[todo], rate[todo, None]
            u = self.peek(here, ahead)
            # Each number but the last is taken for a candidate; then the way from one to the next is found.
            candidate, threshold = _poisson_candidate(mean, u[:, :-1])
            ok = u[:, 1:] <= threshold
            row, at = np.arange(todo.size), np.zeros(todo.size, np.int64)
            found = ok[:, 0] & (candidate[:, 0] >= 0)
            for _ in range(ahead - 1):
                on = row[~found & (at < ahead - 1)]
                at[on] += np.where(candidate[on, at[on]] < 0, 1, 2)
                on = on[at[on] < ahead - 1]
                found[on] = ok[on, at[on]] & (candidate[on, at[on]] >= 0)
            count[todo[found]] = candidate[row[found], at[found]]
            self.skip(here, np.where(found, at + 2, at))
            todo = todo[~found]
        return count


def _log_binomial(n: Array, p: Array, k: Array) -> Array:
    """log of the probability of k successes in n trials, up to a term of n alone."""
    def rest(x: Array) -> Array:        # log x! = Stirling's formula plus this
        z = x + 1
        series: Array = (1 / 12 - (1 / 360 - 1 / 1260 / z ** 2) / z ** 2) / z + (x + 0.5) * np.log(z) - z
        return series

    log: Array = k * np.log(p) + (n - k) * np.log1p(-p) - rest(k) - rest(n - k)
    return log


def _poisson_candidate(rate: Array, u: Array) -> tuple[Array, Array]:
    """The candidate a uniform number gives, and the bound for the next number to accept it; float32."""
    y = _tanf(F32.type(3.1415926) * u)
    candidate = np.sqrt(2.0 * rate.astype(F64)).astype(F32) * y + rate
    log_rate = _logf(rate)
    g = rate * log_rate - _lgammaf((rate.astype(F64) + 1.0).astype(F32))
    whole = np.floor(np.maximum(candidate, F32.type(0)))
    fall = whole * log_rate - _lgammaf((whole.astype(F64) + 1.0).astype(F32)) - g
    threshold = (0.9 * (1.0 + (y * y).astype(F64)) * _expf(fall)).astype(F32)
    return np.floor(candidate), threshold


# ---- arguments ---------------------------------------------------------------------------------------------


def _require(ok: Any, message: str) -> None:
    if not np.all(ok):
        raise InvalidValueError(message)


def _is_finite(parameter: Array) -> Array:
    """Finite in float32, where samplers by rejection compute: with an infinite one they would not end."""
    with np.errstate(over="ignore"):
        return np.isfinite(np.asarray(parameter).astype(F32))


def _as_shape(shape: Shape) -> tuple[int, ...]:
    dims = shape if isinstance(shape, Sequence) else (shape,)
    if any(isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0 for n in dims):
        raise InvalidValueError(f"shape must be a non-negative int or a tuple of them, not {shape!r}")
    return tuple(int(n) for n in dims)


def _as_parameter(value: Parameter) -> Array:
    """A parameter of a distribution: float64 arrays stay so, all else becomes float32 as in MXNet's ops."""
    keep = isinstance(value, np.ndarray) and value.dtype == F64
    return np.asarray(value, F64 if keep else F32)


def _cast(values: Array, dtype: DTypeLike) -> Array:
    """To dtype; float64 reaches float16 by way of float32, as MXNet's half does."""
    dtype = as_dtype(dtype)
    with np.errstate(over="ignore"):
        return (values.astype(F32) if dtype == np.float16 else values).astype(dtype, copy=False)


def _drawn_in(dtype: DTypeLike, half: DType) -> DType:
    """The dtype numbers are drawn in for an output dtype; `half` for float16, where samplers differ."""
    dtype = as_dtype(dtype)
    return half if dtype == np.float16 else F64 if dtype == F64 else F32


class _Draw:
    """The arguments of one call: its parameters as flat arrays of one dtype, and the shape of its result.

    A parameter has one element, or one for each run of `each` numbers of the result.
    """

    def __init__(self, name: str, given: dict[str, Parameter], parameters: list[Array], dims: tuple[int, ...]
                 ) -> None:
        self._name, self._given, self._dims = name, given, dims
        self.size = math.prod(dims)
        common = np.result_type(*parameters)
        self.parameters = [p.astype(common).reshape(-1) for p in parameters]
        self.each = self.size // max(1, *[p.size for p in parameters])

    @classmethod
    def per_parameter(cls, name: str, shape: Shape, **given: Parameter) -> _Draw:
        """As nd draws: parameters of one shape, and `shape` numbers for each of their elements."""
        parameters = [_as_parameter(p) for p in given.values()]
        if any(p.shape != parameters[0].shape for p in parameters):
            shapes = _shapes(given, parameters)
            raise InvalidValueError(f"{name}: the parameters must have one shape, not {shapes}")
        return cls(name, given, parameters, parameters[0].shape + _as_shape(shape))

    @classmethod
    def broadcast(cls, name: str, shape: Shape, **given: Parameter) -> _Draw:
        """As np draws: parameters that broadcast to the shape of the result, () for their common one."""
        parameters = [_as_parameter(p) for p in given.values()]
        wanted = _as_shape(shape)
        try:
            dims = wanted or np.broadcast_shapes(*[p.shape for p in parameters])
            parameters = [p if p.ndim == 0 else np.broadcast_to(p, dims) for p in parameters]
        except ValueError:
            raise InvalidValueError(f"{name}: the parameters do not broadcast: {_shapes(given, parameters)}"
                                    + (f", result {wanted}" if wanted else "")) from None
        return cls(name, given, parameters, dims)

    def require(self, ok: Any, rule: str) -> None:
        _require(ok, f"{self._name}: {rule}, got " + ", ".join(f"{n}={v!r}" for n, v in self._given.items()))

    def wide(self, dtype: DType) -> list[Array]:
        """The parameters, one for each number, in the dtype that arithmetic with numbers of `dtype` gives."""
        wide = np.result_type(dtype, *self.parameters)
        return [self.spread(p).astype(wide) for p in self.parameters]

    def spread(self, parameter: Array) -> Array:
        """The parameter for each number, or the only one."""
        return parameter if parameter.size == 1 else np.repeat(parameter, self.each)

    def pick(self, parameter: Array, numbers: Array) -> Array:
        """The parameter for each of the given numbers."""
        return parameter[numbers // self.each] if parameter.size > 1 else np.repeat(parameter, numbers.size)

    def result(self, values: Array, dtype: DTypeLike) -> Array:
        return _cast(values, dtype).reshape(self._dims)


def _shapes(given: dict[str, Parameter], parameters: list[Array]) -> str:
    return ", ".join(f"{name} {p.shape}" for name, p in zip(given, parameters))


def _moved(numbers: Array, factor: Array, offset: Array, dtype: DTypeLike) -> Array:
    """offset + numbers * factor, in their common dtype, for a result of `dtype`; `numbers`, (n,), may be
    written over.

    If the numbers have that dtype, many of them are moved block by block, without large arrays in between.
    """
    if factor.size != 1 or offset.size != 1 or numbers.size < _BLOCK or numbers.dtype != as_dtype(dtype):
        moved: Array = offset + numbers * factor
        return moved
    with np.errstate(over="ignore"):
        for i in range(0, numbers.size, _BLOCK):
            part = numbers[i:i + _BLOCK]
            part[:] = offset + part * factor
    return numbers


# ---- streams -----------------------------------------------------------------------------------------------


class _Streams:
    """What both kinds of stream share: the engines, their seeding, and random order."""

    def __init__(self, seed: int = 0, per_context: bool = False, engines: Engines | None = None) -> None:
        self.engines = Engines(seed, per_context) if engines is None else engines

    def seed(self, seed: int, per_context: bool = False) -> None:
        """Start afresh, and with it every stream that shares the engines; see `Engines` for the rule."""
        self.engines.seed(seed, per_context)

    def get_state(self) -> dict[str, Any]:
        """The state of the engines, for `set_state`."""
        return self.engines.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go back to where `state` was taken."""
        self.engines.set_state(state)

    def _sequential_units(self, n: int, dtype: DType = F32) -> Array:
        with self.engines.lock:
            engine = self.engines.sequential
            if dtype == F32 and compiled is not None and n and (addresses := _addresses([engine], compiled)):
                return compiled.units(addresses, n, n)
            return _unit(engine.take(n * _words_per_unit(dtype)), dtype)

    def shuffle(self, array: ArrayLike) -> Array:
        """A copy of array with its first axis in random order. Raises InvalidValueError for a 0-d array.

        >>> NDStreams(seed=0).shuffle([10., 20., 30.])
        array([10., 30., 20.])
        """
        array = np.asarray(array)
        _require(array.ndim > 0, "shuffle: array must have at least one axis")
        return array[self.permutation(len(array), rows=array.ndim > 1)]

    def permutation(self, n: int, rows: bool = False) -> Array:
        """The integers 0 … n-1 in random order, int64: the order `shuffle` brings a vector into, or n rows.

        >>> NDStreams(seed=0).permutation(5)
        array([0, 2, 3, 1, 4])
        """
        _require(n >= 0, f"permutation: n must not be negative, got {n}")
        order = list(range(n))
        limits = np.arange(2, n + 1)
        if rows:
            limits = limits[::-1]       # the exchanges of Fisher and Yates, from the last row down
        with self.engines.lock:
            others = self._below(limits).tolist()
        for last, other in zip((limits - 1).tolist(), others):
            order[last], order[other] = order[other], order[last]
        return np.array(order, np.int64)

    def coin(self, p: float) -> bool:
        """Whether a coin that shows 1 with probability p does (``std::bernoulli_distribution``).

        >>> [NDStreams(seed=0).coin(p) for p in (0.5, 0.6)]
        [False, True]
        """
        return bool(self._sequential_units(1, F64)[0] < p)

    def _below(self, limits: Array) -> Array:
        """uniform_int_distribution: an integer below each limit; words past a whole multiple are skipped."""
        engine = self.engines.sequential
        words = engine.take(limits.size).astype(np.int64)
        scales = 0xFFFFFFFF // limits
        done = 0
        while True:
            over = np.flatnonzero(words[done:] >= (limits * scales)[done:])
            if not over.size:
                break
            done += int(over[0])
            words = np.concatenate([words[:done], words[done + 1:], engine.take(1).astype(np.int64)])
        below: Array = words // scales
        return below


def _addresses(engines: Sequence[_Engine], kernels: Compiled) -> list[int] | None:
    """Where the kernels find the engines, if they can continue all of them."""
    found = [engine.address(kernels) for engine in engines]
    return found if all(found) else None


class NDStreams(_Streams):
    """The numbers of ``mx.nd.random`` in MXNet 1.9.1: also those of initializers and of Dropout.

    Every method returns a NumPy array and continues the stream, from whatever thread. Parameters are
    numbers or arrays: for arrays (of one shape, (n,) say) the result has shape ``(n, *shape)``, `shape`
    draws for each element, as MXNet's ``sample_*`` ops do it; for numbers it has `shape` (an int, or a
    tuple; () is one 0-d number). `dtype` is float16, float32 or float64; the counting distributions take
    integer dtypes too. All raise InvalidValueError for a negative size or a parameter out of range, and
    name it.

    >>> streams = NDStreams(seed=7)
    >>> streams.uniform(0, 1, (2,))
    array([0.42855945, 0.91751623], dtype=float32)
    >>> streams.poisson(np.array([1.0, 100.0]), (5,)).shape
    (2, 5)
    """

    # -- draws of a fixed number of words

    def _blocks(self, n: int) -> tuple[list[_Engine], int, list[int]]:
        """The engines for n numbers, the length of their blocks, and how many numbers each draws."""
        blocks = min(-(-n // _MIN_BLOCK), _PARALLEL)
        step = -(-n // max(1, blocks))
        counts = [min(step, n - start) for start in range(0, n, max(1, step))]
        return self.engines.parallel(len(counts)), step, counts

    def _words(self, n: int, each: int) -> Array:
        with self.engines.lock:
            engines, step, counts = self._blocks(n)
            if compiled is not None and (addresses := _addresses(engines, compiled)):
                return compiled.words(addresses, n * each, step * each)
            taken = [engine.take(count * each) for engine, count in zip(engines, counts)]
        return np.concatenate(taken) if taken else np.empty(0, np.uint32)

    def _units(self, n: int, dtype: DType) -> Array:
        if dtype == F32 and compiled is not None:
            with self.engines.lock:
                engines, step, _ = self._blocks(n)
                if addresses := _addresses(engines, compiled):
                    return compiled.units(addresses, n, step)
        return _unit(self._words(n, _words_per_unit(dtype)), dtype)

    def uniform(self, low: Parameter = 0.0, high: Parameter = 1.0, shape: Shape = (),
                dtype: DTypeLike = np.float32) -> Array:
        """Numbers in [low, high), low <= high."""
        draw = _Draw.per_parameter("uniform", shape, low=low, high=high)
        a, b = draw.parameters
        draw.require(a <= b, "low must not exceed high")
        working = _drawn_in(dtype, F64)
        draw.parameters = [a, b - a]
        a, span = draw.wide(working)
        return draw.result(_moved(self._units(draw.size, working), span, a, dtype), dtype)

    def normal(self, loc: Parameter = 0.0, scale: Parameter = 1.0, shape: Shape = (),
               dtype: DTypeLike = np.float32) -> Array:
        """Gaussian numbers of mean loc and standard deviation scale > 0."""
        draw = _Draw.per_parameter("normal", shape, loc=loc, scale=scale)
        draw.require(draw.parameters[1] > 0, "scale must be positive")
        working = _drawn_in(dtype, F64)
        mean, deviation = draw.wide(working)
        return draw.result(_moved(self._gaussian(draw.size, working), deviation, mean, dtype), dtype)

    def _gaussian(self, n: int, dtype: DType) -> Array:
        """n numbers of mean 0 and standard deviation 1."""
        with self.engines.lock:
            engines, step, counts = self._blocks(n)
            if dtype == F32 and compiled is not None and (addresses := _addresses(engines, compiled)):
                return compiled.polar(addresses, n, step, False)
            _, y, r2 = _accepted_points(engines, counts, dtype)
        return y * _polar_factor(r2)    # the other half of each pair, x * factor, is thrown away here

    def exponential(self, scale: Parameter = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32, *,
                    lam: Parameter | None = None) -> Array:
        """Exponential numbers of mean scale > 0, or of the rate lam > 0 that MXNet's ops take, if given."""
        if lam is None:
            _require(np.asarray(scale) > 0, f"exponential: scale must be positive, got {scale!r}")
            lam = 1.0 / scale if isinstance(scale, (int, float)) else 1 / _as_parameter(scale)
        draw = _Draw.per_parameter("exponential", shape, lam=lam)
        draw.require(draw.parameters[0] > 0, "lam must be positive")
        u = self._units(draw.size, _drawn_in(dtype, F64)).astype(F64)
        return draw.result(-_log(1.0 - u) / draw.wide(F64)[0], dtype)

    def randint(self, low: int, high: int, shape: Shape = (), dtype: DTypeLike = np.int32) -> Array:
        """Integers in [low, high), low < high. MXNet's nd gives int32 if not told otherwise, its np int64."""
        low, high, dims, wanted = int(low), int(high), _as_shape(shape), as_dtype(dtype)
        _require(low < high, f"randint: low must be below high, got low={low} and high={high}")
        if wanted.kind in "iu":
            limits = np.iinfo(wanted)
            fits = limits.min <= low and high - 1 <= limits.max
            _require(fits, f"randint: low={low} and high={high} reach beyond {wanted}")
        words = self._words(math.prod(dims), 2).astype(np.uint64)
        drawn: Array = ((words[0::2] << np.uint64(31)) + words[1::2]) % np.uint64(high - low)
        return (drawn.astype(np.int64) + low).astype(wanted).reshape(dims)

    def bernoulli_mask(self, keep_probability: float, shape: Shape = (), dtype: DTypeLike = np.float32
                       ) -> Array:
        """Dropout's mask: bool, True, with keep_probability, where the number is kept.

        dtype is that of the data, on which the words used up depend. MXNet computes the probability from the
        dropped share p in float32: pass ``numpy.float32(1) - numpy.float32(p)``.
        """
        keep = np.float32(keep_probability)
        _require(0 <= keep <= 1, f"bernoulli_mask: keep_probability must lie in [0, 1], got {keep}")
        dims = _as_shape(shape)
        u = self._units(math.prod(dims), _drawn_in(dtype, F64)).astype(F32)
        mask: Array = u < keep
        return mask.reshape(dims)

    def dropout_mask(self, keep_probability: float, shape: Shape = (), dtype: DTypeLike = np.float32
                     ) -> Array:
        """What Dropout multiplies by: 1 / keep_probability where `bernoulli_mask` is True, 0 elsewhere."""
        keep = np.float32(keep_probability)
        scale = 1 / max(keep, np.finfo(np.float32).tiny)
        dims, wanted = _as_shape(shape), as_dtype(dtype)
        if compiled is not None and wanted == F32 and 0 <= keep <= 1:
            n = math.prod(dims)
            with self.engines.lock:
                engines, step, _ = self._blocks(n)
                if addresses := _addresses(engines, compiled):
                    return compiled.dropout_mask(addresses, n, step, float(keep), float(scale)).reshape(dims)
        return _cast(np.where(self.bernoulli_mask(keep, dims, wanted), scale, F32.type(0)), wanted)

    # -- draws of a varying number of words: all blocks grow together, by one number at a time

    def _one_by_one(self, draw: _Draw, dtype: DType, parameters: Sequence[Array], sample: Callable[..., Array]
                    ) -> Array:
        """All numbers of a draw, by sample(lanes, the engines to use, *parameters of their next numbers)."""
        with self.engines.lock, np.errstate(all="ignore"):
            engines, step, counts = self._blocks(draw.size)
            # Words taken ahead are kept for the next call; a large draw takes larger helpings.
            lanes = _Lanes(engines, dtype, helping=min(max(64, 4 * step), 512))
            starts = np.arange(len(engines)) * step
            out = np.empty((len(engines), step), F64)
            for j in range(step):
                here = np.arange(len(engines) if j < counts[-1] else len(engines) - 1)
                numbers = starts[here] + j
                out[here, j] = sample(lanes, here, *[draw.pick(p, numbers) for p in parameters])
            lanes.put_back()
        return out.reshape(-1)[:draw.size]

    def gamma(self, alpha: Parameter = 1.0, beta: Parameter = 1.0, shape: Shape = (),
              dtype: DTypeLike = np.float32) -> Array:
        """Gamma numbers of shape alpha > 0 and scale beta > 0 (mean alpha * beta)."""
        draw = _Draw.per_parameter("gamma", shape, alpha=alpha, beta=beta)
        a, b = draw.parameters
        draw.require((a > 0) & _is_finite(a), "alpha must be positive and finite")
        draw.require((b > 0) & _is_finite(b), "beta must be positive and finite")
        return draw.result(self._one_by_one(draw, _drawn_in(dtype, F32), (a, b), _Lanes.gamma), dtype)

    def poisson(self, lam: Parameter = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Poisson counts of mean lam >= 0."""
        draw = _Draw.per_parameter("poisson", shape, lam=lam)
        rate = draw.parameters[0].astype(F32)
        draw.require((rate >= 0) & _is_finite(rate), "lam must be finite and not negative")
        return draw.result(self._one_by_one(draw, F32, (rate,), _Lanes.poisson), dtype)

    def binomial(self, n: Parameter = 1, p: Parameter = 0.5, shape: Shape = (), dtype: DTypeLike = np.float32
                 ) -> Array:
        """Successes in n >= 0 trials, each of probability p in [0, 1].

        MXNet 2's numbers, whose law is not quite binomial where n p or n (1 - p) is small but at least 10:
        the mean is off by up to a quarter of the standard deviation (see `_Lanes`).  One count in about 10**5
        differs from MXNet's, more from n = 10**5 on.
        """
        draw = _Draw.per_parameter("binomial", shape, n=n, p=p)
        trials, chance = draw.parameters
        draw.require((trials >= 0) & _is_finite(trials), "n must be finite and not negative")
        draw.require((chance >= 0) & (chance <= 1), "p must lie in [0, 1]")
        return draw.result(self._one_by_one(draw, F32, (trials, chance), _Lanes.binomial), dtype)

    def negative_binomial(self, k: Parameter = 1, p: Parameter = 1, shape: Shape = (),
                          dtype: DTypeLike = np.float32) -> Array:
        """Failures before the k-th success, k >= 0, of trials that succeed with probability p in (0, 1]."""
        draw = _Draw.per_parameter("negative_binomial", shape, k=k, p=p)
        successes, chance = draw.parameters
        draw.require((successes >= 0) & _is_finite(successes), "k must be finite and not negative")
        draw.require((chance > 0) & (chance <= 1), "p must lie in (0, 1]")
        chance = chance.astype(F32).astype(F64)
        odds = ((1.0 - chance) / chance).astype(F32)

        def sample(lanes: _Lanes, here: Array, alpha: Array, beta: Array) -> Array:
            return lanes.poisson(here, lanes.gamma(here, alpha, beta))

        return draw.result(self._one_by_one(draw, F32, (successes.astype(F32), odds), sample), dtype)

    def generalized_negative_binomial(self, mu: Parameter = 1.0, alpha: Parameter = 1.0, shape: Shape = (),
                                      dtype: DTypeLike = np.float32) -> Array:
        """Negative binomial counts of mean mu >= 0 and dispersion alpha >= 0; Poisson's where alpha is 0."""
        draw = _Draw.per_parameter("generalized_negative_binomial", shape, mu=mu, alpha=alpha)
        mean, dispersion = draw.parameters
        draw.require((mean >= 0) & _is_finite(mean), "mu must be finite and not negative")
        draw.require((dispersion >= 0) & _is_finite(dispersion), "alpha must be finite and not negative")

        def sample(lanes: _Lanes, here: Array, mean: Array, dispersion: Array) -> Array:
            rate = mean.astype(F32)
            at = np.flatnonzero(dispersion > np.float32(1e-37))     # the inverse of less is infinite
            if at.size:
                rate[at] = lanes.gamma(here[at], 1 / dispersion[at], dispersion[at] * mean[at])
            return lanes.poisson(here, rate)

        return draw.result(self._one_by_one(draw, F32, (mean, dispersion), sample), dtype)

    def multinomial_counts(self, n: Parameter, p: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32
                           ) -> Array:
        """How often each of k outcomes of probabilities p, (..., k), came in n trials, (...): an array
        (..., *shape, k).

        MXNet draws the outcomes one after the other, each a binomial number of the trials left.
        """
        trials, chances = _as_parameter(n), _as_parameter(p)
        if chances.ndim < 1 or chances.shape[:-1] != trials.shape or not chances.shape[-1]:
            raise InvalidValueError(
                f"multinomial: n of shape {trials.shape} wants p of shape {(*trials.shape, 'k')}, got "
                f"{chances.shape}")
        _require((trials >= 0) & _is_finite(trials), "multinomial: n must be finite and not negative")
        _require((chances >= 0) & (chances <= 1), "multinomial: p must lie in [0, 1]")
        dims = _as_shape(shape)
        each, k = math.prod(dims), chances.shape[-1]
        trials, chances = np.repeat(trials.reshape(-1), each), chances.reshape(-1, k)
        counts = np.zeros((trials.size, k), F64)

        def sample(lanes: _Lanes, here: Array, numbers: Array) -> Array:
            left, rest = trials[numbers], np.ones(numbers.size, F32)
            for i in range(k - 1):
                chance = chances[numbers // each, i].astype(F32)
                on = np.flatnonzero(left > 0)
                ratio = np.clip(chance / rest, 0, 1)
                counts[numbers[on], i] = lanes.binomial(here[on], left[on], ratio[on])
                left = left - counts[numbers, i]
                rest = np.maximum(rest - chance, np.finfo(F32).tiny)
            counts[numbers, k - 1] = left
            return left

        numbers = np.arange(trials.size)
        self._one_by_one(_Draw("multinomial", {}, [numbers], numbers.shape), F32, (numbers,), sample)
        return _cast(counts.reshape(*np.shape(n), *dims, k), dtype)

    # -- draws from the sequential engine

    def multinomial(self, probabilities: ArrayLike, shape: Shape = (), get_prob: bool = False,
                    dtype: DTypeLike = np.int32) -> Any:
        """Categories drawn with the probabilities in the last axis, (..., k): an array (..., *shape).

        With get_prob, a pair: that, and the log of each drawn category's probability, in the same dtype as
        those. Each row must sum to 1, within 1%.

        >>> NDStreams(seed=0).multinomial([0.1, 0.2, 0.3, 0.4], (5,))
        array([2, 2, 3, 3, 3], dtype=int32)
        """
        p = np.asarray(probabilities)
        if not isinstance(probabilities, np.ndarray) or p.dtype.kind != "f":
            p = p.astype(F32)
        dims = _as_shape(shape)
        _require(p.ndim > 0 and p.shape[-1] > 0, "multinomial: probabilities must have at least one category")
        _require(p >= 0, "multinomial: probabilities must not be negative")
        totals = p.sum(axis=-1, dtype=F64)
        _require(abs(totals - 1) < 0.01, f"multinomial: probabilities must sum to 1 by row, not to {totals}")
        rows = p.reshape(-1, p.shape[-1])
        u = self._sequential_units(len(rows) * math.prod(dims)).reshape(len(rows), math.prod(dims))
        drawn = np.empty(u.shape, np.int64)
        for i, row in enumerate(rows):
            # MXNet keeps the table in float32, and compares in the dtype of the probabilities.
            table = np.cumsum(row, dtype=F64).astype(F32).astype(p.dtype)
            drawn[i] = np.minimum(np.searchsorted(table, u[i].astype(p.dtype)), row.size - 1)
        out = p.shape[:-1] + dims
        categories = _cast(drawn.reshape(out), dtype)
        if not get_prob:
            return categories
        likelihood = _logf(np.take_along_axis(rows, drawn, axis=1).astype(F32))
        return categories, likelihood.astype(p.dtype).reshape(out)


class NPStreams(_Streams):
    """The numbers of ``mx.np.random`` and ``mx.npx.random`` in MXNet 2.0.

    Every method returns a NumPy array and continues the stream, from whatever thread. Parameters are
    numbers or arrays that broadcast; `shape` is that of the result (an int, or a tuple), () for that of the
    parameters. `dtype` is float16, float32 or float64; uniform and Gaussian noise is drawn in float32,
    whatever the dtype. All raise InvalidValueError for a negative size or a parameter out of range, and
    name it.

    >>> streams = NPStreams(seed=0)
    >>> streams.uniform(0, 1, (3,))
    array([0.5488135 , 0.5928446 , 0.71518934], dtype=float32)
    >>> streams.choice(10, 3), streams.gamma([1.0, 5.0], 2.0).shape
    (array([0, 3, 9]), (2,))
    """

    # -- one uniform number each, transformed

    def uniform(self, low: Parameter = 0.0, high: Parameter = 1.0, shape: Shape = (),
                dtype: DTypeLike = np.float32) -> Array:
        """Numbers between low and high; high < low is allowed, as in NumPy."""
        draw = _Draw.broadcast("uniform", shape, low=low, high=high)
        a, b = draw.wide(F32)
        return draw.result(a + (b - a) * self._sequential_units(draw.size), dtype)

    def bernoulli(self, prob: Parameter | None = None, logit: Parameter | None = None,
                  shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """1 with probability prob in [0, 1], or with that of logit = log(prob / (1 - prob)); else 0."""
        if prob is not None and logit is None:
            draw = _Draw.broadcast("bernoulli", shape, prob=prob)
            p = draw.wide(F32)[0]
            draw.require((p >= 0) & (p <= 1), "prob must lie in [0, 1]")
            return draw.result(self._sequential_units(draw.size) < p, dtype)
        if logit is not None and prob is None:
            draw = _Draw.broadcast("bernoulli", shape, logit=logit)
            return draw.result(_logistic(self._sequential_units(draw.size)) < draw.wide(F32)[0], dtype)
        raise InvalidValueError(f"bernoulli: give either prob or logit, got prob={prob!r}, logit={logit!r}")

    def exponential(self, scale: Parameter = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32
                    ) -> Array:
        """Exponential numbers of mean scale >= 0."""
        return self._scaled("exponential", lambda u: -_logf(u), None, scale, shape, dtype)

    def rayleigh(self, scale: Parameter = 1.0, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Lengths of Gaussian vectors in the plane; scale >= 0 is their mode."""
        noise = lambda u: np.sqrt(np.float32(-2) * _logf(u))
        return self._scaled("rayleigh", noise, None, scale, shape, dtype)

    def gumbel(self, loc: Parameter = 0.0, scale: Parameter = 1.0, shape: Shape = (),
               dtype: DTypeLike = np.float32) -> Array:
        """Gumbel numbers, loc - scale * log(-log u); scale >= 0."""
        return self._scaled("gumbel", lambda u: -_logf(-_logf(u)), loc, scale, shape, dtype)

    def logistic(self, loc: Parameter = 0.0, scale: Parameter = 1.0, shape: Shape = (),
                 dtype: DTypeLike = np.float32) -> Array:
        """Logistic numbers, loc + scale * log(u / (1 - u)); scale >= 0."""
        return self._scaled("logistic", _logistic, loc, scale, shape, dtype)

    def laplace(self, loc: Parameter = 0.0, scale: Parameter = 1.0, shape: Shape = (),
                dtype: DTypeLike = np.float32) -> Array:
        """Laplace numbers, of density exp(-|x - loc| / scale) / (2 scale); scale >= 0."""
        one, two = np.float32(1), np.float32(2)

        def noise(u: Array) -> Array:
            return np.where(u < np.float32(0.5), _logf(two * u), -_logf(two * (one - u)))

        return self._scaled("laplace", noise, loc, scale, shape, dtype)

    def _scaled(self, name: str, noise: Callable[[Array], Array], loc: Parameter | None, scale: Parameter,
                shape: Shape, dtype: DTypeLike) -> Array:
        """loc + noise(u) * scale; without loc, if it is None, which keeps the sign of zero."""
        if loc is None:
            draw = _Draw.broadcast(name, shape, scale=scale)
        else:
            draw = _Draw.broadcast(name, shape, loc=loc, scale=scale)
        *mean, width = draw.wide(F32)
        draw.require(width >= 0, "scale must not be negative")
        with np.errstate(all="ignore"):     # of a uniform number 0
            values = noise(self._sequential_units(draw.size)) * width
            return draw.result(mean[0] + values if mean else values, dtype)

    def weibull(self, a: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Weibull numbers, (-log u)**(1/a); a > 0."""
        return self._shaped("weibull", lambda u, a: _powf(-_logf(u), np.float32(1) / a), a, shape, dtype)

    def pareto(self, a: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Pareto II (Lomax) numbers, exp(-log(u) / a) - 1; a > 0."""
        return self._shaped("pareto", lambda u, a: _expf(-_logf(u) / a) - np.float32(1), a, shape, dtype)

    def power(self, a: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Numbers of density a * x**(a - 1) on [0, 1], (1 - u)**(1/a); a > 0."""
        one = np.float32(1)
        with self.engines.lock:
            powers = self._shaped("power", lambda u, a: _powf(one - u, one / a), a, shape, dtype)
            self._sequential_units(1)       # MXNet draws one more than it uses
        return powers

    def _shaped(self, name: str, transform: Callable[[Array, Array], Array], a: Parameter, shape: Shape,
                dtype: DTypeLike) -> Array:
        draw = _Draw.broadcast(name, shape, a=a)
        exponent = draw.wide(F32)[0].astype(F32)
        draw.require(exponent > 0, "a must be positive")
        u = self._sequential_units(draw.size)
        with np.errstate(all="ignore"):     # of a uniform number 0, or a tiny a
            return draw.result(transform(u, np.broadcast_to(exponent, u.shape)), dtype)

    # -- Gaussian noise

    def normal(self, loc: Parameter = 0.0, scale: Parameter = 1.0, shape: Shape = (),
               dtype: DTypeLike = np.float32) -> Array:
        """Gaussian numbers of mean loc and standard deviation scale >= 0."""
        draw = _Draw.broadcast("normal", shape, loc=loc, scale=scale)
        mean, deviation = draw.wide(F32)
        draw.require(deviation >= 0, "scale must not be negative")
        return draw.result(_moved(self._gaussian(draw.size), deviation, mean, dtype), dtype)

    def _gaussian(self, n: int) -> Array:
        """n float32 numbers of mean 0 and standard deviation 1.

        Both numbers of each pair are used here; the last, if their number is odd, is thrown away.
        """
        if compiled is not None and n:
            with self.engines.lock:
                if addresses := _addresses([self.engines.sequential], compiled):
                    return compiled.polar(addresses, n, n, True)
        x, y, r2 = self._points((n + 1) // 2, F32)
        z: Array = (np.stack([y, x], axis=1) * _polar_factor(r2)[:, None]).reshape(-1)[:n]
        return z

    def _points(self, n: int, dtype: DType) -> tuple[Array, Array, Array]:
        """The next n accepted points x, y of the polar method, and their r2."""
        with self.engines.lock:
            return _accepted_points([self.engines.sequential], [n], dtype)

    def lognormal(self, mean: Parameter = 0.0, sigma: Parameter = 1.0, shape: Shape = (),
                  dtype: DTypeLike = np.float32) -> Array:
        """exp of `normal(mean, sigma)`."""
        x = self.normal(mean, sigma, shape, dtype)
        if x.dtype == F64:
            return np.fromiter(map(math.exp, x.ravel().tolist()), F64, x.size).reshape(x.shape)
        return _cast(_expf(x.astype(F32)), dtype)

    # -- gamma and its relatives

    def gamma(self, a: Parameter, scale: Parameter = 1.0, shape: Shape = (),
              dtype: DTypeLike = np.float32) -> Array:
        """Gamma numbers of shape a > 0 and scale > 0 (mean a * scale), drawn in float64.

        As MXNet does, two uniforms and two Gaussians are drawn for each number, and for all again until
        none is rejected.
        """
        draw = _Draw.broadcast("gamma", shape, a=a, scale=scale)
        alpha, beta = (np.broadcast_to(p, draw.size) for p in draw.wide(F32))
        draw.require((alpha > 0) & _is_finite(alpha), "a must be positive and finite")
        draw.require((beta > 0) & _is_finite(beta), "scale must be positive and finite")
        small = alpha < 1
        d = alpha.astype(F64) + np.where(small, 2.0 / 3.0, -1.0 / 3.0)
        k = np.sqrt(9.0 * d)
        c = 1.0 / k
        out = np.empty(draw.size)
        left = np.ones(draw.size, bool)
        with self.engines.lock, np.errstate(divide="ignore"):
            while left.any():
                u = self._sequential_units(2 * draw.size, F64).reshape(-1, 2)
                _, y, r2 = self._points(draw.size, F64)
                at = np.flatnonzero(left)
                z = y[at] * _polar_factor(r2[at])
                inside = z > -k[at]
                at, z = at[inside], z[inside]
                x = 1.0 + c[at] * z
                v = x * x * x
                ok = np.log(u[at, 0]) < 0.5 * z * z + d[at] * (1.0 - v + np.log(v))
                at = at[ok]
                out[at] = d[at] * v[ok] * beta[at]
                left[at] = False
                at = at[small[at]]
                out[at] *= _powf(u[at, 1].astype(F32), np.float32(1) / alpha[at].astype(F32))
        return draw.result(out, dtype)

    def chisquare(self, df: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Chi-square numbers of df > 0 degrees of freedom."""
        _require(np.asarray(df) > 0, f"chisquare: df must be positive, got {df!r}")
        return self.gamma(_as_parameter(df) / 2, 2.0, shape, dtype)

    def beta(self, a: Parameter, b: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32) -> Array:
        """Beta numbers, X / (X + Y) of gamma numbers X and Y of shapes a > 0 and b > 0."""
        _require(np.asarray(b) > 0, f"beta: b must be positive, got {b!r}")
        with self.engines.lock:
            x = self.gamma(a, 1.0, shape, np.float64)
            y = self.gamma(b, 1.0, shape, np.float64)
        return _cast(x / (x + y), dtype)

    def f(self, dfnum: Parameter, dfden: Parameter, shape: Shape = (), dtype: DTypeLike = np.float32
          ) -> Array:
        """Fisher's F numbers of dfnum > 0 and dfden > 0 degrees of freedom."""
        for name, df in (("dfnum", dfnum), ("dfden", dfden)):
            _require(np.asarray(df) > 0, f"f: {name} must be positive, got {df!r}")
        with self.engines.lock:
            x = self.chisquare(dfnum, shape)
            y = self.chisquare(dfden, shape)
        return _cast(x * _as_parameter(dfden) / (y * _as_parameter(dfnum)), dtype)

    # -- integers

    def randint(self, low: int, high: int | None = None, shape: Shape = (), dtype: DTypeLike = np.int64
                ) -> Array:
        """Integers in [low, high), or [0, low): drawn, alone among these, as `NDStreams.randint` does."""
        bounds = (0, low) if high is None else (low, high)
        return NDStreams(engines=self.engines).randint(*bounds, shape=shape, dtype=dtype)

    def multinomial(self, n: int, pvals: ArrayLike, shape: Shape = ()) -> Array:
        """How often each of k outcomes of probabilities pvals, (k,), came in n trials: int64, (*shape, k).

        pvals in a NumPy array are taken as MXNet takes its own array, else as a list, for which it draws k
        more numbers.
        """
        p = np.asarray(pvals, F64)
        _require(n >= 0, f"multinomial: n must not be negative, got {n}")
        _require(p.ndim == 1 and p.size > 0, f"multinomial: pvals must have one axis, not shape {p.shape}")
        _require((p >= 0) & (p <= 1), f"multinomial: pvals must lie in [0, 1], got {pvals!r}")
        _require(p[:-1].sum() <= 1 + 1e-6, f"multinomial: pvals must not sum to more than 1, got {pvals!r}")
        dims = _as_shape(shape)
        rows = math.prod(dims)
        with self.engines.lock:
            u = self._sequential_units(rows * n, F64)
            if not isinstance(pvals, np.ndarray):
                self._sequential_units(p.size, F64)
        outcome = np.minimum(np.searchsorted(np.cumsum(p), u, side="right"), p.size - 1)
        cells = np.repeat(np.arange(rows) * p.size, n) + outcome
        return np.bincount(cells, minlength=rows * p.size).astype(np.int64).reshape(dims + (p.size,))

    def choice(self, a: int, shape: Shape = (), replace: bool = True, p: ArrayLike | None = None) -> Array:
        """Integers of 0 … a-1, int64: evenly or with probabilities p, (a,); `replace`: more than once each.

        To choose from an array, index its first axis with the result. (MXNet 2.0b1 overlooks p when a is a
        number; the numbers here are those of its array form, and of 1.9.1.)
        """
        dims = _as_shape(shape)
        n = math.prod(dims)
        _require(a > 0, f"choice: a must be positive, got {a}")
        _require(replace or n <= a, f"choice: {n} of {a} without replacement is more than there is")
        if p is None:
            return (self._evenly(a, n) if replace else self._without_replacement(a, n)).reshape(dims)
        weights = np.asarray(p).astype(F32)
        _require(weights.shape == (a,), f"choice: p must have shape ({a},), not {weights.shape}")
        _require(weights >= 0, f"choice: p must not be negative, got {p!r}")
        _require(abs(weights.sum(dtype=F64) - 1) < 0.01, f"choice: p must sum to 1, got {p!r}")
        if replace:
            table = np.cumsum(weights, dtype=F64).astype(F32)
            drawn = np.minimum(np.searchsorted(table, self._sequential_units(n)), a - 1)
        else:
            with np.errstate(divide="ignore"):
                drawn = np.argsort(-_logf(self._sequential_units(a)) / weights, kind="stable")[:n]
        return drawn.astype(np.int64).reshape(dims)

    def _evenly(self, a: int, n: int) -> Array:
        with self.engines.lock:
            return self.engines.sequential.take(n).astype(np.int64) % a

    def _without_replacement(self, a: int, n: int) -> Array:
        """Few of many by Floyd's method, most by a reservoir: with n or a - n draws, whichever is less."""
        few = n < a - n
        with self.engines.lock:
            words = self.engines.sequential.take(min(n, a - n)).astype(np.int64)
        first = a - n if few else n
        slots = (words % np.arange(first + 1, first + 1 + words.size)).tolist()
        if not few:
            chosen = list(range(n))
            for last, slot in enumerate(slots, n):
                if slot < n:
                    chosen[slot] = last
            return np.array(chosen, np.int64)
        moved: dict[int, int] = {}
        chosen = []
        for last, slot in enumerate(slots, first):
            chosen.append(last if slot >= first else moved.get(slot, slot))
            moved[slot] = last
        return np.array(chosen, np.int64)


def _logistic(u: Array) -> Array:
    return _logf(u) - _logf(np.float32(1) - u)
