"""Writes module_1.9.1.json: what mx.mod of MXNet 1.9.1 trains, logs and watches.

    python tests/data/record_module.py tests/data/module_1.9.1.json     (with a Python that has MXNet 1.9.1)

The runs are made with whatever package has MXNet's names: this module is also what the test runs.
"""
from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import numpy


def examples() -> tuple[numpy.ndarray, numpy.ndarray]:
    """150 points of 6 numbers in 3 classes."""
    rng = numpy.random.RandomState(0)
    x = rng.rand(150, 6).astype("float32")
    return x, (x - 0.5).dot(rng.randn(6, 3)).argmax(1).astype("float32")


def network(mx: Any, norm: bool = False) -> Any:
    h = mx.sym.FullyConnected(mx.sym.var("data"), name="fc1", num_hidden=5, no_bias=norm)
    if norm:
        h = mx.sym.BatchNorm(h, name="bn1", fix_gamma=False)
    h = mx.sym.Activation(h, name="relu1", act_type="relu")
    weight = mx.sym.var("fc2_weight", lr_mult=0.5, wd_mult=2, init=mx.init.Normal(0.3))
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(h, weight, name="fc2", num_hidden=3), name="softmax")


class Log(logging.Handler):
    """Keeps the messages, but the times."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(re.sub(r"cost=.*|Speed: .*/sec", "...", record.getMessage()))


def lists(arrays: Any) -> Any:
    return {name: a.asnumpy().tolist() for name, a in sorted(arrays.items())}


def fit(mx: Any, contexts: int, norm: bool, **options: Any) -> dict[str, Any]:
    """Train for three epochs; what the log says, the parameters and predictions."""
    x, y = examples()
    mx.random.seed(3)
    numpy.random.seed(3)
    train = mx.io.NDArrayIter(x[:110], y[:110], 20, last_batch_handle="pad")
    test = mx.io.NDArrayIter(x[110:], y[110:], 16)
    module = mx.mod.Module(network(mx, norm), context=[mx.cpu(i) for i in range(contexts)])
    log = Log()
    logging.getLogger().addHandler(log)
    logging.getLogger().setLevel(logging.INFO)
    try:
        module.fit(train, eval_data=test, num_epoch=3,
                   batch_end_callback=mx.callback.log_train_metric(3), **options)
    finally:
        logging.getLogger().removeHandler(log)
        logging.getLogger().setLevel(logging.WARNING)
    arg_params, aux_params = module.get_params()
    return {"log": log.lines, "arg": lists(arg_params), "aux": lists(aux_params),
            "predicted": module.predict(test).asnumpy().tolist(),
            "score": [[n, float(v)] for n, v in module.score(test, ["acc", "ce"])],
            "output_shapes": [[n, list(s)] for n, s in module.output_shapes]}


def buckets(mx: Any) -> dict[str, Any]:
    """Two buckets of a sum over time; parameters after four batches."""
    def graph(length: int) -> Any:
        data = mx.sym.var("data")
        weight, bias = mx.sym.var("fc_weight"), mx.sym.var("fc_bias")
        steps = [mx.sym.FullyConnected(
            mx.sym.slice_axis(data, axis=1, begin=t, end=t + 1), weight, bias, num_hidden=3,
            name=f"t{t}") for t in range(length)]
        total = steps[0]
        for step in steps[1:]:
            total = total + step
        return mx.sym.SoftmaxOutput(total, name="softmax"), ["data"], ["softmax_label"]

    x, y = examples()
    mx.random.seed(5)
    module = mx.mod.BucketingModule(graph, default_bucket_key=6)
    module.bind([("data", (10, 6))], [("softmax_label", (10,))])
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.05})
    metric = mx.metric.create("ce")
    shapes = []
    for i, length in enumerate([6, 4, 6, 4]):
        data, label = mx.nd.array(x[10 * i:10 * i + 10, :length]), mx.nd.array(y[10 * i:10 * i + 10])
        batch = mx.io.DataBatch([data], [label], bucket_key=length, provide_data=[("data", data.shape)],
                                provide_label=[("softmax_label", label.shape)])
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
        shapes.append([list(s) for _, s in module.data_shapes])
    return {"arg": lists(module.get_params()[0]), "metric": float(metric.get()[1]), "shapes": shapes}


def chain(mx: Any) -> dict[str, Any]:
    """A layer, a layer and a loss in Python, one after the other, trained for two epochs."""
    x, y = examples()
    mx.random.seed(7)
    first = mx.sym.FullyConnected(mx.sym.var("data"), name="fc1", num_hidden=5)
    second = mx.sym.FullyConnected(mx.sym.Activation(mx.sym.var("data"), act_type="tanh"), name="fc2",
                                   num_hidden=3)

    def gradient(scores: Any, labels: Any) -> Any:
        return mx.nd.softmax(scores) - mx.nd.one_hot(labels, 3)

    module = mx.mod.SequentialModule()
    module.add(mx.mod.Module(first, label_names=[]))
    module.add(mx.mod.Module(second, label_names=[]), auto_wiring=True)
    module.add(mx.mod.PythonLossModule(grad_func=gradient), take_labels=True, auto_wiring=True)
    module.fit(mx.io.NDArrayIter(x, y, 30), num_epoch=2, initializer=mx.init.Xavier(),
               optimizer_params={"learning_rate": 0.1})
    return {"arg": lists(module.get_params()[0]), "output_shapes": [
        [n, list(s)] for n, s in module.output_shapes]}


def watched(mx: Any) -> list[Any]:
    """The statistics of a monitor: number, name and mean."""
    x, y = examples()
    executor = network(mx).simple_bind(mx.cpu(), data=(4, 6))
    mx.random.seed(9)
    for _, array in sorted(executor.arg_dict.items()):
        array[:] = mx.nd.random.normal(shape=array.shape)
    monitor = mx.mon.Monitor(2, lambda array: mx.nd.array([array.abs().mean().asscalar()]), sort=True,
                             pattern=".*weight|.*output.*|data")
    monitor.install(executor)
    found = []
    for i in range(3):
        monitor.tic()
        executor.forward(is_train=True, data=mx.nd.array(x[4 * i:4 * i + 4]),
                         softmax_label=mx.nd.array(y[4 * i:4 * i + 4]))
        executor.backward()
        found += [[step, name, float(text)] for step, name, text in monitor.toc()]
    return found


def runs(mx: Any) -> dict[str, Any]:
    return {
        "sgd": fit(mx, 1, False, optimizer_params={"learning_rate": 0.5, "wd": 0.01}),
        "adam": fit(mx, 1, True, optimizer="adam", optimizer_params={"learning_rate": 0.02},
                    eval_metric=["acc", "ce"], initializer=mx.init.Xavier()),
        "two contexts": fit(mx, 2, True, optimizer_params={"learning_rate": 0.3, "momentum": 0.9},
                            initializer=mx.init.Xavier(), validation_metric="ce"),
        "two contexts, no store": fit(mx, 2, False, optimizer_params={"learning_rate": 0.3},
                                      kvstore=None, initializer=mx.init.Xavier()),
        "buckets": buckets(mx), "chain": chain(mx), "watched": watched(mx)}


if __name__ == "__main__":
    import mxnet

    with open(sys.argv[1], "w") as file:
        lines = (f" {json.dumps(name)}: {json.dumps(found)}" for name, found in runs(mxnet).items())
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
