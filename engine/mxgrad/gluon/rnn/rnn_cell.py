"""Recurrent cells: one step of a sequence, unrolled over all of them (level 15)."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter as Argument, signature
from typing import Any

from ... import nd, np, symbol
from ...base import InvalidTypeError, InvalidValueError, as_dtype, numeric_types
from ...invoke import F as ops
from ...ndarray import BaseArray
from ...npx.switches import is_np_array
from ...symbol import Symbol
from ..block import Block, HybridBlock
from ..nn import LeakyReLU
from ..utils import indent

__all__ = ["BidirectionalCell", "DropoutCell", "GRUCell", "HybridRecurrentCell", "HybridSequentialRNNCell",
           "LSTMCell", "LSTMPCell", "ModifierCell", "RNNCell", "RecurrentCell", "ResidualCell",
           "SequentialRNNCell", "VariationalDropoutCell", "ZoneoutCell"]

# What the cells share --------------------------------------------------------------------------------------


def make_states(infos: Iterable[dict[str, Any]], func: Callable[..., Any] | None, names: Iterable[str],
                **kwargs: Any) -> list[Any]:
    """States as `state_info` describes them: ``func(shape=...)``, with those of the other things that are
    known (name, dtype, ctx or device) that `func` takes.  By default they are zeros.
    """
    if func is None:
        func = np.zeros if is_np_array() else nd.zeros
    try:
        taken = dict(signature(func).parameters)
    except (TypeError, ValueError):     # written in C
        taken = {}
    anything = any(p.kind is Argument.VAR_KEYWORD for p in taken.values())
    here = "device" if "device" in taken else "ctx"
    states = []
    for info, name in zip(infos, names):
        wanted = {n: v for n, v in {**info, **kwargs}.items() if not n.startswith("__")}
        ctx = wanted.pop("ctx", None) or wanted.pop("device", None)
        if ctx is not None:
            wanted[here] = ctx
        if "size" in taken and "shape" not in taken:    # the random functions of np
            wanted["size"] = wanted.pop("shape")
        if anything or "name" in taken:
            wanted["name"] = name
        states.append(func(**wanted))
    return states


def zero_states(cell: Any, inputs: Any, batch_axis: int, state_axis: int = 0) -> list[Any]:
    """The states before the first step, for `inputs` whose batch is along `batch_axis`."""
    if isinstance(inputs, Symbol):
        def zeros(shape: Any, **ignored: Any) -> Any:
            # The length of the batch is not known yet: it is the inputs'.
            one = symbol.zeros(shape=(*shape[:state_axis], 1, *shape[state_axis + 1:]))
            return symbol.broadcast_like(one, inputs, lhs_axes=(state_axis,), rhs_axes=(batch_axis,))

        return list(cell.begin_state(func=zeros, batch_size=0))
    dtype = as_dtype(inputs.dtype)
    other = {"dtype": dtype.name} if dtype.kind == "f" and dtype.name != "float32" else {}
    func = nd.zeros if isinstance(inputs, nd.NDArray) else np.zeros
    with inputs.context:
        return list(cell.begin_state(func=func, batch_size=inputs.shape[batch_axis], **other))


class _Sequence:
    """Sequences to unroll a cell over: one array with an axis for the time, or a list with one for each step.
    """

    def __init__(self, length: int | None, inputs: Any, layout: str) -> None:
        self.axis, self.batch_axis = layout.find("T"), layout.find("N")
        if min(self.axis, self.batch_axis) < 0:
            raise InvalidValueError(
                f"unroll: a layout has axes N and T, like 'NTC' and 'TNC'; got {layout!r}")
        whole = isinstance(inputs, (BaseArray, Symbol))
        if not whole and not (isinstance(inputs, (list, tuple)) and inputs):
            raise InvalidTypeError("unroll: inputs are one array or a list with an array for each step, got "
                                   f"{inputs!r}")
        first = inputs if whole else inputs[0]
        self.F: Any = symbol if isinstance(first, Symbol) else nd
        if isinstance(inputs, BaseArray):
            if inputs.ndim <= max(self.axis, self.batch_axis):
                raise InvalidValueError(
                    f"unroll: inputs of shape {inputs.shape} do not have the layout {layout!r}")
            have: int | None = inputs.shape[self.axis]
        else:
            have = None if whole else len(inputs)
        if length is None:
            length = have
        if length is None or have not in (None, length) or length < 1:
            raise InvalidValueError(
                f"unroll: inputs have {'an unknown number of' if have is None else have} steps, length is "
                f"{length}")
        self.length: int = length
        self.inputs = inputs

    def begin(self, cell: RecurrentCell, states: Any) -> Any:
        """The first states, if none are given."""
        if states is not None:
            return states
        if isinstance(self.inputs, (list, tuple)):
            return zero_states(cell, self.inputs[0], 0)
        return zero_states(cell, self.inputs, self.batch_axis)

    def steps(self, values: Any) -> list[Any]:
        """As a list with an array for each step."""
        if isinstance(values, (list, tuple)):
            return list(values)
        return _listed(self.F.split(values, axis=self.axis, num_outputs=self.length, squeeze_axis=True))

    def merged(self, values: Any) -> Any:
        """As one array."""
        if isinstance(values, (list, tuple)):
            return self.F.stack(*values, axis=self.axis)
        return values

    def formed(self, values: Any, merge: bool | None) -> Any:
        """As one array or as a list; as they are for None."""
        if merge is None:
            return values
        return self.merged(values) if merge else self.steps(values)

    def masked(self, values: Any, valid_length: Any, merge: bool | None = True) -> Any:
        """With zeros after the end of each sequence."""
        return self.formed(
            self.F.SequenceMask(self.merged(values), sequence_length=valid_length, use_sequence_length=True,
                                axis=self.axis), bool(merge))

    def turned(self, steps: list[Any], valid_length: Any) -> list[Any]:
        """The steps in backward order, each sequence from its end."""
        if valid_length is None:
            return steps[::-1]
        turned = self.F.SequenceReverse(self.F.stack(*steps, axis=0), sequence_length=valid_length,
                                        use_sequence_length=True)
        return _listed(self.F.split(turned, axis=0, num_outputs=self.length, squeeze_axis=True))

    def run(self, cell: Any, states: Any, valid_length: Any) -> tuple[list[Any], Any]:
        """The cell's outputs for all steps, and the states at the end of each sequence."""
        outputs, seen = [], []
        for x in self.steps(self.inputs):
            output, states = cell(x, states)
            outputs.append(output)
            if valid_length is not None:
                seen.append(states)
        if valid_length is not None:
            states = [self.F.SequenceLast(self.F.stack(*each, axis=0), sequence_length=valid_length,
                                          use_sequence_length=True, axis=0) for each in zip(*seen)]
        return outputs, states


def _listed(values: Any) -> list[Any]:
    """Several outputs, or one that came alone, as a list."""
    if isinstance(values, BaseArray):
        return [values]
    return list(values)


class RecurrentCell(Block):
    """A cell: ``output, states = cell(inputs, states)`` is one step of a sequence.

    A subclass defines `state_info` and ``forward(self, inputs, states)``.

    Parameters
    ----------
    prefix, params
        As in `Block`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> class Sum(mx.gluon.rnn.RecurrentCell):
    ...     def state_info(self, batch_size=0):
    ...         return [{"shape": (batch_size, 1), "__layout__": "NC"}]
    ...     def forward(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    >>> outputs, states = Sum().unroll(3, mx.nd.array([[[1], [2], [3]]]), merge_outputs=True)
    >>> outputs.asnumpy().ravel().tolist()
    [1.0, 3.0, 6.0]
    """

    def __init__(self, prefix: str | None = None, params: Any = None) -> None:
        super().__init__(prefix, params)
        self._modified = False
        self.reset()

    def __call__(self, inputs: Any, states: Any) -> Any:
        self.__dict__["_counter"] += 1      # no attribute that `Block` has to look at
        return super().__call__(inputs, states)

    def reset(self) -> None:
        """Begin a new sequence: forget what was remembered of the last one besides the states."""
        # The state and the step that come next in names.
        self._init_counter = self._counter = -1
        for cell in self._children.values():
            if isinstance(cell, RecurrentCell):
                cell.reset()

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """For each state a dict with its 'shape', for a batch of this size, and '__layout__'."""
        raise NotImplementedError(f"{type(self).__name__} does not define state_info")

    def begin_state(self, batch_size: int = 0, func: Callable[..., Any] | None = None,
                    **kwargs: Any) -> list[Any]:
        """The states before the first step.

        Parameters
        ----------
        batch_size : int
        func : callable
            Makes them: ``func(shape=..., **kwargs)``; zeros by default.
        kwargs
            dtype, ctx and the like, for `func`.
        """
        self._check_unmodified()

        def names() -> Iterable[str]:
            while True:
                self._init_counter += 1
                yield f"{self._prefix}begin_state_{self._init_counter}"

        return make_states(self.state_info(batch_size), func, names(), **kwargs)

    def _check_unmodified(self) -> None:
        if self._modified:
            raise InvalidValueError(
                "After applying modifier cells (e.g. ZoneoutCell) the base cell cannot be called directly. "
                "Call the modifier cell instead.")

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """The outputs for all steps of sequences, and the last states.

        Parameters
        ----------
        length : int
            How many steps.
        inputs : array or list of array
            One array as `layout` says, or one without the axis T for each step.
        begin_state : list of array, optional
            `begin_state` by default.
        layout : str
            'NTC' or 'TNC': where the batch and the time are.
        merge_outputs : bool, optional
            Give the outputs as one array, or as a list; what is faster by default.
        valid_length : array, optional
            (batch,): how many steps each sequence has.  Outputs after them are 0, and the last states are
            those at their end.

        Raises
        ------
        InvalidValueError, InvalidTypeError
            `layout`, `length` and `inputs` do not fit.
        """
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        outputs, states = sequence.run(self, sequence.begin(self, begin_state), valid_length)
        if valid_length is None:
            return sequence.formed(outputs, merge_outputs), states
        return sequence.masked(outputs, valid_length, merge_outputs is not False), states

    def _get_activation(self, F: Any, inputs: Any, activation: Any, **kwargs: Any) -> Any:
        """A function by its name, of a layer, or a callable."""
        if isinstance(activation, str):
            return F.Activation(inputs, act_type=activation, **kwargs)
        if isinstance(activation, LeakyReLU):
            return F.LeakyReLU(inputs, act_type="leaky", slope=activation._alpha, **kwargs)
        return activation(inputs, **kwargs)


class HybridRecurrentCell(RecurrentCell, HybridBlock):
    """A cell that is a `HybridBlock`: a subclass defines ``hybrid_forward(self, F, inputs, states, ...)``."""


# The activations of a cell that is one op.
_USUAL = "tanh", "sigmoid"

# Cells -----------------------------------------------------------------------------------------------------


class GatedCell(HybridRecurrentCell):
    """Gates that are computed from W x + b and U h + d, x being the inputs and h the first state.

    A subclass says what the products are (`_sums`), another one what is done with them.
    """

    _gates = 1
    _states = 1
    # Where the gates stand one after the other.
    _axis = 1
    _activation: Any = "tanh"
    _recurrent_activation: Any = "sigmoid"
    _state_shape: tuple[int, ...]
    _state_layout = "NC"

    def _declare(self, **parameters: tuple[tuple[int, ...], Any]) -> None:
        """Make parameters of a shape with an initializer."""
        for name, (shape, init) in parameters.items():
            setattr(self, name, self.params.get(name, shape=shape, init=init, allow_deferred_init=True))

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """See `RecurrentCell.state_info`."""
        return [{"shape": (batch_size, *self._state_shape), "__layout__": self._state_layout}
                for _ in range(self._states)]

    def _sums(self, F: Any, inputs: Any, state: Any, i2h_weight: Any, h2h_weight: Any, i2h_bias: Any,
              h2h_bias: Any) -> tuple[Any, Any]:
        raise NotImplementedError


class ElmanStep(GatedCell):
    """h = activation(W x + b + U h + d)."""

    def hybrid_forward(self, F: Any, inputs: Any, states: Any, i2h_weight: Any, h2h_weight: Any,
                       i2h_bias: Any, h2h_bias: Any) -> Any:
        i2h, h2h = self._sums(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        h = self._get_activation(F, i2h + h2h, self._activation, name=f"t{self._counter}_out")
        return h, [h]


class LSTMStep(GatedCell):
    """Long short-term memory."""

    _gates, _states = 4, 2

    def hybrid_forward(self, F: Any, inputs: Any, states: Any, i2h_weight: Any, h2h_weight: Any,
                       i2h_bias: Any, h2h_bias: Any) -> Any:
        i2h, h2h = self._sums(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        h, c = self._advanced(F, i2h + h2h, states[1], "out")
        return h, [h, c]

    def _advanced(self, F: Any, gates: Any, c: Any, name: str) -> tuple[Any, Any]:
        """h and c after the step."""
        if F is nd and gates.ndim == 2 and (self._activation, self._recurrent_activation) == _USUAL:
            h, c, _ = ops.lstm_cell(gates, c)
            return h, c
        start = f"t{self._counter}_"
        i, f, new, o = F.SliceChannel(gates, num_outputs=4, axis=self._axis, name=start + "slice")
        i, f, o = (self._get_activation(F, gate, self._recurrent_activation) for gate in (i, f, o))
        c = F.elemwise_add(f * c, i * self._get_activation(F, new, self._activation), name=start + "state")
        return F.elemwise_mul(o, self._get_activation(F, c, self._activation), name=start + name), c


class GRUStep(GatedCell):
    """A gated recurrent unit."""

    _gates = 3

    def hybrid_forward(self, F: Any, inputs: Any, states: Any, i2h_weight: Any, h2h_weight: Any,
                       i2h_bias: Any, h2h_bias: Any) -> Any:
        start = f"t{self._counter}_"
        i2h, h2h = self._sums(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        x_r, x_z, x_n = F.SliceChannel(i2h, num_outputs=3, axis=self._axis, name=start + "i2h_slice")
        h_r, h_z, h_n = F.SliceChannel(h2h, num_outputs=3, axis=self._axis, name=start + "h2h_slice")
        r = self._get_activation(F, x_r + h_r, self._recurrent_activation)
        z = self._get_activation(F, x_z + h_z, self._recurrent_activation)
        n = self._get_activation(F, x_n + r * h_n, self._activation)
        h = F.elemwise_add((1 - z) * n, z * states[0], name=start + "out")
        return h, [h]


class _DenseCell(GatedCell):
    """Vectors as inputs and states."""

    def __init__(
        self, hidden_size: int, i2h_weight_initializer: Any, h2h_weight_initializer: Any,
        i2h_bias_initializer: Any, h2h_bias_initializer: Any, input_size: int, prefix: str | None,
        params: Any,
    ) -> None:
        super().__init__(prefix, params)
        self._hidden_size, self._input_size, self._state_shape = hidden_size, input_size, (hidden_size,)
        rows = self._gates * hidden_size
        self._declare(i2h_weight=((rows, input_size), i2h_weight_initializer),
                      h2h_weight=((rows, hidden_size), h2h_weight_initializer),
                      i2h_bias=((rows,), i2h_bias_initializer), h2h_bias=((rows,), h2h_bias_initializer))

    def _sums(self, F: Any, inputs: Any, state: Any, i2h_weight: Any, h2h_weight: Any, i2h_bias: Any,
              h2h_bias: Any) -> tuple[Any, Any]:
        start, rows = f"t{self._counter}_", self._hidden_size * self._gates
        return (F.FullyConnected(inputs, i2h_weight, i2h_bias, num_hidden=rows, name=start + "i2h"),
                F.FullyConnected(state, h2h_weight, h2h_bias, num_hidden=rows, name=start + "h2h"))

    def _mapping(self) -> str:
        shape = self.i2h_weight.shape       # type: ignore[attr-defined]
        return f"{shape[1] or None} -> {shape[0]}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._mapping()})"


class RNNCell(ElmanStep, _DenseCell):
    """h = activation(W x + b + U h + d) (Elman, Finding structure in time, 1990).

    Parameters
    ----------
    hidden_size : int
        Elements of h, which is the output and the state (batch, hidden_size).
    activation : str, LeakyReLU or callable
        As `Activation` takes it.
    i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer, h2h_bias_initializer
        Of W, U, b and d: Initializer or str, optional.
    input_size : int
        Elements of x (batch, input_size); 0 to learn them from the first one.
    prefix, params
        As in `Block`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> cell = mx.gluon.rnn.RNNCell(2, activation="relu", i2h_weight_initializer="ones",
    ...                             h2h_weight_initializer="zeros")
    >>> cell.initialize()
    >>> output, states = cell(mx.nd.array([[1, 2, 3]]), cell.begin_state(batch_size=1))
    >>> output.asnumpy().tolist(), cell
    ([[6.0, 6.0]], RNNCell(3 -> 2, relu))
    """

    def __init__(
        self, hidden_size: int, activation: Any = "tanh", i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, i2h_bias_initializer: Any = "zeros",
        h2h_bias_initializer: Any = "zeros", input_size: int = 0, prefix: str | None = None,
        params: Any = None,
    ) -> None:
        super().__init__(hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, input_size, prefix, params)
        self._activation = activation

    def _alias(self) -> str:
        return "rnn"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._mapping()}, {self._activation})"


class _TwoActivations(_DenseCell):
    """A dense cell whose gates have an activation of their own."""

    def __init__(
        self, hidden_size: int, i2h_weight_initializer: Any = None, h2h_weight_initializer: Any = None,
        i2h_bias_initializer: Any = "zeros", h2h_bias_initializer: Any = "zeros", input_size: int = 0,
        prefix: str | None = None, params: Any = None, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
    ) -> None:
        super().__init__(hidden_size, i2h_weight_initializer, h2h_weight_initializer, i2h_bias_initializer,
                         h2h_bias_initializer, input_size, prefix, params)
        self._activation, self._recurrent_activation = activation, recurrent_activation


class LSTMCell(LSTMStep, _TwoActivations):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): with the four parts i, f, g, o of
    W x + b + U h + d, c = s(f) c + s(i) a(g) and h = s(o) a(c).

    `activation` is a, `recurrent_activation` is s; the other parameters are as in `RNNCell`.  h is the
    output, h and c are the states.
    """

    def _alias(self) -> str:
        return "lstm"


class LSTMPCell(LSTMStep, _DenseCell):
    """`LSTMCell` with a projection (Sak and others, arXiv:1402.1128): the output and first state is
    r = V h, of `projection_size` elements, V being `h2r_weight`, and U multiplies r instead of h.
    """

    def __init__(
        self, hidden_size: int, projection_size: int, i2h_weight_initializer: Any = None,
        h2h_weight_initializer: Any = None, h2r_weight_initializer: Any = None,
        i2h_bias_initializer: Any = "zeros", h2h_bias_initializer: Any = "zeros", input_size: int = 0,
        prefix: str | None = None, params: Any = None,
    ) -> None:
        GatedCell.__init__(self, prefix, params)
        self._hidden_size, self._input_size = hidden_size, input_size
        self._projection_size = projection_size
        rows = self._gates * hidden_size
        self._declare(i2h_weight=((rows, input_size), i2h_weight_initializer),
                      h2h_weight=((rows, projection_size), h2h_weight_initializer),
                      h2r_weight=((projection_size, hidden_size), h2r_weight_initializer),
                      i2h_bias=((rows,), i2h_bias_initializer), h2h_bias=((rows,), h2h_bias_initializer))

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """See `RecurrentCell.state_info`."""
        return [{"shape": (batch_size, n), "__layout__": "NC"}
                for n in (self._projection_size, self._hidden_size)]

    def _alias(self) -> str:
        return "lstmp"

    def hybrid_forward(     # type: ignore[override]
        self, F: Any, inputs: Any, states: Any, i2h_weight: Any, h2h_weight: Any, h2r_weight: Any,
        i2h_bias: Any, h2h_bias: Any,
    ) -> Any:
        i2h, h2h = self._sums(F, inputs, states[0], i2h_weight, h2h_weight, i2h_bias, h2h_bias)
        h, c = self._advanced(F, i2h + h2h, states[1], "hidden")
        r = F.FullyConnected(h, h2r_weight, None, num_hidden=self._projection_size, no_bias=True,
                             name=f"t{self._counter}_out")
        return r, [r, c]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._mapping()} -> {self._projection_size})"


class GRUCell(GRUStep, _TwoActivations):
    """A gated recurrent unit (Cho and others, arXiv:1406.1078, with cuDNN's place of r): with the three parts
    of W x + b and of U h + d, r = s(x_r + h_r), z = s(x_z + h_z), n = a(x_n + r h_n) and
    h = (1 - z) n + z h.

    `activation` is a, `recurrent_activation` is s; the other parameters are as in `RNNCell`.
    """

    def _alias(self) -> str:
        return "gru"


# Cells made of cells ---------------------------------------------------------------------------------------


class _Several(RecurrentCell):
    """A cell with the states of its children one after the other."""

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """See `RecurrentCell.state_info`."""
        return [info for cell in self._children.values() for info in cell.state_info(batch_size)]

    def begin_state(self, batch_size: int = 0, func: Callable[..., Any] | None = None,
                    **kwargs: Any) -> list[Any]:
        """See `RecurrentCell.begin_state`."""
        self._check_unmodified()
        if func is not None:
            kwargs["func"] = func
        return [state for cell in self._children.values()
                for state in cell.begin_state(batch_size=batch_size, **kwargs)]

    def _dealt(self, states: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Each child and its states."""
        dealt, begin = [], 0
        for cell in self._children.values():
            end = begin + len(cell.state_info())
            dealt.append((cell, states[begin:end]))
            begin = end
        return dealt


class _Stack(_Several):
    """What both kinds of sequential cells share."""

    def add(self, cell: RecurrentCell) -> None:
        """Put a cell on top."""
        self.register_child(cell)

    def _through(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        following: list[Any] = []
        for cell, own in self._dealt(states):
            inputs, new = cell(inputs, own)
            following.extend(new)
        return inputs, following

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """See `RecurrentCell.unroll`."""
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        following: list[Any] = []
        last = len(self) - 1
        for k, (cell, own) in enumerate(self._dealt(sequence.begin(self, begin_state))):
            inputs, new = cell.unroll(sequence.length, inputs, begin_state=own, layout=layout,
                                      merge_outputs=merge_outputs if k == last else None,
                                      valid_length=valid_length)
            following.extend(new)
        return inputs, following

    def __getitem__(self, i: int) -> Any:
        return list(self._children.values())[i]

    def __len__(self) -> int:
        return len(self._children)

    def __repr__(self) -> str:
        inside = "\n".join(f"({n}): {indent(repr(cell), 2)}" for n, cell in self._children.items())
        return f"{type(self).__name__}(\n{inside}\n)"


class SequentialRNNCell(_Stack):
    """Cells one on the other: the outputs of one are the inputs of the next.

    >>> import mxgrad as mx
    >>> stack = mx.gluon.rnn.SequentialRNNCell()
    >>> stack.add(mx.gluon.rnn.LSTMCell(4))
    >>> stack.add(mx.gluon.rnn.GRUCell(2))
    >>> stack.initialize()
    >>> outputs, states = stack.unroll(5, mx.nd.ones((3, 5, 7)), merge_outputs=True)
    >>> outputs.shape, [s.shape for s in states]
    ((3, 5, 2), [(3, 4), (3, 4), (3, 2)])
    """

    def forward(self, inputs: Any, states: Any) -> Any:
        """The cells' computation."""
        return self._through(inputs, states)


class HybridSequentialRNNCell(_Stack, HybridRecurrentCell):
    """Hybrid cells one on the other; `SequentialRNNCell` takes others, too."""

    def hybrid_forward(self, F: Any, inputs: Any, states: Any) -> Any:
        return self._through(inputs, states)


class BidirectionalCell(_Several, HybridRecurrentCell):
    """One cell forward and one backward through the sequences, their outputs beside each other.

    It can only be unrolled.

    >>> import mxgrad as mx
    >>> cell = mx.gluon.rnn.BidirectionalCell(mx.gluon.rnn.GRUCell(2), mx.gluon.rnn.GRUCell(2))
    >>> cell.initialize()
    >>> outputs, states = cell.unroll(5, mx.nd.ones((3, 5, 7)), merge_outputs=True)
    >>> outputs.shape
    (3, 5, 4)
    """

    def __init__(self, l_cell: HybridRecurrentCell, r_cell: HybridRecurrentCell,
                 output_prefix: str = "bi_") -> None:
        super().__init__(prefix="")
        self.l_cell, self.r_cell = l_cell, r_cell
        self._output_prefix = output_prefix

    def __call__(self, inputs: Any, states: Any) -> Any:
        raise NotImplementedError("Bidirectional cannot be stepped. Please use unroll")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(forward={self.l_cell}, backward={self.r_cell})"

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """See `RecurrentCell.unroll`."""
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        F, length = sequence.F, sequence.length
        (left, l_begin), (right, r_begin) = self._dealt(sequence.begin(self, begin_state))
        steps = sequence.steps(inputs)
        l_outputs, l_states = left.unroll(length, steps, l_begin, layout, merge_outputs, valid_length)
        r_outputs, r_states = right.unroll(length, sequence.turned(steps, valid_length), r_begin, layout,
                                           False, valid_length)
        r_outputs = sequence.turned(r_outputs, valid_length)
        if merge_outputs is None:
            merge_outputs = not isinstance(l_outputs, list)
        outputs: Any
        if merge_outputs:
            outputs = F.concat(l_outputs, sequence.merged(r_outputs), dim=2, name=self._output_prefix + "out")
        else:
            outputs = [F.concat(a, b, dim=1, name=f"{self._output_prefix}t{t}")
                       for t, (a, b) in enumerate(zip(l_outputs, r_outputs))]
        if valid_length is not None:
            outputs = sequence.masked(outputs, valid_length, merge_outputs)
        return outputs, [*l_states, *r_states]


class DropoutCell(HybridRecurrentCell):
    """`Dropout` of the inputs, as a cell without states."""

    def __init__(self, rate: float, axes: Any = (), prefix: str | None = None, params: Any = None) -> None:
        super().__init__(prefix, params)
        if not isinstance(rate, numeric_types):
            raise InvalidTypeError(f"DropoutCell: rate must be a number, got {rate!r}")
        self._rate, self._axes = rate, axes

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """No states."""
        return []

    def _alias(self) -> str:
        return "dropout"

    def hybrid_forward(self, F: Any, inputs: Any, states: Any) -> Any:
        if self._rate > 0:
            inputs = F.Dropout(inputs, p=self._rate, axes=self._axes, name=f"t{self._counter}_fwd")
        return inputs, states

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """See `RecurrentCell.unroll`; one array is dropped out at once."""
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        inputs = sequence.formed(inputs, merge_outputs)
        if isinstance(inputs, (list, tuple)):
            return super().unroll(length, inputs, begin_state, layout, merge_outputs)
        return self.hybrid_forward(sequence.F, inputs, begin_state or [])       # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rate={self._rate}, axes={self._axes})"


class ModifierCell(HybridRecurrentCell):
    """A cell that changes what another does, which then is only used through this one.

    A subclass defines ``hybrid_forward(self, F, inputs, states)`` with ``self.base_cell``.
    """

    def __init__(self, base_cell: HybridRecurrentCell) -> None:
        if base_cell._modified:
            raise InvalidValueError(
                f"Cell {base_cell.name} is already modified. One cell cannot be modified twice")
        super().__init__(prefix=base_cell.prefix + self._alias())
        self.base_cell = base_cell
        base_cell._modified = True

    @property
    def params(self) -> Any:
        """The parameters of the other cell."""
        return self.base_cell.params

    def state_info(self, batch_size: int = 0) -> list[dict[str, Any]]:
        """Those of the other cell."""
        return self.base_cell.state_info(batch_size)

    def begin_state(self, batch_size: int = 0, func: Callable[..., Any] | None = None,
                    **kwargs: Any) -> list[Any]:
        """Those of the other cell."""
        self._check_unmodified()
        if func is not None:
            kwargs["func"] = func
        found: list[Any] = self._unlocked(self.base_cell.begin_state, batch_size=batch_size, **kwargs)
        return found

    def _unlocked(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A method of the other cell, called although that is modified."""
        self.base_cell._modified = False
        try:
            return method(*args, **kwargs)
        finally:
            self.base_cell._modified = True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_cell})"


def _check_steppable(base_cell: RecurrentCell, what: str, cell: str) -> None:
    """Cells that run backward have no steps to modify."""
    inside = base_cell._children.values() if isinstance(base_cell, _Stack) else [base_cell]
    if any(isinstance(c, BidirectionalCell) for c in inside):
        raise InvalidValueError(f"BidirectionalCell doesn't support {what} since it doesn't support step. "
                                f"Please add {cell} to the cells underneath instead.")


class ZoneoutCell(ModifierCell):
    """When training, each element of the outputs and states keeps its value of the step before with
    probability `zoneout_outputs` and `zoneout_states` (Krueger and others, arXiv:1606.01305).
    """

    def __init__(self, base_cell: HybridRecurrentCell, zoneout_outputs: float = 0.0,
                 zoneout_states: float = 0.0) -> None:
        _check_steppable(base_cell, "zoneout", "ZoneoutCell")
        super().__init__(base_cell)
        self.zoneout_outputs, self.zoneout_states = zoneout_outputs, zoneout_states
        self._prev_output: Any = None

    def _alias(self) -> str:
        return "zoneout"

    def reset(self) -> None:
        """Begin a new sequence: there is no output before its first."""
        super().reset()
        self._prev_output = None

    def hybrid_forward(self, F: Any, inputs: Any, states: Any) -> Any:
        output, following = self.base_cell(inputs, states)

        def keep(p: float, new: Any, old: Any) -> Any:
            return F.where(F.Dropout(F.ones_like(new), p=p), new, old)

        if self.zoneout_outputs:
            before = F.zeros_like(output) if self._prev_output is None else self._prev_output
            output = keep(self.zoneout_outputs, output, before)
        if self.zoneout_states:
            following = [keep(self.zoneout_states, new, old) for new, old in zip(following, states)]
        self._prev_output = output
        return output, following

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(p_out={self.zoneout_outputs}, p_state={self.zoneout_states}, "
                f"{self.base_cell})")


class ResidualCell(ModifierCell):
    """The outputs of a cell plus its inputs (Wu and others, arXiv:1609.08144)."""

    def hybrid_forward(self, F: Any, inputs: Any, states: Any) -> Any:
        output, states = self.base_cell(inputs, states)
        return F.elemwise_add(output, inputs, name=f"t{self._counter}_fwd"), states

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """See `RecurrentCell.unroll`."""
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        outputs, states = self._unlocked(
            self.base_cell.unroll, sequence.length, inputs, begin_state=begin_state, layout=layout,
            merge_outputs=merge_outputs, valid_length=valid_length)
        merge = not isinstance(outputs, list)
        if valid_length is not None:
            inputs = sequence.masked(inputs, valid_length, merge)
        inputs, add = sequence.formed(inputs, merge), sequence.F.elemwise_add
        if merge:
            return add(outputs, inputs), states
        return [add(a, b) for a, b in zip(outputs, inputs)], states


class VariationalDropoutCell(ModifierCell):
    """Dropout with the same choice at all steps of a sequence (Gal and Ghahramani, arXiv:1512.05287).

    Until `reset`, which `unroll` begins with, the choices stay.

    Parameters
    ----------
    base_cell : HybridRecurrentCell
    drop_inputs, drop_states, drop_outputs : float
        The probability that an element of the inputs, of the first state, of the outputs becomes 0 when
        training.
    """

    def __init__(self, base_cell: HybridRecurrentCell, drop_inputs: float = 0.0, drop_states: float = 0.0,
                 drop_outputs: float = 0.0) -> None:
        if drop_states:
            _check_steppable(base_cell, "variational state dropout", "VariationalDropoutCell")
        super().__init__(base_cell)
        self.drop_inputs, self.drop_states, self.drop_outputs = drop_inputs, drop_states, drop_outputs

    def _alias(self) -> str:
        return "vardrop"

    def reset(self) -> None:
        """Begin a new sequence, with new choices."""
        super().reset()
        self.drop_inputs_mask = self.drop_states_mask = self.drop_outputs_mask = None

    def hybrid_forward(self, F: Any, inputs: Any, states: Any) -> Any:
        def mask(like: Any, p: float) -> Any:
            return F.Dropout(F.ones_like(like), p=p)

        # In this order, which decides what each gets of the random numbers.
        if self.drop_states:
            if self.drop_states_mask is None:
                self.drop_states_mask = mask(states[0], self.drop_states)
            states = [states[0] * self.drop_states_mask, *states[1:]]
        if self.drop_inputs:
            if self.drop_inputs_mask is None:
                self.drop_inputs_mask = mask(inputs, self.drop_inputs)
            inputs = inputs * self.drop_inputs_mask
        output, states = self.base_cell(inputs, states)
        if self.drop_outputs:
            if self.drop_outputs_mask is None:
                self.drop_outputs_mask = mask(output, self.drop_outputs)
            output = output * self.drop_outputs_mask
        return output, states

    def unroll(
        self, length: int | None, inputs: Any, begin_state: Any = None, layout: str = "NTC",
        merge_outputs: bool | None = None, valid_length: Any = None,
    ) -> tuple[Any, Any]:
        """See `RecurrentCell.unroll`."""
        if self.drop_states:
            return super().unroll(length, inputs, begin_state, layout, merge_outputs, valid_length)
        # Without dropout of states all steps can be done at once.
        self.reset()
        sequence = _Sequence(length, inputs, layout)
        states = sequence.begin(self, begin_state)
        inputs = _dropped(sequence, sequence.merged(inputs), self.drop_inputs)
        outputs, states = self.base_cell.unroll(sequence.length, inputs, states, layout, merge_outputs=True,
                                                valid_length=valid_length)
        outputs = _dropped(sequence, outputs, self.drop_outputs)
        return sequence.formed(outputs, merge_outputs is not False), states

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p_out = {self.drop_outputs}, p_state = {self.drop_states})"


def _dropped(sequence: _Sequence, values: Any, rate: float) -> Any:
    """One array with the same elements dropped out at all steps."""
    return sequence.F.Dropout(values, p=rate, axes=(sequence.axis,)) if rate else values


def dynamic_unroll(
    cell: RecurrentCell, inputs: Any, begin_state: Any, drop_inputs: float = 0, drop_outputs: float = 0,
    layout: str = "TNC", valid_length: Any = None,
) -> tuple[Any, Any]:
    """The outputs of a cell for all steps of sequences as one array, and the last states.

    Parameters
    ----------
    cell : RecurrentCell
    inputs : array
        As `layout` says, of any length.
    begin_state : list of array
    drop_inputs, drop_outputs : float
        Probabilities of dropout, with the same choice at all steps.
    layout, valid_length
        As in `RecurrentCell.unroll`.

    Examples
    --------
    >>> import mxgrad as mx
    >>> from mxgrad.gluon.rnn import RNNCell
    >>> from mxgrad.gluon.rnn.rnn_cell import dynamic_unroll
    >>> cell = RNNCell(2)
    >>> cell.initialize()
    >>> outputs, states = dynamic_unroll(cell, mx.nd.ones((4, 3, 5)), cell.begin_state(batch_size=3))
    >>> outputs.shape
    (4, 3, 2)
    """
    sequence = _Sequence(None, inputs, layout)
    sequence.inputs = _dropped(sequence, sequence.merged(inputs), drop_inputs)
    outputs, states = sequence.run(cell, begin_state, valid_length)
    whole = _dropped(sequence, sequence.merged(outputs), drop_outputs)
    if valid_length is not None:
        whole = sequence.masked(whole, valid_length)
    return whole, states
