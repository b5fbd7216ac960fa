"""Writes probability_2.0.0b1.json: what MXNet 2.0's gluon.probability gives for the expressions below.

    python tests/data/record_probability.py tests/data/probability_2.0.0b1.json     (a Python that has MXNet)

A record is [expression, dtype, value], for arrays, or [expression, None, value]; expressions that are errors
in MXNet are printed and left out.  Records of GRADIENTS are
[class, arguments, gradients of the sum of the samples].  The test evaluates the same expressions over the
same `arrays`, with the same seed.
"""
from __future__ import annotations

import json
import sys
from typing import Any

SEED = 7

ARRAYS = {
    "a": [0.5, -1.25, 2.0], "b": [-0.75, 0.25, 1.5], "s": [0.75, 1.5, 2.5], "t": [2.0, 0.5, 1.25],
    "df": [4.5, 6.0, 9.0], "dg": [0.75, 1.5, 5.0], "p": [0.25, 0.5, 0.875], "q": [0.125, 0.75, 0.5],
    "lo": [-2.0, 0.0, 1.0], "hi": [0.5, 2.5, 1.75],
    "x": [[0.25, -1.5, 3.0], [1.0, 0.5, 2.0]], "y": [[0.25, 1.5, 3.0], [1.0, 0.5, 4.0]],
    "u": [[0.25, 0.5, 0.875], [0.0625, 0.75, 0.9375]], "k": [[0.0, 1.0, 4.0], [2.0, 3.0, 1.0]],
    "ones": [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]], "few": [[0.0, 1.0, 3.0], [2.0, 3.0, 1.0]],
    "events": [[0.25, 0.25, 0.5], [0.125, 0.625, 0.25]], "others": [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]],
    "which": [2, 0], "one_hot": [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
    "counts": [[1.0, 0.0, 3.0], [2.0, 1.0, 1.0]],
    "m": [[0.5, -1.0], [2.0, 0.25]], "cov": [[2.0, 0.5], [0.5, 1.0]], "diagonal": [[2.0, 0.0], [0.0, 0.5]],
    "v": [[1.0, 0.5], [-0.5, 0.75]],
}

SAMPLES = ("sample()", "sample((2, 3))", "sample_n(2)", "sample_n((2, 2))")
MOMENTS = ("mean", "variance", "stddev")
LAW = ("cdf({0})", "icdf(u)")

# class, arguments, a value, more
DISTRIBUTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Normal", "a, s", "x", (*SAMPLES, *MOMENTS, *LAW, "entropy()", "perplexity()")),
    ("Normal", "1.5, 2.0", "x", ("sample(3)", "sample_n((2, 2))", *LAW)),
    ("Laplace", "a, s", "b", (*SAMPLES, *MOMENTS, *LAW, "entropy()")),
    ("Cauchy", "a, s", "x", (*SAMPLES, "mean", "variance", *LAW, "entropy()")),
    ("Gumbel", "a, s", "x", (*SAMPLES, *MOMENTS, *LAW, "entropy()")),
    ("HalfNormal", "s", "y", (*SAMPLES, *MOMENTS, *LAW)),
    ("HalfCauchy", "s", "y", (*SAMPLES, *LAW, "entropy()")),
    ("Uniform", "lo, hi", "b", (*SAMPLES, "cdf({0})", "icdf(u)", "entropy()")),
    ("Exponential", "s", "y", (*SAMPLES, *MOMENTS, *LAW, "entropy()", "rate")),
    ("Weibull", "t, s", "y", (*SAMPLES, *MOMENTS, *LAW, "entropy()")),
    ("Pareto", "df, s", "3 + y", (*SAMPLES, *MOMENTS, *LAW, "entropy()")),
    ("Gamma", "t, s", "y", (*SAMPLES, *MOMENTS, "entropy()")),
    ("Beta", "t, s", "u", (*SAMPLES, *MOMENTS, "entropy()")),
    ("Chi2", "df", "y", (*SAMPLES, *MOMENTS, "entropy()", "df")),
    ("FisherSnedecor", "df, t", "y", (*SAMPLES, "mean", "variance")),
    ("FisherSnedecor", "t, df", "y", ("mean", "variance")),
    ("StudentT", "df, a, s", "x", ("sample((2, 3))", *MOMENTS, "entropy()")),
    ("StudentT", "dg, a, s", "x", ("mean", "variance")),
    ("Dirichlet", "y", "events", ("sample()", "sample_n(3)", *MOMENTS, "entropy()")),
    ("Poisson", "s", "k", ("sample()", "sample((2, 3))", "sample_n(2)", *MOMENTS)),
    ("Geometric", "p", "k", (*SAMPLES, *MOMENTS, "entropy()", "logit")),
    ("Geometric", "logit=a", "k", ("mean", "entropy()", "prob")),
    ("NegativeBinomial", "s, p", "k", ("sample()", "sample((2, 3))", "sample_n(2)", *MOMENTS)),
    ("Binomial", "4, p", "few", (*SAMPLES, *MOMENTS)),
    ("Binomial", "4, logit=a", "few", ("mean",)),
    ("Bernoulli", "p", "ones", (*MOMENTS, "entropy()")),
    ("Bernoulli", "logit=a", "ones", ("mean", "entropy()")),
    ("Categorical", "3, prob=events", "which", ("sample()", "sample((3, 2))", "sample_n(2)",
                                                "enumerate_support()", "logit")),
    ("Categorical", "3, logit=np.log(events)", "which", ("prob",)),
    ("OneHotCategorical", "3, prob=events", "one_hot", ("sample()", "sample((3, 2))", "sample_n(2)",
                                                        "enumerate_support()", "mean", "variance")),
    ("Multinomial", "3, prob=events, total_count=4", "counts", ("sample()", "sample_n(2)", *MOMENTS)),
    ("MultivariateNormal", "m, cov=cov", "v", ("variance", "entropy()", "scale_tril", "precision")),
    ("MultivariateNormal", "m, precision=cov", "v", ("variance", "scale_tril", "cov")),
    ("MultivariateNormal", "m, scale_tril=diagonal", "v", ("sample()", "sample((3, 2))", "sample_n(2)",
                                                           "sample_n((2, 2))", "cov", "precision")),
    ("RelaxedBernoulli", "0.5, prob=p", "u", ("sample()", "sample((2, 3))")),
    ("RelaxedBernoulli", "0.75, logit=a", "u", ("sample()",)),
    ("RelaxedOneHotCategorical", "0.5, 3, prob=events", "others", ("sample()", "sample((3, 2))")),
    ("RelaxedOneHotCategorical", "2.0, 3, logit=x", "others", ("sample()",)),
    ("Independent", "Normal(a, s), 1", "x", ("sample((2, 3))", "sample_n(2)", "mean", "variance",
                                             "entropy()", "event_dim")),
    ("TransformedDistribution", "Normal(a, s), [ExpTransform(), AffineTransform(1.0, -2.0)]", "-y",
     ("sample()", "cdf({0})", "icdf(u)", "event_dim")),
)

PAIRS = (
    ("Normal(a, s)", "Normal(b, t)"), ("Normal(0.0, 1.0)", "Normal(b, t)"),
    ("Laplace(a, s)", "Laplace(b, t)"), ("Cauchy(a, s)", "Cauchy(b, t)"), ("Gumbel(a, s)", "Gumbel(b, t)"),
    ("Uniform(lo, hi)", "Uniform(lo - 1, hi + s)"), ("Uniform(lo, hi)", "Uniform(a, hi)"),
    ("Exponential(s)", "Exponential(t)"), ("Pareto(df, 3 + s)", "Pareto(t, s)"),
    ("Gamma(s, t)", "Gamma(t, s)"),
    ("Beta(s, t)", "Beta(t, dg)"), ("Dirichlet(y)", "Dirichlet(events)"), ("HalfNormal(s)", "HalfNormal(t)"),
    ("Poisson(s)", "Poisson(t)"), ("Bernoulli(p)", "Bernoulli(q)"),
    ("Bernoulli(logit=a)", "Bernoulli(logit=b)"), ("Binomial(4, p)", "Binomial(4, q)"),
    ("Geometric(p)", "Geometric(q)"), ("Categorical(3, prob=events)", "Categorical(3, prob=others)"),
    ("OneHotCategorical(3, prob=events)", "OneHotCategorical(3, prob=others)"),
    ("Uniform(lo, hi)", "Normal(b, t)"), ("Uniform(lo, hi)", "Gumbel(b, t)"),
    ("Exponential(s)", "Gumbel(b, t)"), ("Exponential(s)", "Normal(b, t)"), ("Exponential(s)", "Gamma(t, s)"),
)

TRANSFORMS = (
    ("ExpTransform()", "x", "y"), ("AffineTransform(a, -2.0)", "x", "x"),
    ("AffineTransform(a, s, event_dim=1)", "x", "x"), ("PowerTransform(2.0)", "y", "y"),
    ("PowerTransform(s)", "y", "y"), ("SigmoidTransform()", "x", "u"),
    ("ComposeTransform([ExpTransform(), AffineTransform(a, s, event_dim=1)])", "x", "3 + y"),
    ("biject_to(constraint.Positive())", "x", "y"), ("biject_to(constraint.GreaterThan(-3))", "x", "x"),
    ("biject_to(constraint.LessThan(4))", "x", "x"), ("transform_to(constraint.Interval(-2, 5))", "x", "x"),
    ("transform_to(constraint.Interval(0, 1))", "x", "u"),
)

EXPRESSIONS = (
    *(f"{name}({given}).{more.format(value)}" for name, given, value, mores in DISTRIBUTIONS
      for more in (f"log_prob({value})", f"pdf({value})", *mores)),
    *(f"kl_divergence({p}, {q})" for p, q in PAIRS),
    *(f"{t}{end}" for t, x, y in TRANSFORMS
      for end in (f"({x})", f".inv({y})", f".log_det_jacobian({x}, {t}({x}))", f".inv({t}({x}))")),
    "SoftmaxTransform()(x)", "SoftmaxTransform().inv(events)", "AbsTransform()(x)", "AbsTransform().inv(y)",
    "prob2logit(u)", "prob2logit(u, False)", "logit2prob(x)", "logit2prob(x, False)",
    "empirical_kl(Normal(a, s), Normal(b, t), 4)",
    *(f"{name}.broadcast_to((2, 3)).{more}" for name in ("Normal(a, 2.0)", "Gamma(t, s)", "Poisson(s)")
      for more in ("mean", "variance")),
)

GRADIENTS = (
    ("Normal", "a s"), ("Cauchy", "a s"), ("Gumbel", "a s"), ("Exponential", "s"), ("HalfNormal", "s"),
    ("HalfCauchy", "s"), ("Weibull", "t s"), ("Pareto", "df s"),
)


def main(path: str) -> None:
    import mxnet as mx
    from mxnet.gluon import probability

    mx.npx.set_np()
    arrays = {n: mx.np.array(v, dtype="int64" if n == "which" else "float32") for n, v in ARRAYS.items()}
    space = {**vars(probability), **arrays, "np": mx.np}

    def plain(value: Any) -> Any:
        return value.asnumpy().tolist() if hasattr(value, "asnumpy") else value

    records = []
    for expression in EXPRESSIONS:
        mx.random.seed(SEED)
        try:
            value = eval(expression, space)
            mx.npx.waitall()
        except Exception as error:
            print(f"{expression}: {type(error).__name__}", file=sys.stderr)     # it has many faults
            continue
        dtype = value.dtype.name if hasattr(value, "asnumpy") else None
        records.append([expression, dtype, plain(value)])
    gradients = []
    for name, names in GRADIENTS:
        args = [arrays[n].copy() for n in names.split()]
        for a in args:
            a.attach_grad()
        mx.random.seed(SEED)
        with mx.autograd.record():
            total = getattr(probability, name)(*args).sample_n((2,)).sum()
        total.backward()
        gradients.append([name, names, [plain(a.grad) for a in args]])
    lines = [json.dumps(r) for r in records]
    with open(path, "w") as f:
        f.write('{"values": [\n' + ",\n".join(lines) + '\n],\n"gradients": [\n'
                + ",\n".join(json.dumps(g) for g in gradients) + "\n]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
