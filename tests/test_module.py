"""mx.mod, mx.executor, mx.monitor, mx.log: the runs of MXNet 1.9.1 (data/record_module.py), files, errors."""
from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import nd, sym
from mxgrad.base import InvalidTypeError, InvalidValueError, MXNetError
from mxgrad.module import NotReadyError, PythonModule

DATA = Path(__file__).parent / "data"
_spec = importlib.util.spec_from_file_location("record_module", DATA / "record_module.py")
assert _spec and _spec.loader
record_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(record_module)
RECORDED = json.loads((DATA / "module_1.9.1.json").read_text())


@pytest.fixture(autouse=True)
def fresh_names() -> Iterator[None]:
    with mx.name.NameManager():
        yield


@pytest.fixture(scope="module")
def found() -> Any:
    return record_module.runs(mx)


def same(got: Any, expected: Any, tolerance: float) -> None:
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        for name in expected:
            same(got[name], expected[name], tolerance)
    elif isinstance(expected, list):
        assert len(got) == len(expected)
        for a, b in zip(got, expected):
            same(a, b, tolerance)
    elif isinstance(expected, str) and "=" in expected and "..." not in expected:
        (a, _, number), (b, _, wanted) = got.rpartition("="), expected.rpartition("=")
        assert a == b and float(number) == pytest.approx(float(wanted), abs=tolerance)
    elif isinstance(expected, float):
        assert got == pytest.approx(expected, abs=tolerance)
    else:
        assert got == expected


@pytest.mark.parametrize("run", [n for n in RECORDED if n != "watched"])
def test_runs_are_mxnets(found: Any, run: str) -> None:
    """Lines of the log, parameters, predictions, scores and shapes."""
    same(found[run], RECORDED[run], 1e-5)


def test_what_a_monitor_sees_is_what_mxnets_sees(found: Any) -> None:
    expected = {(step, name): value for step, name, value in RECORDED["watched"]}
    got = {(step, name): value for step, name, value in found["watched"]}
    assert got == {key: pytest.approx(expected[key], abs=1e-5) for key in got}
    # The gradients of arguments only, not those in between.
    assert {name for _, name in expected} - {name for _, name in got} == {
        "softmax_backward_output0", "relu1_backward_output", "fc2_backward_output0"}


# -- modules ------------------------------------------------------------------------------------------------


def bound(**options: Any) -> Any:
    module = mx.mod.Module(record_module.network(mx), **options)
    module.bind([("data", (4, 6))], [("softmax_label", (4,))], inputs_need_grad=True)
    return module


def ready(**options: Any) -> Any:
    module = bound(**options)
    module.init_params(mx.init.Normal(0.5))
    module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
    return module


def batch(n: int = 4) -> Any:
    x, y = record_module.examples()
    return mx.io.DataBatch([nd.array(x[:n])], [nd.array(y[:n])])


def step(module: Any) -> None:
    module.forward_backward(batch())
    module.update()


def params(module: Any) -> dict[str, numpy.ndarray]:
    return {n: a.asnumpy() for n, a in module.get_params()[0].items()}


@pytest.mark.parametrize("contexts", [1, 2])
def test_checkpoint_goes_on_where_it_was(tmp_path: Path, contexts: int) -> None:
    context = [mx.cpu(i) for i in range(contexts)]
    module = ready(context=context)
    step(module)
    module.save_checkpoint(str(tmp_path / "net"), 7, save_optimizer_states=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "net-0007.params", "net-0007.states", "net-symbol.json"]
    again = mx.mod.Module.load(str(tmp_path / "net"), 7, True, context=context)
    again.bind([("data", (4, 6))], [("softmax_label", (4,))])
    again.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": 0.9})
    for m in (module, again):
        step(m)
    for name, value in params(module).items():
        numpy.testing.assert_array_equal(params(again)[name], value)
    other = bound()
    other.load_params(str(tmp_path / "net-0007.params"))
    assert other.params_initialized


def test_buckets_in_files(tmp_path: Path) -> None:
    def graph(length: int) -> Any:
        data = sym.slice_axis(sym.var("data"), axis=1, begin=0, end=1)
        return sym.FullyConnected(data, num_hidden=length, name="fc", no_bias=True), ["data"], []

    module = mx.mod.BucketingModule(graph, 2)
    module.bind([("data", (1, 3))])
    module.init_params(mx.init.One())
    module.save_checkpoint(str(tmp_path / "net"), 1)
    again = mx.mod.BucketingModule.load(str(tmp_path / "net"), 1, graph, 2)
    again.bind([("data", (1, 3))])
    again.forward(mx.io.DataBatch([nd.array([[5, 6, 7]])], bucket_key=2, provide_data=[("data", (1, 3))]))
    assert again.get_outputs()[0].asnumpy().tolist() == [[5, 5]]
    with pytest.raises(InvalidValueError, match="sym_gen is needed"):
        mx.mod.BucketingModule.load(str(tmp_path / "net"), 1)
    with pytest.raises(InvalidValueError, match="no graph of the bucket 3"):
        mx.mod.BucketingModule.load(str(tmp_path / "net"), 1, graph, 3)


def test_batches_of_other_sizes_share_the_parameters() -> None:
    module = ready()
    for n in (4, 3, 6, 4):
        module.forward(batch(n))
        module.backward()
        assert module.get_outputs()[0].shape == (n, 3)
        assert module.get_input_grads()[0].shape == (n, 6)
        before = params(module)
        module.update()
        assert any((params(module)[k] != before[k]).any() for k in before)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # there are no labels in it
        assert module.predict(record_module.examples()[0][:7]).shape == (7, 3)


def test_prediction_without_what_fills_the_last_batch() -> None:
    module = ready()
    data = mx.io.NDArrayIter(record_module.examples()[0][:10], record_module.examples()[1][:10], 4)
    whole = module.predict(data)
    assert whole.shape == (10, 3)
    assert [out.shape[0] for (out,) in module.predict(data, merge_batches=False)] == [4, 4, 2]
    assert len(module.predict(data, num_batch=1, always_output_list=True)) == 1
    with pytest.raises(InvalidTypeError, match="NDArray or DataIter, got list"):
        module.predict([1, 2])


def test_fixed_parameters_and_requests() -> None:
    module = ready(fixed_param_names=["fc1_weight"])
    before = params(module)
    step(module)
    changed = {n for n, a in params(module).items() if (a != before[n]).any()}
    assert changed == {"fc1_bias", "fc2_weight", "fc2_bias"}
    module = mx.mod.Module(record_module.network(mx))
    module.bind([("data", (4, 6))], [("softmax_label", (4,))], grad_req="add")
    module.init_params()
    gradients = []
    for _ in range(2):
        module.forward_backward(batch())
        gradients.append(module._execs[0].grad_dict["fc2_bias"].asnumpy())
    numpy.testing.assert_allclose(gradients[1], 2 * gradients[0], rtol=1e-5)


def test_states_stay_from_batch_to_batch() -> None:
    total = sym.var("data") + sym.var("state", shape=(1, 2))
    module = mx.mod.Module(total, label_names=None, state_names=["state"])
    module.bind([("data", (1, 2))])
    module.init_params()
    module.set_states(value=5)
    for expected in (6, 7):
        module.forward(mx.io.DataBatch([nd.ones((1, 2))]), is_train=False)
        module.set_states(states=module.get_outputs(merge_multi_context=False))
        assert module.get_states(merge_multi_context=False)[0][0].asnumpy().tolist() == [[expected] * 2]
    with pytest.raises(InvalidValueError, match="one of states and value"):
        module.set_states()


def test_a_batch_for_each_context() -> None:
    module = mx.mod.Module(record_module.network(mx), context=[mx.cpu(0), mx.cpu(1)],
                           work_load_list=[1, 1])
    module.bind([("data", (8, 6))], [("softmax_label", (8,))])
    module.init_params()
    found = mx.metric.create("acc")
    module.forward([batch(), batch()])
    module.update_metric(found, [batch().label, batch().label], pre_sliced=True)
    first, second = module.get_outputs(merge_multi_context=False)[0]
    numpy.testing.assert_array_equal(first.asnumpy(), second.asnumpy())
    assert found.num_inst == 8 and first.context != second.context


@pytest.mark.parametrize("call, what", [
    (lambda m: m.forward(batch()), "call bind first"),
    (lambda m: (m.bind([("data", (4, 6))]), m.forward(batch())), "call init_params first"),
    (lambda m: (m.bind([("data", (4, 6))]), m.init_params(), m.update()), "call init_optimizer first"),
    (lambda m: m.get_params(), "call init_params first"),
    (lambda m: m.output_shapes, "call bind first"),
    (lambda m: (m.bind([("data", (4, 6))], for_training=False), m.init_params(), m.backward()),
     "for_training=True"),
    (lambda m: (m.bind([("data", (4, 6))]), m.init_params(), m.get_input_grads()), "inputs_need_grad=True"),
])
@pytest.mark.filterwarnings("ignore:Data provided by label_shapes")
def test_what_has_to_come_first(call: Any, what: str) -> None:
    with pytest.raises(NotReadyError, match=what):
        call(mx.mod.Module(record_module.network(mx)))
    assert issubclass(NotReadyError, AssertionError) and issubclass(NotReadyError, MXNetError)


@pytest.mark.parametrize("call, what", [
    (lambda net: mx.mod.Module(net, data_names=["x"]), "'x' is not found.*data, softmax_label"),
    (lambda net: mx.mod.Module(net, fixed_param_names=["w"]), "'w' is not found"),
    (lambda net: mx.mod.Module(net, context=[mx.cpu()], work_load_list=[1, 2]), "work_load_list has 2"),
    (lambda net: mx.mod.Module(net).bind([("x", (4, 6))]), "don't match names specified by data_names"),
    (lambda net: mx.mod.Module(net).bind([("data", (4, 6))], [("softmax_label", (3,))]), "same batch size"),
    (lambda net: mx.mod.Module(net, context=[mx.cpu(0), mx.cpu(1)]).bind(
        [("data", (1, 6))], [("softmax_label", (1,))]), "too small for 2 contexts"),
    (lambda net: mx.mod.Module(net).fit(None), "num_epoch"),
    (lambda net: ready().init_params(arg_params={"fc1_weight": nd.ones((5, 6))}, force_init=True),
     "fc1_bias, fc2_weight, fc2_bias are not presented"),
    (lambda net: ready().set_params({**ready().get_params()[0], "fc3": nd.ones(1)}, {}), "fc3: there are no"),
    (lambda net: ready().set_params({**ready().get_params()[0], "fc1_bias": nd.ones(1)}, {}),
     r"fc1_bias has shape \(5,\), got one of shape \(1,\)"),
    (lambda net: ready().forward(mx.io.DataBatch([nd.ones((4, 6))] * 2)), "2 arrays for data"),
    (lambda net: mx.mod.BucketingModule(lambda key: None), "default_bucket_key"),
    (lambda net: mx.mod.SequentialModule().bind([("data", (1, 1))]), "there are no modules"),
    (lambda net: mx.mod.PythonLossModule(data_names=["a", "b"]), "one name of data"),
])
def test_what_does_not_fit(call: Any, what: str) -> None:
    with pytest.raises(InvalidValueError, match=what):
        call(record_module.network(mx))


def test_parameters_stay_when_others_do_not_fit() -> None:
    module = ready()
    before = params(module)
    with pytest.raises(InvalidValueError):
        module.set_params({"fc1_bias": nd.ones(5), "fc1_weight": nd.ones(1)}, {}, allow_missing=True)
    for name, value in params(module).items():
        numpy.testing.assert_array_equal(before[name], value)
    module.set_params({"fc1_bias": nd.ones(5)}, {}, allow_missing=True)
    assert params(module)["fc1_bias"].tolist() == [1] * 5
    numpy.testing.assert_array_equal(before["fc1_weight"], params(module)["fc1_weight"])


def test_things_done_twice(caplog: pytest.LogCaptureFixture) -> None:
    module = ready()
    module.bind([("data", (4, 6))])
    module.init_optimizer()
    assert caplog.messages == ["Already bound, ignoring bind()", "optimizer already initialized, ignoring..."]
    with pytest.warns(UserWarning, match="init_params call ignored"):
        module.init_params()
    with pytest.raises(InvalidTypeError, match="Unknown meta"):
        mx.mod.SequentialModule().add(module, take_label=True)
    with pytest.warns(UserWarning, match="rescale_grad is not normalized"):
        module.init_optimizer(optimizer=mx.optimizer.SGD(), force_init=True)
    with pytest.warns(UserWarning, match="'softmax_label' is not found"):
        mx.mod.Module(sym.var("data") * 2)


def test_other_things_that_are_written_in_python() -> None:
    class Doubled(PythonModule):
        def _compute_output_shapes(self) -> Any:
            return [("out_output", self.data_shapes[0][1])]

        def forward(self, data_batch: Any, is_train: bool | None = None) -> None:
            self._out = data_batch.data[0] * 2

        def get_outputs(self, merge_multi_context: bool = True) -> list[Any]:
            return [self._out]

    module = Doubled(["data"], None, ["out_output"])
    module.bind([("data", (2,))])
    module.init_params()
    assert module.predict(nd.ones(2)).asnumpy().tolist() == [2, 2] and module.get_params() == ({}, {})
    with pytest.raises(NotImplementedError, match="Doubled does not define backward"):
        module.backward()
    with pytest.raises(InvalidValueError, match=r"data_shapes are of \['x'\], not \['data'\]"):
        module.bind([("x", (2,))], force_rebind=True)


# -- executors ----------------------------------------------------------------------------------------------


def layer() -> Any:
    return sym.FullyConnected(sym.var("data"), num_hidden=3, name="fc")


def test_missing_inputs_become_variables() -> None:
    x = sym.var("data")
    cases: dict[str, dict[str, Any]] = {
        "SoftmaxOutput": {}, "LinearRegressionOutput": {}, "elemwise_add": {}, "where": {}, "Dropout": {},
        "Embedding": {"input_dim": 2, "output_dim": 2}, "Deconvolution": {"kernel": (1, 1), "num_filter": 1},
        "SequenceMask": {}, "LayerNorm": {}, "CTCLoss": {"use_label_lengths": True},
        "RNN": {"mode": "lstm", "state_size": 2, "num_layers": 1}, "BilinearSampler": {}}
    assert {op: getattr(sym, op)(x, name="o", **given).list_arguments()[1:]
            for op, given in cases.items()} == {
        "SoftmaxOutput": ["o_label"], "LinearRegressionOutput": ["o_label"], "elemwise_add": ["o_rhs"],
        "where": ["o_x", "o_y"], "Dropout": [], "Embedding": ["o_weight"], "Deconvolution": ["o_weight"],
        "SequenceMask": [], "LayerNorm": ["o_gamma", "o_beta"], "CTCLoss": ["o_label", "o_label_lengths"],
        "RNN": ["o_parameters", "o_state", "o_state_cell"], "BilinearSampler": ["o_grid"]}
    assert sym.LeakyReLU(x, act_type="prelu", name="p").list_arguments() == ["data", "p_gamma"]
    assert sym.LeakyReLU(x, name="p").list_arguments() == ["data"]
    assert sym.FullyConnected(num_hidden=3, name="f").list_arguments() == ["f_data", "f_weight", "f_bias"]


@pytest.mark.parametrize("net, shapes, expected", [
    (sym.SoftmaxOutput(sym.var("x"), name="o"), {"x": (4, 3)}, [(4, 3), (4,)]),
    (sym.SoftmaxOutput(sym.var("x"), name="o", multi_output=True), {"x": (4, 3, 5)}, [(4, 3, 5), (4, 5)]),
    (sym.LinearRegressionOutput(sym.var("x"), name="o"), {"x": (4, 1)}, [(4, 1), (4,)]),
    (sym.MAERegressionOutput(sym.var("x"), name="o"), {"x": (4, 3)}, [(4, 3), (4, 3)]),
    (sym.LeakyReLU(sym.var("x"), act_type="prelu"), {"x": (4, 3, 2)}, [(4, 3, 2), (3,)]),
    (sym.RNN(sym.var("x"), mode="lstm", state_size=5, num_layers=2, bidirectional=True), {"x": (7, 4, 3)},
     [(7, 4, 3), (1080,), (4, 4, 5), (4, 4, 5)]),
])
def test_shapes_of_what_is_not_given(net: Any, shapes: Any, expected: Any) -> None:
    assert net.infer_shape(**shapes)[0] == expected


def test_attributes() -> None:
    with mx.AttrScope(ctx_group="g"):
        w = sym.var("w", lr_mult=2, init=mx.init.One(), shape=(3, 4), dtype="float16", __mood__="x")
        out = sym.FullyConnected(sym.var("data"), w, num_hidden=3, name="fc", attr={"__a__": "1"}, wd_mult=0)
    assert w.list_attr() == {
        "lr_mult": "2", "ctx_group": "g", "__ctx_group__": "g", "__shape__": "(3, 4)", "__lr_mult__": "2",
        "__dtype__": "2", "__init__": '["one", {}]', "__mood__": "x"}
    assert out.attr_dict()["fc"] == {
        "num_hidden": "3", "ctx_group": "g", "__ctx_group__": "g", "wd_mult": "0", "__wd_mult__": "0",
        "__a__": "1"}
    assert out.attr_dict()["fc_bias"]["__a__"] == "1"
    again = sym.load_json(out.tojson())
    assert again.attr_dict() == out.attr_dict()
    out._set_attr(lr_mult="3")
    assert out.attr("lr_mult") == out.attr("__lr_mult__") == "3"
    norm = sym.BatchNorm(sym.var("x"), name="bn")
    assert norm.attr_dict() == {"bn_moving_mean": {"__init__": '["zero", {}]'},
                                "bn_moving_var": {"__init__": '["one", {}]'}}
    with pytest.raises(InvalidValueError, match="two underscores, got 'mood'"):
        sym.FullyConnected(sym.var("x"), num_hidden=1, attr={"mood": "x"})
    with pytest.raises(InvalidValueError, match="Attribute name=mood is not supported"):
        sym.var("x", mood="x")


def test_dtypes() -> None:
    float16 = numpy.float16
    assert sym.BatchNorm(layer(), name="bn").infer_type("float16") == (
        [float16] * 5, [float16], [numpy.float32] * 2)
    assert layer().infer_type()[1] == [numpy.float32]
    executor = layer().simple_bind(mx.cpu(), data=(2, 4), type_dict={"data": "float16"})
    assert {a.dtype for a in executor.arg_arrays} == {float16}


def test_executor_with_arrays_given() -> None:
    x, w = nd.array([[1, 2]]), nd.array([[3, 4]])
    gradient = nd.zeros((1, 2))
    net = sym.FullyConnected(sym.var("x"), sym.var("w"), num_hidden=1, no_bias=True, name="fc")
    for args in ([x, w], {"x": x, "w": w}):
        executor = net.bind(mx.cpu(), args, {"w": gradient}, {"w": "add"})
        executor.forward(is_train=True)
        executor.backward({"fc_output": nd.ones((1, 1))})
        assert executor.grad_dict["x"] is None and executor.output_dict["fc_output"].asscalar() == 11
    assert gradient.asnumpy().tolist() == [[2, 4]]
    w[:] = 1        # the executor's own
    assert executor.forward()[0].asscalar() == 3 and x.grad is None


def test_heads_that_are_losses_need_no_gradients() -> None:
    h = layer()
    both = sym.Group([sym.MakeLoss(sym.sum(h)), sym.BlockGrad(h)])
    executor = both.simple_bind(mx.cpu(), data=(2, 4))
    executor.forward(is_train=True, data=numpy.ones((2, 4)))
    executor.backward()
    assert executor.grad_dict["fc_weight"].asnumpy().tolist() == [[2] * 4] * 3


@pytest.mark.parametrize("call, kind, what", [
    (lambda e: e.forward(foo=nd.ones(1)), InvalidTypeError, "Unknown argument foo"),
    (lambda e: e.forward(data=[1]), InvalidTypeError, "data is a list"),
    (lambda e: e.forward(data=nd.ones((1, 4))), InvalidValueError, r"need: \(2, 4\), received: \(1, 4\)"),
    (lambda e: e.backward(), MXNetError, r"forward\(is_train=True\) first"),
    (lambda e: (e.forward(), e.backward(nd.ones((2, 3)))), MXNetError, r"forward\(is_train=True\) first"),
    (lambda e: (e.forward(True), e.backward()), InvalidValueError, "fc_output is no loss"),
    (lambda e: (e.forward(True), e.backward([nd.ones(1)] * 2)), InvalidValueError, "2 gradients are given"),
    (lambda e: (e.forward(True), e.backward([1])), InvalidTypeError, "must be NDArray, got int"),
    (lambda e: e.copy_params_from({"fc": nd.ones(1)}), InvalidValueError, 'Find name "fc"'),
    (lambda e: e.copy_params_from({"fc_bias": nd.ones(1)}), InvalidValueError, r"has shape \(3,\)"),
    (lambda e: layer().simple_bind(mx.cpu()), InvalidValueError, "shape of data"),
    (lambda e: layer().simple_bind(mx.cpu(), "foo", data=(1, 2)), MXNetError, "grad_req"),
    (lambda e: layer().simple_bind(mx.cpu(), ["null"], data=(1, 2)), InvalidValueError, "3 arguments"),
    (lambda e: layer().bind(mx.cpu(), {"data": nd.ones((2, 4))}), InvalidValueError,
     "`fc_weight` is missing in `args`"),
    (lambda e: layer().bind(mx.cpu(), [nd.ones((2, 4))]), InvalidValueError, "Length of args"),
    (lambda e: layer().bind(mx.cpu(), [1, 2, 3]), InvalidTypeError, "data in args is a int"),
    (lambda e: layer().bind(mx.cpu(), e.arg_dict, {"fc_bias": nd.ones(1)}), InvalidValueError,
     r"fc_bias has shape \(3,\), its gradient \(1,\)"),
])
def test_what_executors_refuse(call: Any, kind: type[Exception], what: str) -> None:
    with pytest.raises(kind, match=what):
        call(layer().simple_bind(mx.cpu(), data=(2, 4)))


def test_what_is_known_of_shapes() -> None:
    u: Any = sym.var("u")
    both = sym.Group([layer(), u * 2])
    assert both.infer_shape_partial(data=(2, 4)) == ([(2, 4), (3, 4), (3,), ()], [(2, 3), ()], [])
    assert both.infer_shape_partial()[0] == [()] * 4
    with pytest.raises(InvalidValueError, match="_mulscalar0: the shape of u does not follow"):
        both.infer_shape(data=(2, 4))


def test_executors_of_other_shapes_share_arrays() -> None:
    executor = layer().simple_bind(mx.cpu(), data=(2, 4))
    other = executor.reshape(data=(5, 4))
    assert other.arg_dict["fc_weight"] is executor.arg_dict["fc_weight"]
    assert other.grad_dict["fc_weight"] is executor.grad_dict["fc_weight"]
    assert other.outputs[0].shape == (5, 3) and other.arg_dict["data"].shape == (5, 4)
    with pytest.raises(InvalidValueError):
        executor.reshape(data=(5, 3)).forward()
    assert executor.reshape(partial_shaping=True, data=(5, 3)).arg_dict["fc_weight"].shape == (3, 3)


def test_monitor_of_everything() -> None:
    executor = layer().simple_bind(mx.cpu(), data=(2, 4))
    monitor = mx.mon.Monitor(1, monitor_all=True)
    monitor.install(executor)
    monitor.tic()
    executor.forward(data=numpy.full((2, 4), 3))
    assert [(step, name, float(text)) for step, name, text in monitor.toc()] == [
        (1, "data", 3), (1, "fc_data", 3), (1, "fc_weight", 0), (1, "fc_weight", 0), (1, "fc_bias", 0),
        (1, "fc_bias", 0), (1, "fc_output", 0), (1, "data", 3), (1, "fc_weight", 0), (1, "fc_bias", 0)]
    assert monitor.toc() == []
    monitor.stat_func = lambda array: 1
    monitor.tic()
    executor.forward()
    with pytest.raises(InvalidTypeError, match="gave a int for data"):
        monitor.toc()


# -- log ----------------------------------------------------------------------------------------------------


def test_lines_of_a_logger(tmp_path: Path) -> None:
    logger = mx.log.get_logger("test_lines_of_a_logger", level=mx.log.INFO)
    assert logger.isEnabledFor(logging.INFO) and not logger.isEnabledFor(logging.DEBUG)
    handler = logger.handlers[0]
    text = handler.format(logging.makeLogRecord({
        "levelno": logging.WARNING, "msg": "x", "pathname": "p.py", "funcName": "f", "lineno": 3,
        "process": 12, "created": 0}))
    assert text.startswith("\x1b[31mW") and text.endswith(" 12 p.py:f:3]\x1b[0m x")
    assert len(text.split()[0]) == len("\x1b[31mW0101")
    path = tmp_path / "log"
    with pytest.warns(DeprecationWarning, match="Use get_logger instead"):
        other = mx.log.getLogger("test_lines_of_a_logger.file", str(path), level=mx.log.WARNING)
    other.warning("written")
    other.handlers[0].close()
    assert path.read_text() == "written\n"
    assert mx.log.get_logger("test_lines_of_a_logger.file").handlers == other.handlers
