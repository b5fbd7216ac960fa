"""Writes optimizers_1.9.1.json or optimizers_2.0.0b1.json: ten steps of every optimizer of MXNet.

    python tests/data/record_optimizers.py tests/data/optimizers_1.9.1.json    (with a Python that has MXNet)

A case is [name, parameters, options, found].  Two weights are updated by an Updater, ten times; found are
both after the first step and after the last, flat, and then the rates asked for at the end.  This module is
also what the test makes its arrays with.  Options: ``half``: the weights are of dtype float16; ``names``:
param_idx2name; ``lr_mult`` and ``wd_mult``: pairs of index or name and number; ``schedule``: the class and
the parameters of a scheduler.
"""
from __future__ import annotations

import json
import sys
from typing import Any

import numpy

SHAPES = ((2, 3), (4, 1))
TAMED = {"learning_rate": 0.05, "wd": 0.1, "rescale_grad": 0.5, "clip_gradient": 0.3}
SCHEDULE = {"schedule": ["FactorScheduler", {"step": 3, "factor": 0.5, "base_lr": 0.2}]}
NAMES = {"names": ["dense0_weight", "dense0_bias"]}


def value(kind: int, step: int, which: int) -> numpy.ndarray:
    """A weight (kind 0) or a gradient (kind 1) of a step."""
    shape = SHAPES[which]
    n = int(numpy.prod(shape))
    return ((numpy.arange(n) * 7 + kind * 5 + step * 3 + which * 2) % 11 / 4 - 1.1875).reshape(shape)


def cases(second: bool) -> list[Any]:
    """Every case without what was found, for MXNet 1.9.1 or 2."""
    eps = "epsilon" if second else "eps"
    rho, momentum = ("rho", "momentum") if second else ("gamma1", "gamma2")
    moments = {"beta1": 0.8, "beta2": 0.75, "epsilon": 0.125}
    own: dict[str, Any] = {
        "sgd": [{"momentum": 0.9}],
        "nag": [{"momentum": 0.9}, {"momentum": 0.0}],
        "signum": [{"wd_lh": 0.25}, {"momentum": 0.0}],
        "sgld": [],
        "dcasgd": [{"lamda": 0.5}] + ([{"momentum": 0.9, "lamda": 0.5}] if second else []),
        "lars": [{"momentum": 0.9, "eta": 0.5, eps: 0.125}],
        "adagrad": [{eps: 0.125}],
        "groupadagrad": [],
        "adadelta": [{"rho": 0.5, "epsilon": 0.125}],
        "rmsprop": [{rho: 0.75, momentum: 0.5, "epsilon": 0.125, "clip_weights": 0.5},
                    {rho: 0.75, momentum: 0.5, "epsilon": 0.125, "centered": True}],
        "ftrl": [{"lamda1": 0.5, "beta": 0.25}],
        "adam": [moments],
        "adamax": [{"beta1": 0.8, "beta2": 0.75}],
        "nadam": [{**moments, "schedule_decay": 0.5}],
        "ftml": [moments],
        "lamb": [moments, {"bias_correction": False}, {"lower_bound": 2.5, "upper_bound": 3.0}],
    }
    if second:
        own.update(lans=[moments, {"lower_bound": 2.5, "upper_bound": 3.0}], adamw=[moments],
                   adabelief=[moments, {"correct_bias": False}])
    else:
        own.update(lbsgd=[{"momentum": 0.9, "batch_scale": 2, "warmup_epochs": 2, "updates_per_epoch": 4,
                           "warmup_strategy": s} for s in ("linear", "power2", "sqrt", "lars")], ccsgd=[])
    found: list[Any] = []
    for name, params in own.items():
        tamed = {**TAMED, "wd": 0.0} if name == "groupadagrad" else TAMED
        found.append([name, {}, {}])
        found += [[name, {**tamed, **p}, {}] for p in [{}, *params]]
        found.append([name, {}, SCHEDULE])
        if second and name not in ("adadelta", "adamax", "dcasgd", "lans", "nadam", "sgld"):
            found += [[name, {**tamed, **p, "use_fused_step": False}, {}] for p in params]
        if name not in ("groupadagrad", "lbsgd"):
            found.append([name, {**tamed, "multi_precision": True, **(params[0] if params else {})},
                          {"half": True}])
    for name in ("sgd", "adam", "lars"):
        found.append([name, TAMED, NAMES])
    found.append(["sgd", TAMED, {**NAMES, "lr_mult": [["dense0_weight", 0.5], [1, 2.0]],
                                 "wd_mult": [["dense0_bias", 3.0]]}])
    found.append(["sgd", {**TAMED, "begin_num_update": 7}, SCHEDULE])
    found.append(["lars", {"momentum": 0.9, "eta": 0.5}, SCHEDULE])
    found.append(["test", TAMED, {}])
    return found


def run(case: list[Any], mx: Any, array: Any) -> list[Any]:
    """The weights after the first step and after the last, then the rates; `array` makes arrays."""
    name, params, options = case
    params = dict(params)
    dtype = "float16" if options.get("half") else "float32"
    if "names" in options:
        params["param_idx2name"] = dict(enumerate(options["names"]))
    if "schedule" in options:
        kind, given = options["schedule"]
        params["lr_scheduler"] = getattr(mx.lr_scheduler, kind)(**given)
    mx.random.seed(5)
    optimizer = mx.optimizer.create(name, **params)
    if "lr_mult" in options:
        optimizer.set_lr_mult(dict(options["lr_mult"]))
        optimizer.set_wd_mult(dict(options["wd_mult"]))
    updater = mx.optimizer.get_updater(optimizer)
    weights = [array(value(0, 0, i), dtype) for i in range(2)]
    found = []
    for step in range(10):
        updater([0, 1], [array(value(1, step, i), dtype) for i in range(2)], weights)
        if step in (0, 9):
            found += [[float(f"{e:.8g}") for e in w.asnumpy().astype("float64").ravel()] for w in weights]
    return [*found, [optimizer.learning_rate, optimizer.num_update]]


if __name__ == "__main__":
    import mxnet

    def made(host: Any, dtype: str) -> Any:
        return mxnet.nd.array(host, dtype=dtype)

    with open(sys.argv[1], "w") as file:
        lines = [json.dumps([*case, run(case, mxnet, made)], separators=(",", ":"))
                 for case in cases(mxnet.__version__.startswith("2"))]
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
