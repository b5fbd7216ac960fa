"""Print, as JSON, what nd.RNN and nd.CTCLoss give in MXNet 1.9.1.

    python-1.9 record_rnn.py >rnn_1.9.1.json

A case of RNN is ``mode layers directions projection options``, with 3 steps, a batch of 2, 3 features and a
state size of 4; recorded are the output, the last states, and the gradients by the data, the parameters and
the first states; with a projection the original has no gradients.  A case of CTCLoss is ``CTCLoss | shape of
the data | labels | other arguments``; recorded are the losses and the gradient by the data.  The head
gradients are not all one.
"""
import json
import warnings

CASES = """
rnn_relu 1 1 -
rnn_relu 2 2 -
rnn_tanh 1 1 -
rnn_tanh 2 2 -
lstm 1 1 -
lstm 2 1 -
lstm 1 2 -
lstm 2 2 -
lstm 2 1 2
lstm 2 2 3
gru 1 1 -
gru 2 1 -
gru 1 2 -
gru 2 2 -
CTCLoss | 4,2,3 | [[1,2],[1,0]] |
CTCLoss | 5,3,4 | [[1,1],[3,0],[0,0]] |
CTCLoss | 6,2,4 | [[1,2,1],[3,3,0]] |
CTCLoss | 4,2,3 | [[1,0],[1,-1]] | blank_label='last'
CTCLoss | 5,3,4 | [[0,0,-1],[2,-1,1],[-1,-1,-1]] | blank_label='last'
CTCLoss | 4,2,3 | [[1,2],[1,2]] | data_lengths=nd.array([3,4]),use_data_lengths=True
CTCLoss | 4,2,3 | [[1,2],[1,2]] | data_lengths=nd.array([1,4]),use_data_lengths=True
CTCLoss | 4,3,3 | [[1,2],[1,2],[1,2]] | label_lengths=nd.array([1,2,0]),use_label_lengths=True
CTCLoss | 5,2,3 | [[0,1],[1,1]] | data_lengths=nd.array([3,5]),use_data_lengths=True,\
label_lengths=nd.array([2,1]),use_label_lengths=True,blank_label='last'
"""
GATES = {"lstm": 4, "gru": 3}


def run(case, nd, autograd, numpy):
    """The results of a case, then the gradients."""
    def values(*shape):
        n = int(numpy.prod(shape))
        return nd.array(((numpy.arange(n) * 37 % 101 - 50) / 80).reshape(shape))

    if case.startswith("CTCLoss"):
        shape, label, params = (part.strip() for part in case.split("|")[1:])
        marked = [values(*eval(shape)) * 4]
        label = nd.array(eval(label))

        def f(x):
            return [eval(f"nd.CTCLoss(x, label, {params})", {"nd": nd, "x": x, "label": label})]
    else:
        mode, layers, directions, project = case.split()
        layers, directions, gates = int(layers), int(directions), GATES.get(mode, 1)
        project = None if project == "-" else int(project)
        back, count = project or 4, 0
        for layer in range(layers):
            inputs = back * directions if layer else 3
            count += directions * (gates * 4 * (inputs + back + 2) + (4 * project if project else 0))
        marked = [values(3, 2, 3), values(count), values(layers * directions, 2, back)]
        if mode == "lstm":
            marked.append(values(layers * directions, 2, 4))

        def f(*arrays):
            return nd.RNN(*arrays, mode=mode, state_size=4, num_layers=layers, bidirectional=directions == 2,
                          projection_size=project, state_outputs=True)

    if case.startswith("lstm") and not case.endswith("-"):
        return [plain(a) for a in f(*marked)]
    for a in marked:
        a.attach_grad()
    with autograd.record():
        out = f(*marked)
    autograd.backward(out, [values(*o.shape) + 1 for o in out])
    return [plain(a) for a in out + [a.grad for a in marked]]


def plain(array):
    """An array as its shape and its elements."""
    return {"shape": list(array.shape), "flat": [float(f"{e:.7g}") for e in array.asnumpy().ravel()]}


if __name__ == "__main__":
    import numpy
    from mxnet import autograd, nd

    warnings.simplefilter("ignore")
    lines = [json.dumps([case, run(case, nd, autograd, numpy)], separators=(",", ":"))
             for case in CASES.strip().split("\n")]
    print("[\n" + ",\n".join(lines) + "\n]")
