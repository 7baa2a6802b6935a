"""The workloads of ./bench in JAX, each in the fastest form on CPU of those its users write.

Loops of steps are one jitted lax.scan; the state is donated and never leaves the device. Weights
are kept (in, out). Random numbers are threefry's, on CPU several times as fast as rbg's.
"""

import argparse
import functools
import os
import time

arguments = argparse.ArgumentParser()
arguments.add_argument("--threads", type=int, default=1)
threads = arguments.parse_args().threads
if threads > 1:
    # XLA by itself hardly uses a second core here; rows split over host devices may.
    os.environ["XLA_FLAGS"] = (
        f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={threads}"
    )

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402
from jax.sharding import AxisType, NamedSharding, PartitionSpec  # noqa: E402

from protocol import LEARNING_RATE, Case, Work, serve  # noqa: E402

# For the f64 workloads; the arrays of the others are f32 all the same.
jax.config.update("jax_enable_x64", True)

Array = jax.Array
Weights = dict[str, Array]
mesh = jax.make_mesh((threads,), ("rows",), axis_types=(AxisType.Auto,))
split_rows = False  # over the devices


def by_rows(x: Array) -> Array:
    """x with its rows over the devices, in a program or before it."""
    if not split_rows or x.shape[0] % threads:
        return x
    layout = NamedSharding(mesh, PartitionSpec("rows"))
    if isinstance(x, jax.core.Tracer):
        return lax.with_sharding_constraint(x, layout)
    return jax.device_put(x, layout)


def fastest_layout(make, case: Case, arrays: Weights) -> Work:
    """The faster of the workload on one device, with threads inside of ops, and on split rows."""
    global split_rows
    works = []
    for split_rows in (False, True) if threads > 1 else (False,):
        start = time.perf_counter()
        work = make(case, arrays)
        work.run()
        first = time.perf_counter() - start
        times = []
        for _ in range(3):
            start = time.perf_counter()
            work.run()
            times.append(time.perf_counter() - start)
        works.append((min(times), work._replace(first_s=first)))
    split_rows = False
    return min(works, key=lambda timed: timed[0])[1]


# Models.


def weights(arrays: Weights, prefix: str) -> Weights:
    return {k: v.T if v.ndim == 2 else v for k, v in arrays.items() if k.startswith(prefix)}


def mlp(p: Weights, name: str, x: Array, activation=jax.nn.silu) -> Array:
    last = 2 * (sum(k.startswith(name + ".") for k in p) // 2 - 1)
    for k in range(0, last, 2):
        x = activation(x @ p[f"{name}.{k}.weight"] + p[f"{name}.{k}.bias"])
    return x @ p[f"{name}.{last}.weight"] + p[f"{name}.{last}.bias"]


def net_energy(p: Weights, x: Array) -> Array:
    return mlp(p, "net", x).sum(-1) + 0.5 * (x * x).sum(-1)


def score(p: Weights, x: Array) -> Array:
    """grad U, row by row."""
    return jax.grad(lambda x: net_energy(p, x).sum())(x)


def value_and_grad(energy, x: Array) -> tuple[Array, Array]:
    u, pull = jax.vjp(energy, x)
    return u, pull(jnp.ones_like(u))[0]


def leaf_names(out: dict[str, Array], prefix: str = "") -> dict[str, Array]:
    """Gradients under the names and in the layout of the file."""
    return {f"out.{prefix}gradient.{k}": v.T if v.ndim == 2 else v for k, v in out.items()}


# Loops.


def in_one_program(case: Case, step, state, fixed):
    """A run of case.steps times state = step(fixed, state, key)."""

    @functools.partial(jax.jit, donate_argnums=0)
    def steps(carry, fixed):
        def body(carry, _):
            state, key = carry
            key, use = jax.random.split(key)
            return (step(fixed, state, use), key), None

        return lax.scan(body, carry, length=case.steps)[0]

    carry = [(jax.tree.map(jnp.copy, state), jax.random.key(0))]

    def run():
        carry[0] = jax.block_until_ready(steps(carry[0], fixed))

    return run


def one_by_one(case: Case, f, *inputs):
    """A run of case.steps times f(inputs), which the compiler would take out of a lax.scan."""
    compiled = jax.jit(f)

    def run():
        for _ in range(case.steps):
            result = compiled(*inputs)
        jax.block_until_ready(result)

    return run


def normal(key: Array, like: Array, shape: tuple[int, ...] | None = None) -> Array:
    return jax.random.normal(key, like.shape if shape is None else shape, like.dtype)


def adam_start(p: Weights):
    zeros = jax.tree.map(jnp.zeros_like, p)
    return p, zeros, zeros, 0


def adam(state, g: Weights):
    p, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    a, b = 1 / (1 - 0.9**t), 1 / (1 - 0.999**t)
    p = jax.tree.map(
        lambda p, m, v: p - LEARNING_RATE * (m * a) / (jnp.sqrt(v * b) + 1e-8), p, m, v
    )
    return p, m, v, t


def training(
    case: Case, p: Weights, x: Array, loss, draw=lambda key, p, x: None, given=None
) -> Work:
    """Adam on loss(p, x, noise) with noise = draw(key, p, x) or, for the check, given(p, x)."""

    def step(x, state, key):
        return adam(state, jax.grad(loss)(state[0], x, draw(key, state[0], x)))

    def check():
        @jax.jit
        def first(p, x):
            return jax.value_and_grad(loss)(p, x, given(p, x) if given else None)

        value, g = first(p, x)
        return {"out.loss": value, **leaf_names(g)}

    return Work(in_one_program(case, step, adam_start(p), x), check)


# W1, W10: Langevin steps.


def langevin_step(p: Weights, x: Array, noise: Array, h: float) -> Array:
    return x - h * score(p, x) + (2 * h) ** 0.5 * noise


def ula(case: Case, a: Weights) -> Work:
    p, x, h = weights(a, "net"), by_rows(a["in.x"]), case.step_size

    def check():
        return {"out.x": jax.jit(langevin_step)(p, x, a["noise.0"], h)}

    return Work(
        in_one_program(case, lambda p, x, key: langevin_step(p, x, normal(key, x), h), x, p), check
    )


def mala_step(energy, state, noise: Array, uniform: Array, h: float):
    x, u, g = state
    y = x - h * g + (2 * h) ** 0.5 * noise
    u_y, g_y = value_and_grad(energy, y)
    # The difference of the squares of y - x + h g and x - y + h g_y over 4h, by its factors.
    correction = ((g + g_y) * (0.5 * (y - x) + 0.25 * h * (g - g_y))).sum(-1)
    accept = jnp.log(uniform) < u - u_y + correction
    return (
        jnp.where(accept[:, None], y, x),
        jnp.where(accept, u_y, u),
        jnp.where(accept[:, None], g_y, g),
    )


def mala(case: Case, a: Weights) -> Work:
    p, x, h = weights(a, "net"), by_rows(a["in.x"]), case.step_size

    def start(p, x):
        return x, *value_and_grad(lambda x: net_energy(p, x), x)

    def step(p, state, key):
        noise, uniform = jax.random.split(key)
        x = state[0]
        uniforms = jax.random.uniform(uniform, x.shape[:1], x.dtype)
        return mala_step(lambda x: net_energy(p, x), state, normal(noise, x), uniforms, h)

    def check():
        @jax.jit
        def first(p, x, noise, u):
            return mala_step(lambda x: net_energy(p, x), start(p, x), noise, u, h)

        moved, u, _ = first(p, x, a["noise.0"], a["noise.u"])
        return {"out.x": moved, "out.energy": u}

    return Work(in_one_program(case, step, jax.jit(start)(p, x), p), check)


# W2 to W5: training.


def contrastive_divergence(case: Case, a: Weights) -> Work:
    p, x, h = weights(a, "net"), by_rows(a["in.x"]), case.step_size

    def loss(p, x, negatives):
        return net_energy(p, x).mean() - net_energy(p, negatives).mean()

    def draw(key, p, x):
        def body(y, key):
            return langevin_step(p, y, normal(key, y), h), None

        return lax.scan(body, x, jax.random.split(key, 10))[0]

    def given(p, x):
        for noise in a["noise.0"]:
            x = langevin_step(p, x, noise, h)
        return x

    return training(case, p, x, loss, draw, given)


def denoising_score_matching(case: Case, a: Weights) -> Work:
    sigma = 0.1

    def loss(p, x, noise):
        return 0.5 * ((noise - sigma * score(p, x + sigma * noise)) ** 2).sum(-1).mean()

    x = by_rows(a["in.x"])
    return training(
        case,
        weights(a, "net"),
        x,
        loss,
        lambda key, p, x: normal(key, x),
        lambda p, x: a["noise.0"],
    )


def sliced_score_matching(case: Case, a: Weights) -> Work:
    def loss(p, x, projections):
        g, pull = jax.vjp(lambda x: score(p, x), x)
        # A loop, not vmap: products with two batch dimensions are several times as slow on CPU.
        curvature = sum((pull(v)[0] * v).sum(-1) for v in projections) / len(projections)
        return (0.5 * (g**2).sum(-1) - curvature).mean()

    def draw(key, p, x):
        return [normal(k, x) for k in jax.random.split(key, 5)]

    x = by_rows(a["in.x"])
    return training(case, weights(a, "net"), x, loss, draw, lambda p, x: list(a["noise.0"]))


def exact_score_matching(case: Case, a: Weights) -> Work:
    def loss(p, x, _):
        g, tangent = jax.linearize(lambda x: score(p, x), x)
        basis = jnp.eye(x.shape[1], dtype=x.dtype)
        trace = sum(tangent(jnp.broadcast_to(e, x.shape))[:, i] for i, e in enumerate(basis))
        return (0.5 * (g**2).sum(-1) - trace).mean()

    return training(case, weights(a, "net"), by_rows(a["in.x"]), loss)


# W6, W7: RealNVP.


def coupling(
    p: Weights, name: str, x: Array, copied: slice, moved: slice, capped: bool, cap: float
):
    """Log-scale and shift of the moved half. A capped network is as wide as the whole vector."""
    nets = []
    for net in ("s", "t"):
        q = {k: v for k, v in p.items() if k.startswith(f"{name}.{net}.")}
        if capped:
            first, last = f"{name}.{net}.0", f"{name}.{net}.{2 * (len(q) // 2 - 1)}"
            q[f"{first}.weight"] = q[f"{first}.weight"][copied]
            q[f"{last}.weight"], q[f"{last}.bias"] = (
                q[f"{last}.weight"][:, moved],
                q[f"{last}.bias"][moved],
            )
        nets.append(mlp(q, f"{name}.{net}", x, jax.nn.relu))
    s, t = nets
    return (cap * jnp.tanh(s), cap * t) if capped else (cap * jnp.tanh(s / cap), t)


class RealNvp:
    """Couplings flow.0, flow.1, ... on N(0, variance I); flow.0 moves the first half."""

    def __init__(self, d: int, couplings: int, variance: Array | float = 1.0, capped: bool = False):
        self.count, self.variance, self.capped = couplings, variance, capped
        self.cap = 2 / couplings if capped else 2.0
        self.halves = slice(0, d // 2), slice(d // 2, d)

    def base_log_prob(self, z: Array) -> Array:
        return -0.5 * (z * z / self.variance + jnp.log(2 * jnp.pi * self.variance)).sum(-1)

    def scale_shift(self, p: Weights, k: int, halves):
        moved, copied = self.halves[k % 2], self.halves[1 - k % 2]
        return coupling(p, f"flow.{k}", halves[1 - k % 2], copied, moved, self.capped, self.cap)

    def sample(self, p: Weights, z: Array) -> tuple[Array, Array]:
        z = z * self.variance**0.5
        log_q, halves = self.base_log_prob(z), [z[:, h] for h in self.halves]
        for k in range(self.count):
            s, t = self.scale_shift(p, k, halves)
            x = halves[k % 2]
            halves[k % 2] = (x + t) * jnp.exp(s) if self.capped else x * jnp.exp(s) + t
            log_q -= s.sum(-1)
        return jnp.concatenate(halves, -1), log_q

    def log_prob(self, p: Weights, x: Array) -> Array:
        halves, log_det = [x[:, h] for h in self.halves], 0.0
        for k in reversed(range(self.count)):
            s, t = self.scale_shift(p, k, halves)
            y = halves[k % 2]
            halves[k % 2] = y * jnp.exp(-s) - t if self.capped else (y - t) * jnp.exp(-s)
            log_det -= s.sum(-1)
        return self.base_log_prob(jnp.concatenate(halves, -1)) + log_det


def flow_log_prob(case: Case, a: Weights) -> Work:
    p, x, flow = weights(a, "flow"), by_rows(a["in.x"]), RealNvp(case.d, 8)
    return Work(
        one_by_one(case, flow.log_prob, p, x),
        lambda: {"out.log_prob": jax.jit(flow.log_prob)(p, x)},
    )


def flow_sample(case: Case, a: Weights) -> Work:
    p, z, flow = weights(a, "flow"), by_rows(a["noise.0"]), RealNvp(case.d, 8)

    def check():
        x, log_prob = jax.jit(flow.sample)(p, z)
        return {"out.x": x, "out.log_prob": log_prob}

    def step(p, state, key):
        return flow.sample(p, normal(key, state[0]))

    return Work(in_one_program(case, step, jax.jit(flow.sample)(p, z), p), check)


def flow_fit(case: Case, a: Weights) -> Work:
    flow = RealNvp(case.d, 8)

    def loss(p, x, _):
        return -flow.log_prob(p, x).mean()

    return training(case, weights(a, "flow"), by_rows(a["in.x"]), loss)


def adaptive_flow(case: Case, a: Weights) -> Work:
    """Chains make an i-SIR and 24 MALA steps; energy and flow learn from their last states."""
    bank_size, particles, local_steps, target = 1024, 64, 24, 0.75
    data, n, d = a["in.x"], case.rows, case.d
    flow = RealNvp(d, 8, float(a["base_variance"].reshape(())), capped=True)
    start = adam_start(weights(a, "energy")), adam_start(weights(a, "flow"))

    def energy(p, x):
        return mlp(p, "energy", x)[:, 0] - flow.base_log_prob(x)

    def log_weight(p, q, x):
        return -energy(p, x) - flow.log_prob(q, x)

    def loss(p, data, negatives):
        return (energy(p, data) - energy(p, negatives)).mean()

    def flow_loss(q, negatives):
        return -flow.log_prob(q, negatives).mean()

    def resample(p, q, x, key):
        """i-SIR: x or one of the fresh particles, by importance weight."""
        draw, choose = jax.random.split(key)
        y, log_q = flow.sample(q, by_rows(normal(draw, x, (n * (particles - 1), d))))
        fresh = (-energy(p, y) - log_q).reshape(n, particles - 1)
        all_weights = jnp.concatenate([log_weight(p, q, x)[:, None], fresh], 1)
        all_points = jnp.concatenate([x[:, None], y.reshape(n, particles - 1, d)], 1)
        chosen = jax.random.categorical(choose, all_weights)
        return jnp.take_along_axis(all_points, chosen[:, None, None], 1)[:, 0]

    def move(p, x, h, key):
        def body(carry, key):
            state, accepted = carry
            noise, uniform = jax.random.split(key)
            uniforms = jax.random.uniform(uniform, (n,), x.dtype)
            moved = mala_step(lambda x: energy(p, x), state, normal(noise, x), uniforms, h)
            return (moved, accepted + (moved[1] != state[1]).mean()), None

        start = (x, *value_and_grad(lambda x: energy(p, x), x))
        (state, accepted), _ = lax.scan(body, (start, 0.0), jax.random.split(key, local_steps))
        return state[0], accepted / local_steps

    def step(data, state, key):
        trained, flow_trained, bank, h = state
        p, q = trained[0], flow_trained[0]
        slots, global_key, local_key = jax.random.split(key, 3)
        slots = jax.random.permutation(slots, bank_size)[:n]
        x, accepted = move(p, resample(p, q, by_rows(bank[slots]), global_key), h, local_key)
        trained = adam(trained, jax.grad(loss)(p, data, x))
        flow_trained = adam(flow_trained, jax.grad(flow_loss)(q, x))
        h = jnp.where(
            accepted > target + 0.03, h * 1.05, jnp.where(accepted < target - 0.03, h / 1.05, h)
        )
        return trained, flow_trained, bank.at[slots].set(x), jnp.minimum(h, 1.0)

    def check():
        p, q = start[0][0], start[1][0]
        value, g = jax.jit(jax.value_and_grad(loss))(p, data, a["in.negatives"])
        flow_value, flow_g = jax.jit(jax.value_and_grad(flow_loss))(q, a["in.negatives"])
        return {
            "out.loss": value,
            **leaf_names(g),
            "out.flow_loss": flow_value,
            **leaf_names(flow_g, "flow_"),
            "out.log_weight": jax.jit(log_weight)(p, q, a["in.particles"]),
        }

    bank = flow.variance**0.5 * normal(jax.random.key(1), data, (bank_size, d))
    return Work(
        in_one_program(case, step, (*start, bank, jnp.asarray(case.step_size, data.dtype)), data),
        check,
    )


# W8: Hamiltonian Monte Carlo.


def hmc(case: Case, a: Weights, energy, fixed) -> Work:
    """energy(fixed, x) -> U (n)."""
    x, h = by_rows(a["in.x"]), case.step_size

    def start(fixed, x):
        return x, *value_and_grad(lambda x: energy(fixed, x), x)

    def hmc_step(fixed, state, momentum, uniform):
        x, u, g = state

        def leapfrog(_, at):
            y, p = at
            y = y + h * p
            return y, p - h * jax.grad(lambda x: energy(fixed, x).sum())(y)

        y, p = lax.fori_loop(0, 9, leapfrog, (x, momentum - 0.5 * h * g))
        y = y + h * p
        u_y, g_y = value_and_grad(lambda x: energy(fixed, x), y)
        p = p - 0.5 * h * g_y
        accept = jnp.log(uniform) < u - u_y + 0.5 * ((momentum**2).sum(-1) - (p**2).sum(-1))
        return (
            jnp.where(accept[:, None], y, x),
            jnp.where(accept, u_y, u),
            jnp.where(accept[:, None], g_y, g),
        )

    def step(fixed, state, key):
        momentum, uniform = jax.random.split(key)
        x = state[0]
        return hmc_step(
            fixed, state, normal(momentum, x), jax.random.uniform(uniform, x.shape[:1], x.dtype)
        )

    def check():
        state = jax.jit(start)(fixed, x)
        moved, u, _ = jax.jit(hmc_step)(fixed, state, a["noise.0"], a["noise.u"])
        return {"out.x": moved, "out.energy": u}

    return Work(in_one_program(case, step, jax.jit(start)(fixed, x), fixed), check)


def hmc_gaussian(case: Case, a: Weights) -> Work:
    return hmc(case, a, lambda precision, x: 0.5 * (x * (x @ precision)).sum(-1), a["precision"])


def hmc_credit(case: Case, a: Weights) -> Work:
    def energy(signed, b):
        return jax.nn.softplus(-(b @ signed)).sum(-1) + 0.5 * (b * b).sum(-1)

    return hmc(case, a, energy, (a["features"] * a["labels"][:, None]).T)


# W9: second derivatives.


def hvp(case: Case, a: Weights) -> Work:
    p, x, v = weights(a, "net"), by_rows(a["in.x"]), by_rows(a["in.v"])

    def product(p, x, v):
        return jax.jvp(lambda x: score(p, x), (x,), (v,))[1]

    return Work(one_by_one(case, product, p, x, v), lambda: {"out.hvp": jax.jit(product)(p, x, v)})


def laplacian(case: Case, a: Weights) -> Work:
    p, x = weights(a, "net"), by_rows(a["in.x"])

    def of_row(p, x):
        basis = jnp.eye(x.shape[0], dtype=x.dtype)
        _, tangent = jax.linearize(jax.grad(lambda x: net_energy(p, x)), x)
        return jax.vmap(lambda e: tangent(e) @ e)(basis).sum()

    of_rows = jax.vmap(of_row, (None, 0))
    return Work(one_by_one(case, of_rows, p, x), lambda: {"out.laplacian": jax.jit(of_rows)(p, x)})


WORKLOADS = {
    "W1-ULA": ula,
    "W1-MALA": mala,
    "W2": contrastive_divergence,
    "W3": denoising_score_matching,
    "W4": sliced_score_matching,
    "W5": exact_score_matching,
    "W6-logprob": flow_log_prob,
    "W6-sample": flow_sample,
    "W6-fit": flow_fit,
    "W7": adaptive_flow,
    "W8-gauss": hmc_gaussian,
    "W8-credit": hmc_credit,
    "W9-hvp": hvp,
    "W9-laplacian": laplacian,
    "W10-rows": ula,
    "W10-width": ula,
}

if __name__ == "__main__":
    serve(
        {"name": "jax", "version": jax.__version__},
        WORKLOADS,
        jnp.asarray,
        jax.clear_caches,
        fastest_layout,
    )
