"""gluon.data: data sets, samplers, batches, published files, transforms; workers that fail, die, hang."""
from __future__ import annotations

import gc
import gzip
import io
import multiprocessing
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mxgrad as mx
import numpy
import pytest
from mxgrad import MXNetError, gluon, nd, recordio
from mxgrad.gluon.data import DataLoader, batchify, workers
from mxgrad.gluon.data.dataset import gathered
from mxgrad.gluon.data.vision import transforms
from mxgrad.gluon.utils import DownloadError
from mxgrad.params_file import FileFormatError

data = gluon.data
KINDS: list[dict[str, Any]] = [
    {"num_workers": 0}, {"num_workers": 2}, {"num_workers": 2, "thread_pool": True}]
NAMES = ["alone", "processes", "threads"]


@pytest.fixture(autouse=True)
def _switched_off() -> Iterator[None]:
    yield
    mx.npx.reset_np()


def children() -> list[int]:
    """Processes that this one has, as the system tells."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            found.append(int(path.parent.name))
    return found


def seed(number: int) -> None:
    random.seed(number)
    numpy.random.seed(number)
    mx.random.seed(number)


def lists(batches: Any) -> list[Any]:
    return [[a.asnumpy().tolist() for a in b] if isinstance(b, (list, tuple)) else b.asnumpy().tolist()
            for b in batches]


# Data sets and samplers -------------------------------------------------------------------------------------


def items(dataset: Any) -> list[Any]:
    return [dataset[i] for i in range(len(dataset))]


def test_datasets() -> None:
    ten = data.SimpleDataset(list(range(10)))
    assert items(ten.filter(lambda x: x % 3 == 0)) == [0, 3, 6, 9]
    assert [items(ten.shard(3, i)) for i in range(3)] == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert items(ten.take(2)) == [0, 1] and len(ten.take(None)) == len(ten.take(99)) == 10
    assert items(ten.sample(data.IntervalSampler(10, 4, rollover=False))) == [0, 4, 8]
    calls: list[int] = []
    lazy = ten.transform(calls.append)
    assert calls == [] and lazy[3] is None and calls == [3]
    assert items(ten.transform(lambda x: -x, lazy=False)) == [-i for i in range(10)]
    pairs = data.ArrayDataset(nd.arange(6).reshape((3, 2)), nd.arange(3), ["a", "b", "c"])
    assert len(pairs) == 3 and pairs[2][0].asnumpy().tolist() == [4, 5] and pairs[1][1:] == (1.0, "b")
    assert type(pairs[1][1]) is numpy.float32       # arrays of one axis give numbers
    assert items(pairs.transform(lambda x, y, z: (y, z)))[2] == (2.0, "c")
    assert pairs.transform_first(lambda x: x.sum().asscalar())[2] == (9.0, 2.0, "c")
    assert pickle.loads(pickle.dumps(ten.transform_first(abs)))[4] == 4
    wrong: Any
    for wrong, text in (
        (lambda: ten.shard(0, 0), "greater than 0"), (lambda: ten.shard(2, 2), "2 out of 2"),
        (lambda: data.ArrayDataset(), "at least 1"),
        (lambda: data.ArrayDataset([1, 2], [1]), r"array\[0\] has length 2 while array\[1\] has 1"),
    ):
        with pytest.raises(ValueError, match=text) as caught:
            wrong()
        assert isinstance(caught.value, MXNetError)
    with pytest.raises(TypeError, match="Invalid sampler type"):
        ten.sample([1, 2])      # type: ignore[arg-type]


def test_record_file_dataset(tmp_path: Path) -> None:
    with recordio.MXIndexedRecordIO(tmp_path / "a.idx", tmp_path / "a.rec", "w") as file:
        for i in range(5):
            file.write_idx(i, b"%d" % i)
    records = data.RecordFileDataset(str(tmp_path / "a.rec"))
    assert items(records) == [b"0", b"1", b"2", b"3", b"4"]
    loader = DataLoader(records, 2, batchify_fn=batchify.AsList(), num_workers=2)
    assert list(loader) == list(loader) == [[b"0", b"1"], [b"2", b"3"], [b"4"]]


def test_samplers() -> None:
    assert list(data.SequentialSampler(3, 5)) == [5, 6, 7]
    numpy.random.seed(1)
    order = data.RandomSampler(5)
    assert list(order) == [2, 1, 4, 0, 3] and sorted(order) == [0, 1, 2, 3, 4]    # MXNet's for the seed
    assert list(data.FilterSampler(lambda s: s[1], [(0, True), (1, False), (2, True)])) == [0, 2]
    seven = data.SequentialSampler(7)
    keep, discard, roll = (data.BatchSampler(seven, 3, last) for last in ("keep", "discard", "rollover"))
    assert list(keep) == [[0, 1, 2], [3, 4, 5], [6]] and len(keep) == 3
    assert list(discard) == [[0, 1, 2], [3, 4, 5]] and len(discard) == 2
    assert len(roll) == 2 and list(roll) == [[0, 1, 2], [3, 4, 5]]
    assert len(roll) == 2 and list(roll) == [[6, 0, 1], [2, 3, 4]]
    assert len(roll) == 3 and list(roll) == [[5, 6, 0], [1, 2, 3], [4, 5, 6]]
    assert len(data.IntervalSampler(7, 3)) == 7 and len(data.IntervalSampler(7, 3, rollover=False)) == 3
    for wrong, text in ((lambda: data.BatchSampler(seven, 3, "drop"), "but got drop"),
                        (lambda: data.BatchSampler(seven, 0), "positive, got 0"),
                        (lambda: data.IntervalSampler(3, 4), "at most the length 3, got 4"),
                        (lambda: data.SequentialSampler(-1), "not negative, got -1")):
        with pytest.raises(ValueError, match=text):
            wrong()


# Batches ----------------------------------------------------------------------------------------------------


def test_batchify() -> None:
    mixed = batchify.Group(batchify.Pad(val=-1), batchify.Stack(), batchify.AsList())
    padded, numbers, texts = mixed([(numpy.arange(3, dtype="int32"), 1.5, "a"),
                                    (numpy.arange(1, dtype="int32"), 2.5, "b")])
    assert padded.asnumpy().tolist() == [[0, 1, 2], [0, -1, -1]] and padded.dtype is numpy.int32
    assert numbers.asnumpy().tolist() == [1.5, 2.5] and texts == ["a", "b"]
    wide = batchify.Pad(round_to=4, dtype="float16")([numpy.ones((2, 3)), numpy.ones((1, 5))])
    assert wide.shape == (2, 4, 8) and wide.dtype is numpy.float16 and wide.sum().asscalar() == 11
    with pytest.warns(UserWarning, match="discouraged"):
        assert batchify.Pad()([nd.ones(2), nd.ones(1)]).asnumpy().tolist() == [[1, 1], [1, 0]]
    assert [a.shape for a in batchify.Append(batch_axis=1)([[1, 2], nd.ones(3)])] == [(2, 1), (3, 1)]
    assert batchify.Append(expand=False)([[1, 2]])[0].shape == (2,)
    shared = batchify.Stack(use_shared_mem=True)([([1, 2], 3), ([4, 5], 6)])
    assert [str(shared[1].context), shared[0][0].asnumpy().tolist()] == ["cpu_shared(0)", [1, 4]]
    for wrong, text in (
        (lambda: batchify.Pad()([(1, 2)]), "use Group"),
        (lambda: batchify.Group([len], len), "not understood"),
        (lambda: batchify.Group(1), r"type\(fn\[0\]\)"),
        (lambda: batchify.Group(len, len)([(1,)]), "2 elements, got 1"),
        (lambda: batchify.Stack()([numpy.ones(2), numpy.ones(3)]), r"such as \(2,\) and \(3,\).*Pad"),
        (lambda: batchify.Stack()([nd.ones(2), nd.ones(3)]), r"such as \(2,\) and \(3,\).*Pad"),
        (lambda: batchify.Pad()([numpy.ones(2), numpy.ones((2, 2))]), r"\[1, 2\] axes"),
        (lambda: batchify.Stack()(["a", "b"]), "samples of type str"),
        (lambda: batchify.Stack()([{}, {}]), "samples of type dict"),
    ):
        with pytest.raises(MXNetError, match=text):
            wrong()


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_loaders_agree(kind: dict[str, Any]) -> None:
    pairs = data.ArrayDataset(numpy.arange(14.0).reshape(7, 2), numpy.arange(7))
    loader = DataLoader(pairs, 3, **kind)
    assert len(loader) == 3
    expected = [[[[0, 1], [2, 3], [4, 5]], [0, 1, 2]], [[[6, 7], [8, 9], [10, 11]], [3, 4, 5]],
                [[[12, 13]], [6]]]
    for _ in range(3):
        assert lists(loader) == expected
    assert lists(DataLoader(pairs, 3, last_batch="discard", **kind)) == expected[:2]
    rolling = DataLoader(list(range(5)), 2, last_batch="rollover", **kind)
    assert [lists(rolling) for _ in range(2)] == [[[0, 1], [2, 3]], [[4, 0], [1, 2], [3, 4]]]
    assert lists(DataLoader([5, 6, 7], batch_sampler=[[2, 0], [1]], **kind)) == [[7, 5], [6]]
    assert lists(DataLoader([5, 6, 7], 2, sampler=[2, 2, 1], **kind)) == [[7, 7], [6]]
    assert lists(DataLoader([], 2, **kind)) == []
    x, y = next(iter(loader))
    x[:] = x + 1        # memory of its own
    assert lists(loader) == expected
    assert type(x) is nd.NDArray and x.dtype is numpy.float64 and y.dtype is numpy.int64
    assert str(x.context) == ("cpu_shared(0)" if kind["num_workers"] else "cpu(0)")
    pinned = next(iter(DataLoader(pairs, 3, pin_memory=True, pin_device_id=1, **kind)))
    assert [str(a.context) for a in pinned] == ["cpu_pinned(1)"] * 2
    mx.npx.set_np()
    x, y = next(iter(DataLoader(pairs, 3, **kind)))
    assert type(x) is mx.np.ndarray and x.dtype == "float64" and y.dtype == "int64"
    listed = next(iter(DataLoader([[1, 2], [3, 4]], 2, **kind)))       # as in MXNet 2, lists have parts
    assert lists([listed]) == [[[1, 3], [2, 4]]]


class Negated(data.ArrayDataset):
    def __getitem__(self, i: Any) -> Any:
        return tuple(-part for part in super().__getitem__(i))


def test_samples_fetched_at_once_are_the_same(tmp_path: Path) -> None:
    draw = numpy.random.RandomState(0)
    matrix, numbers = draw.randn(7, 2, 3), draw.randint(0, 99, 7)
    numpy.save(tmp_path / "a.npy", matrix)
    array, vector = nd.array(matrix), nd.array(numbers)
    datasets: dict[str, tuple[Any, bool]] = {       # and whether their samples are not fetched one by one
        "alone": (data.ArrayDataset(matrix), True),
        "numbers": (data.ArrayDataset(numbers, numbers > 50), True),
        "half": (data.SimpleDataset(matrix.astype("float16")), True), "bare": (matrix.T[:2], True),
        "nd": (data.ArrayDataset(array, vector), True), "bare nd": (array, True), "vector": (vector, False),
        "np": (mx.np.array(matrix), True),
        "nested": (data.ArrayDataset(array, data.SimpleDataset(matrix)), True),
        "file": (numpy.load(tmp_path / "a.npy", mmap_mode="r"), True),
        "sampled": (data.ArrayDataset(matrix, numbers).sample(data.IntervalSampler(7, 3)).take(3), True),
        "foreign": (data.ArrayDataset(matrix.astype(">f8"), numbers), False),
        "list": (data.ArrayDataset(matrix, numbers.tolist()), False),
        "transformed": (data.ArrayDataset(matrix, numbers).transform_first(lambda x: x + 1), False),
        "overridden": (Negated(matrix, numbers), False),
    }
    for numpys in (False, True):
        mx.npx.set_np(array=numpys)
        for name, (dataset, fast) in datasets.items():
            assert (gathered(dataset, [1, 0]) is not None) is fast, name
            for kind in (KINDS[0], KINDS[2]):
                chosen = [[1, 0], [-1, numpy.int64(1)]]
                whole = DataLoader(dataset, batch_sampler=chosen, **kind)
                single = DataLoader(dataset, batch_sampler=[tuple(c) for c in chosen], **kind)
                for one, other in zip(whole, single, strict=True):
                    assert type(one) is type(other)
                    for x, y in zip(*(b if isinstance(b, list) else [b] for b in (one, other)), strict=True):
                        assert (type(x), x.dtype, x.shape) == (type(y), y.dtype, y.shape)
                        assert x.context == y.context and (x.asnumpy() == y.asnumpy()).all()
                        x[:] = 0            # memory of its own
                with pytest.raises(IndexError, match="7|out of"):
                    list(DataLoader(dataset, batch_sampler=[[0, 7]], **kind))
    mx.npx.reset_np()
    assert (array.asnumpy() == matrix.astype("float32")).all() and (matrix != 0).all()
    array.attach_grad()
    with mx.autograd.record():      # what reads arrays is recorded, in this process
        next(iter(DataLoader(array, 2))).sum().backward()
    assert array.grad is not None and array.grad.asnumpy().sum() == 12
    for odd in ([], [True, False], [0.0], [[0, 1]], [2 ** 70], numpy.array([[0, 1]]), (0, 1), slice(2)):
        assert gathered(matrix, odd) is None


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_shuffled_as_in_mxnet(kind: dict[str, Any]) -> None:
    numpy.random.seed(1)
    loader = DataLoader(list(range(6)), 4, shuffle=True, **kind)
    assert [lists(loader), lists(loader)] == [[[2, 1, 4, 0], [3, 5]], [[4, 2, 0, 5], [3, 1]]]


def test_bad_parameters() -> None:
    for given, text in (
        ({}, "batch_size must be specified"), ({"batch_size": 0}, "positive, got 0"),
        ({"batch_size": 1, "shuffle": True, "sampler": [1]}, "shuffle must not"),
        ({"batch_size": 1, "batch_sampler": [[1]]}, "must not be specified if batch_sampler"),
        ({"batch_size": 1, "timeout": 0}, "timeout must be positive"),
        ({"batch_size": 1, "last_batch": "pad"}, "but got pad"),
    ):
        with pytest.raises(ValueError, match=text):
            DataLoader([1, 2], **given)


# Workers ----------------------------------------------------------------------------------------------------


class Slow:
    """Sample i is i, after a moment."""

    def __init__(self, length: int, seconds: float = 0.0) -> None:
        self.length, self.seconds = length, seconds

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, i: int) -> Any:
        time.sleep(self.seconds)
        return i


class FailsAt(Slow):
    def __init__(self, length: int, at: int, error: Any) -> None:
        super().__init__(length)
        self.at, self.error = at, error

    def __getitem__(self, i: int) -> Any:
        if i == self.at:
            self.error()
        return i


def test_workers_end_with_their_loader() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        loader = DataLoader(Slow(20, 0.001), 2, num_workers=2)
        assert len(children()) == 2
        assert sum(1 for _ in loader) == 10
        batches = iter(loader)
        next(batches)               # an epoch that is broken off
        del batches
        assert lists(loader)[0] == [0, 1] and len(children()) == 2
        del loader
        gc.collect()
        assert children() == []
    assert len(os.listdir("/proc/self/fd")) == before
    for batch in DataLoader([1, 2, 3], 3, num_workers=1):       # a loader that only its iterator holds
        assert batch.asnumpy().tolist() == [1, 2, 3]
    gc.collect()
    assert children() == []


def test_epochs_at_the_same_time() -> None:
    loader = DataLoader(list(range(8)), 2, num_workers=2)
    found = [(a.asnumpy().tolist(), b.asnumpy().tolist()) for a in loader for b in loader]
    assert found == [([i, i + 1], [j, j + 1]) for i in range(0, 8, 2) for j in range(0, 8, 2)]
    ones, others = iter(loader), iter(loader)
    assert [next(ones).asnumpy().tolist(), next(others).asnumpy().tolist()] == [[0, 1], [0, 1]]
    assert lists(ones) == lists(others) == [[2, 3], [4, 5], [6, 7]]


def raise_value_error() -> None:
    raise ValueError("sample is rotten")


class Peculiar(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one: Any, two: Any) -> None:
        super().__init__("peculiar")


def raise_peculiar() -> None:
    raise Peculiar(1, 2)


def raise_stop() -> None:
    raise StopIteration


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_errors_arrive(kind: dict[str, Any]) -> None:
    loader = DataLoader(FailsAt(6, 3, raise_value_error), 2, **kind)
    for _ in range(2):      # it can be used again
        batches = iter(loader)
        assert next(batches).asnumpy().tolist() == [0, 1]
        with pytest.raises(ValueError, match="sample is rotten") as caught:
            next(batches)
    if kind == {"num_workers": 2}:
        trace = str(caught.value.__cause__)
        assert "in __getitem__" in trace and "in raise_value_error" in trace and "test_data.py" in trace
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(DataLoader(FailsAt(6, 3, raise_stop), 2, **kind))
    with pytest.raises((Peculiar, workers.WorkerError), match="peculiar"):
        list(DataLoader(FailsAt(6, 3, raise_peculiar), 2, **kind))


def test_what_cannot_be_pickled_is_told() -> None:
    loader = DataLoader([1, 2], 1, batchify_fn=lambda samples: lambda: samples, num_workers=1)
    with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
        list(loader)


def kill_this() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies() -> None:
    loader = DataLoader(FailsAt(8, 3, kill_this), 2, num_workers=2)
    start = time.monotonic()
    with pytest.raises(workers.WorkerDiedError, match="ended unexpectedly .signal SIGKILL"):
        list(loader)
    with pytest.raises(MXNetError, match="exit code 3"):
        list(DataLoader(FailsAt(8, 3, lambda: sys.exit(3)), 2, num_workers=2))
    assert time.monotonic() - start < 100 and children() == []     # the loaders would wait for 120 s
    # New workers for the next epoch.
    batches = iter(loader)
    assert next(batches).asnumpy().tolist() == [0, 1] and len(children()) == 2
    # Killed from outside, between two epochs.
    whole = DataLoader(list(range(4)), 2, num_workers=2)
    assert len(list(whole)) == 2
    os.kill(whole._workers._workers[0][0].pid, signal.SIGKILL)
    with pytest.raises(workers.WorkerDiedError, match="SIGKILL"):
        list(whole)
    assert lists(whole) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("kind", KINDS[1:], ids=NAMES[1:])
def test_a_worker_that_hangs(kind: dict[str, Any]) -> None:
    loader = DataLoader(Slow(2, 1.5), 1, timeout=0.2, **kind)
    with pytest.raises(TimeoutError, match="more than 0.2 seconds") as caught:
        list(loader)
    assert isinstance(caught.value, (MXNetError, multiprocessing.TimeoutError))
    assert children() == []


def test_large_batches_and_large_tasks() -> None:
    big = numpy.arange(3 * 200_000).reshape(3, 200_000)
    loader = DataLoader(
        data.ArrayDataset(big, nd.array(big, dtype="float32"), ["a", "b", "c"]), 3, num_workers=1,
        batchify_fn=batchify.Group(batchify.Stack(), batchify.Stack(), batchify.AsList()))
    (host, array, texts), = list(loader)
    assert (host.asnumpy() == big).all() and texts == ["a", "b", "c"] and array.dtype is numpy.float32
    host[:] = 1     # memory of its own
    assert host.asnumpy().max() == 1 and (array.asnumpy() == big.astype("float32")).all()
    before = len(os.listdir("/proc/self/fd"))
    kept = [b for _ in range(20) for b in loader]
    assert len(kept) == 20 and len(os.listdir("/proc/self/fd")) == before   # batches hold no files
    # Lists of numbers larger than the socket's buffer, while batches come back.
    numbers = list(range(200_000))
    many = DataLoader(numbers, batch_sampler=[numbers] * 6, num_workers=2)
    assert [b.shape for b in many] == [(200_000,)] * 6
    # More tasks, and more batches that nobody takes, than the sockets hold.
    blocks = DataLoader(numpy.ones((100, 5000), "float32"), sampler=numpy.arange(20_000) % 100, batch_size=2,
                        num_workers=2, prefetch=10_000, timeout=20)
    batches = iter(blocks)
    assert next(batches).sum().asscalar() == 10_000
    time.sleep(0.1)
    assert [next(batches).shape for _ in range(500)] == [(2, 5000)] * 500


def test_batches_of_any_kind_from_workers() -> None:
    made: list[Any] = [
        [], None, "text", (), nd.array(3), nd.ones((0, 2)), [nd.arange(3), "a", (nd.ones((2, 2)).T, 1)],
        (mx.np.arange(3), nd.ones(1)), {"a": [nd.zeros((2, 1), dtype="float16")]}, [numpy.eye(2), nd.ones(2)],
        [numpy.arange(60_000).reshape(2, -1).T, nd.arange(60_000)], [numpy.full(i, i) for i in range(3000)],
    ]

    def described(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value), [described(v) for v in value]
        if isinstance(value, dict):
            return {k: described(v) for k, v in value.items()}
        if hasattr(value, "asnumpy"):
            return type(value), value.dtype, value.shape, str(value.context), value.asnumpy().tolist()
        return value.tolist() if isinstance(value, numpy.ndarray) else value

    loader = DataLoader(range(len(made)), 1, batchify_fn=lambda numbers: made[numbers[0]], num_workers=2)
    assert [described(b) for b in loader] == [described(v) for v in made]


def noise(x: Any) -> Any:
    return (random.random(), numpy.random.rand(), nd.random.uniform().asscalar(),
            mx.np.random.uniform().item())


def test_random_transforms_differ_and_repeat() -> None:
    def draws(count: int, batch: int = 2) -> Any:
        seed(1)
        state = random.getstate(), numpy.random.get_state()[1].tolist()     # type: ignore[index]
        loader = DataLoader(data.SimpleDataset(list(range(8))).transform(noise), batch, num_workers=count)
        found = [[numpy.stack([p.asnumpy() for p in b], 1) for b in loader] for _ in range(2)]
        if count:
            assert state == (random.getstate(), numpy.random.get_state()[1].tolist())   # type: ignore[index]
        return numpy.array(found)

    one, three = draws(1), draws(3)
    assert (one == three).all()     # whichever worker has which batch
    for column in range(4):
        assert len(numpy.unique(one[..., column])) == 16     # no two batches alike, nor two epochs


def test_fork_while_another_thread_draws() -> None:
    stop = threading.Event()

    def draw() -> None:
        while not stop.is_set():
            mx.random.np_stream(mx.cpu())

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        for _ in range(10):
            assert len(list(DataLoader(list(range(4)), 1, num_workers=2, timeout=20))) == 4
    finally:
        stop.set()
        thread.join()


def test_blas_in_workers() -> None:
    a = numpy.random.rand(300, 300)
    expected = (a @ a)[0, 0]        # the threads of BLAS are running when the workers are forked
    loader = DataLoader(data.SimpleDataset([a, a]).transform(lambda m: (m @ m)[0, 0]), 1, num_workers=2,
                        timeout=60)
    assert [b.asnumpy()[0] for b in loader] == pytest.approx([expected] * 2)


def test_auto_reload_and_prefetch(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("")

    def note(i: int) -> int:
        with open(log, "a") as file:
            file.write(f"{i} ")
        return i

    def noted() -> list[str]:
        return sorted(log.read_text().split())

    ten = data.SimpleDataset(list(range(10))).transform(note)
    def until(expected: list[str]) -> None:
        deadline = time.monotonic() + 30
        while noted() != expected:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        assert noted() == expected      # and no more

    loader = DataLoader(ten, 1, num_workers=1, prefetch=3)
    until([])
    batches = iter(loader)
    assert next(batches).asnumpy().tolist() == [0]
    until(["0", "1", "2", "3"])
    log.write_text("")
    ahead = DataLoader(ten, 1, num_workers=1, auto_reload=True)
    until(["0", "1"])
    log.write_text("")
    assert len(list(ahead)) == 10
    until([*"0123456789"])       # 2 to 9 of this epoch, 0 and 1 of the next one
    ahead.clean()


def test_interrupted_and_used_again() -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    loader = DataLoader(Slow(12, 0.02), 2, num_workers=2)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in (0.01, 0.05, 0.07):
            signal.setitimer(signal.ITIMER_REAL, delay)
            with pytest.raises(KeyboardInterrupt):
                list(loader)
            assert lists(loader) == [[i, i + 1] for i in range(0, 12, 2)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


PROGRAM = """
import signal, time
import mxgrad as mx
from mxgrad.gluon.data import DataLoader

class Slow:
    def __len__(self): return 1000
    def __getitem__(self, i): time.sleep(0.02); return i

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell's background job ignores it
    loader = DataLoader(Slow(), 2, num_workers=2)
    print(*(worker.process.pid for worker in loader._workers._workers), flush=True)
    for batch in loader:
        pass
"""


def ended(pids: list[int], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_program(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    program = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert program.stdout is not None
    pids = [int(p) for p in program.stdout.readline().split()]
    assert len(pids) == 2
    time.sleep(0.2)
    if how == signal.SIGINT:
        os.killpg(program.pid, how)     # Ctrl-C reaches the workers, too
    else:
        os.kill(program.pid, how)
    _, errors = program.communicate(timeout=30)
    assert ended(pids)
    if how == signal.SIGINT:
        assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")


# Published files --------------------------------------------------------------------------------------------


def idx(array: numpy.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("cls, folder", [(data.vision.MNIST, "mnist"),
                                         (data.vision.FashionMNIST, "fashion-mnist")])
def test_mnist(cls: Any, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    root = tmp_path / "datasets" / folder
    with pytest.raises(DownloadError, match=f"{cls.__name__}: .*put train-images-idx3-ubyte.gz and "
                                            f"train-labels-idx1-ubyte.gz, .* {root}"):
        cls()
    assert not root.exists()
    root.mkdir(parents=True)
    images = numpy.random.RandomState(0).randint(0, 256, (3, 28, 28)).astype(numpy.uint8)
    labels = numpy.array([7, 0, 9], numpy.uint8)
    (root / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (root / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    (root / "t10k-images-idx3-ubyte").write_bytes(idx(images[:1]))       # not packed
    (root / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[:1]))
    train, test = cls(), cls(train=False)
    assert (len(train), len(test)) == (3, 1)
    image, label = train[2]
    assert type(image) is nd.NDArray and image.shape == (28, 28, 1) and image.dtype is numpy.uint8
    assert (image.asnumpy()[..., 0] == images[2]).all() and label == 9 and type(label) is numpy.int32
    assert train[:2][0].shape == (2, 28, 28, 1)
    assert cls(root, transform=lambda x, y: (x.sum(), -y))[1][1] == 0
    mx.npx.set_np()
    image, label = cls()[0]
    assert type(image) is type(label) is mx.np.ndarray and label.item() == 7 and label.dtype == "int32"
    mx.npx.reset_np()
    for name, wrong, text in (
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(labels[:2])), "3 images, .* 2 labels"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(images)), "IDX file with 1 axes"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(labels)[:-1]), "shape .3,. is announced, 2 bytes"),
        ("train-labels-idx1-ubyte.gz", gzip.compress(idx(labels))[:-12], "damaged"),
        ("train-labels-idx1-ubyte.gz", b"<html>", "damaged"),
    ):
        (root / name).write_bytes(wrong)
        with pytest.raises(FileFormatError, match=text):
            cls()


def test_cifar(tmp_path: Path) -> None:
    generator = numpy.random.RandomState(0)
    root = tmp_path / "ten"
    with pytest.raises(DownloadError, match=f"CIFAR10: .*put cifar-10-binary.tar.gz, .* {root}"):
        data.vision.CIFAR10(root)
    root.mkdir()
    parts = {f"data_batch_{i}.bin": generator.randint(0, 256, (2, 3073)).astype(numpy.uint8)
             for i in range(1, 6)}
    parts["test_batch.bin"] = generator.randint(0, 256, (1, 3073)).astype(numpy.uint8)
    with tarfile.open(root / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name, part in parts.items():
            info = tarfile.TarInfo("cifar-10-batches-bin/" + name)
            info.size = part.nbytes
            tar.addfile(info, io.BytesIO(part.tobytes()))
    packed = data.vision.CIFAR10(root)
    assert os.listdir(root) == ["cifar-10-binary.tar.gz"]        # nothing is unpacked
    for name, part in parts.items():
        (root / name).write_bytes(part.tobytes())
    for train in (packed, data.vision.CIFAR10(root)):
        image, label = train[5]
        record = parts["data_batch_3.bin"][1]
        assert len(train) == 10 and label == record[0] and type(label) is numpy.int32
        assert image.shape == (32, 32, 3)
        assert (image.asnumpy() == record[1:].reshape(3, 32, 32).transpose(1, 2, 0)).all()
    assert len(data.vision.CIFAR10(root, train=False)) == 1
    (root / "test_batch.bin").write_bytes(b"12")
    with pytest.raises(FileFormatError, match="2 bytes, which is no multiple of 3073"):
        data.vision.CIFAR10(root, train=False)

    (tmp_path / "cifar-100-binary").mkdir()
    many = generator.randint(0, 256, (2, 3074)).astype(numpy.uint8)
    (tmp_path / "cifar-100-binary" / "train.bin").write_bytes(many.tobytes())
    for fine in (False, True):
        image, label = data.vision.CIFAR100(tmp_path, fine_label=fine)[1]
        assert label == many[1, int(fine)]
        assert (image.asnumpy()[..., 2].ravel() == many[1, 2 + 2048:]).all()
    (tmp_path / "cifar-100-binary.tar.gz").write_bytes(gzip.compress(b"no archive"))
    with pytest.raises(FileFormatError, match="damaged"):
        data.vision.CIFAR100(tmp_path, train=False)


def test_images_in_files(tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    pixels = {}
    for i, name in enumerate(("cat/a.png", "cat/b.png", "dog/c.PNG")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels[name] = numpy.full((2, 3, 3), 10 * i, numpy.uint8)
        image_module.fromarray(pixels[name]).save(tmp_path / name)
    folder = data.vision.ImageFolderDataset(tmp_path)
    assert folder.synsets == ["cat", "dog"] and [label for _, label in folder.items] == [0, 0, 1]
    assert folder[2][1] == 1 and (folder[2][0].asnumpy() == 20).all() and folder[2][0].shape == (2, 3, 3)
    assert data.vision.ImageFolderDataset(tmp_path, flag=0, transform=lambda x, y: x.shape)[0] == (2, 3, 1)
    (tmp_path / "note.txt").write_text("")
    (tmp_path / "dog" / "note.txt").write_text("")
    with pytest.warns(UserWarning, match="Ignoring") as told:
        assert len(data.vision.ImageFolderDataset(tmp_path)) == 3
    assert len(told) == 2

    (tmp_path / "all.lst").write_text("4\t1\tcat/b.png\n7\t2\t3\tdog/c.PNG\n")
    for entries in ("all.lst", [[1, "cat/b.png"], [[2, 3], "dog/c.PNG"]],
                    [[1, "cat/b.png"], [2, 3, "dog/c.PNG"]]):
        listed = data.vision.ImageListDataset(tmp_path, entries)
        assert [listed[i][1].asnumpy().tolist() for i in range(2)] == [[1.0], [2.0, 3.0]]
        assert (listed[1][0].asnumpy() == 20).all() and len(listed) == 2
    (tmp_path / "all.lst").write_text("4\t1\tcat/b.png\ncat/b.png\n")
    with pytest.raises(FileFormatError, match="line 2: expected a key"):
        data.vision.ImageListDataset(tmp_path, "all.lst")
    with pytest.raises(ValueError, match="imglist must be"):
        data.vision.ImageListDataset(tmp_path)

    with recordio.MXIndexedRecordIO(tmp_path / "a.idx", tmp_path / "a.rec", "w") as file:
        for i, image in enumerate(pixels.values()):
            header = recordio.IRHeader(0, float(i), i, 0)
            file.write_idx(i, recordio.pack_img(header, image, quality=3, img_fmt=".png"))
    records = data.vision.ImageRecordDataset(tmp_path / "a.rec")
    assert len(records) == 3 and records[1][1] == 1.0 and (records[1][0].asnumpy() == 10).all()
    gray = data.vision.ImageRecordDataset(tmp_path / "a.rec", 0, lambda x, y: (x.shape, y))
    assert gray[2] == ((2, 3, 1), 2.0)
    batches = [(x.shape, y.asnumpy().tolist()) for x, y in DataLoader(records, 2, num_workers=2)]
    assert batches == [((2, 2, 3, 3), [0, 1]), ((1, 2, 3, 3), [2])]


# Transforms -------------------------------------------------------------------------------------------------

PIXELS = numpy.arange(60, dtype=numpy.uint8).reshape(4, 5, 3)
# The shape, the dtype and the first six numbers that MXNet 1.9.1 gives for PIXELS; after mx.random.seed(5).
AS_IN_1 = {
    "Cast('float16')": ((4, 5, 3), "float16", [0, 1, 2, 3, 4, 5]),
    "CenterCrop((3, 2))": ((2, 3, 3), "uint8", [18, 19, 20, 21, 22, 23]),
    "CenterCrop((8, 6))": ((6, 8, 3), "uint8", [0, 1, 2, 1, 2, 3]),
    "CropResize(1, 1, 3, 2)": ((2, 3, 3), "uint8", [18, 19, 20, 21, 22, 23]),
    "CropResize(1, 1, 3, 2, (6, 4), 1)": ((4, 6, 3), "uint8", [18, 19, 20, 19, 20, 21]),
    "Resize(3)": ((3, 3, 3), "uint8", [3, 4, 5, 8, 9, 10]),
    "ToTensor()": ((3, 4, 5), "float32", [0.0, 0.01176471, 0.02352941, 0.03529412, 0.04705882, 0.05882353]),
    "Compose([ToTensor(), Normalize((0.1, 0.2, 0.3), (1, 2, 3))])":
        ((3, 4, 5), "float32", [-0.1, -0.08823530, -0.07647059, -0.06470588, -0.05294118, -0.04117647]),
    "Compose([ToTensor(), Rotate(30)])":
        ((3, 4, 5), "float32", [0.00240670, 0.01553641, 0.04417423, 0.08377453, 0.06096450, 0.01003395]),
    "RandomFlipLeftRight()": ((4, 5, 3), "uint8", [0, 1, 2, 3, 4, 5]),
    "RandomBrightness(0.5)": ((4, 5, 3), "uint8", [0, 1, 2, 4, 5, 6]),
    "RandomSaturation(0.5)": ((4, 5, 3), "uint8", [0, 1, 2, 3, 5, 6]),
    "RandomHue(0.3)": ((4, 5, 3), "uint8", [1, 0, 2, 4, 3, 5]),
    "RandomColorJitter(0.1, 0.2, 0.3, 0.1)": ((4, 5, 3), "uint8", [3, 3, 5, 5, 6, 7]),
    "RandomLighting(0.1)": ((4, 5, 3), "uint8", [1, 2, 3, 4, 5, 6]),
}


@pytest.mark.parametrize("text", AS_IN_1)
def test_transforms_are_mxnets(text: str) -> None:
    mx.random.seed(5)
    found = eval(text, dict(vars(transforms)))(nd.array(PIXELS, dtype="uint8"))
    shape, dtype, first = AS_IN_1[text]
    assert type(found) is nd.NDArray and found.shape == shape and numpy.dtype(found.dtype) == dtype
    assert found.asnumpy().ravel()[:6].tolist() == pytest.approx(first, abs=1e-6)


def test_random_transforms_of_each_version() -> None:
    seed(3)
    old, new = nd.array(PIXELS, dtype="uint8"), mx.np.array(PIXELS)
    crop = transforms.RandomResizedCrop(3)
    assert crop(old).asnumpy().ravel()[:6].tolist() == [36, 37, 38, 37, 38, 39]        # MXNet 1.9.1's
    turned = transforms.RandomRotation((-20, 20))(transforms.ToTensor()(old)).asnumpy().ravel()[:3]
    assert turned.tolist() == pytest.approx([0.00203580, 0.01258086, 0.02701474], abs=1e-6)
    mx.random.seed(3)
    found = crop(new)
    assert type(found) is mx.np.ndarray and found.shape == (3, 3, 3)
    gray = transforms.RandomGray(1.0)(new)      # MXNet 2's three channels
    assert gray.asnumpy()[0, 1].tolist() == pytest.approx([3.5868, 7.044, 1.368], rel=1e-6)
    assert (transforms.RandomGray(0.0)(old).asnumpy() == PIXELS).all()
    edged = transforms.RandomCrop(8, pad=2, pad_value=7)(new[:, :4]).asnumpy()
    assert (edged[2:6, 2:6] == PIXELS[:, :4]).all() and (edged[:2] == 7).all() and (edged[:, 6:] == 7).all()
    assert (transforms.RandomCrop((5, 7), pad=(1, 2, 0, 0))(old).asnumpy()[1:5] == PIXELS).all()
    assert (transforms.RandomFlipTopBottom(1)(old).asnumpy() == PIXELS[::-1]).all()
    assert transforms.RandomFlipLeftRight(0)(old) is old
    half = [transforms.HybridRandomApply(transforms.ToTensor(), 0.5)(new).shape for _ in range(40)]
    assert {(4, 5, 3), (3, 4, 5)} == set(half)
    assert transforms.RandomApply(transforms.ToTensor(), 1.0)(old, 5)[1] == 5
    assert transforms.RandomApply(transforms.ToTensor(), 0.0)(old) is old


def test_transforms_pass_on_what_follows() -> None:
    pairs = data.ArrayDataset(nd.array(PIXELS[None], dtype="uint8"), [3])
    both = transforms.Compose([transforms.Resize(2), transforms.CenterCrop(2), transforms.ToTensor()])
    image, label = pairs.transform(both)[0]
    assert image.shape == (3, 2, 2) and label == 3
    assert [type(c).__name__ for c in both._children.values()] == ["Resize", "CenterCrop", "ToTensor"]
    mx.npx.set_np()
    chain = transforms.Compose([transforms.Resize(2), transforms.CenterCrop(2), transforms.Rotate(3)])
    assert [type(c).__name__ for c in chain._children.values()] == ["HybridSequential", "Rotate"]


def test_transforms_refuse() -> None:
    image = nd.array(PIXELS, dtype="uint8")
    wrong: Any
    for wrong, text in (
        (lambda: transforms.Rotate(3)(image), "only supports float32.*given: uint8"),
        (lambda: transforms.RandomRotation((3, 3)), "ordered tuple"),
        (lambda: transforms.RandomRotation((3, 4), rotate_with_proba=2), "between 0 and 1, got 2"),
        (lambda: transforms.HybridCompose([transforms.Rotate(3)]), "not a HybridBlock"),
        (lambda: transforms.HybridRandomApply(transforms.Rotate(3)), "got Rotate"),
        (lambda: transforms.RandomCrop(3, pad=(1, 2)), "four: above, below"),
        (lambda: transforms.ToTensor()(image[0]), "image.to_tensor"),
        (lambda: transforms.CropResize(3, 3, 9, 9)(image), "not inside an image"),
    ):
        with pytest.raises(MXNetError, match=text):
            wrong()
