"""What the models of MXNet's zoo are made of and compute: model_zoo_1.9.1.json with MXNet 1.9.1,
model_zoo_2.0.json with 2.0.0b1.

python record_model_zoo.py >model_zoo_1.9.1.json
"""

import hashlib
import json
import sys
import warnings

import mxnet as mx
import numpy
from mxnet.gluon.model_zoo import vision

warnings.simplefilter("ignore")
NEW = mx.__version__.startswith("2")
if NEW:
    mx.npx.set_np()
array = mx.np.array if NEW else mx.nd.array

NAMES = """alexnet densenet121 densenet161 densenet169 densenet201 inceptionv3 mobilenet0.25 mobilenet0.5
mobilenet0.75 mobilenet1.0 mobilenetv2_0.25 mobilenetv2_0.5 mobilenetv2_0.75 mobilenetv2_1.0 resnet101_v1
resnet101_v2 resnet152_v1 resnet152_v2 resnet18_v1 resnet18_v2 resnet34_v1 resnet34_v2 resnet50_v1 resnet50_v2
squeezenet1.0 squeezenet1.1 vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn""".split()

# What is computed: (constructor, height and width of the image).
NETS = [
    ("alexnet(classes=5)", 64),
    ("mobilenet0_25(classes=5)", 32),
    ("mobilenet_v2_0_25(classes=5)", 32),
    ("squeezenet1_1(classes=5)", 224),
    ("resnet18_v1(classes=5, thumbnail=True)", 16),
    ("resnet18_v2(classes=5)", 32),
    ("resnet50_v1(classes=5)", 32),
    ("resnet50_v2(classes=5, thumbnail=True)", 16),
    ("DenseNet(8, 4, [2, 3], dropout=0.5, classes=5)", 56),
    ("inception_v3(classes=5)", 299),
    ("VGG([1, 2], [4, 8], classes=5)", 16),
    ("VGG([1, 2], [4, 8], classes=5, batch_norm=True)", 16),
]


def size(name):
    """Height and width of a small image that the model takes."""
    return {"inc": 299, "den": 224, "squ": 224, "ale": 64}.get(name[:3], 32)


def values(name, shape, number):
    """Values for the parameter of a number: noise that keeps the outputs of deep models near 1."""
    noise = numpy.sin((numpy.arange(numpy.prod(shape, dtype=int)) + 0.1 * number) * 12.9898) * 43758.5453
    noise = (noise % 1 * 2 - 1).reshape(shape)
    if name.endswith("weight"):
        return noise * numpy.sqrt(6 / numpy.prod(shape[1:]))
    if name.endswith(("gamma", "running_var")):
        return 1 + 0.3 * noise
    return 0.1 * noise


def fill(net):
    for i, (name, p) in enumerate(net.collect_params().items()):
        p.set_data(array(values(name, p.shape, i), dtype="float32"))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def described(net):
    lines = [f"{n} {tuple(p.shape)} {numpy.dtype(p.dtype).name} {p.grad_req}"
             for n, p in net.collect_params().items()]
    return "\n".join(lines)


models = {}
for name in NAMES:
    print(name, file=sys.stderr)
    net = vision.get_model(name, **({} if NEW else {"prefix": "net_"}))
    net.initialize()
    net(array(numpy.zeros((1, 3, size(name), size(name))))).asnumpy()
    models[name] = {"size": size(name), "repr": digest(repr(net)), "params": digest(described(net)),
                    "count": len(list(net.collect_params()))}

outputs = []
for source, side in NETS:
    net = eval("vision." + source)
    net.initialize()
    x = array(numpy.sin(numpy.arange(2 * 3 * side * side) * 0.01).reshape(2, 3, side, side))
    net(x)
    fill(net)
    outputs.append({"source": source, "side": side, "y": net(x).asnumpy().tolist()})
    print(source, outputs[-1]["y"], file=sys.stderr)

json.dump({"models": models, "outputs": outputs}, sys.stdout, indent=1)
