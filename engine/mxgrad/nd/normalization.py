"""Adapters: normalisation over a batch, groups of channels, neighbouring channels."""
from __future__ import annotations

from typing import Any

from .. import autograd
from ..array import wrap
from ..base import ProgramError
from ..invoke import F
from ..ndarray import BaseArray
from ..ops import norm
from ..ops.conv import whole
from ..tape import state
from .array import needs_floats
from .functions import ND


def batch_norm(
    F: Any, data: Any, gamma: Any, beta: Any, moving_mean: Any, moving_var: Any, eps: float, momentum: float,
    fix_gamma: bool, use_global_stats: bool, output_mean_var: bool, axis: int,
) -> Any:
    """`norm.batch_norm` in the mode of the scope; the backward brings the moving statistics up to date."""
    if moving_mean is None or moving_var is None:
        raise TypeError("moving_mean and moving_var are needed")
    needs_floats(data._raw.dtype)
    of_batch = state.training and not use_global_stats
    y, mean, var = norm.batch_norm(F, data, gamma, beta, (moving_mean, moving_var), axis, eps, fix_gamma,
                                   of_batch)
    if of_batch and state.recording:
        if state.program is not None and any(
                moving._raw.__class__ is state.program.stand_in for moving in (moving_mean, moving_var)):
            # each backward writes to the arrays of the recording
            raise ProgramError("BatchNorm: moving statistics cannot be arguments or results of a program; "
                               "let it take them from elsewhere")

        def move(*news: Any) -> None:
            with autograd.pause():
                for moving, new in zip((moving_mean, moving_var), news):
                    if not isinstance(new, BaseArray):
                        new = wrap(type(moving), new, moving._ctx)
                    new = F.cast(new, dtype=moving._raw.dtype)
                    moving._assign(moving * momentum + new * (1 - momentum))

        y = F.on_backward(y, mean, var, action=move)
    if not output_mean_var:
        return y
    return y, F.stop_gradient(mean), F.stop_gradient(1 / F.sqrt(var + eps))


@ND.composed("BatchNorm", arrays=5)
def BatchNorm(data: Any, gamma: Any, beta: Any, moving_mean: Any = None, moving_var: Any = None,
              eps: float = 0.0010000000474974513, momentum: float = 0.9, fix_gamma: bool = True,
              use_global_stats: bool = False, output_mean_var: bool = False, axis: int = 1,
              cudnn_off: bool = False, min_calib_range: float | None = None,
              max_calib_range: float | None = None, out: Any = None, name: Any = None) -> Any:
    """`data` with mean 0 and variance 1 along every axis but `axis`, times `gamma` plus `beta`.

    Parameters
    ----------
    data : array
        (batch, channels, ...), or with the channels at `axis`.
    gamma, beta, moving_mean, moving_var : array
        One number per channel.
    eps : float
        Added to the variance.
    momentum : float
        The backward of a training step moves the statistics, in place, to ``moving * momentum + batch * (1 -
        momentum)``; the variance of the batch is divided by its size.
    fix_gamma : bool
        gamma counts as 1, and its gradient is 0.
    use_global_stats : bool
        Normalise by the moving statistics when training, too, as it is done otherwise; they do not change.
    output_mean_var : bool
        Give a list: the result, the mean, and one over the standard deviation, without gradients.
    cudnn_off, min_calib_range, max_calib_range
        Accepted for MXNet's sake.

    Examples
    --------
    >>> from mxgrad import autograd, nd
    >>> x, mean, var = nd.array([[1, 10], [3, 30]]), nd.zeros((2,)), nd.ones((2,))
    >>> x.attach_grad()
    >>> with autograd.record():
    ...     y = nd.BatchNorm(x, nd.ones((2,)), nd.zeros((2,)), mean, var)
    >>> y.backward()
    >>> y.asnumpy().round(2).tolist(), mean.asnumpy().round(2).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [0.20000000298023224, 2.0])
    """
    return batch_norm(F, data, gamma, beta, moving_mean, moving_var, eps, momentum, fix_gamma,
                      use_global_stats, output_mean_var, axis)


@ND.composed("GroupNorm", arrays=3)
def GroupNorm(data: Any, gamma: Any, beta: Any, num_groups: int = 1, eps: float = 9.99999975e-06,
              output_mean_var: bool = False, out: Any = None, name: Any = None) -> Any:
    """Each of `num_groups` groups of channels (axis 1) of each example with mean 0 and variance 1, times
    `gamma` plus `beta`, one number per group.

    With `output_mean_var` a list: the result, and of shape (batch, groups) the means and the standard
    deviations (``sqrt(variance + eps)``), without gradients.

    >>> from mxgrad import nd
    >>> x = nd.array([[[1], [3], [10], [30]]])
    >>> nd.GroupNorm(x, nd.ones((2,)), nd.zeros((2,)), num_groups=2).asnumpy().round(2).ravel().tolist()
    [-1.0, 1.0, -1.0, 1.0]
    """
    y, mean, deviation = norm.group_norm(F, data, gamma, beta, num_groups, eps, per_group=True)
    return (y, F.stop_gradient(mean), F.stop_gradient(deviation)) if output_mean_var else y


@ND.composed("LRN")
def LRN(data: Any, alpha: float = 1e-4, beta: float = 0.75, knorm: float = 2.0, nsize: int | None = None,
        out: Any = None, name: Any = None) -> Any:
    """Local response normalisation: ``data / (knorm + alpha / nsize * s) ** beta``, s being the sum of
    squares over the `nsize` nearest channels (axis 1).

    >>> from mxgrad import nd
    >>> x = nd.array([[[[1]], [[2]], [[3]]]])
    >>> nd.LRN(x, alpha=3, beta=1, knorm=1, nsize=3).asnumpy().round(3).ravel().tolist()
    [0.16699999570846558, 0.13300000131130219, 0.21400000154972076]
    """
    needs_floats(data._raw.dtype)
    return norm.local_response(F, data, alpha, beta, knorm, whole(nsize, "nsize"))
