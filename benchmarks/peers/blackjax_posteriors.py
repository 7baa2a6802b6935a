"""BlackJAX's NUTS on the targets of ./bench --nuts, which starts this once for each of them.

Warm-up is blackjax.window_adaptation (Stan's schedule, acceptance 0.8), chain by chain. Chains are
vmapped, in as many equal parts as there are threads, each part on a host device of its own, since
XLA by itself hardly uses a second core here. All is f64, jitted, and compiled ahead of time, so
that compilation is timed apart. Prints a line of JSON; DIR/samples.npy gets the quantities of the
draws (chains, steps, k), in the order of the experiment `posteriors`.

With --reference: writes moments of nearly independent draws of German credit instead, which are
mcmc/targets/posteriors/data/german_credit.reference.json:

    blackjax_posteriors.py --model german_credit --chains 64 --warmup 600 --steps 4000 \\
        --thin 4 --reference FILE
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--chains", type=int, required=True)
parser.add_argument("--warmup", type=int, required=True)
parser.add_argument("--steps", type=int, required=True)
parser.add_argument("--thin", type=int, default=1, help="of the reference's draws")
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--dense", action="store_true", help="a dense mass matrix")
parser.add_argument("--covariance", type=Path, help=".npy of the correlated Gaussian")
parser.add_argument("--out", type=Path, help="folder for samples.npy")
parser.add_argument("--reference", type=Path)
options = parser.parse_args()
if options.threads > 1:
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} "
        f"--xla_force_host_platform_device_count={options.threads}"
    )

import blackjax  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax import lax  # noqa: E402
from jax.sharding import AxisType, PartitionSpec  # noqa: E402

jax.config.update("jax_enable_x64", True)

Array = jax.Array
DATA = Path(__file__).resolve().parents[2] / "mcmc/targets/posteriors/data"


class Model(NamedTuple):
    dim: int
    log_density: Callable[[Array], Array]  # x (d) -> (), up to a constant
    quantities: Callable[[Array], Array] = lambda x: x  # (d) -> (k)


def correlated_gaussian() -> Model:
    precision = jnp.linalg.inv(np.load(options.covariance))
    return Model(len(precision), lambda x: -0.5 * x @ (precision @ x))


def eight_schools_noncentered() -> Model:
    data = json.loads((DATA / "eight_schools.json").read_text())
    y, sigma = jnp.array(data["y"], float), jnp.array(data["sigma"], float)

    def parts(x: Array) -> tuple[Array, Array, Array]:
        return x[:8], x[8], x[9]

    def log_density(x: Array) -> Array:
        z, mu, log_tau = parts(x)
        theta = mu + jnp.exp(log_tau) * z
        return (
            -0.5 * (((y - theta) / sigma) ** 2).sum()
            - 0.5 * (z**2).sum()
            - 0.5 * (mu / 5) ** 2
            - jax.nn.softplus(2 * (log_tau - jnp.log(5.0)))
            + log_tau
        )

    def quantities(x: Array) -> Array:
        z, mu, log_tau = parts(x)
        tau = jnp.exp(log_tau)
        return jnp.concatenate([mu + tau * z, jnp.stack([mu, tau])])

    return Model(10, log_density, quantities)


def german_credit() -> Model:
    table = np.loadtxt(DATA / "german_credit.csv", delimiter=",", skiprows=1)
    features, good = table[:, :-1], table[:, -1] == 1
    features = (features - features.mean(0)) / features.std(0)
    features = np.concatenate([np.ones((len(features), 1)), features], axis=1)
    signed = jnp.array(features * np.where(good, 1, -1)[:, None])

    def log_density(beta: Array) -> Array:
        return -jax.nn.softplus(-(signed @ beta)).sum() - 0.5 * (beta**2).sum()

    return Model(signed.shape[1], log_density)


MODELS = {f.__name__: f for f in (correlated_gaussian, eight_schools_noncentered, german_credit)}


def warm_up(model: Model, key: Array, x: Array):
    adaptation = blackjax.window_adaptation(
        blackjax.nuts,
        model.log_density,
        is_mass_matrix_diagonal=not options.dense,
        target_acceptance_rate=0.8,
        adaptation_info_fn=lambda state, info, adaptation: info.num_integration_steps,
    )
    (state, parameters), leapfrogs = adaptation.run(key, x, num_steps=options.warmup)
    return state, parameters, leapfrogs.sum()


def sample(model: Model, key: Array, state, parameters):
    kernel = blackjax.nuts.build_kernel()

    def step(state, key: Array):
        state, info = kernel(key, state, model.log_density, **parameters)
        told = info.num_integration_steps, info.is_divergent, info.acceptance_rate
        return state, (model.quantities(state.position), told)

    keys = jax.random.split(key, options.steps)
    _, (q, (leapfrogs, divergent, acceptance)) = lax.scan(step, state, keys)
    return q, leapfrogs.sum(), divergent.sum(), acceptance.mean()


def over_chains(f, *arguments) -> tuple[Any, float, float]:
    """The results of f for every chain; seconds to compile and to run."""
    mesh = jax.make_mesh((options.threads,), ("chains",), axis_types=(AxisType.Auto,))
    spec = PartitionSpec("chains")
    # Each device runs the loops of its own chains, without waiting for the others.
    mapped = jax.shard_map(
        jax.vmap(f), mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False
    )
    start = time.perf_counter()
    compiled = jax.jit(mapped).lower(*arguments).compile()
    middle = time.perf_counter()
    result = jax.block_until_ready(compiled(*arguments))
    return result, middle - start, time.perf_counter() - middle


def write_reference(q: np.ndarray) -> None:
    """Moments as posteriordb's reference draws give them; q (chains, steps, k)."""
    q = q[:, :: options.thin]
    draws = q.shape[0] * q.shape[1]
    centred = q - q.mean((0, 1))
    for name, values in (("draws", centred), ("squares", centred**2 - (centred**2).mean((0, 1)))):
        lag = (values[:, 1:] * values[:, :-1]).mean((0, 1)) / (values**2).mean((0, 1))
        print(json.dumps({"lag-1 autocorrelation of": name, "largest": abs(lag).max()}))
    moments = {
        f"beta[{j + 1}]": {
            "mean": q[..., j].mean(),
            "sd": q[..., j].std(ddof=1),
            "mcse_mean": q[..., j].std(ddof=1) / draws**0.5,
            "draws": draws,
        }
        for j in range(q.shape[2])
    }
    options.reference.write_text(json.dumps(moments, indent=1) + "\n")


def main() -> None:
    if options.chains % options.threads:
        parser.error(f"--chains {options.chains}: need a multiple of --threads {options.threads}")
    model = MODELS[options.model]()
    keys = jax.random.split(jax.random.key(options.seed), (3, options.chains))
    starts = jax.vmap(lambda key: jax.random.uniform(key, (model.dim,), minval=-2, maxval=2))
    warm, compile_warm, warmup_s = over_chains(
        lambda key, x: warm_up(model, key, x), keys[1], starts(keys[0])
    )
    state, parameters, warmup_gradients = warm
    drawn, compile_sample, sampling_s = over_chains(
        lambda key, s, p: sample(model, key, s, p), keys[2], state, parameters
    )
    q, gradients, divergent, acceptance = (np.asarray(v) for v in drawn)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        np.save(options.out / "samples.npy", q)
    if options.reference:
        write_reference(q)
    about = {
        "library": f"blackjax {blackjax.__version__} on jax {jax.__version__}",
        "gradients": int(gradients.sum()),
        "warmup_gradients": int(np.asarray(warmup_gradients).sum()),
        "sampling_s": sampling_s,
        "warmup_s": warmup_s,
        "compile_s": compile_warm + compile_sample,
        "divergent": int(divergent.sum()),
        "acceptance": float(acceptance.mean()),
    }
    print(json.dumps(about))


if __name__ == "__main__":
    main()
