"""Losses: of one's own, sample weights, and those of gluon side by side."""
import mxnet as mx
from mxnet import autograd, gluon, nd
from mxnet.gluon.loss import Loss

mx.random.seed(11)


class ContrastiveLoss(Loss):
    def __init__(self, margin=6., weight=None, batch_axis=0, **kwargs):
        super(ContrastiveLoss, self).__init__(weight, batch_axis, **kwargs)
        self.margin = margin

    def hybrid_forward(self, F, image1, image2, label):
        distances = image1 - image2
        distances_squared = F.sum(F.square(distances), 1, keepdims=True)
        euclidean_distances = F.sqrt(distances_squared + 0.0001)
        d = F.clip(self.margin - euclidean_distances, 0, self.margin)
        loss = (1 - label) * distances_squared + label * F.square(d)
        loss = 0.5 * loss
        return loss


loss = ContrastiveLoss(margin=6.0)
print(loss)
a, b = nd.random.normal(shape=(4, 3)), nd.random.normal(shape=(4, 3))
a.attach_grad()
with autograd.record():
    value = loss(a, b, nd.array([[0], [1], [0], [1]]))
value.backward()
print(value)
print(a.grad)
loss.hybridize()
print(loss(a, b, nd.array([[0], [1], [0], [1]])))

pred, label = nd.random.uniform(-1, 1, (4, 5)), nd.array([0, 3, 1, 4])
soft = nd.softmax(nd.random.normal(shape=(4, 5)))
sign = nd.array([[1, -1, 1, -1, 1]] * 4)
for made, target in [(gluon.loss.L2Loss(), soft), (gluon.loss.L1Loss(), soft),
                     (gluon.loss.SoftmaxCrossEntropyLoss(), label),
                     (gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False), soft),
                     (gluon.loss.SigmoidBinaryCrossEntropyLoss(), soft),
                     (gluon.loss.KLDivLoss(from_logits=False), soft),
                     (gluon.loss.HuberLoss(rho=0.5), soft), (gluon.loss.HingeLoss(), sign),
                     (gluon.loss.SquaredHingeLoss(), sign), (gluon.loss.LogisticLoss(), sign)]:
    print(type(made).__name__, made(pred, target))
print(gluon.loss.TripletLoss()(a, b, nd.zeros((4, 3))))
print(gluon.loss.L2Loss(weight=2)(pred, soft),
      gluon.loss.L1Loss()(pred, soft, nd.array([[1], [0], [1], [0]])))
