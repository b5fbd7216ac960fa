"""Convolutions by hand, LeNet, batch normalization by hand, residual blocks; summary."""
import mxnet as mx
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
mx.random.seed(14)


def corr2d(X, K):
    h, w = K.shape
    Y = np.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


X = np.ones((6, 8))
X[:, 2:6] = 0
K = np.array([[1.0, -1.0]])
Y = corr2d(X, K)
print(Y)
conv2d = nn.Conv2D(1, kernel_size=(1, 2), use_bias=False)
conv2d.initialize()
X, Y = X.reshape(1, 1, 6, 8), Y.reshape(1, 1, 6, 7)
for i in range(10):
    with autograd.record():
        l = (conv2d(X) - Y) ** 2
    l.backward()
    conv2d.weight.data()[:] -= 3e-2 * conv2d.weight.grad()
    if (i + 1) % 2 == 0:
        print(f"epoch {i + 1}, loss {float(l.sum()):.3f}")
print(conv2d.weight.data().reshape((1, 2)))
print(nn.MaxPool2D(3, padding=1, strides=2)(np.arange(16, dtype=np.float32).reshape((1, 1, 4, 4))))


def batch_norm(X, gamma, beta, moving_mean, moving_var, eps, momentum):
    if not autograd.is_training():
        X_hat = (X - moving_mean) / np.sqrt(moving_var + eps)
    else:
        mean = X.mean(axis=(0, 2, 3), keepdims=True)
        var = ((X - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
        X_hat = (X - mean) / np.sqrt(var + eps)
        moving_mean = momentum * moving_mean + (1.0 - momentum) * mean
        moving_var = momentum * moving_var + (1.0 - momentum) * var
    return gamma * X_hat + beta, moving_mean, moving_var


class BatchNorm(nn.Block):
    def __init__(self, num_features, **kwargs):
        super().__init__(**kwargs)
        shape = (1, num_features, 1, 1)
        self.gamma = gluon.Parameter("gamma", shape=shape, init=init.One())
        self.beta = gluon.Parameter("beta", shape=shape, init=init.Zero())
        self.moving_mean = np.zeros(shape)
        self.moving_var = np.ones(shape)

    def forward(self, X):
        Y, self.moving_mean, self.moving_var = batch_norm(
            X, self.gamma.data(), self.beta.data(), self.moving_mean, self.moving_var,
            eps=1e-12, momentum=0.9)
        return Y


class Residual(nn.Block):
    def __init__(self, num_channels, use_1x1conv=False, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = nn.Conv2D(num_channels, kernel_size=3, padding=1, strides=strides)
        self.conv2 = nn.Conv2D(num_channels, kernel_size=3, padding=1)
        if use_1x1conv:
            self.conv3 = nn.Conv2D(num_channels, kernel_size=1, strides=strides)
        else:
            self.conv3 = None
        self.bn1 = nn.BatchNorm()
        self.bn2 = nn.BatchNorm()

    def forward(self, X):
        Y = npx.relu(self.bn1(self.conv1(X)))
        Y = self.bn2(self.conv2(Y))
        if self.conv3:
            X = self.conv3(X)
        return npx.relu(Y + X)


net = nn.Sequential()
net.add(nn.Conv2D(4, kernel_size=5, activation="relu"), BatchNorm(4), nn.AvgPool2D(pool_size=2, strides=2),
        Residual(4), Residual(6, use_1x1conv=True, strides=2), nn.GlobalAvgPool2D(), nn.Dense(10))
net.initialize(init=init.Xavier())
train = gluon.data.vision.FashionMNIST(train=True).transform_first(gluon.data.vision.transforms.ToTensor())
data_iter = gluon.data.DataLoader(train, 40, shuffle=False, num_workers=0)
X = np.random.uniform(size=(1, 1, 28, 28))
for layer in net:
    X = layer(X)
    print(type(layer).__name__, "output shape:\t", X.shape)
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.3})
for X, y in data_iter:
    with autograd.record():
        l = loss(net(X), y)
    l.backward()
    trainer.step(X.shape[0])
    print(f"{float(l.mean()):.3f}")
print(net[1].gamma.data().reshape(-1,), net[1].beta.data().reshape(-1,))
print(net)
lenet = nn.HybridSequential()
lenet.add(nn.Conv2D(channels=6, kernel_size=5, padding=2, activation="sigmoid"),
          nn.AvgPool2D(pool_size=2, strides=2), nn.BatchNorm(),
          nn.Conv2D(channels=16, kernel_size=5, activation="sigmoid"), nn.AvgPool2D(2, 2),
          nn.Dense(120, activation="sigmoid"), nn.Dropout(0.1), nn.Dense(10))
lenet.initialize()
lenet.summary(np.random.uniform(size=(2, 1, 28, 28)))
