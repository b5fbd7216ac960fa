"""Recurrent networks: a language model from scratch, and concise with the layers of gluon.rnn."""
import math

import mxnet as mx
from mxnet import autograd, gluon, init, np, npx
from mxnet.gluon import nn, rnn

npx.set_np()
mx.random.seed(16)
TEXT = "the quick brown fox jumps over the lazy dog and the lazy dog does not care " * 6
tokens = sorted(set(TEXT))
index = {t: i for i, t in enumerate(tokens)}
corpus = [index[c] for c in TEXT]
vocab_size, num_hiddens, batch_size, num_steps = len(tokens), 24, 4, 8


def seq_data_iter_sequential():
    num_tokens = ((len(corpus) - 1) // batch_size) * batch_size
    Xs = np.array(corpus[:num_tokens]).reshape(batch_size, -1)
    Ys = np.array(corpus[1:1 + num_tokens]).reshape(batch_size, -1)
    for i in range(0, Xs.shape[1] // num_steps * num_steps, num_steps):
        yield Xs[:, i:i + num_steps], Ys[:, i:i + num_steps]


for X, Y in seq_data_iter_sequential():
    print(X, Y)
    break
print(npx.one_hot(np.array([0, 2]), 5))


def get_params():
    def normal(shape):
        return np.random.normal(scale=0.1, size=shape)

    params = [normal((vocab_size, num_hiddens)), normal((num_hiddens, num_hiddens)), np.zeros(num_hiddens),
              normal((num_hiddens, vocab_size)), np.zeros(vocab_size)]
    for param in params:
        param.attach_grad()
    return params


def rnn_forward(inputs, state, params):
    W_xh, W_hh, b_h, W_hq, b_q = params
    H, = state
    outputs = []
    for X in inputs:
        H = np.tanh(np.dot(X, W_xh) + np.dot(H, W_hh) + b_h)
        outputs.append(np.dot(H, W_hq) + b_q)
    return np.concatenate(outputs, axis=0), (H,)


class RNNModelScratch:
    def __init__(self):
        self.params = get_params()

    def __call__(self, X, state):
        X = npx.one_hot(X.T, vocab_size)
        return rnn_forward(X, state, self.params)

    def begin_state(self, batch_size):
        return (np.zeros(shape=(batch_size, num_hiddens)),)


def predict(prefix, num_preds, net):
    state = net.begin_state(batch_size=1)
    outputs = [index[prefix[0]]]
    for y in prefix[1:]:
        _, state = net(np.array([outputs[-1]]).reshape((1, 1)), state)
        outputs.append(index[y])
    for _ in range(num_preds):
        y, state = net(np.array([outputs[-1]]).reshape((1, 1)), state)
        outputs.append(int(y.argmax(axis=1).reshape(1)))
    return "".join([tokens[i] for i in outputs])


def grad_clipping(net, theta):
    if isinstance(net, gluon.Block):
        params = [p.data() for p in net.collect_params().values()]
    else:
        params = net.params
    norm = math.sqrt(sum((p.grad ** 2).sum() for p in params))
    if norm > theta:
        for param in params:
            param.grad[:] *= theta / norm


loss = gluon.loss.SoftmaxCrossEntropyLoss()


def train(net, updater, epochs):
    for epoch in range(epochs):
        state, total, count = None, 0.0, 0
        for X, Y in seq_data_iter_sequential():
            if state is None:
                state = net.begin_state(batch_size=X.shape[0])
            else:
                for s in state:
                    s.detach()
            state = [s.detach() for s in state]
            y = Y.T.reshape(-1)
            with autograd.record():
                y_hat, state = net(X, state)
                l = loss(y_hat, y).mean()
            l.backward()
            grad_clipping(net, 1)
            updater(1)
            total, count = total + float(l) * y.size, count + y.size
        if epoch % 3 == 2:
            print(f"perplexity {math.exp(total / count):.3f}")


net = RNNModelScratch()
print(predict("the ", 10, net))


def sgd(batch_size):
    for param in net.params:
        param[:] = param - 1.0 * param.grad / batch_size


train(net, sgd, 6)
print(predict("the ", 12, net))


class RNNModel(nn.Block):
    def __init__(self, rnn_layer, vocab_size, **kwargs):
        super().__init__(**kwargs)
        self.rnn = rnn_layer
        self.vocab_size = vocab_size
        self.dense = nn.Dense(vocab_size)

    def forward(self, inputs, state):
        X = npx.one_hot(inputs.T, self.vocab_size)
        Y, state = self.rnn(X, state)
        output = self.dense(Y.reshape(-1, Y.shape[-1]))
        return output, state

    def begin_state(self, *args, **kwargs):
        return self.rnn.begin_state(*args, **kwargs)


for layer in (rnn.RNN(num_hiddens), rnn.LSTM(num_hiddens), rnn.GRU(num_hiddens, 2)):
    net = RNNModel(layer, vocab_size)
    net.initialize(init=init.Normal(0.1), force_reinit=True)
    print(net)
    state = layer.begin_state(batch_size=batch_size)
    print(len(state), state[0].shape)
    Y, state_new = net(np.zeros((batch_size, num_steps), dtype=np.int32), state)
    print(Y.shape, len(state_new), state_new[0].shape)
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1.0})
    train(net, trainer.step, 3)
print(list(net.collect_params()))
