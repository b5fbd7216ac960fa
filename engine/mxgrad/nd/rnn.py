"""Adapters: recurrent layers and the loss of labellings."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base import OutOfRangeError
from ..invoke import F
from ..ops import ctc, rnn
from ..tape import state as scope
from .functions import ND
from .nn import Dropout


def rnn_of(
    data: Any, parameters: Any, state: Any, state_cell: Any, sequence_length: Any, use_sequence_length: bool,
    mode: Any, state_size: Any, num_layers: Any, bidirectional: bool, p: float, state_outputs: bool,
    projection_size: Any, clip_min: float | None, clip_max: float | None, clip_nan: Any,
) -> Any:
    """The composition behind nd.RNN and npx.rnn: the output, or a tuple of output, states and cells."""
    for name, v in (("data", data), ("parameters", parameters), ("state", state), ("mode", mode),
                    ("state_size", state_size), ("num_layers", num_layers)):
        if v is None:
            raise TypeError(f"parameter {name!r} is required")
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability between 0 and 1, got {p}")
    if use_sequence_length and sequence_length is None and mode != "lstm":
        sequence_length = state_cell        # gluon gives the arrays by position, and there are no cells
    if use_sequence_length and sequence_length is None:
        raise TypeError("use_sequence_length=True needs sequence_length")
    between: Callable[[Any], Any] | None = None
    if p and scope.training:
        def between(x: Any) -> Any:
            return Dropout(x, p=p)
    out, h, c = rnn.packed(
        F, data, parameters, state, state_cell, sequence_length if use_sequence_length else None, mode=mode,
        state_size=state_size, num_layers=num_layers, bidirectional=bidirectional,
        projection_size=projection_size, clip_min=clip_min, clip_max=clip_max, clip_nan=bool(clip_nan),
        between=between)
    if not state_outputs:
        return out
    return (out, h) if c is None else (out, h, c)


@ND.composed("RNN", arrays=5)
def RNN(
    data: Any, parameters: Any, state: Any, state_cell: Any = None, sequence_length: Any = None,
    state_size: int | None = None, num_layers: int | None = None, bidirectional: bool = False,
    mode: str | None = None, p: float = 0.0, state_outputs: bool = False, projection_size: int | None = None,
    lstm_state_clip_min: float | None = None, lstm_state_clip_max: float | None = None,
    lstm_state_clip_nan: bool = False, use_sequence_length: bool = False, out: Any = None, name: Any = None,
) -> Any:
    """Recurrent layers over sequences: `num_layers` on each other, in one direction or both.

    Parameters
    ----------
    data : NDArray
        (steps, batch, features).
    parameters : NDArray
        All parameters in one vector: for each layer, and in it for each direction, the weights of the inputs
        (gates x state_size, inputs), of the states (gates x state_size, states) and, with a projection, its
        own (projection_size, state_size); then, in the same order, the bias of the inputs and the bias of the
        states (gates x state_size) each.
    state, state_cell : NDArray
        The first states (num_layers x directions, batch, state_size), or projection_size; cells, for 'lstm'
        only, have state_size.
    sequence_length : NDArray
        (batch,), read with `use_sequence_length`: after its end a sequence's output is 0 and its state stays;
        backwards it begins there.
    mode : str
        With x W_i' + b_i and h W_h' + b_h, whose sum is a:

        - 'rnn_tanh', 'rnn_relu': h = tanh(a) or max(a, 0).
        - 'lstm', with gates in the order i, f, g, o: c = sigmoid(f) c + sigmoid(i) tanh(g),
          h = sigmoid(o) tanh(c), times the projection's weights if there is one.
        - 'gru', with gates r, z, n: h = (1 - z) n + z h, where r and z are the sigmoids of their a, and
          n = tanh(x W_i' + b_i + r (h W_h' + b_h)).
    p : float
        When training, the probability that an element passed from one layer to the next becomes 0; the others
        are divided by ``1 - p``.
    state_outputs : bool
        Give the last states too.
    projection_size : int, optional
        For 'lstm': the size of what goes out and back.
    lstm_state_clip_min, lstm_state_clip_max : float, optional
        Bounds of the cells, at each step; with `lstm_state_clip_nan` a nan becomes the lower one.

    Returns
    -------
    NDArray or list of NDArray
        The outputs (steps, batch, directions x size), both directions beside each other; with `state_outputs`
        a list of them, the last states, and, for 'lstm', the last cells.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        For shapes that do not fit, dtypes that are not one float dtype, an unknown mode.

    References
    ----------
    S. Hochreiter, J. Schmidhuber, Long short-term memory (1997); K. Cho et al., Learning Phrase
    Representations using RNN Encoder-Decoder (2014), with cuDNN's place of r; H. Sak et al., Long Short-Term
    Memory Based Recurrent Neural Network Architectures (2014), the projection.

    Examples
    --------
    A running sum: the weights of input and state are 1, the biases 0.

    >>> from mxgrad import nd
    >>> x = nd.array([1, 2, 3, -9]).reshape((4, 1, 1))
    >>> y = nd.RNN(x, nd.array([1, 1, 0, 0]), nd.zeros((1, 1, 1)), mode="rnn_relu", state_size=1,
    ...            num_layers=1)
    >>> y.reshape(-1).asnumpy().tolist()
    [1.0, 3.0, 6.0, 0.0]
    """
    return rnn_of(data, parameters, state, state_cell, sequence_length, use_sequence_length, mode, state_size,
                  num_layers, bidirectional, p, state_outputs, projection_size, lstm_state_clip_min,
                  lstm_state_clip_max, lstm_state_clip_nan)


def ctc_of(
    data: Any, label: Any, data_lengths: Any, label_lengths: Any, use_data_lengths: bool,
    use_label_lengths: bool, blank_label: str,
) -> Any:
    """The composition behind nd.CTCLoss and npx.ctc_loss."""
    lengths = {"data_lengths": data_lengths if use_data_lengths else None,
               "label_lengths": label_lengths if use_label_lengths else None}
    for name, use in (("data_lengths", use_data_lengths), ("label_lengths", use_label_lengths)):
        if use and lengths[name] is None:
            raise TypeError(f"use_{name}=True needs {name}")
        if use:
            lengths[name] = F.as_indices(lengths[name], what=name)
    try:
        return ctc.ctc_loss(F, data, label, blank=blank_label, **lengths)
    except OutOfRangeError:
        raise IndexError(f"labels are places of {data.shape[2]} classes") from None


@ND.composed("CTCLoss ctc_loss contrib.CTCLoss contrib.ctc_loss", arrays=4)
def CTCLoss(
    data: Any, label: Any, data_lengths: Any = None, label_lengths: Any = None,
    use_data_lengths: bool = False, use_label_lengths: bool = False, blank_label: str = "first",
    out: Any = None, name: Any = None,
) -> Any:
    """Connectionist temporal classification: minus the logarithm of each labelling's probability, over all
    its alignments to the data.

    Parameters
    ----------
    data : NDArray
        Activations (steps, batch, classes), before the softmax over the classes, one of which is the blank.
    label : NDArray
        (batch, length), no longer than the steps: the places of the classes, of any dtype.
    data_lengths : NDArray
        (batch,), read with `use_data_lengths`: how many steps count.
    label_lengths : NDArray
        (batch,), read with `use_label_lengths`: how many labels count.  Otherwise a labelling ends before the
        first 0, or -1 where the blank is the last class.
    blank_label : str
        Which class is the blank: 'first' (labels are from 1 on) or 'last' (labels are from 0 on).

    Returns
    -------
    NDArray
        (batch,).  As in MXNet it is 0, with gradient 0, where the data is too short: a labelling needs a step
        for each label, and one more between two equal ones.

    Raises
    ------
    InvalidValueError, InvalidTypeError
        For shapes that do not fit and data that is not of a float dtype.
    OutOfRangeError
        On a CPU, for a label that is no class.  A device does not look.

    References
    ----------
    A. Graves et al., Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
    Recurrent Neural Networks (2006).

    Examples
    --------
    Of the four equally probable paths of two steps over {blank, a} three say "a": aa, a-blank, blank-a.

    >>> from mxgrad import nd
    >>> loss = nd.CTCLoss(nd.zeros((2, 1, 2)), nd.array([[1]]))
    >>> nd.exp(-loss).asnumpy().tolist()
    [0.75]
    """
    return ctc_of(data, label, data_lengths, label_lengths, use_data_lengths, use_label_lengths, blank_label)
