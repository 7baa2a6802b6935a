"""Draws and what ArviZ says of them, for tests/mcmc/diagnostics_reference.cpp.

python3 make_diagnostics.py writes NAME.npy (chains, draws) beside this file, in single precision so
that both builds read the same numbers, and diagnostics.json. Needs numpy, scipy and arviz < 1."""

import json
import warnings
from pathlib import Path

import numpy

warnings.filterwarnings("ignore")
import arviz  # noqa: E402

HERE = Path(__file__).parent
random = numpy.random.default_rng(20210601)


def autoregressive(chains, draws, rho):
    x = numpy.empty((chains, draws))
    x[:, 0] = random.standard_normal(chains)
    for t in range(1, draws):
        x[:, t] = rho * x[:, t - 1] + numpy.sqrt(1 - rho**2) * random.standard_normal(chains)
    return x


CASES = {
    "autoregressive": 3 + 2 * autoregressive(4, 500, 0.9),
    "antithetic": autoregressive(4, 300, -0.6),
    "odd_draws": autoregressive(3, 101, 0.5),
    "one_chain": autoregressive(1, 401, 0.7),
    "cauchy": random.standard_cauchy((4, 250)),
    "student": random.standard_t(3, (4, 250)) * numpy.array([[1], [1], [2], [1]]),
    "discrete": random.poisson(2, (4, 200)),
    "binary": random.random((2, 100)) < 0.3,
    "stuck": autoregressive(2, 200, 0.3) * 0.1 + numpy.array([[0], [10]]),
    "trend": autoregressive(2, 200, 0.3) + numpy.linspace(0, 3, 200),
    "few_draws": random.standard_normal((2, 9)),
    "four_draws": random.standard_normal((2, 4)),
    "apart": numpy.repeat([[1.5], [2.5]], 20, axis=1),
    "constant": numpy.full((2, 20), 0.1),
}
WEIGHTS = {  # log weights and the relative efficiency
    "light": (0.5 * random.standard_normal(1000), 1),
    "heavy": (2 * random.standard_normal(1000), 1),
    "infinite_variance": (random.exponential(0.8, 2000) + 700, 1),
    "correlated": (1.5 * random.standard_normal(900), 0.3),
    "few": (random.standard_normal(40), 1),
    "too_few": (random.standard_normal(15), 1),
    "underflow": (numpy.concatenate([numpy.full(90, -2000.0), random.standard_normal(10)]), 1),
}


def statistics(x):
    row = {
        "split_rhat": arviz.rhat(x, method="split"),
        "rank_rhat": arviz.rhat(x, method="z_scale"),
        "folded_rhat": arviz.rhat(x, method="folded"),
        "rhat": arviz.rhat(x, method="rank"),
        "ess_mean": arviz.ess(x, method="mean"),
        "ess_sd": arviz.ess(x, method="sd"),
        "ess_bulk": arviz.ess(x, method="bulk"),
        "ess_tail": arviz.ess(x, method="tail"),
        "ess_q5": arviz.ess(x, method="quantile", prob=0.05),
        "mcse_mean": arviz.mcse(x, method="mean"),
        "mcse_sd": arviz.mcse(x, method="sd"),
        "mean": x.mean(),
        "sd": x.std(ddof=1),
    }
    for p in (5, 50, 95):
        row[f"q{p}"] = numpy.quantile(x, p / 100)
        row[f"mcse_q{p}"] = arviz.mcse(x, method="quantile", prob=p / 100)
    row = {name: float(value) for name, value in row.items()}
    row["bfmi"] = [float(value) for value in arviz.bfmi(x)]
    return row


def plain(value):
    """JSON has no NaN and no infinity: they are strings."""
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value if numpy.isfinite(value) else str(value)


result = {"draws": {}, "weights": {}}
for name, x in CASES.items():
    x = numpy.asarray(x, "<f4")
    numpy.save(HERE / f"{name}.npy", x)
    result["draws"][name] = plain(statistics(x.astype(float)))
for name, (a, efficiency) in WEIGHTS.items():
    a = numpy.asarray(a, "<f4")
    numpy.save(HERE / f"weights_{name}.npy", a)
    smoothed, k = arviz.psislw(a.astype(float), efficiency, normalize=False)
    # All that is smoothed, and one that is not.
    tail = 1 + int(numpy.ceil(min(a.size / 5, 3 * (a.size / efficiency) ** 0.5)))
    result["weights"][name] = {
        "efficiency": efficiency,
        "pareto_k": plain(float(k)),
        "smoothed": plain(numpy.sort(smoothed)[-tail:].tolist()),
    }
versions = {"arviz": arviz.__version__, "numpy": numpy.__version__}
text = json.dumps({"versions": versions, **result}, indent=1)
(HERE / "diagnostics.json").write_text(text + "\n")
