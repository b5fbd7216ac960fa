"""The rules of recording, backward, grad, custom functions and in-place writes, as a user sees them."""
from __future__ import annotations

import gc
import re
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import numpy
import pytest

import mxgrad as mx
from mxgrad import autograd, nd
from mxgrad.base import (
    AutogradError,
    InplaceError,
    InvalidTypeError,
    InvalidValueError,
    MXNetError,
    NotAnArrayError,
    OutOfMemoryError,
)
from mxgrad.registry import OPS

HERE = Path(__file__).name


def variable(values: object, **kwargs: str) -> nd.NDArray:
    x = nd.array(values)
    x.attach_grad(**kwargs)
    return x


def grads(*arrays: nd.NDArray) -> list[object]:
    return [a.grad.asnumpy().tolist() for a in arrays]


# scopes
# -----------------------------------------------------------------------------------------------------------


def test_scopes_nest_and_restore() -> None:
    def flags() -> tuple[bool, bool]:
        return autograd.is_recording(), autograd.is_training()

    seen = [flags()]
    with autograd.record():
        seen.append(flags())
        with autograd.pause():
            seen.append(flags())
            with autograd.record(train_mode=False):
                seen.append(flags())
        with autograd.predict_mode():
            seen.append(flags())
        seen.append(flags())
    with autograd.train_mode():
        seen.append(flags())
    seen.append(flags())
    assert seen == [(False, False), (True, True), (False, False), (True, False), (True, False), (True, True),
                    (False, True), (False, False)]


def test_a_scope_is_restored_by_an_exception_used_again_and_decorates() -> None:
    scope = autograd.record()
    for _ in range(2):
        with pytest.raises(KeyError), scope:
            assert autograd.is_recording()
            raise KeyError
        assert not autograd.is_recording()

    @autograd.record(train_mode=False)
    def inside() -> tuple[bool, bool]:
        return autograd.is_recording(), autograd.is_training()

    assert inside() == (True, False)
    assert inside.__name__ == "inside"
    assert not autograd.is_recording()


def test_setters_give_what_was() -> None:
    assert autograd.set_recording(True) is False
    assert autograd.set_recording(False) is True
    assert autograd.set_training(True) is False
    assert autograd.set_training(False) is True


def test_flags_belong_to_the_thread_and_graphs_do_not() -> None:
    seen = []
    x = variable([2.0])
    with autograd.record():
        y = x * x
        thread = threading.Thread(target=lambda: seen.append(autograd.is_recording()))
        thread.start()
        thread.join()
    other = threading.Thread(target=y.backward)
    other.start()
    other.join()
    assert seen == [False]
    assert grads(x) == [[4.0]]


def test_threads_record_and_differentiate_side_by_side() -> None:
    wrong = []

    def work(k: int) -> None:
        x = variable([float(k)])
        for _ in range(200):
            with autograd.record():
                y = x * x * x
            y.backward()
            if grads(x) != [[3.0 * k * k]]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


# attach_grad, grad_req
# --------------------------------------------------------------------------------------------


def test_the_buffer_is_there_at_once_and_stays_the_same_memory() -> None:
    x = nd.array([1.0, 2.0])
    assert x.grad is None
    x.attach_grad()
    buffer = x.grad
    assert buffer.asnumpy().tolist() == [0.0, 0.0]
    with autograd.record():
        y = x * x
    y.backward()
    assert buffer.asnumpy().tolist() == [2.0, 4.0]
    x.grad[:] = 0
    assert grads(x) == [[0.0, 0.0]]


def test_add_accumulates_write_overwrites_null_is_left_alone() -> None:
    w, a, n = variable([3.0]), variable([3.0], grad_req="add"), variable([3.0], grad_req="null")
    for _ in range(2):
        with autograd.record():
            y = w * a * n
        y.backward()
    assert grads(w, a, n) == [[9.0], [18.0], [0.0]]


def test_all_null_is_an_error() -> None:
    x = variable([1.0], grad_req="null")
    with autograd.record():
        y = x * 2
    with pytest.raises(AutogradError, match="no inputs in computation graph that require gradients"):
        y.backward()


@pytest.mark.parametrize("bad", ["bogus", 1, None])
def test_unknown_grad_req(bad: object) -> None:
    x = nd.array([1.0])
    with pytest.raises(InvalidValueError, match="grad_req must be 'write', 'add' or 'null'"):
        x.attach_grad(bad)      # type: ignore[arg-type]
    assert x.grad is None


def test_sparse_gradient_storage_is_ignored_with_a_message() -> None:
    x = nd.array([1.0])
    with pytest.warns(UserWarning, match="gradients are dense"):
        x.attach_grad(stype="row_sparse")
    assert x.grad.stype == "default"


def test_nd_detaches_an_intermediate_and_can_keep_it() -> None:
    for detach, expected in ((None, 2.0), (False, 14.0)):
        x = variable([1.0])
        with autograd.record():
            y = 3 * x
            y.attach_grad(detach=detach)
            z = 4 * y + 2 * x
        z.backward()
        assert grads(x, y) == [[expected], [4.0]]


def test_reattaching_cuts_the_old_graph_off() -> None:
    x = variable([2.0])
    with autograd.record():
        y = x * x
    x.attach_grad()
    y.backward()
    assert grads(x) == [[0.0]]


def test_drop_grad() -> None:
    x = variable([1.0])
    x.drop_grad()
    assert x.grad is None
    with autograd.record():
        y = x * 2
    with pytest.raises(AutogradError):
        y.backward()


def test_mark_variables_uses_the_given_memory() -> None:
    x, g = nd.array([1.0, 2.0]), nd.zeros((2,))
    autograd.mark_variables(x, g, "add")
    for _ in range(2):
        with autograd.record():
            y = x * x
        y.backward()
    assert g.asnumpy().tolist() == [4.0, 8.0]


def test_mark_variables_checks_before_it_marks() -> None:
    x, y = nd.array([1.0]), nd.array([1.0])
    for variables, gradients, reqs in (
        ([x, y], [nd.zeros((1,))], "write"),
        ([x, y], [nd.zeros((1,)), nd.zeros((2,))], "write"),
        ([x, y], [nd.zeros((1,)), nd.zeros((1,))], ["write", "bogus"]),
        ([x, 1], [nd.zeros((1,)), nd.zeros((1,))], "add"),
    ):
        with pytest.raises(MXNetError):
            autograd.mark_variables(variables, gradients, reqs)
        assert x.grad is None and y.grad is None


# backward
# ---------------------------------------------------------------------------------------------------------


def test_a_variable_that_is_not_reached_keeps_its_gradient() -> None:
    x, y = variable([1.0]), variable([1.0])
    y.grad[:] = 7
    with autograd.record():
        z = x * 2
    z.backward()
    assert grads(x, y) == [[2.0], [7.0]]


def test_head_gradients() -> None:
    x = variable([[1, 2], [3, 4]])
    with autograd.record():
        z = x * 2 * x
    z.backward(nd.array([[10, 1.0], [0.1, 0.01]]))
    numpy.testing.assert_allclose(x.grad.asnumpy(), [[40, 8], [1.2, 0.16]], rtol=1e-6)


def test_several_heads_are_summed_and_a_head_given_twice_counts_twice() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        a, b = x * 2, x * x
    autograd.backward([a, b], [None, nd.array([1.0, 0.0])], retain_graph=True)
    assert grads(x) == [[4.0, 2.0]]
    autograd.backward([a, a])
    assert grads(x) == [[4.0, 4.0]]


@pytest.mark.parametrize(
    "head, kind",
    [
        (nd.array([1, 2, 3]), InvalidValueError),
        (nd.array([[1, 2]]), InvalidValueError),
        (nd.array([1]), InvalidValueError),
        (nd.array([1, 2], dtype="float64"), InvalidTypeError),
        (3, NotAnArrayError),
        ([1, 2], MXNetError),
        (numpy.ones(2, "float32"), NotAnArrayError),
    ],
)
def test_a_head_gradient_that_does_not_fit_changes_nothing(head: object, kind: type[Exception]) -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        y = x * x
    with pytest.raises(kind) as caught:
        y.backward(head)
    assert isinstance(caught.value, MXNetError)
    assert grads(x) == [[0.0, 0.0]]
    y.backward()        # the graph is still there
    assert grads(x) == [[2.0, 4.0]]


def test_head_counts() -> None:
    x = variable([1.0])
    with autograd.record():
        y = x * x
    with pytest.raises(AssertionError, match="same length: 1 vs. 2"):
        autograd.backward([y], [None, None])
    with pytest.raises(MXNetError, match="There are no inputs"):
        autograd.backward([])


@pytest.mark.parametrize(
    "make",
    [
        lambda: nd.array([1.0]),
        lambda: nd.array([1.0]) * 2,
        lambda: variable([1.0]) * 2,
        lambda: variable([1.0]).detach(),
    ],
)
def test_what_was_not_recorded_cannot_be_differentiated(make: object) -> None:
    with pytest.raises(
        MXNetError, match="Cannot differentiate node because it is not in a computational graph"
    ):
        make().backward()       # type: ignore[operator]


def test_a_marked_array_is_its_own_head() -> None:
    x = variable([1.0, 2.0])
    x.backward()
    assert grads(x) == [[1.0, 1.0]]
    x.backward(nd.array([5.0, 6.0]))
    assert grads(x) == [[5.0, 6.0]]


def test_errors_name_the_line_of_whoever_called_whatever_is_in_between() -> None:
    calls: list[Callable[[nd.NDArray], nd.NDArray]] = [
        lambda x: x * 2,
        lambda x: x.norm(),
        lambda x: nd.transpose(x),
        lambda x: nd.concat(x, x, dim=0),
        lambda x: x.mean(axis=0),
        lambda x: list(map(nd.sum, [x]))[0],
    ]
    x = variable([1.0, 2.0])
    for call in [*calls, *calls[::-1], *calls[::2]]:        # each after different ones
        with autograd.record():
            y = call(x)
        y.backward()
        with pytest.raises(AutogradError) as caught:
            y.backward()
        assert f"(recorded at {__file__}:{call.__code__.co_firstlineno})" in str(caught.value)


def test_second_backward_needs_retain_graph_and_the_error_names_the_line() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        y = (x * x).sum()       # the line the error names
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(AutogradError, match="retain_graph=True") as caught:
        y.backward()
    assert HERE in str(caught.value)


def test_part_of_a_freed_graph_is_an_error_not_a_missing_gradient() -> None:
    x, w = variable([1.0]), variable([1.0])
    with autograd.record():
        a = x * 2
        b, c = a * 3, a * w
    b.backward()
    x.grad[:] = 7
    with pytest.raises(AutogradError, match="multiply .*was freed by an earlier backward"):
        c.backward()
    assert grads(x, w) == [[7.0], [0.0]]


def test_a_freed_result_is_a_constant_afterwards() -> None:
    x = variable([3.0])
    with autograd.record():
        y = x * x
    y.backward()
    with autograd.record():
        z = y * x
    z.backward()
    assert grads(x) == [[9.0]]


def test_backward_inside_record_is_not_recorded() -> None:
    x = variable([2.0])
    with autograd.record():
        y = x * x
        y.backward(retain_graph=True)
        z = x.grad * x
    z.backward()
    assert grads(x) == [[4.0]]


def test_broadcast_gradients_have_their_variables_shapes() -> None:
    x, y, s = variable(numpy.ones((2, 1, 3))), variable(numpy.ones((4, 1))), variable([2.0])
    with autograd.record():
        z = (x * y + y) * s
    z.backward()
    assert x.grad.shape == (2, 1, 3) and y.grad.shape == (4, 1) and s.grad.shape == (1,)
    assert x.grad.asnumpy().ravel().tolist() == [8.0] * 6
    assert y.grad.asnumpy().ravel().tolist() == [24.0] * 4
    assert s.grad.asnumpy().tolist() == [48.0]


def test_integer_variables_have_integer_gradients() -> None:
    x = nd.array([1, 2], dtype="int32")
    x.attach_grad()
    with autograd.record():
        y = x.astype("float32") * 2.5
    y.backward()
    assert x.grad.dtype is numpy.int32
    assert grads(x) == [[2, 2]]


def test_chain_of_two_hundred_thousand_ops() -> None:
    x = variable([1.0])
    with autograd.record():
        y = x
        for _ in range(200_000):
            y = y + x
    y.backward()
    assert grads(x) == [[200_001.0]]
    with autograd.record():
        for _ in range(200_000):
            y = y + x
    del y       # a graph that is dropped without backward


def test_training_does_not_grow_in_memory() -> None:
    w = variable(numpy.ones((64, 64)))
    data = nd.ones((32, 64))

    def steps(n: int) -> None:
        for _ in range(n):
            with autograd.record():
                loss = ((nd.dot(data, w) - 1) ** 2).mean()
            loss.backward()
            w[:] -= 0.01 * w.grad

    steps(500)
    gc.collect()
    objects, peak = len(gc.get_objects()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    gc.disable()        # what is left is freed by reference counts alone
    try:
        steps(10_000)
    finally:
        gc.enable()
    assert len(gc.get_objects()) - objects < 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 4_096       # KiB


# grad
# ------------------------------------------------------------------------------------------------------------


def test_grad_gives_a_list_and_leaves_the_buffers() -> None:
    x, y = variable([2.0]), variable([5.0])
    with autograd.record():
        z = x * y
    got = autograd.grad(z, [x, y], retain_graph=True)
    assert [g.asnumpy().tolist() for g in got] == [[5.0], [2.0]]
    assert grads(x, y) == [[0.0], [0.0]]
    (one,) = autograd.grad(z, x, head_grads=nd.array([3.0]))
    assert one.asnumpy().tolist() == [15.0]
    with pytest.raises(AutogradError):
        autograd.grad(z, x)


def test_grad_by_an_intermediate_result() -> None:
    x = variable([2.0])
    with autograd.record():
        h = x * x
        y = h * h
    (dh,) = autograd.grad(y, h)
    assert dh.asnumpy().tolist() == [8.0]


def test_what_grad_refuses() -> None:
    x, y, plain = variable([1.0]), variable([1.0]), nd.array([1.0])
    with autograd.record():
        z = x * 2
    for variables, text in (
        (plain, "1-th variable because it does not require gradient"),
        ([x, y], "2-th variable because it is unreachable"),
        ([], "cannot be an empty list"),
    ):
        with pytest.raises(MXNetError, match=text):
            autograd.grad(z, variables, retain_graph=True)


def test_any_order() -> None:
    x = variable([0.5, 1.5])
    with autograd.record():
        y = nd.sin(x) * x
        orders = [y]
        for _ in range(4):
            orders.append(autograd.grad(orders[-1], x, create_graph=True)[0])
    v = numpy.array([0.5, 1.5])
    s, c = numpy.sin(v), numpy.cos(v)
    for got, expected in zip(orders, (v * s, s + v * c, 2 * c - v * s, -3 * s - v * c, -4 * c + v * s)):
        numpy.testing.assert_allclose(got.asnumpy(), expected, rtol=2e-6)


def test_create_graph_works_outside_record_and_reaches_the_buffers() -> None:
    x = variable([3.0])
    with autograd.record():
        y = x ** 3
    (dy,) = autograd.grad(y, x, create_graph=True)
    dy.backward()
    assert grads(x) == [[18.0]]
    assert not autograd.is_recording()


def test_create_graph_without_retain_says_so_when_differentiated_again() -> None:
    x = variable([3.0])
    with autograd.record():
        y = nd.exp(x * x)
        (dy,) = autograd.grad(y, x, create_graph=True, retain_graph=False)
    with pytest.raises(AutogradError, match="freed"):
        dy.backward()
    assert grads(x) == [[0.0]]


# in place
# ---------------------------------------------------------------------------------------------------------


def test_writes_into_the_graph_are_refused_and_change_nothing() -> None:
    def add(a: nd.NDArray) -> None:
        a += 1

    def first(a: nd.NDArray) -> None:
        a[0] = 5

    def out(a: nd.NDArray) -> None:
        nd.exp(a, out=a)

    for write in (add, first, out):
        x = variable([1.0, 2.0])
        with autograd.record():
            y = x * 2
            for target in (x, y):
                before = target.asnumpy().tolist()
                with pytest.raises(
                    InplaceError, match="Assigning to NDArrays that are already in a computational graph"
                ):
                    write(target)
                assert target.asnumpy().tolist() == before
        y.backward()
        assert grads(x) == [[2.0, 2.0]]


def test_a_fresh_array_filled_while_recording_is_differentiable() -> None:
    x = variable([2.0, 3.0])
    with autograd.record():
        z = nd.zeros((3,))
        z[0:1] = x[0:1] * x[1:2]
        z[1:3] = x * x
        z[2] = 7                        # overwrites: no gradient through the old value
        y = z.sum()
    y.backward()
    assert z.asnumpy().tolist() == [6.0, 4.0, 7.0]
    assert grads(x) == [[3.0 + 4.0, 2.0]]


def test_a_recurrence_through_slice_assignment() -> None:
    x = variable([1.1])
    with autograd.record():
        z = nd.ones((5,))
        for i in range(1, 5):
            z[i] = z[i - 1] * x
    with autograd.record():
        last = z[4] * 1
    last.backward()
    numpy.testing.assert_allclose(x.grad.asnumpy(), [4 * 1.1 ** 3], rtol=1e-6)


def test_whole_array_assignment_and_out_into_a_fresh_array() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        z = nd.zeros((2,))
        z[:] = x * x
        q = nd.zeros((2,))
        nd.elemwise_add(z, x, out=q)
    q.backward()
    assert grads(x) == [[3.0, 5.0]]


def test_a_value_overwritten_before_backward_is_an_error_that_names_both_lines() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        h = x * 3
        y = h * h
    h[:] = 1
    with pytest.raises(InplaceError) as caught:
        y.backward()
    assert str(caught.value).count(HERE) == 2
    assert "multiply" in str(caught.value)
    assert grads(x) == [[0.0, 0.0]]


def test_a_write_through_a_view_is_noticed() -> None:
    x = variable([[1.0, 2.0], [3.0, 4.0]])
    row = x[0]
    with autograd.record():
        y = x * x
    row[:] = 0
    with pytest.raises(InplaceError):
        y.backward()


def test_overwriting_a_value_no_rule_needs_is_fine() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        h = x + 3
        y = h * 2
    h[:] = 0
    y.backward()
    assert grads(x) == [[2.0, 2.0]]


@pytest.mark.parametrize("name, call, given", [
    ("tanh", nd.tanh, "float32 (2, 3)"),        # a short node, one of one array, one of several
    ("softmax", nd.softmax, "float32 (2, 3); axis=-1"),
    ("dot", lambda x: nd.dot(x, nd.ones((3, 4))), "float32 (2, 3), float32 (3, 4)"),
])
@pytest.mark.parametrize("error, kind", [(ValueError, InvalidValueError), (MemoryError, OutOfMemoryError)])
def test_a_rule_that_fails_names_its_op(
    name: str, call: Callable[[nd.NDArray], nd.NDArray], given: str, error: type[Exception],
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*args: object, **params: object) -> None:
        raise error("no such luck")

    op = OPS[name]
    x = variable([[1, 2, 3], [4, 5, 6]])
    with autograd.record():
        y = call(x)
    monkeypatch.setattr(op, "vjps", (fails,) * len(op.vjps))
    if op.rule is not None:
        monkeypatch.setattr(op, "rule", fails)
    words = rf"^{name} \(recorded at .*{HERE}:\d+\): its gradient failed: no such luck \(called with "
    for again in (lambda: autograd.grad(y, x, retain_graph=True, create_graph=True), y.backward):
        with pytest.raises(kind, match=words + re.escape(given)):
            again()
    assert x.grad.asnumpy().tolist() == [[0] * 3] * 2


def test_updates_outside_record_keep_the_mark() -> None:
    x = variable([1.0, 2.0])
    with autograd.record():
        y = (x * x).sum()
    y.backward()
    x -= 0.1 * x.grad
    numpy.testing.assert_allclose(x.asnumpy(), [0.8, 1.6], rtol=1e-6)
    assert grads(x) == [[2.0, 4.0]]
    x = x - 0.1
    assert x.grad is None


def test_a_write_into_a_result_outside_record_makes_it_a_constant() -> None:
    x = variable([2.0])
    with autograd.record():
        h = x * 3
    h[:] = 10
    with autograd.record():
        y = h * x
    y.backward()
    assert grads(x) == [[10.0]]


def test_recorded_values_are_not_written_through_views() -> None:
    x = variable([1.0, 2.0])
    z = nd.zeros((2, 2))
    row = z[0]
    with autograd.record():
        with pytest.raises(InplaceError, match="view"):
            row[:] = x * x
        with pytest.raises(InplaceError, match="view"):
            z[0] = x * x
    assert z.asnumpy().tolist() == [[0.0, 0.0], [0.0, 0.0]]


# copies, cuts, kinks
# ----------------------------------------------------------------------------------------------


def test_what_carries_gradients_and_what_cuts_them() -> None:
    for carry in (
        lambda x: x.copy(),
        nd.array,
        lambda x: x.astype("float64"),
        lambda x: x.as_in_context(mx.cpu(1)),
        lambda x: x.reshape((1, 2)),
        lambda x: x[:],
        lambda x: nd.cast(x, "int32"),
    ):
        x = variable([1.0, 2.0])
        with autograd.record():
            y = carry(x)
        y.backward()
        assert grads(x) == [[1.0, 1.0]]
    for zero in (nd.sign, nd.floor, nd.argmax, lambda x: x > 1, nd.BlockGrad):
        x = variable([1.0, 2.0])
        x.grad[:] = 7
        with autograd.record():
            y = zero(x)
        y.backward()
        assert grads(x) == [[0.0, 0.0]]


@pytest.mark.parametrize("f, at, slope", [
    (nd.abs, [-1.0, 0.0, 2.0], [-1.0, 0.0, 1.0]), (nd.relu, [-1.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
    (nd.max, [1.0, 3.0, 3.0], [0.0, 1.0, 1.0]), (nd.min, [1.0, 1.0, 3.0], [1.0, 1.0, 0.0]),
    (lambda x: nd.maximum(x, 2), [1.0, 2.0, 3.0], [0.0, 1.0, 1.0]),
    (lambda x: nd.minimum(x, 2), [1.0, 2.0, 3.0], [1.0, 1.0, 0.0]),
    (lambda x: nd.clip(x, 0, 2), [-1.0, 0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
    (nd.norm, [0.0, 0.0], [0.0, 0.0]), (nd.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    (lambda x: x ** 0, [0.0, 2.0], [0.0, 0.0]), (nd.sqrt, [0.0, 4.0], [numpy.inf, 0.25]),
    (nd.log, [0.0, 2.0], [numpy.inf, 0.5]),
])
def test_kinks(f: object, at: list[float], slope: list[float]) -> None:
    x = variable(at)
    with autograd.record():
        y = f(x)        # type: ignore[operator]
    y.backward()
    assert grads(x) == [slope]


# custom functions
# -------------------------------------------------------------------------------------------------


class Scaled(autograd.Function):
    """x * k, whose backward multiplies by 100 k."""

    def __init__(self, k: float) -> None:
        super().__init__()
        self.k = k

    def forward(self, x: nd.NDArray) -> nd.NDArray:
        self.flags = autograd.is_recording(), autograd.is_training()
        return x * self.k

    def backward(self, dy: nd.NDArray) -> nd.NDArray:
        return dy * (100 * self.k)


def test_function_with_state_and_flags() -> None:
    x, f = variable([1.0, 2.0]), Scaled(3)
    with autograd.record():
        y = f(x).sum()
    y.backward()
    assert f.flags == (False, True)
    assert grads(x) == [[300.0, 300.0]]
    with pytest.raises(AssertionError, match="can only be called once"):
        f(x)


class Mixed(autograd.Function):
    def forward(self, x: nd.NDArray, y: nd.NDArray) -> tuple[nd.NDArray, ...]:
        self.save_for_backward(x, y)
        return 2 * x, 2 * x * y

    def backward(self, dx: nd.NDArray, dxy: nd.NDArray) -> tuple[nd.NDArray, ...]:
        x, y = self.saved_tensors
        return 2 * dx + 2 * y * dxy, 2 * x * dxy


def test_function_with_several_outputs_of_which_one_is_used() -> None:
    x, y = variable([1.0]), variable([3.0])
    with autograd.record():
        a, b = Mixed()(x, y)
    a.backward(retain_graph=True)
    assert grads(x, y) == [[2.0], [0.0]]
    b.backward()
    assert grads(x, y) == [[6.0], [2.0]]


def test_function_adds_skips_null_and_unmarked_inputs() -> None:
    x, y = variable([1.0], grad_req="add"), nd.array([3.0])
    for _ in range(2):
        with autograd.record():
            a, b = Mixed()(y, x)
            out = a + b
        out.backward()
    assert grads(x) == [[12.0]]


def test_function_has_second_derivatives() -> None:
    x, y = variable([2.0]), variable([3.0])
    with autograd.record():
        _, b = Mixed()(x, y)
        dx, dy = autograd.grad(b * b, [x, y], create_graph=True)
        (dx * dy).backward()
    # b*b = 4 x^2 y^2; dx = 8 x y^2, dy = 8 x^2 y; dx*dy = 64 x^3 y^3
    numpy.testing.assert_allclose(
        [x.grad.asscalar(), y.grad.asscalar()], [192 * 4 * 27, 192 * 8 * 9], rtol=1e-6
    )


def test_a_function_that_raises_is_heard_unchanged() -> None:
    class Boom(Exception):
        pass

    class F(autograd.Function):
        def __init__(self, where: str) -> None:
            super().__init__()
            self.where = where

        def forward(self, x: nd.NDArray) -> nd.NDArray:
            if self.where == "forward":
                raise Boom("forward")
            return x * 2

        def backward(self, dy: nd.NDArray) -> nd.NDArray:
            raise Boom("backward")

    x = variable([1.0])
    x.grad[:] = 7
    with autograd.record():
        with pytest.raises(Boom, match="forward"):
            F("forward")(x)
        assert autograd.is_recording()
        y = F("backward")(x)
    with pytest.raises(Boom, match="backward"):
        y.backward()
    assert grads(x) == [[7.0]]
    assert not autograd.is_recording()


@pytest.mark.parametrize("given, text", [
    (lambda d: (d, d), "2 gradients for 1 inputs"), (lambda d: 3.0, "is not an array"),
    (lambda d: nd.ones((5,)), r"shape \(5,\), input 0 of forward has \(1,\)"),
])
def test_what_a_custom_backward_returns_is_checked(given: object, text: str) -> None:
    class F(autograd.Function):
        def forward(self, x: nd.NDArray) -> nd.NDArray:
            return x * 2

        def backward(self, dy: nd.NDArray) -> object:
            return given(dy)        # type: ignore[operator]

    x = variable([1.0])
    with autograd.record():
        y = F()(x)
    with pytest.raises(AutogradError, match=text):
        y.backward()
    assert grads(x) == [[0.0]]


def test_function_without_init_without_arrays() -> None:
    class F(autograd.Function):
        def __init__(self) -> None:
            pass

    with pytest.raises(AttributeError, match="super"):
        F()(nd.ones((1,)))
    with pytest.raises(NotAnArrayError, match="input 0 must be an array"):
        Scaled(1)(3)
    with pytest.raises(NotImplementedError):
        autograd.Function()(nd.ones((1,)))


# the graph as a symbol
# --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 100, 700])        # copied, handed over, put off
def test_gradients_have_memory_of_their_own(size: int) -> None:
    x, w, b = (nd.random.normal(shape=(size, size)) for _ in range(3))
    for a in (x, w, b):
        a.attach_grad()
    ones = nd.ones((size, size))
    for _ in range(2):
        kept, part = x.grad, x.grad[1:3]
        with autograd.record():
            y = nd.dot(x, w) + b
        y.backward(ones)
        expected = numpy.ones((size, size), "float32") @ w.asnumpy().T
        numpy.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-4, atol=1e-4)
        assert kept is x.grad and (part.asnumpy() == x.grad.asnumpy()[1:3]).all()
        w *= 2
    b.grad[:] = 5
    assert ones.asnumpy().max() == 1, "the head gradient, which is b's, was not written"
    with autograd.record():
        y = x + w
    y.backward()
    x.grad[:] = 5
    assert w.grad.asnumpy().max() == 1


def test_get_symbol() -> None:
    x, w = variable([1.0]), variable([2.0])
    with autograd.record():
        y = nd.exp(x * w) + x
    symbol = autograd.get_symbol(y)
    assert symbol.list_arguments() == ["var0", "var1"]
    assert symbol.list_ops() == ["multiply", "exp", "add"]
    assert '"op": "exp"' in symbol.tojson() and HERE in symbol.tojson()
    assert "exp(node_0)" in str(symbol)
    with pytest.raises(MXNetError, match="Did you forget to turn on recording"):
        autograd.get_symbol(nd.ones((1,)))
