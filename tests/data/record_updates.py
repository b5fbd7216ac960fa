"""Writes updates_1.9.1.json or updates_2.0.0b1.json: what MXNet's optimizer update operators do.

    python tests/data/record_updates.py tests/data/updates_1.9.1.json      (with a Python that has MXNet)

A case is [function, arguments, parameters, out, found]: the arguments are names of arrays (see `value`), or
lists of such; `out` says which of them, counted through, receive the results (None: new arrays); `found`
has the results and then every argument as it is afterwards.  This module is also what the test makes its
arrays with.
"""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy

SHAPES = {"a": (2, 3), "b": (4,), "2": (2,)}
DTYPES = {"": "float32", "h": "float16", "d": "float64"}


def value(name: str) -> numpy.ndarray:
    """The array of a name such as 'wa', 'vah': what it is, its shape, its dtype.

    v, n, d and u are not negative; 's0.5' is an array of that one number.
    """
    if name[0] == "s":
        return numpy.array([float(name[1:])], "float32")
    kind, shape, dtype = name[0], SHAPES[name[1]], DTYPES[name[2:]]
    n = int(numpy.prod(shape))
    raw = (numpy.arange(n) * 7 + "wgmvzndxu".index(kind) * 5) % 11 - 4.75
    raw = (numpy.abs(raw) if kind in "vndu" else raw) / 4
    return raw.reshape(shape).astype(dtype)


TAMED = {"wd": 0.1, "rescale_grad": 0.5, "clip_gradient": 0.3}
RATES = {"lrs": (0.5, 0.25), "wds": (0.1, 0.0)}
MULTI = {"num_weights": 2, "rescale_grad": 0.5, "clip_gradient": 0.3}


def single() -> list[Any]:
    """Calls that update one weight: (function, arguments, parameters of each call)."""
    lr = {"lr": 0.5}
    cases: list[Any] = []
    table: Any = (
        ("sgd_update", "wa ga", lr, {"lazy_update": False}),
        ("sgd_mom_update", "wa ga ma", lr, {"momentum": 0.9}),
        ("nag_mom_update", "wa ga ma", lr, {"momentum": 0.9}),
        ("signsgd_update", "wa ga", lr, {}),
        ("signum_update", "wa ga ma", lr, {"momentum": 0.9, "wd_lh": 0.25}),
        ("adam_update", "wa ga ma va", lr, {"beta1": 0.8, "beta2": 0.75, "epsilon": 0.125}),
        ("rmsprop_update", "wa ga va", lr, {"gamma1": 0.75, "epsilon": 0.125, "clip_weights": 0.5}),
        ("rmspropalex_update", "wa ga na da ma", lr,
         {"gamma1": 0.75, "gamma2": 0.5, "epsilon": 8.0, "clip_weights": 0.5}),
        ("ftrl_update", "wa ga za na", lr, {"lamda1": 0.5, "beta": 0.25}),
        ("mp_sgd_update", "wah gah wa", lr, {}),
        ("mp_sgd_mom_update", "wah gah ma wa", lr, {"momentum": 0.9}),
        ("mp_nag_mom_update", "wah gah ma wa", lr, {"momentum": 0.9}),
    )
    for name, arguments, *params in table:
        cases += [(name, arguments.split(), {**lr, **p}) for p in params]
        cases.append((name, arguments.split(), {**lr, **params[-1], **TAMED}))
    ftml = {"lr": 0.5, "t": 3}
    cases += [("ftml_update", "wa ga da va za".split(), p) for p in (
        ftml, {**ftml, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.125, "wd": 0.1, "rescale_grad": 0.5,
               "clip_grad": 0.3})]
    for f, arguments in (
        ("lamb_update_phase1", "wa ga ma va"), ("mp_lamb_update_phase1", "wah gah ma va wa"),
    ):
        cases += [(f, arguments.split(), p) for p in (
            {"t": 2, "wd": 0.0}, {"t": 2, "bias_correction": False, "beta1": 0.8, "epsilon": 0.125, **TAMED})]
    for f, arguments in (("lamb_update_phase2", "wa ga {} {}"), ("mp_lamb_update_phase2", "wah ga {} {} wa")):
        cases += [(f, arguments.format(*r).split(), p) for r, p in (
            (("s2", "s4"), lr), (("s0", "s4"), lr), (("s2", "s0"), lr),
            (("s2", "s4"), {**lr, "lower_bound": 3.0}), (("s2", "s4"), {**lr, "upper_bound": 1.0}))]
    for f, arguments in (
        ("contrib.adamw_update", "wa ga ma va {}"), ("contrib.mp_adamw_update", "wah gah ma va wa {}"),
        ("contrib.adabelief_update", "wa ga ma va {}"),
        ("contrib.mp_adabelief_update", "wah gah ma va wa {}"),
    ):
        cases += [(f, arguments.format(r).split(), p) for r, p in (
            ("s1", {"lr": 0.5, "eta": 0.5}),
            ("s0.5", {"lr": 0.5, "eta": 2.0, "beta1": 0.8, "beta2": 0.75, "epsilon": 0.125, "wd": 0.1,
                      "clip_gradient": 0.3}),
            ("s0", {"lr": 0.5, "eta": 0.5}), ("sinf", {"lr": 0.5, "eta": 0.5}))]
    cases += [("sgd_mom_update", "wad gad mad".split(), {**lr, "momentum": 0.9}),
              ("adam_update", "wah gah mah vah".split(), {"lr": 0.5, "epsilon": 0.125}),
              ("sgd_update", "wah gah".split(), {**lr, **TAMED})]
    return cases


def several() -> list[Any]:
    """Calls that update two weights: (function, arguments, parameters, places of the weights)."""
    cases: list[Any] = []
    for kind, each in (("sgd", "w{0} g{0}"), ("sgd_mom", "w{0} g{0} m{0}"),
                       ("mp_sgd", "w{0}h g{0}h w{0}"), ("mp_sgd_mom", "w{0}h g{0}h m{0} w{0}")):
        flat = (each.format("a") + " " + each.format("b")).split()
        weights = [0, len(flat) // 2]
        more = {"momentum": 0.9} if "mom" in kind else {}
        cases.append((f"multi_{kind}_update", flat, {**RATES, "num_weights": 2}, weights))
        cases.append((f"multi_{kind}_update", flat, {**RATES, **MULTI, **more}, weights))
        cases.append((f"preloaded_multi_{kind}_update", [*flat, "v2", "u2"], {**MULTI, **more}, weights))
    tamed = {"beta1": 0.8, "beta2": 0.75, "epsilon": 0.125, "clip_gradient": 0.3}
    for f, half in (("adamw", False), ("mp_adamw", True), ("adabelief", False), ("mp_adabelief", True)):
        h = "h" if half else ""
        lists = [["wa" + h, "wb" + h], ["ga" + h, "gb" + h], ["ma", "mb"], ["va", "vb"]]
        lists += [["wa", "wb"]] if half else []
        etas = {**RATES, "etas": (0.5, 2.0)}
        cases += [(f"contrib.multi_{f}_update", [*lists, "s0.5"], {**etas, **p}, [0, 1]) for p in ({}, tamed)]
        cases.append((f"contrib.multi_{f}_update", [*lists, "sinf"], etas, [0, 1]))
    for f, half in (("lamb", False), ("mp_lamb", True), ("lans", False), ("mp_lans", True)):
        h = "h" if half else ""
        lists = [["wa" + h, "wb" + h], ["ga" + h, "gb" + h], ["ma", "mb"], ["va", "vb"]]
        lists += [["wa", "wb"]] if half else []
        steps = {**RATES, "step_count": (1, 3)}
        params = [{}, {**tamed, "rescale_grad": 0.5}, {"lower_bound": 2.5, "upper_bound": 3.0}]
        params += [{"bias_correction": False}] if "lamb" in f else []
        cases += [(f"contrib.multi_{f}_update", lists, {**steps, **p}, [0, 1]) for p in params]
    return cases


def calls() -> list[Any]:
    """Every case without what was found."""
    found = []
    for f, arguments, params in single():
        targets = [None] if "phase1" in f else [[0]] if arguments[-1] in ("s0", "sinf") else [[0], None]
        found += [[f, arguments, params, out] for out in targets]
    found += [[f, arguments, params, out] for f, arguments, params, out in several()]
    found.append(["multi_sum_sq", ["wa", "gb"], {"num_arrays": 2}, None])
    lars = {"eta": 0.5, "eps": 0.125, "rescale_grad": 2.0}
    found.append(["multi_lars", ["v2", "n2", "d2", "u2"], lars, None])
    found.append(["reset_arrays", ["wa", "gb"], {"num_arrays": 2}, None])
    return found


def run(case: list[Any], nd: Any) -> list[Any]:
    """The results and then the arguments after the call, each as a flat list."""
    f, arguments, params, out = case
    function = nd
    for part in f.split("."):
        function = getattr(function, part)

    def made(name: Any) -> Any:
        if isinstance(name, list):
            return [made(n) for n in name]
        host = value(name)
        return nd.array(host, dtype=host.dtype)

    given = [made(a) for a in arguments]
    flat = [a for g in given for a in (g if isinstance(g, list) else [g])]
    if out is not None:
        targets = [flat[i] for i in out]
        params = {**params, "out": targets if len(targets) > 1 else targets[0]}
    results = function(*given, **params)
    results = [] if results is None else results if isinstance(results, (list, tuple)) else [results]
    return [[float(f"{e:.8g}") for e in a.asnumpy().astype("float64").ravel()] for a in [*results, *flat]]


if __name__ == "__main__":
    import mxnet

    second = mxnet.__version__.startswith("2")      # which has some that 1.9.1 has not
    lines = [
        json.dumps([*case, run(case, mxnet.nd)], separators=(",", ":"))
        for case in calls() if ("adabelief" in case[0] or "lans" in case[0]) == second
    ]
    with open(sys.argv[1], "w") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
