"""Steps of the optimizers, in place (level 2).

They are no ops of the registry: they write into arrays they are given, and nothing is recorded.  A kernel is
``kernel(xp, out, weight, grad, *states, **params)``: it changes the states where they are and puts the new
weights into `out`, which may be `weight` itself.  A temporary of the weight's size costs a pass over memory,
so the kernels make few of them.

In the docstrings g is ``rescale_grad * grad``, moved into [-clip_gradient, clip_gradient] if that is at
least 0; "+ wd w" says whether the weight decay comes before or after that.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..registry import Op

UPDATES: dict[str, Update] = {}


class Update(Op):
    """An in-place step: `arrays` are those the public function takes, the new weights' place excepted.

    With `master` the arrays end with weight32, which is updated; `weight`, of a smaller dtype, is written
    as its copy.  `direction` says that the result is not the new weights, but of the dtype of the states;
    `free` are the arrays that have shapes of their own, `read` those besides weight and grad that are not
    written, `changed` the places of those that are.
    """

    __slots__ = ("master", "direction", "free", "changed")

    def __init__(self, name: str, kernel: Callable[..., Any], master: bool, direction: bool, free: str,
                 read: str) -> None:
        doc = kernel.__doc__ or ""
        names: dict[str, tuple[str, ...]] = {"nd": (name,)}
        super().__init__(name, kernel, (), None, "", False, False, names, doc, None, "free", True, False)
        more = ("weight32",) if master else ()
        self.arrays = self.nd_arrays = (*self.arrays[1:], *more)
        self.master, self.direction = master, direction
        self.free = frozenset(free.split())
        kept = {"weight", "grad", *read.split()}
        self.changed = tuple(i for i, a in enumerate(self.arrays) if a not in kept)


def _update(name: str, master: str = "", direction: bool = False, free: str = "", read: str = ""
            ) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator: the kernel is the update `name`, and `master` the same with weights kept in float32."""
    def declare(kernel: Callable[..., None]) -> Callable[..., None]:
        for public in filter(None, (name, master)):
            UPDATES[public] = Update(public, kernel, public == master, direction, free, read)
        return kernel
    return declare


def _clipped(xp: Any, g: Any, limit: float) -> Any:
    return xp.clip(g, -limit, limit, out=g) if limit >= 0 else g


def _gradient(xp: Any, weight: Any, grad: Any, rescale: float, limit: float, wd: float = 0.0) -> Any:
    """g + wd w, in the weight's dtype and memory of its own."""
    g = _clipped(xp, xp.multiply(grad, rescale, dtype=weight.dtype), limit)
    if wd:
        g += wd * weight
    return g


def _decayed(xp: Any, weight: Any, grad: Any, rescale: float, limit: float, wd: float) -> Any:
    """The same with the decay inside of the limits."""
    g = xp.multiply(grad, rescale, dtype=weight.dtype)
    if wd:
        g += wd * weight
    return _clipped(xp, g, limit)


def _towards(mean: Any, beta: float, g: Any) -> None:
    """The running mean moves towards `g`: mean = beta mean + (1 - beta) g."""
    mean *= beta
    mean += (1 - beta) * g


# gradient descent and momentum ------------------------------------------------------------------------------


@_update("sgd_update", "mp_sgd_update")
def _sgd(xp: Any, out: Any, weight: Any, grad: Any, *, lr: float, wd: float = 0.0, rescale_grad: float = 1.0,
         clip_gradient: float = -1.0, lazy_update: bool = True) -> None:
    """A step of gradient descent: w -= lr (g + wd w)."""
    if clip_gradient >= 0:
        step = _gradient(xp, weight, grad, rescale_grad, clip_gradient)
        step *= -lr
    else:
        step = xp.multiply(grad, -lr * rescale_grad, dtype=weight.dtype)
    if wd:
        weight = xp.multiply(weight, 1 - lr * wd, out=out)
    xp.add(weight, step, out=out)


@_update("sgd_mom_update", "mp_sgd_mom_update")
def _sgd_mom(xp: Any, out: Any, weight: Any, grad: Any, mom: Any, *, lr: float, momentum: float = 0.0,
             wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0,
             lazy_update: bool = True) -> None:
    """Gradient descent with momentum: mom = momentum mom - lr (g + wd w), w += mom."""
    step = _gradient(xp, weight, grad, rescale_grad, clip_gradient, wd)
    step *= lr
    mom *= momentum
    mom -= step
    xp.add(weight, mom, out=out)


@_update("nag_mom_update", "mp_nag_mom_update")
def _nag_mom(xp: Any, out: Any, weight: Any, grad: Any, mom: Any, *, lr: float, momentum: float = 0.0,
             wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0) -> None:
    """Nesterov's momentum: step = momentum mom - lr (g + wd w), w += (1 + momentum) step - momentum mom.

    MXNet takes the decay in the new mom, which is the step otherwise, from the new weights when they are
    written where the old ones were.
    """
    g = _gradient(xp, weight, grad, rescale_grad, clip_gradient)
    g *= -lr
    mom *= momentum
    step = mom + g
    if wd:
        step -= (lr * wd) * weight
    step *= 1 + momentum
    step -= mom
    xp.add(weight, step, out=out)
    mom += g
    if wd:
        mom -= (lr * wd) * weight


@_update("signsgd_update")
def _signsgd(xp: Any, out: Any, weight: Any, grad: Any, *, lr: float, wd: float = 0.0,
             rescale_grad: float = 1.0, clip_gradient: float = -1.0) -> None:
    """A step of one length for every weight: w = (1 - lr wd) w - lr sign(g)."""
    step = lr * xp.sign(grad)
    xp.multiply(weight, 1 - lr * wd, out=out)
    out -= step


@_update("signum_update")
def _signum(xp: Any, out: Any, weight: Any, grad: Any, mom: Any, *, lr: float, momentum: float = 0.0,
            wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0, wd_lh: float = 0.0
            ) -> None:
    """signsgd with momentum: mom = momentum mom - (1 - momentum) (g + wd w), w = (1 - lr wd_lh) w + lr
    sign(mom).
    """
    _towards(mom, momentum, -_gradient(xp, weight, grad, rescale_grad, clip_gradient, wd))
    xp.multiply(weight, 1 - lr * wd_lh, out=out)
    out += lr * xp.sign(mom)


# Adam and its kin -------------------------------------------------------------------------------------------


def _moments(xp: Any, g: Any, mean: Any, var: Any, beta1: float, beta2: float) -> None:
    """The running means of g and of its square."""
    _towards(mean, beta1, g)
    g *= g
    _towards(var, beta2, g)


def _ratio(xp: Any, mean: Any, var: Any, epsilon: float, scale: float = 1.0) -> Any:
    """scale mean / (sqrt(var) + epsilon)."""
    root = xp.sqrt(var)
    root += epsilon
    xp.divide(mean, root, out=root)
    if scale != 1:
        root *= scale
    return root


@_update("adam_update")
def _adam(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, lr: float, beta1: float = 0.9,
          beta2: float = 0.999, epsilon: float = 1e-8, wd: float = 0.0, rescale_grad: float = 1.0,
          clip_gradient: float = -1.0, lazy_update: bool = True) -> None:
    """A step of Adam: mean = beta1 mean + (1 - beta1) g, var = beta2 var + (1 - beta2) g^2, and
    w -= lr mean / (sqrt(var) + epsilon), where g includes wd w inside of the limits.
    """
    _moments(xp, _decayed(xp, weight, grad, rescale_grad, clip_gradient, wd), mean, var, beta1, beta2)
    xp.subtract(weight, _ratio(xp, mean, var, epsilon, lr), out=out)


@_update("contrib.adamw_update", "contrib.mp_adamw_update")
def _adamw(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, rescale_grad: float, lr: float,
           eta: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, wd: float = 0.0,
           clip_gradient: float = -1.0) -> None:
    """Adam with the decay apart: w -= eta (lr mean / (sqrt(var) + epsilon) + wd w).

    Nothing changes where `rescale_grad`, a number or an array of one, is 0, infinite or nan.
    """
    _moments(xp, _gradient(xp, weight, grad, rescale_grad, clip_gradient), mean, var, beta1, beta2)
    step = _ratio(xp, mean, var, epsilon, eta * lr)
    if wd:
        step += eta * wd * weight
    xp.subtract(weight, step, out=out)


@_update("contrib.adabelief_update", "contrib.mp_adabelief_update")
def _adabelief(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, rescale_grad: float,
               lr: float, eta: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
               wd: float = 0.0, clip_gradient: float = -1.0) -> None:
    """Adam whose var follows (g - mean)^2 + epsilon, and w -= eta lr mean / (sqrt(var) + epsilon), where g
    includes wd w inside of the limits.

    Nothing changes where `rescale_grad`, a number or an array of one, is 0, infinite or nan.
    """
    g = _decayed(xp, weight, grad, rescale_grad, clip_gradient, wd)
    _towards(mean, beta1, g)
    g -= mean
    g *= g
    _towards(var, beta2, g)
    var += epsilon
    xp.subtract(weight, _ratio(xp, mean, var, epsilon, eta * lr), out=out)


@_update("ftml_update")
def _ftml(xp: Any, out: Any, weight: Any, grad: Any, d: Any, v: Any, z: Any, *, lr: float, beta1: float = 0.6,
          beta2: float = 0.999, epsilon: float = 1e-8, t: float, wd: float = 0.0, rescale_grad: float = 1.0,
          clip_grad: float = -1.0) -> None:
    """Follow the moving leader (Zheng and Kwok 2017) at step `t`, the first being 1: w = -z / d, where g
    includes wd w inside of the limits.
    """
    g = _decayed(xp, weight, grad, rescale_grad, clip_grad, wd)
    _towards(z, beta1, g)
    g *= g
    _towards(v, beta2, g)
    new = xp.sqrt(v / (1 - beta2 ** t))
    new += epsilon
    new *= (1 - beta1 ** t) / lr
    d *= -beta1
    d += new
    d *= weight
    z -= d
    d[...] = new
    xp.divide(z, -new, out=out)


@_update("ftrl_update")
def _ftrl(xp: Any, out: Any, weight: Any, grad: Any, z: Any, n: Any, *, lr: float, lamda1: float = 0.01,
          beta: float = 1.0, wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0) -> None:
    """Follow the regularized leader (McMahan et al. 2013, algorithm 1): n sums g^2, and
    w = (sign(z) lamda1 - z) / ((beta + sqrt(n)) / lr + wd) where abs(z) > lamda1, and 0 elsewhere.
    """
    g = _gradient(xp, weight, grad, rescale_grad, clip_gradient)
    before = xp.sqrt(n)
    z += g
    g *= g
    n += g
    root = xp.sqrt(n)
    z -= (root - before) * weight / lr
    root += beta
    root /= lr
    root += wd
    over = xp.clip(z, -lamda1, lamda1)
    over -= z
    xp.divide(over, root, out=out)


@_update("rmsprop_update")
def _rmsprop(xp: Any, out: Any, weight: Any, grad: Any, n: Any, *, lr: float, gamma1: float = 0.95,
             epsilon: float = 1e-8, wd: float = 0.0, rescale_grad: float = 1.0, clip_gradient: float = -1.0,
             clip_weights: float = -1.0) -> None:
    """A step of RMSProp (Tieleman and Hinton 2012): n = gamma1 n + (1 - gamma1) g^2 and
    w -= lr g / sqrt(n + epsilon), where g includes wd w inside of the limits; then w is moved into
    [-clip_weights, clip_weights].
    """
    g = _decayed(xp, weight, grad, rescale_grad, clip_gradient, wd)
    _towards(n, gamma1, g * g)
    g *= lr
    root = n + epsilon
    g /= xp.sqrt(root, out=root)
    xp.subtract(weight, g, out=out)
    _clipped(xp, out, clip_weights)


@_update("rmspropalex_update")
def _rmspropalex(xp: Any, out: Any, weight: Any, grad: Any, n: Any, g: Any, delta: Any, *, lr: float,
                 gamma1: float = 0.95, gamma2: float = 0.9, epsilon: float = 1e-8, wd: float = 0.0,
                 rescale_grad: float = 1.0, clip_gradient: float = -1.0, clip_weights: float = -1.0) -> None:
    """RMSProp as Graves (2013, equations 38 to 45) has it, with `g` the running mean of the gradient:
    delta = gamma2 delta - lr grad / sqrt(n - g^2 + epsilon) and w += delta, moved into [-clip_weights,
    clip_weights]; the gradient includes wd w inside of the limits.
    """
    step = _decayed(xp, weight, grad, rescale_grad, clip_gradient, wd)
    _towards(n, gamma1, step * step)
    _towards(g, gamma1, step)
    root = n - g * g
    root += epsilon
    step /= xp.sqrt(root, out=root)
    step *= lr
    delta *= gamma2
    delta -= step
    xp.add(weight, delta, out=out)
    _clipped(xp, out, clip_weights)


@_update("contrib.group_adagrad_update", free="history")
def _group_adagrad(xp: Any, out: Any, weight: Any, grad: Any, history: Any, *, lr: float,
                   rescale_grad: float = 1.0, clip_gradient: float = -1.0, epsilon: float = 1e-5) -> None:
    """AdaGrad with one rate a row: history, of shape (rows, 1, ...), sums the means of g^2 along the rows,
    and w -= lr g / sqrt(history + epsilon).
    """
    wanted = weight.shape[:1] + (1,) * (weight.ndim - 1)
    if history.shape != wanted:
        raise ValueError(f"history has one number a row, shape {wanted}, got shape {tuple(history.shape)}")
    g = _gradient(xp, weight, grad, rescale_grad, clip_gradient)
    history += xp.mean(g * g, axis=tuple(range(1, weight.ndim)), keepdims=True)
    g *= lr
    g /= xp.sqrt(history + epsilon)
    xp.subtract(weight, g, out=out)


# layerwise rates --------------------------------------------------------------------------------------------


@_update("lamb_update_phase1", "mp_lamb_update_phase1", direction=True)
def _lamb_phase1(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, beta1: float = 0.9,
                 beta2: float = 0.999, epsilon: float = 1e-6, t: float, bias_correction: bool = True,
                 wd: float, rescale_grad: float = 1.0, clip_gradient: float = -1.0) -> None:
    """The direction of LAMB's step `t` (You et al. 2019), the first being 1: mean / (sqrt(var) + epsilon) +
    wd w, with mean and var divided by 1 - beta1^t and 1 - beta2^t if `bias_correction`.
    """
    _moments(xp, _gradient(xp, weight, grad, rescale_grad, clip_gradient), mean, var, beta1, beta2)
    if bias_correction:
        step = _ratio(xp, mean, var / (1 - beta2 ** t), epsilon, 1 / (1 - beta1 ** t))
    else:
        step = _ratio(xp, mean, var, epsilon)
    xp.add(step, wd * weight, out=out)


def _bounded(xp: Any, r: Any, lower: float, upper: float) -> Any:
    if lower >= 0:
        r = xp.maximum(r, lower)
    return xp.minimum(r, upper) if upper >= 0 else r


def _rate(xp: Any, r1: Any, r2: Any) -> Any:
    """r1 / r2, and 1 where one of them is 0."""
    none = (r1 == 0) | (r2 == 0)
    return xp.where(none, 1.0, r1 / xp.where(none, 1.0, r2)).astype(r1.dtype)


def _length(xp: Any, x: Any) -> Any:
    return xp.sqrt(xp.sum(x * x))


@_update("lamb_update_phase2", "mp_lamb_update_phase2", free="r1 r2", read="g r1 r2")
def _lamb_phase2(xp: Any, out: Any, weight: Any, g: Any, r1: Any, r2: Any, *, lr: float,
                 lower_bound: float = -1.0, upper_bound: float = -1.0) -> None:
    """LAMB's step along `g`, what phase 1 gave: w -= lr (r1 / r2) g, where r1, the length of w, is moved
    between the bounds that are at least 0, and r2 is the length of g, both of shape (1,); the rate is lr if
    one of them is 0.
    """
    if r1.size != 1 or r2.size != 1:
        raise ValueError(f"r1 and r2 are lengths, one number each, got shapes {r1.shape} and {r2.shape}")
    rate = lr * _rate(xp, _bounded(xp, r1.reshape(()), lower_bound, upper_bound), r2.reshape(()))
    xp.subtract(weight, rate * g, out=out)


@_update("contrib.multi_lamb_update", "contrib.multi_mp_lamb_update")
def _lamb(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, step_count: float, lr: float,
          wd: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-6,
          rescale_grad: float = 1.0, lower_bound: float = -1.0, upper_bound: float = -1.0,
          clip_gradient: float = -1.0, bias_correction: bool = True) -> None:
    """Both phases of LAMB, with the lengths of the weights and of the direction."""
    step = xp.empty_like(weight)
    _lamb_phase1(xp, step, weight, grad, mean, var, beta1=beta1, beta2=beta2, epsilon=epsilon, t=step_count,
                 bias_correction=bias_correction, wd=wd, rescale_grad=rescale_grad,
                 clip_gradient=clip_gradient)
    r1, r2 = _length(xp, weight), _length(xp, step)
    _lamb_phase2(xp, out, weight, step, r1, r2, lr=lr, lower_bound=lower_bound, upper_bound=upper_bound)


@_update("contrib.multi_lans_update", "contrib.multi_mp_lans_update")
def _lans(xp: Any, out: Any, weight: Any, grad: Any, mean: Any, var: Any, *, step_count: float, lr: float,
          wd: float, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-6,
          rescale_grad: float = 1.0, lower_bound: float = -1.0, upper_bound: float = -1.0,
          clip_gradient: float = -1.0) -> None:
    """LAMB with Nesterov's look ahead and gradients of length 1 (Zheng et al. 2020, algorithm 2)."""
    g = xp.multiply(grad, rescale_grad, dtype=weight.dtype)
    g *= _rate(xp, xp.ones_like(g, shape=()), _length(xp, g))
    _clipped(xp, g, clip_gradient)
    _towards(mean, beta1, g)
    _towards(var, beta2, g * g)
    root = xp.sqrt(var / (1 - beta2 ** step_count))
    root += epsilon
    decay = wd * weight
    length = _bounded(xp, _length(xp, weight), lower_bound, upper_bound)
    step = xp.zeros_like(weight)
    for part, share in ((mean / (1 - beta1 ** step_count), beta1), (g, 1 - beta1)):
        part /= root
        part += decay
        part *= (lr * share) * _rate(xp, length, _length(xp, part))
        step += part
    xp.subtract(weight, step, out=out)
