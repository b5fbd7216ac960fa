"""A hybrid CNN with batch normalization and dropout: printed, summarized, trained, hybridized."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn

mx.random.seed(23)
net = nn.HybridSequential(prefix="")
with net.name_scope():
    net.add(nn.Conv2D(channels=8, kernel_size=3, padding=1, use_bias=False))
    net.add(nn.BatchNorm())
    net.add(nn.Activation("relu"))
    net.add(nn.MaxPool2D(2, 2))
    net.add(nn.Conv2D(channels=16, kernel_size=(3, 3), strides=(2, 2), activation="relu", in_channels=8))
    net.add(nn.AvgPool2D())
    net.add(nn.GlobalAvgPool2D())
    net.add(nn.Flatten())
    net.add(nn.Dense(32, activation="tanh"), nn.Dropout(.5), nn.LeakyReLU(0.1))
    net.add(nn.Dense(10))
net.initialize(mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2), ctx=mx.cpu())
x = nd.random.uniform(shape=(8, 3, 16, 16))
net.summary(x)
print(net)
print(net.collect_params())
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.003, "wd": 1e-4})
label = nd.array([0, 1, 2, 3, 4, 5, 6, 7])
for step in range(6):
    if step == 3:
        net.hybridize()
    with autograd.record(train_mode=step != 5):
        out = net(x)
        l = loss(out, label)
    l.backward()
    trainer.step(8)
    print("%.4f" % l.mean().asscalar())
print(net[1].running_mean.data(), net[1].running_var.data())
print(trainer.learning_rate)
trainer.set_learning_rate(0.1)
print(trainer.learning_rate, type(trainer._optimizer).__name__)


class Residual(nn.HybridBlock):
    def __init__(self, num_channels, use_1x1conv=False, strides=1, **kwargs):
        super(Residual, self).__init__(**kwargs)
        self.conv1 = nn.Conv2D(num_channels, kernel_size=3, padding=1, strides=strides)
        self.conv2 = nn.Conv2D(num_channels, kernel_size=3, padding=1)
        if use_1x1conv:
            self.conv3 = nn.Conv2D(num_channels, kernel_size=1, strides=strides)
        else:
            self.conv3 = None
        self.bn1 = nn.BatchNorm()
        self.bn2 = nn.BatchNorm()

    def hybrid_forward(self, F, X):
        Y = F.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        return F.relu(Y + X)


blk = Residual(6, use_1x1conv=True, strides=2)
blk.initialize()
print(blk)
print(blk(nd.random.uniform(shape=(4, 3, 6, 6))).shape)
blk.summary(nd.random.uniform(shape=(4, 3, 6, 6)))
net = nn.HybridSequential()
net.add(nn.Embedding(50, 4), nn.Flatten(), nn.Dense(3))
net.initialize()
net.summary(nd.array([[1, 2, 3]]))
