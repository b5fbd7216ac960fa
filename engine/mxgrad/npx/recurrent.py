"""Recurrent layers and the loss of labellings: adapters with MXNet 2's signatures."""

from __future__ import annotations

from typing import Any

from ..nd.rnn import ctc_of, rnn_of
from ..np.functions import shared
from .functions import NPX
from .operators import _arrays


@NPX.adapter("rnn", arrays=5)
def rnn(
    data: Any = None, parameters: Any = None, state: Any = None, state_cell: Any = None,
    sequence_length: Any = None, mode: str | None = None, state_size: int | None = None,
    num_layers: int | None = None, bidirectional: bool = False, state_outputs: bool = False, p: float = 0.0,
    use_sequence_length: bool = False, projection_size: int | None = None,
    lstm_state_clip_min: float | None = None, lstm_state_clip_max: float | None = None,
    lstm_state_clip_nan: bool | None = None,
) -> Any:
    """Recurrent layers over sequences (steps, batch, features); the equations are in `nd.RNN`.

    Returns
    -------
    ndarray or list of ndarray
        The outputs (steps, batch, directions x size), both directions beside each other; with `state_outputs`
        a list of them, the last states, and, for 'lstm', the last cells.

    Examples
    --------
    >>> from mxgrad import np, npx
    >>> x = np.array([1., 2, 3]).reshape(3, 1, 1)
    >>> npx.rnn(x, np.array([1., 1, 0, 0]), np.zeros((1, 1, 1)), mode="rnn_relu", state_size=1,
    ...         num_layers=1).ravel()
    array([1., 3., 6.])
    """
    data, parameters, state, state_cell, sequence_length = _arrays(
        "rnn", data, parameters, state, state_cell, sequence_length, optional=2)
    out = shared("rnn", lambda F: rnn_of(
        data, parameters, state, state_cell, sequence_length, use_sequence_length, mode, state_size,
        num_layers, bidirectional, p, state_outputs, projection_size, lstm_state_clip_min,
        lstm_state_clip_max, lstm_state_clip_nan))
    return list(out) if isinstance(out, tuple) else out


@NPX.adapter("ctc_loss", arrays=4)
def ctc_loss(
    data: Any, label: Any, data_lengths: Any = None, label_lengths: Any = None,
    use_data_lengths: bool = False, use_label_lengths: bool = False, blank_label: str = "first",
) -> Any:
    """Minus the logarithm of the probability of each labelling, over all its alignments to the activations
    `data` (steps, batch, classes); parameters and result as in `nd.CTCLoss`.

    >>> from mxgrad import np, npx
    >>> np.exp(-npx.ctc_loss(np.zeros((2, 1, 2)), np.array([[1]])))
    array([0.75])
    """
    data, label, data_lengths, label_lengths = _arrays(
        "ctc_loss", data, label, data_lengths, label_lengths, optional=2)
    return shared("ctc_loss", lambda F: ctc_of(
        data, label, data_lengths, label_lengths, use_data_lengths, use_label_lengths, blank_label))
