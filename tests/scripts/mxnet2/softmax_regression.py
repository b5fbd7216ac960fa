"""Softmax regression on Fashion-MNIST: from scratch, and with gluon."""
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn

npx.set_np()
np.random.seed(6)
mnist_train = gluon.data.vision.FashionMNIST(train=True)
mnist_test = gluon.data.vision.FashionMNIST(train=False)
print(len(mnist_train), len(mnist_test), mnist_train[0][0].shape, mnist_train[0][1])
transformer = gluon.data.vision.transforms.ToTensor()
train_iter = gluon.data.DataLoader(mnist_train.transform_first(transformer), 40, shuffle=False)
test_iter = gluon.data.DataLoader(mnist_test.transform_first(transformer), 40, shuffle=False)
for X, y in train_iter:
    print(X.shape, X.dtype, y.shape, y.dtype)
    break
num_inputs, num_outputs = 784, 10
W = np.random.normal(0, 0.01, (num_inputs, num_outputs))
b = np.zeros(num_outputs)
W.attach_grad()
b.attach_grad()


def softmax(X):
    X_exp = np.exp(X)
    partition = X_exp.sum(1, keepdims=True)
    return X_exp / partition


X = np.random.normal(0, 1, (2, 5))
X_prob = softmax(X)
print(X_prob, X_prob.sum(1))


def net(X):
    return softmax(np.dot(X.reshape((-1, W.shape[0])), W) + b)


y = np.array([0, 2])
y_hat = np.array([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
print(y_hat[[0, 1], y])


def cross_entropy(y_hat, y):
    return - np.log(y_hat[range(len(y_hat)), y])


print(cross_entropy(y_hat, y))


def accuracy(y_hat, y):
    if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(axis=1)
    cmp = y_hat.astype(y.dtype) == y
    return float(cmp.astype(y.dtype).sum())


print(accuracy(y_hat, y) / len(y))


class Accumulator:
    def __init__(self, n):
        self.data = [0.0] * n

    def add(self, *args):
        self.data = [a + float(b) for a, b in zip(self.data, args)]

    def __getitem__(self, idx):
        return self.data[idx]


def evaluate_accuracy(net, data_iter):
    metric = Accumulator(2)
    for X, y in data_iter:
        metric.add(accuracy(net(X), y), y.size)
    return metric[0] / metric[1]


print("%.3f" % evaluate_accuracy(net, test_iter))


def train_epoch(net, train_iter, loss, updater):
    metric = Accumulator(3)
    if isinstance(updater, gluon.Trainer):
        updater = updater.step
    for X, y in train_iter:
        with autograd.record():
            y_hat = net(X)
            l = loss(y_hat, y)
        l.backward()
        updater(X.shape[0])
        metric.add(float(l.sum()), accuracy(y_hat, y), y.size)
    return metric[0] / metric[2], metric[1] / metric[2]


def updater(batch_size):
    for param in [W, b]:
        param[:] = param - 0.1 * param.grad / batch_size


for epoch in range(3):
    l, acc = train_epoch(net, train_iter, cross_entropy, updater)
    print(f"epoch {epoch + 1}: loss {l:.4f}, train {acc:.3f}, test {evaluate_accuracy(net, test_iter):.3f}")

net = nn.Sequential()
net.add(nn.Dense(10))
net.initialize(init.Normal(sigma=0.01))
loss = gluon.loss.SoftmaxCrossEntropyLoss()
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
for epoch in range(3):
    l, acc = train_epoch(net, train_iter, loss, trainer)
    print(f"epoch {epoch + 1}: loss {l:.4f}, train {acc:.3f}, test {evaluate_accuracy(net, test_iter):.3f}")
for X, y in test_iter:
    break
print(net(X).argmax(axis=1)[:8], y[:8])
