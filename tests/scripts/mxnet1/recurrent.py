"""Recurrent layers and cells: an LSTM language model's step, states, unrolling, printing."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon import nn, rnn

mx.random.seed(31)


class RNNModel(gluon.Block):
    def __init__(self, mode, vocab_size, num_embed, num_hidden, num_layers, dropout=0.5, **kwargs):
        super(RNNModel, self).__init__(**kwargs)
        with self.name_scope():
            self.drop = nn.Dropout(dropout)
            self.encoder = nn.Embedding(vocab_size, num_embed, weight_initializer=mx.init.Uniform(0.1))
            if mode == "lstm":
                self.rnn = rnn.LSTM(num_hidden, num_layers, dropout=dropout, input_size=num_embed)
            elif mode == "gru":
                self.rnn = rnn.GRU(num_hidden, num_layers, dropout=dropout, input_size=num_embed)
            else:
                self.rnn = rnn.RNN(num_hidden, num_layers, activation="relu", dropout=dropout,
                                   input_size=num_embed)
            self.decoder = nn.Dense(vocab_size, in_units=num_hidden)
            self.num_hidden = num_hidden

    def forward(self, inputs, hidden):
        emb = self.drop(self.encoder(inputs))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output.reshape((-1, self.num_hidden)))
        return decoded, hidden

    def begin_state(self, *args, **kwargs):
        return self.rnn.begin_state(*args, **kwargs)


def detach(hidden):
    if isinstance(hidden, (tuple, list)):
        hidden = [i.detach() for i in hidden]
    else:
        hidden = hidden.detach()
    return hidden


text = nd.array([[(i * i + j) % 12 for j in range(4)] for i in range(31)])
for mode in ("lstm", "gru", "rnn_relu"):
    model = RNNModel(mode, 12, 8, 10, 2, 0.0)
    model.initialize(mx.init.Xavier())
    print(model)
    trainer = gluon.Trainer(model.collect_params(), "sgd", {"learning_rate": 1.0})
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    hidden = model.begin_state(func=nd.zeros, batch_size=4, ctx=mx.cpu())
    print([h.shape for h in hidden])
    for start in range(0, 30, 5):
        data, target = text[start:start + 5], text[start + 1:start + 6].reshape((-1,))
        hidden = detach(hidden)
        with autograd.record():
            output, hidden = model(data, hidden)
            L = loss(output, target)
        L.backward()
        grads = [p.grad() for p in model.collect_params().values()]
        gluon.utils.clip_global_norm(grads, 0.25 * 5 * 4)
        trainer.step(20)
        print("%.4f" % L.mean().asscalar(), end=" ")
    print()
    print(list(model.rnn.collect_params().keys())[:4] == [model.rnn.prefix + n for n in (
        "l0_i2h_weight", "l0_h2h_weight", "l0_i2h_bias", "l0_h2h_bias")])

cell = rnn.SequentialRNNCell()
cell.add(rnn.LSTMCell(5))
cell.add(rnn.ResidualCell(rnn.GRUCell(5)))
cell.add(rnn.DropoutCell(0.3))
cell.initialize()
print(cell)
outputs, states = cell.unroll(3, nd.random.uniform(shape=(2, 3, 4)), layout="NTC", merge_outputs=True)
print(outputs)
print(len(states), [s.shape for s in states])
both = rnn.BidirectionalCell(rnn.RNNCell(3), rnn.RNNCell(3))
both.initialize()
outputs, states = both.unroll(3, nd.random.uniform(shape=(2, 3, 4)), merge_outputs=True,
                              valid_length=nd.array([2, 3]))
print(outputs)
layer = rnn.LSTM(4, 2, bidirectional=True)
layer.initialize()
print(layer, layer(nd.random.uniform(shape=(3, 2, 5))).shape)
