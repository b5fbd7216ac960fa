"""Learning rate schedules: the numbers and messages of MXNet 1.9.1 and 2.0, which agree."""
from __future__ import annotations

import logging
from typing import Any

import mxgrad as mx
import pytest
from mxgrad import lr_scheduler

CASES: dict[str, tuple[lr_scheduler.LRScheduler, list[float]]] = {
    "factor": (
        lr_scheduler.FactorScheduler(3, 0.5, base_lr=1, stop_factor_lr=0.1, warmup_steps=2),
        [0.0, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.1],
    ),
    "multifactor": (
        lr_scheduler.MultiFactorScheduler([3, 6], 0.1, base_lr=1),
        [1, 1, 1, 1, 0.1, 0.1, 0.1] + [0.010000000000000002] * 7,
    ),
    "poly": (
        lr_scheduler.PolyScheduler(10, 1, 2, 0.1, 2, warmup_begin_lr=0.5, warmup_mode="constant"),
        [0.5, 0.5, 1.0, 0.7890625, 0.60625, 0.4515625, 0.325, 0.2265625, 0.15625, 0.11406250000000001]
        + [0.1] * 4,
    ),
    "cosine": (
        lr_scheduler.CosineScheduler(10, 1, 0.1),
        [1.0, 0.9779754323328191, 0.9140576474687263, 0.8145033635316129, 0.6890576474687263, 0.55,
         0.41094235253127376, 0.2854966364683872, 0.18594235253127372, 0.12202456766718092] + [0.1] * 4,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rates_are_mxnets(name: str) -> None:
    schedule, expected = CASES[name]
    assert [schedule(n) for n in range(14)] == pytest.approx(expected, rel=1e-15)


def test_changes_are_logged(caplog: Any) -> None:
    schedule = lr_scheduler.FactorScheduler(2, 0.5, base_lr=1, stop_factor_lr=0.3)
    with caplog.at_level(logging.INFO):
        schedule(3), schedule(5), schedule(5)
    assert caplog.messages == [
        "Update[3]: Change learning rate to 5.00000e-01",
        "Update[5]: now learning rate arrived at 3.00000e-01, will not change in the future",
    ]


@pytest.mark.parametrize("make, message", [
    (lambda: lr_scheduler.FactorScheduler(0), "greater or equal than 1 round, not 0"),
    (lambda: lr_scheduler.FactorScheduler(2, factor=2), "no more than 1 to make lr reduce, not 2"),
    (lambda: lr_scheduler.MultiFactorScheduler([3, 2]), r"increasing integer list, not \[3, 2\]"),
    (lambda: lr_scheduler.MultiFactorScheduler([]), "at least one"),
    (lambda: lr_scheduler.MultiFactorScheduler([0, 2]), "not 0"),
    (lambda: lr_scheduler.PolyScheduler(0), "strictly positive, not 0"),
    (lambda: lr_scheduler.CosineScheduler(-1), "strictly positive, not -1"),
    (lambda: lr_scheduler.LRScheduler(warmup_mode="x"), "only linear and constant modes of warmup, not 'x'"),
    (lambda: lr_scheduler.LRScheduler(base_lr=0.1, warmup_begin_lr=0.2), "0.1 and 0.2"),
    (lambda: lr_scheduler.LRScheduler(warmup_steps=-1), "positive or 0, not -1"),
    (lambda: lr_scheduler.LRScheduler(warmup_steps=2)(2), "must override"),
    (lambda: lr_scheduler.LRScheduler().get_warmup_lr(0), "update 0 is not one of the 0 warmup steps"),
])
def test_bad_values_are_named(make: Any, message: str) -> None:
    with pytest.raises((ValueError, NotImplementedError), match=message):
        make()


def test_bad_types_are_named() -> None:
    with pytest.raises(TypeError, match="warmup_steps must be an int, not 1.5"):
        lr_scheduler.LRScheduler(warmup_steps=1.5)      # type: ignore[arg-type]
    with pytest.raises(mx.MXNetError, match="max_update must be an int, not 'a'"):
        lr_scheduler.PolyScheduler("a")     # type: ignore[arg-type]


def test_schedule_of_ones_own() -> None:
    class Inverse(lr_scheduler.LRScheduler):
        def __call__(self, num_update: int) -> float:
            return self.base_lr / num_update

    assert Inverse(base_lr=2.0)(4) == 0.5
