"""Recurrent layers: whole sequences at once (level 15)."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...base import InvalidTypeError, InvalidValueError, as_dtype
from ...initializer import RNNFused
from ...invoke import F as ops
from ...nd import Dropout
from ...ndarray import BaseArray
from ...npx.switches import is_np_array
from ...ops.rnn import GATES, Layer, layer_shapes, recurrent, shapes_in, unpack
from ...ops.shape import product
from ...symbol import Symbol
from ...tape import state as scope
from ..block import HybridBlock
from ..parameter import Parameter, selected
from .rnn_cell import make_states, zero_states

__all__ = ["GRU", "LSTM", "RNN"]


class _Layer(HybridBlock):
    """Recurrent layers, one on the other.

    In MXNet 1 each matrix and bias is a parameter ('l0_i2h_weight': of the first layer, forward); where NumPy
    arrays are on, as in MXNet 2, all are in one vector ('rnn_param'), whose order `nd.RNN` documents.
    """

    _states = 1
    l0_i2h_weight: Any

    def __init__(
        self, mode: str, hidden_size: int, num_layers: int, layout: str, dropout: float, bidirectional: bool,
        input_size: int, initializers: dict[str, Any], dtype: Any, projection_size: int | None = None,
        clip: tuple[float | None, float | None] = (None, None), clip_nan: bool = False,
        use_sequence_length: bool = False, prefix: str | None = None, params: Any = None,
    ) -> None:
        name = type(self).__name__
        if layout not in ("TNC", "NTC"):
            raise InvalidValueError(f"{name}: Invalid layout {layout}; must be one of ['TNC' or 'NTC']")
        if mode not in GATES:
            raise InvalidValueError(f"{name}: activation is 'relu' or 'tanh', got {mode[4:]!r}")
        if hidden_size < 1 or num_layers < 1:
            raise InvalidValueError(f"{name}: hidden_size and num_layers are at least 1, got {hidden_size} "
                                    f"and {num_layers}")
        if not 0 <= dropout <= 1:
            raise InvalidValueError(f"{name}: dropout is a probability, got {dropout}")
        if (clip[0] is None) != (clip[1] is None):
            raise InvalidValueError(f"{name}: state_clip_min and state_clip_max are given together or not at "
                                    "all")
        super().__init__(prefix, params)
        self._mode, self._hidden_size, self._num_layers = mode, hidden_size, num_layers
        self._layout, self._dropout, self._dir = layout, dropout, 2 if bidirectional else 1
        self._input_size, self._dtype = input_size, dtype
        self._projection_size = projection_size or None
        self._clip, self._clip_nan = clip, clip_nan
        self._use_sequence_length = use_sequence_length
        self._packed = is_np_array()
        self._kept: tuple[tuple[Any, ...], list[Any]] | None = None
        if self._packed:
            init = RNNFused(mode, num_layers, hidden_size, bidirectional, self._projection_size,
                            **{f"{n}_initializer": i for n, i in initializers.items()})
            self.rnn_param = self.params.get("rnn_param", shape=(-1,), init=init, allow_deferred_init=True,
                                             dtype=dtype)
        else:
            for own, shape in self._shapes(input_size):
                setattr(self, own, self.params.get(
                    own, shape=shape, init=initializers[own.split("_", 1)[1]], allow_deferred_init=True,
                    dtype=dtype))

    def _layers(self, input_size: int) -> list[list[tuple[int, ...]]]:
        return layer_shapes(self._mode, self._num_layers, input_size, self._hidden_size, self._dir,
                            self._projection_size)

    def _shapes(self, input_size: int) -> Iterator[tuple[str, tuple[int, ...]]]:
        """The names and shapes of the parameters."""
        for k, (i2h, h2h, *project, bias, _) in enumerate(self._layers(input_size)):
            start = f"{'lr'[k % self._dir]}{k // self._dir}_"
            yield from ((start + "i2h_weight", i2h), (start + "h2h_weight", h2h), (start + "i2h_bias", bias),
                        (start + "h2h_bias", bias))
            for shape in project:
                yield start + "h2r_weight", shape

    def __repr__(self) -> str:
        features = self._input_size if self._packed else self.l0_i2h_weight.shape[1]
        text = f"{type(self).__name__}({features or None} -> {self._hidden_size}, {self._layout}"
        if self._num_layers != 1:
            text += f", num_layers={self._num_layers}"
        if self._dropout != 0:
            text += f", dropout={self._dropout}"
        return text + (", bidirectional)" if self._dir == 2 else ")")

    # -- states ----------------------------------------------------------------------------------------------

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """For each state a dict with its 'shape' (layers x directions, batch, size), '__layout__', 'dtype'.
        """
        sizes = (self._projection_size or self._hidden_size, self._hidden_size)
        return [{"shape": (self._num_layers * self._dir, batch_size, n), "__layout__": "LNC",
                 "dtype": self._dtype} for n in sizes[:self._states]]

    def begin_state(self, batch_size: int = 0, func: Callable[..., Any] | None = None,
                    **kwargs: Any) -> list[Any]:
        """The states before the first step; parameters as in `RecurrentCell.begin_state`."""
        return make_states(self.state_info(batch_size), func,
                           (f"{self.prefix}h0_{i}" for i in range(self._states)), **kwargs)

    # -- parameters ------------------------------------------------------------------------------------------

    def infer_shape(self, inputs: Any, *args: Any) -> None:
        """Set the shapes that follow from the features of the input."""
        self._check_axes(inputs)
        self._input_size = inputs.shape[2]
        if self._packed:
            shapes = self._layers(self._input_size)
            self.rnn_param.shape = (sum(product(s) for layer in shapes for s in layer),)
        else:
            for name, shape in self._shapes(self._input_size):
                self._reg_params[name].shape = shape

    def cast(self, dtype: Any) -> None:
        """Change the dtype of the parameters and of the states made here."""
        super().cast(dtype)
        self._dtype = dtype

    def _collect_params_with_prefix(
        self, prefix: str = "", select: str | None = None,
    ) -> dict[str, Parameter]:
        found = super()._collect_params_with_prefix(prefix)
        if not self._packed:
            start = prefix + "." if prefix else ""
            found = {self._saved_name(n[len(start):], start): p for n, p in found.items()}
        return {n: found[n] for n in selected(found, select)}

    def _saved_name(self, name: str, start: str = "") -> str:
        """What MXNet 1 calls a parameter in files: l0_i2h_weight is _unfused.0.i2h_weight, or, with two
        directions, _unfused.0.l_cell.i2h_weight.
        """
        place, rest = name.split("_", 1)
        cell = f"{place[0]}_cell." if self._dir == 2 else ""
        return f"{start}_unfused.{place[1:]}.{cell}{rest}"

    def _adapt(self, arrays: dict[str, Any], path: str) -> None:
        vector = path + "rnn_param"
        names = [self._saved_name(n, path) for n, _ in self._shapes(0)]
        if self._packed and vector not in arrays and all(n in arrays for n in names):
            parts = [arrays.pop(n) for n in self._in_order(names)]
            arrays[vector] = ops.concatenate(*[ops.reshape(p, shape=(-1,)) for p in parts], axis=0)
        elif not self._packed and vector in arrays and not any(n in arrays for n in names):
            packed = arrays.pop(vector)
            shapes = shapes_in(packed.size, self._mode, self._num_layers, self._hidden_size, self._dir,
                               self._projection_size)
            each = iter(names)
            for i2h, h2h, b_in, b_state, project in unpack(ops, packed, shapes):
                for part in (i2h, h2h, b_in, b_state, project):
                    if part is not None:
                        arrays[next(each)] = part

    @staticmethod
    def _in_order(names: list[str]) -> list[str]:
        """The names of all parameters in the order they have in one vector: weights, then biases."""
        return sorted(names, key=lambda n: n.endswith("bias"))

    # -- computing -------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, states: Any = None, sequence_length: Any = None) -> Any:
        self.skip_states = states is None
        if states is None:
            states = self._zeros(inputs)
        elif isinstance(states, (BaseArray, Symbol)):
            states = [states]
        if (sequence_length is not None) != self._use_sequence_length:
            raise InvalidValueError(
                f"{type(self).__name__}: sequence_length is given when the layer was made with "
                "use_sequence_length=True, and only then")
        if self._use_sequence_length:
            return super().__call__(inputs, states, sequence_length)
        return super().__call__(inputs, states)

    def _zeros(self, inputs: Any) -> list[Any]:
        """The states before the first step; arrays are kept for the next call, since nobody gets to see them.
        """
        axis = self._layout.index("N")
        if isinstance(inputs, Symbol) or type(self).begin_state is not _Layer.begin_state:
            return zero_states(self, inputs, axis, 1)
        what = type(inputs), inputs.shape[axis], inputs.context, inputs.dtype, self._dtype
        kept = self._kept
        if kept is None or kept[0] != what:
            kept = self._kept = what, zero_states(self, inputs, axis, 1)
        return list(kept[1])

    def hybrid_forward(     # type: ignore[override]
        self, F: Any, inputs: Any, states: Any, sequence_length: Any = None, **params: Any,
    ) -> Any:
        self._check_axes(inputs)
        if isinstance(inputs, Symbol):
            return self._on_symbols(F, inputs, states, sequence_length, params)
        return self._on_arrays(inputs, states, sequence_length, params)

    def _on_symbols(self, F: Any, inputs: Any, states: Any, length: Any, params: dict[str, Any]) -> Any:
        if self._packed:
            vector = params["rnn_param"]
        else:
            parts = [F.reshape(params[n], shape=(-1,)) for n in self._in_order(list(params))]
            vector = F.concat(*parts, dim=0)
        turned = self._layout == "NTC"
        if turned:
            inputs = F.swapaxes(inputs, dim1=0, dim2=1)
        lowest, highest = self._clip
        named = dict(zip(("state", "state_cell"), states))
        if length is not None:
            named["sequence_length"] = length
        outputs, *states = F.RNN(
            inputs, vector, mode=self._mode, state_size=self._hidden_size, num_layers=self._num_layers,
            bidirectional=self._dir == 2, p=self._dropout, state_outputs=True,
            projection_size=self._projection_size, lstm_state_clip_min=lowest, lstm_state_clip_max=highest,
            lstm_state_clip_nan=self._clip_nan, use_sequence_length=length is not None, **named)
        if turned:
            outputs = F.swapaxes(outputs, dim1=0, dim2=1)
        return outputs if self.skip_states else (outputs, states)

    def _on_arrays(self, inputs: Any, states: Any, length: Any, params: dict[str, Any]) -> Any:
        self._check(inputs, states, length, params)
        if self._packed:
            layers = unpack(ops, params["rnn_param"], self._layers(inputs.shape[2]))
        else:
            layers = list(self._separate(params))
        between: Callable[[Any], Any] | None = None
        if self._dropout and scope.training:
            def between(x: Any) -> Any:
                return Dropout(x, p=self._dropout)
        lowest, highest = self._clip
        outputs, h, c = recurrent(
            ops, inputs, layers, *[s.as_in_context(inputs.context) for s in states], mode=self._mode,
            directions=self._dir, length=length, between=between, clip_nan=self._clip_nan,
            clip=None if lowest is None or highest is None else (lowest, highest),
            turned=self._layout == "NTC", ends=not self.skip_states)
        if self.skip_states:
            return outputs
        return outputs, [h] if c is None else [h, c]

    def _separate(self, params: dict[str, Any]) -> Iterator[Layer]:
        for layer in range(self._num_layers):
            for direction in "lr"[:self._dir]:
                start = f"{direction}{layer}_"
                yield (params[start + "i2h_weight"], params[start + "h2h_weight"],
                       params[start + "i2h_bias"], params[start + "h2h_bias"],
                       params.get(start + "h2r_weight"))

    def _check_axes(self, inputs: Any) -> None:
        if not isinstance(inputs, Symbol) and inputs.ndim != 3:
            raise InvalidValueError(
                f"{type(self).__name__}: inputs have three axes, {self._layout} here, got shape "
                f"{inputs.shape}")

    def _check(self, inputs: Any, states: Any, length: Any, params: dict[str, Any]) -> None:
        """Arrays that fit."""
        name = type(self).__name__
        batch, features = inputs.shape[self._layout.index("N")], inputs.shape[2]
        if not inputs.shape[self._layout.index("T")]:
            raise InvalidValueError(f"{name}: sequences of no steps, inputs are {inputs.shape} "
                                    f"({self._layout})")
        if self._packed:
            wanted = sum(product(s) for layer in self._layers(features) for s in layer)
            fits = params["rnn_param"].size == wanted
        else:
            fits = params["l0_i2h_weight"].shape[1] == features
        if not fits:
            raise InvalidValueError(
                f"{name}: the parameters are not those for inputs of {features} features; this is {self}")
        infos = self.state_info(batch)
        if len(states) != len(infos):
            raise InvalidValueError(f"{name} has {len(infos)} states, got {len(states)}")
        for state, info in zip(states, infos):
            if state.shape != info["shape"]:
                raise InvalidValueError(f"Invalid recurrent state shape. Expecting {info['shape']}, got "
                                        f"{state.shape}.")
        if length is not None and length.shape != (batch,):
            raise InvalidValueError(f"{name}: sequence_length has shape ({batch},) here, got {length.shape}")
        dtypes = [as_dtype(a.dtype).name for a in (inputs, *states, *params.values())]
        if len(set(dtypes)) != 1 or not dtypes[0].startswith("float"):
            raise InvalidTypeError(
                f"{name}: inputs, states and parameters are of one float dtype; inputs are {dtypes[0]}, "
                f"states {', '.join(dtypes[1:1 + len(states)])}, parameters {dtypes[-1]}")


_INPUTS_AND_STATES = """
    The layer is called with the inputs (steps, batch, input_size), or (batch, steps, input_size) for the
    layout 'NTC', and gives the outputs (steps, batch, directions x size).  Called with states too, as
    `begin_state` makes them, it gives the outputs and a list of the last states.  With
    ``use_sequence_length=True`` it takes a third argument, sequence_length (batch,): outputs after the end of
    a sequence are 0, the last states are those at its end, and backward it begins there."""

_PARAMETERS = """
    hidden_size : int
        Elements of a state.
    num_layers : int
        How many, each on the outputs of the one below.
    layout : str
        'TNC' or 'NTC': where the time and the batch are.
    dropout : float
        When training, the probability that an element that goes from one layer to the next becomes 0.
    bidirectional : bool
        Each layer forward and backward, the outputs beside each other.
    input_size : int
        Features of the inputs; 0 to learn them from the first ones.
    i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer
        Of W, U, b and d: Initializer or str, optional.
    dtype : str or dtype
    use_sequence_length : bool
        See above.
    prefix, params
        As in `Block`."""


class RNN(_Layer):
    __doc__ = f"""Layers of h = activation(W x + b + U h + d) (Elman, Finding structure in time, 1990).
{_INPUTS_AND_STATES}

    Parameters
    ----------
    activation : str
        'relu' or 'tanh'; the third argument.{_PARAMETERS}

    Examples
    --------
    >>> import mxgrad as mx
    >>> layer = mx.gluon.rnn.RNN(1, i2h_weight_initializer="ones", h2h_weight_initializer="ones")
    >>> layer.initialize()
    >>> outputs, states = layer(mx.nd.array([[[1]], [[2]], [[3]]]), layer.begin_state(batch_size=1))
    >>> outputs.asnumpy().ravel().tolist(), [s.shape for s in states]
    ([1.0, 3.0, 6.0], [(1, 1, 1)])
    """

    def __init__(
        self, hidden_size: int, num_layers: int = 1, activation: str = "relu", layout: str = "TNC",
        dropout: float = 0, bidirectional: bool = False, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = "zeros",
        h2h_bias_initializer: Any = "zeros", input_size: int = 0, dtype: Any = "float32", **kwargs: Any,
    ) -> None:
        super().__init__(
            f"rnn_{activation}", hidden_size, num_layers, layout, dropout, bidirectional, input_size,
            {"i2h_weight": i2h_weight_initializer, "h2h_weight": h2h_weight_initializer,
             "i2h_bias": i2h_bias_initializer, "h2h_bias": h2h_bias_initializer}, dtype, **kwargs)


class LSTM(_Layer):
    __doc__ = f"""Layers of long short-term memory (Hochreiter and Schmidhuber, 1997): with the four parts i,
    f, g, o of W x + b + U h + d, c = sigmoid(f) c + sigmoid(i) tanh(g) and h = sigmoid(o) tanh(c).
{_INPUTS_AND_STATES}

    The states are h and c.

    Parameters
    ----------{_PARAMETERS}
    projection_size : int, optional
        With a projection (Sak and others, arXiv:1402.1128) the outputs and the first state are r = V h of
        this size, and U multiplies r instead of h.
    h2r_weight_initializer : Initializer or str, optional
        Of V.
    state_clip_min, state_clip_max : float, optional
        Bounds of c at each step; with `state_clip_nan` a nan becomes the lower one.

    Examples
    --------
    >>> import mxgrad as mx
    >>> layer = mx.gluon.rnn.LSTM(100, 3)
    >>> layer.initialize()
    >>> outputs, states = layer(mx.nd.ones((5, 3, 10)), layer.begin_state(batch_size=3))
    >>> outputs.shape, [s.shape for s in states]
    ((5, 3, 100), [(3, 3, 100), (3, 3, 100)])
    """

    _states = 2

    def __init__(
        self, hidden_size: int, num_layers: int = 1, layout: str = "TNC", dropout: float = 0,
        bidirectional: bool = False, input_size: int = 0, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = "zeros",
        h2h_bias_initializer: Any = "zeros", projection_size: int | None = None,
        h2r_weight_initializer: Any = None, state_clip_min: float | None = None,
        state_clip_max: float | None = None, state_clip_nan: bool = False, dtype: Any = "float32",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            "lstm", hidden_size, num_layers, layout, dropout, bidirectional, input_size,
            {"i2h_weight": i2h_weight_initializer, "h2h_weight": h2h_weight_initializer,
             "i2h_bias": i2h_bias_initializer, "h2h_bias": h2h_bias_initializer,
             "h2r_weight": h2r_weight_initializer}, dtype, projection_size,
            (state_clip_min, state_clip_max), state_clip_nan, **kwargs)


class GRU(_Layer):
    __doc__ = f"""Layers of gated recurrent units (Cho and others, arXiv:1406.1078, with cuDNN's place of r):
    with the three parts of W x + b and of U h + d, r = sigmoid(x_r + h_r), z = sigmoid(x_z + h_z),
    n = tanh(x_n + r h_n) and h = (1 - z) n + z h.
{_INPUTS_AND_STATES}

    Parameters
    ----------{_PARAMETERS}
    """

    def __init__(
        self, hidden_size: int, num_layers: int = 1, layout: str = "TNC", dropout: float = 0,
        bidirectional: bool = False, input_size: int = 0, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = "zeros",
        h2h_bias_initializer: Any = "zeros", dtype: Any = "float32", **kwargs: Any,
    ) -> None:
        super().__init__(
            "gru", hidden_size, num_layers, layout, dropout, bidirectional, input_size,
            {"i2h_weight": i2h_weight_initializer, "h2h_weight": h2h_weight_initializer,
             "i2h_bias": i2h_bias_initializer, "h2h_bias": h2h_bias_initializer}, dtype, **kwargs)
