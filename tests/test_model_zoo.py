"""gluon.model_zoo: the parts, parameters and outputs of MXNet's models (tests/data/record_model_zoo.py)."""
from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

import mxgrad as mx
from mxgrad import gluon, nd, npx
from mxgrad.gluon.model_zoo import get_model, model_store, vision

DATA = Path(__file__).parent / "data"
RECORDED = {v: json.loads((DATA / f"model_zoo_{v}.json").read_text()) for v in ("1.9.1", "2.0")}
LARGE = ("densenet161", "densenet169", "densenet201", "inception_v3(classes=5)", "inceptionv3")


def slow(name: str, *values: Any) -> Any:
    """A case, marked as slow if its model is large."""
    return pytest.param(*values, marks=[pytest.mark.slow] * (name in LARGE), id=name)


MODELS = [slow(name, name) for name in sorted(RECORDED["1.9.1"]["models"])]
OUTPUTS = [slow(o["source"], i) for i, o in enumerate(RECORDED["1.9.1"]["outputs"])]


@contextlib.contextmanager
def version(number: str) -> Iterator[Any]:
    """The flavour of that MXNet, and its function that makes arrays."""
    with npx.np_shape(number == "2.0"), npx.np_array(number == "2.0"):
        yield mx.np.array if number == "2.0" else nd.array


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def values(name: str, shape: Any, number: int) -> Any:
    """As in record_model_zoo.py."""
    noise = numpy.sin((numpy.arange(math.prod(shape)) + 0.1 * number) * 12.9898) * 43758.5453
    noise = (noise % 1 * 2 - 1).reshape(shape)
    if name.endswith("weight"):
        return noise * numpy.sqrt(6 / math.prod(shape[1:]))
    if name.endswith(("gamma", "running_var")):
        return 1 + 0.3 * noise
    return 0.1 * noise


@pytest.mark.parametrize("name", MODELS)
def test_parts_and_parameters(name: str) -> None:
    size = RECORDED["1.9.1"]["models"][name]["size"]
    shapes: list[Any] = []
    for number, recorded in RECORDED.items():
        with version(number):
            net = get_model(name, prefix="net_")
            params = net.collect_params()
            if not shapes:
                net.infer_shape(nd.zeros((1, 3, size, size)))
                shapes = [p.shape for p in params.values()]
            assert len(params) == recorded["models"][name]["count"]
            lines = []
            for (path, p), shape in zip(params.items(), shapes):
                p.shape = shape
                lines.append(f"{path} {shape} {numpy.dtype(p.dtype).name} {p.grad_req}")
            assert digest("\n".join(lines)) == recorded["models"][name]["params"], "\n".join(lines[:20])
            assert digest(repr(net)) == recorded["models"][name]["repr"]


@pytest.mark.parametrize("number", RECORDED)
@pytest.mark.parametrize("i", OUTPUTS)
def test_outputs(number: str, i: int) -> None:
    case = RECORDED[number]["outputs"][i]
    side = case["side"]
    with version(number) as array:
        net = eval(case["source"], vars(vision))
        x = array(numpy.sin(numpy.arange(2 * 3 * side * side) * 0.01).reshape(2, 3, side, side))
        net.infer_shape(x)
        net.load_dict({name: array(values(name, p.shape, k), dtype="float32")
                       for k, (name, p) in enumerate(net.collect_params().items())}, ctx=mx.cpu())
        y = net(x)
        assert type(y) is type(x)
        scale = numpy.abs(case["y"]).max()
        numpy.testing.assert_allclose(y.asnumpy(), case["y"], rtol=1e-5, atol=1e-5 * scale)


def test_names() -> None:
    assert isinstance(get_model("MobileNet0.25"), vision.MobileNet)
    with pytest.raises(ValueError, match="Model resnet19_v1 is not supported. Available options are\n\talex"):
        get_model("resnet19_v1")
    wrongs: list[tuple[Any, str]] = [
        (lambda: vision.get_resnet(3, 18), "Invalid resnet version: 3. Options are 1 and 2."),
        (lambda: vision.get_resnet(1, 19), "Invalid number of layers: 19. Options are 18, 34, 50, 101, 152"),
        (lambda: vision.get_vgg(12), "num_layers is one of 11, 13, 16, 19, not 12"),
        (lambda: vision.get_densenet(1), "num_layers is one of 121, 161, 169, 201, not 1"),
        (lambda: vision.SqueezeNet("2"), "version is '1.0' or '1.1', not '2'"),
        (lambda: vision.VGG([1], [2, 3]), "layers has 1 stages, filters has 2"),
        (lambda: vision.ResNetV1(vision.BasicBlockV1, [1, 1], [2, 3]),
         "layers has 2 stages, so channels has to have 3 numbers, got 2"),
    ]
    for wrong, message in wrongs:
        with pytest.raises(ValueError, match=message):
            wrong()


def test_blocks_of_one_s_own() -> None:
    net = vision.ResNetV2(vision.BottleneckV2, [1, 1], [4, 8, 16], classes=3, thumbnail=True, prefix="small_")
    net.initialize()
    assert net(nd.ones((1, 3, 8, 8))).shape == (1, 3)
    assert "small_stage2_conv0_weight" in net.collect_params()


def test_pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MXNET_HOME", str(tmp_path))
    folder = tmp_path / "models"
    with pytest.raises(OSError, match="resnet18_v1-a0666292.params, which MXNet's project publishes, or .*"
                                      f"put the file into {folder}"):
        vision.resnet18_v1(pretrained=True)
    net = vision.mobilenet0_25(classes=2)
    net.infer_shape(nd.zeros((1, 3, 32, 32)))
    net.initialize()
    folder.mkdir()
    net.save_parameters(str(folder / "mobilenet0.25.params"))
    same = get_model("mobilenet0.25", pretrained=True, classes=2)
    x = nd.ones((1, 3, 32, 32))
    assert (same(x) == net(x)).asnumpy().all()
    damaged = folder / "mobilenet0.25-9f83e440.params"
    damaged.write_bytes(b"x")
    with pytest.raises(OSError, match="is damaged: its SHA-1 is not 9f83e440"):
        vision.mobilenet0_25(pretrained=True, root=str(folder))
    monkeypatch.setitem(model_store._SHA1, "mobilenet0.25", "11f6ad8ec52a2984abaafd7c3b516503785c2072")
    damaged.rename(folder / "mobilenet0.25-11f6ad8e.params")
    assert model_store.get_model_file("mobilenet0.25").endswith("models/mobilenet0.25-11f6ad8e.params")
    with pytest.raises(ValueError, match="Pretrained model for mobilenet0.3 is not available."):
        model_store.get_model_file("mobilenet0.3")
    (folder / "mobilenet0.3.params").touch()
    assert model_store.get_model_file("mobilenet0.3").endswith("mobilenet0.3.params")
    (folder / "notes.txt").touch()
    model_store.purge()
    assert [p.name for p in folder.iterdir()] == ["notes.txt"]


def test_a_model_is_trained(tmp_path: Path) -> None:
    net = vision.resnet18_v1(classes=2, thumbnail=True)
    net.initialize(mx.init.Xavier())
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.005})
    x = nd.array(numpy.sin(numpy.arange(4 * 3 * 8 * 8) * 0.7).reshape(4, 3, 8, 8))
    losses = []
    for _ in range(5):
        with mx.autograd.record():
            loss = -nd.pick(nd.log_softmax(net(x)), nd.array([0, 1, 0, 1])).mean()
        loss.backward()
        trainer.step(1)
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 2
    net.hybridize()
    y = net(x)
    graph, params = net.export(str(tmp_path / "net"))
    again = gluon.SymbolBlock.imports(graph, ["data"], params)
    numpy.testing.assert_allclose(again(x).asnumpy(), y.asnumpy(), rtol=1e-5, atol=1e-6)
