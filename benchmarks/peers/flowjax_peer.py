"""The flows of ./bench --flows in flowjax: jitted, loops of steps in one lax.scan.

Scales are softplus(a) + 0.01, splines have slopes at their ends that are trained too, and from one
layer to the next coordinates change places at random. So weights do not carry over: the peer checks itself.
"""

import functools

import jax
import jax.numpy as jnp

from jax_peer import Array, Weights, by_rows, fastest_layout, in_one_program, one_by_one

# flowjax would take all its arrays to f64.
jax.config.update("jax_enable_x64", False)

import equinox as eqx  # noqa: E402
import flowjax  # noqa: E402
import optax  # noqa: E402
import paramax  # noqa: E402
from flowjax.bijections import RationalQuadraticSpline  # noqa: E402
from flowjax.distributions import StandardNormal, Transformed  # noqa: E402
from flowjax.flows import coupling_flow, masked_autoregressive_flow  # noqa: E402

from flow_checks import (  # noqa: E402
    ROWS,
    require_close,
    require_density,
    require_standard_normal,
)
from protocol import LEARNING_RATE, Case, Work, serve  # noqa: E402

BINS, BOUND = 8, 5
KEY = jax.random.key(0)
once = functools.cache  # making a flow compiles every op of its first weights, for seconds


@once
def realnvp(d: int) -> Transformed:
    base = StandardNormal((d,))
    return coupling_flow(KEY, base_dist=base, flow_layers=8, nn_width=128, nn_depth=2)


@once
def neural_spline(d: int) -> Transformed:
    spline = RationalQuadraticSpline(knots=BINS - 1, interval=BOUND)
    return coupling_flow(
        KEY,
        base_dist=StandardNormal((d,)),
        transformer=spline,
        flow_layers=4,
        nn_width=64,
        nn_depth=2,
    )


@once
def maf(d: int) -> Transformed:
    base = StandardNormal((d,))
    return masked_autoregressive_flow(KEY, base_dist=base, flow_layers=5, nn_width=64, nn_depth=2)


def parts(flow: Transformed):
    """What is trained, and the flow again from that."""
    trained, static = eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
    )
    return trained, lambda trained: eqx.combine(trained, static)


def log_prob(case: Case, a: Weights, flow: Transformed) -> Work:
    x = by_rows(a["in.x"])
    trained, whole = parts(flow)

    def density(trained, x):
        return whole(trained).log_prob(x)

    @jax.jit
    def there_and_back(x):
        bijection = paramax.unwrap(flow).bijection
        z = jax.vmap(bijection.inverse)(x)
        jacobian = jax.vmap(jax.jacfwd(bijection.inverse))(x)
        return z, jacobian, jax.vmap(bijection.transform)(z)

    def check():
        some = a["in.x"][:ROWS]
        z, jacobian, back = there_and_back(some)
        require_density(jax.jit(density)(trained, x)[:ROWS], z, jacobian)
        require_close("a point that went to its noise and back", back, some)
        return {}

    return Work(one_by_one(case, density, trained, x), check)


def sample(case: Case, a: Weights, flow: Transformed) -> Work:
    """Draws without their density, which flow.sample does not give."""
    trained, whole = parts(flow)

    def step(trained, _, key):
        return by_rows(whole(trained).sample(key, (case.rows,)))

    @jax.jit
    def noise_of(x):
        return jax.vmap(paramax.unwrap(flow).bijection.inverse)(x)

    def check():
        require_standard_normal(noise_of(jax.jit(step)(trained, None, KEY)))
        return {}

    return Work(in_one_program(case, step, jnp.zeros((case.rows, case.d)), trained), check)


def fit(case: Case, a: Weights, flow: Transformed) -> Work:
    x = by_rows(a["in.x"])
    trained, whole = parts(flow)
    adam = optax.adam(LEARNING_RATE)

    def loss(trained, x):
        return -paramax.unwrap(whole(trained)).log_prob(x).mean()

    def step(x, state, _):
        trained, moments = state
        updates, moments = adam.update(jax.grad(loss)(trained, x), moments, trained)
        return eqx.apply_updates(trained, updates), moments

    def check():
        densities = jax.jit(lambda x: flow.log_prob(x))(x)
        require_close("the loss", jax.jit(loss)(trained, x), -densities.mean())
        return {}

    return Work(in_one_program(case, step, (trained, adam.init(trained)), x), check)


def workload(operation, make):
    return lambda case, a: operation(case, a, make(case.d))


WORKLOADS = {
    f"F-{flow}-{name}": workload(operation, make)
    for flow, make in (("realnvp", realnvp), ("nsf", neural_spline), ("maf", maf))
    for name, operation in (("logprob", log_prob), ("sample", sample), ("fit", fit))
}

if __name__ == "__main__":
    serve(
        {"name": "flowjax", "version": f"{flowjax.__version__} on JAX {jax.__version__}"},
        WORKLOADS,
        jnp.asarray,
        jax.clear_caches,
        fastest_layout,
    )
