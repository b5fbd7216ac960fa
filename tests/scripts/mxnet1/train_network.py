"""The classic crash course: Fashion-MNIST, a DataLoader with workers, LeNet, SGD; then predictions."""
import mxnet as mx
from mxnet import autograd, gluon, init
from mxnet.gluon import nn
from mxnet.gluon.data.vision import datasets, transforms

mx.random.seed(7)
mnist_train = datasets.FashionMNIST(train=True)
X, y = mnist_train[0]
print("X shape: ", X.shape, "X dtype", X.dtype, "y:", y, type(y).__name__)
print(len(mnist_train), mnist_train[0:10][0].shape)
text_labels = ["t-shirt", "trouser", "pullover", "dress", "coat",
               "sandal", "shirt", "sneaker", "bag", "ankle boot"]
print([text_labels[int(i)] for i in mnist_train[0:10][1]])

transformer = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.13, 0.31)])
print(transformer)
mnist_train = mnist_train.transform_first(transformer)
batch_size = 50
train_data = gluon.data.DataLoader(mnist_train, batch_size=batch_size, shuffle=False, num_workers=2)
for data, label in train_data:
    print(data.shape, label.shape, data.dtype, label.dtype)
    break
mnist_valid = gluon.data.vision.FashionMNIST(train=False)
valid_data = gluon.data.DataLoader(mnist_valid.transform_first(transformer), batch_size=batch_size)

net = nn.Sequential()
net.add(nn.Conv2D(channels=6, kernel_size=5, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Conv2D(channels=16, kernel_size=3, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Flatten(),
        nn.Dense(120, activation="relu"),
        nn.Dense(84, activation="relu"),
        nn.Dense(10))
net.initialize(init=init.Xavier())
softmax_cross_entropy = gluon.loss.SoftmaxCrossEntropyLoss()
print(softmax_cross_entropy)
trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})


def acc(output, label):
    return (output.argmax(axis=1) == label.astype("float32")).mean().asscalar()


for epoch in range(3):
    train_loss, train_acc, valid_acc = 0., 0., 0.
    for data, label in train_data:
        with autograd.record():
            output = net(data)
            loss = softmax_cross_entropy(output, label)
        loss.backward()
        trainer.step(batch_size)
        train_loss += loss.mean().asscalar()
        train_acc += acc(output, label)
    for data, label in valid_data:
        valid_acc += acc(net(data), label)
    print("Epoch %d: loss %.3f, train acc %.3f, test acc %.3f" % (
        epoch, train_loss / len(train_data), train_acc / len(train_data), valid_acc / len(valid_data)))
net.save_parameters("net.params")

net = nn.Sequential()
net.add(nn.Conv2D(channels=6, kernel_size=5, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Conv2D(channels=16, kernel_size=3, activation="relu"),
        nn.MaxPool2D(pool_size=2, strides=2),
        nn.Flatten(),
        nn.Dense(120, activation="relu"),
        nn.Dense(84, activation="relu"),
        nn.Dense(10))
net.load_parameters("net.params")
X, y = mnist_valid[:10]
preds = []
for x, label in zip(X, y):
    x = transformer(x).expand_dims(axis=0)
    pred = net(x).argmax(axis=1)
    preds.append(pred.astype("int32").asscalar())
print([(text_labels[p], text_labels[t]) for p, t in zip(preds, y)])
