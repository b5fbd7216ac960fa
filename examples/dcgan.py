"""Two networks play against each other: one draws digits from noise, one tells them from real ones (DCGAN).

The picture shows drawn digits.  The figure checked is how far the mean drawn image is from the mean image of
the data, in grey values from 0 to 1: a generator that collapsed, or draws noise, misses it.

    python examples/dcgan.py [--quick] [--epochs N] [--picture FILE]
"""
from __future__ import annotations

import sys

import numpy
from common import check, digits, figure, options, progress

import mxgrad as mx
from mxgrad import autograd, gluon, nd
from mxgrad.gluon import nn

NOISE, BATCH, BOUND = 16, 32, 0.12

chosen = options("adversarial networks that draw digits", epochs=25)
(images, _), _ = digits()
dataset = gluon.data.ArrayDataset(images * 2 - 1)
loader = gluon.data.DataLoader(dataset, BATCH, shuffle=True, last_batch="discard")

generator = nn.HybridSequential(prefix="generator_")
with generator.name_scope():      # from 1 x 1 to 2 x 2, 4 x 4, 8 x 8
    generator.add(nn.Conv2DTranspose(64, 2, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
    generator.add(nn.Conv2DTranspose(32, 4, 2, 1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"))
    generator.add(nn.Conv2DTranspose(1, 4, 2, 1, use_bias=False), nn.Activation("tanh"))
critic = nn.HybridSequential(prefix="critic_")
with critic.name_scope():
    critic.add(nn.Conv2D(32, 4, 2, 1, use_bias=False), nn.LeakyReLU(0.2))
    critic.add(nn.Conv2D(64, 4, 2, 1, use_bias=False), nn.BatchNorm(), nn.LeakyReLU(0.2))
    critic.add(nn.Conv2D(1, 2, use_bias=False), nn.Flatten())
for net in (generator, critic):
    net.initialize(mx.init.Normal(0.05))
    net.hybridize()

loss_function = gluon.loss.SigmoidBinaryCrossEntropyLoss()
settings = {"learning_rate": 0.001, "beta1": 0.5}
generator_trainer = gluon.Trainer(generator.collect_params(), "adam", settings)
critic_trainer = gluon.Trainer(critic.collect_params(), "adam", settings)
real_label, drawn_label = nd.ones((BATCH,)), nd.zeros((BATCH,))
for epoch in range(1, chosen.epochs + 1):
    critic_loss, generator_loss = mx.metric.Loss("critic"), mx.metric.Loss("generator")
    for real in progress(loader, f"epoch {epoch} of {chosen.epochs}"):
        noise = nd.random.normal(shape=(BATCH, NOISE, 1, 1))
        with autograd.record():
            drawn = generator(noise)
            loss = (loss_function(critic(real), real_label)
                    + loss_function(critic(drawn.detach()), drawn_label))
        loss.backward()
        critic_trainer.step(BATCH)
        critic_loss.update(None, [loss])
        with autograd.record():
            loss = loss_function(critic(generator(noise)), real_label)
        loss.backward()
        generator_trainer.step(BATCH)
        generator_loss.update(None, [loss])
    print(f"epoch {epoch:2d}  critic's loss {critic_loss.get()[1]:.5f}  "
          f"generator's loss {generator_loss.get()[1]:.5f}")
    if not numpy.isfinite([critic_loss.get()[1], generator_loss.get()[1]]).all():
        sys.exit("a loss is not finite")

samples = (generator(nd.random.normal(shape=(256, NOISE, 1, 1))).asnumpy() + 1) / 2
pyplot = figure(chosen.picture)
if pyplot:
    tiles = numpy.pad(samples[:64, 0], ((0, 0), (1, 1), (1, 1)), constant_values=1)
    sheet = tiles.reshape(8, 8, 10, 10).swapaxes(1, 2).reshape(80, 80)
    pyplot.imsave(chosen.picture, sheet.repeat(4, 0).repeat(4, 1), cmap="gray_r")
    print(f"picture: {chosen.picture}", file=sys.stderr)
distance = float(numpy.abs(samples.mean(axis=0) - images.mean(axis=0)).mean())
check("distance of the mean images", distance, distance < BOUND, f"below {BOUND}", chosen.quick)
