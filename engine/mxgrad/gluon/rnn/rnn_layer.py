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
from ...ops.rnn import GATES, layer_shapes, recurrent, unpack
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
        text = f"{type(self).__name__}({self._input_size or None} -> {self._hidden_size}, {self._layout}"
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
        size = self._input_size
        names = [self._saved_name(name, path) for name, _ in self._shapes(size)]
        packed = path + "rnn_param"
        if self._packed and packed not in arrays and all(n in arrays for n in names):
            parts = [arrays.pop(n).reshape(-1).as_nd_ndarray() for n in names]
            weights, biases = ([p for n, p in zip(names, parts) if n.endswith(kind)]
                               for kind in ("weight", "bias"))
            arrays[packed] = ops.concatenate(*weights, *biases, axis=0)
        elif not self._packed and packed in arrays:
            ...

    # -- computing -------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, states: Any = None, sequence_length: Any = None) -> Any:
        self.skip_states = states is None
        if states is None:
            states = zero_states(self, inputs, self._layout.index("N"), 1)
        elif isinstance(states, (BaseArray, Symbol)):
            states = [states]
        if self._use_sequence_length:
            return super().__call__(inputs, states, sequence_length)
        return super().__call__(inputs, states)

    def hybrid_forward(self, F: Any, inputs: Any, states: Any, sequence_length: Any = None,
                       **params: Any) -> Any:
        turned = self._layout == "NTC"
        if turned:
            inputs = F.swapaxes(inputs, dim1=0, dim2=1)
        compute = self._on_symbols if isinstance(inputs, Symbol) else self._on_arrays
        outputs, *states = compute(F, inputs, states, sequence_length, params)
        if turned:
            outputs = F.swapaxes(outputs, dim1=0, dim2=1)
        return outputs if self.skip_states else (outputs, states)
