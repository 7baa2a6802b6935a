"""The workloads of ./bench in PyTorch, eager or with torch.compile, in the fastest forms found.

An eager gradient is torch.autograd.grad, as torch.func.grad takes twice as long; torch.compile
needs the latter, which it traces through. Adam is the fused one.
"""

import argparse
import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear, relu, silu, softplus

from protocol import LEARNING_RATE, Case, Work, serve

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--compile", action="store_true")
arguments = parser.parse_args()
torch.set_num_threads(arguments.threads)

Layers = list[tuple[Tensor, Tensor]]
Arrays = dict[str, Tensor]


def fast(f):
    """f itself, or compiled."""
    return torch.compile(f, dynamic=False) if arguments.compile else f


# Models.


def layers(arrays: Arrays, name: str) -> Layers:
    count = sum(k.startswith(name + ".") for k in arrays) // 2
    return [
        (arrays[f"{name}.{2 * k}.weight"], arrays[f"{name}.{2 * k}.bias"]) for k in range(count)
    ]


def mlp(net: Layers, x: Tensor, activation=silu) -> Tensor:
    for weight, bias in net[:-1]:
        x = activation(linear(x, weight, bias))
    return linear(x, *net[-1])


def net_energy(net: Layers, x: Tensor) -> Tensor:
    return mlp(net, x).squeeze(1) + 0.5 * (x * x).sum(1)


def conv_energy(p: Arrays, x: Tensor) -> Tensor:
    side = math.isqrt(x.shape[1])
    h = x.view(-1, 1, side, side)
    for k in range(3):
        h = silu(conv2d(h, p[f"conv.{k}.weight"], p[f"conv.{k}.bias"], stride=2, padding=1))
    return linear(h.flatten(1), p["readout.weight"], p["readout.bias"]).squeeze(1)


def value_and_grad(energy, x: Tensor) -> tuple[Tensor, Tensor]:
    """U (n) and grad U (n, d), without a graph."""
    if arguments.compile:

        def total(x):
            u = energy(x)
            return u.sum(), u

        g, u = torch.func.grad(total, has_aux=True)(x)
        return u, g
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        u = energy(x)
        return u.detach(), torch.autograd.grad(u.sum(), x)[0]


def gradient(energy, x: Tensor) -> Tensor:
    """grad U with a graph; in eager mode x must require a gradient."""
    if arguments.compile:
        return torch.func.grad(lambda x: energy(x).sum())(x)
    return torch.autograd.grad(energy(x).sum(), x, create_graph=True)[0]


def hessian_products(energy, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """grad U (n, d) and the products of the Hessians with each of v (k, n, d), with a graph."""
    if arguments.compile:
        g, pull = torch.func.vjp(lambda x: gradient(energy, x), x)
        return g, torch.stack([pull(each)[0] for each in v])
    g = gradient(energy, x)
    return g, torch.autograd.grad(g, x, v, create_graph=True, is_grads_batched=True)[0]


# Loops.


def repeat(case: Case, step, state):
    """A run of case.steps times state = step(*state), without gradients."""
    kept = [state]

    @torch.no_grad()
    def run():
        state = kept[0]
        for _ in range(case.steps):
            state = step(*state)
        kept[0] = state

    return run


class Training:
    """Adam on loss(*noise) over parameters p, with noise = draw() or, for the check, given()."""

    def __init__(self, p: Arrays, loss, draw=lambda: (), given=lambda: ()):
        self.p, self.loss, self.draw, self.given = p, fast(loss), draw, given
        self.parameters = [v.requires_grad_() for v in p.values()]
        self.optimiser = torch.optim.Adam(self.parameters, lr=LEARNING_RATE, fused=True)

    def backward(self, noise) -> Tensor:
        self.optimiser.zero_grad()
        value = self.loss(*noise)
        value.backward(inputs=self.parameters)
        return value

    def step(self) -> None:
        self.backward(self.draw())
        self.optimiser.step()

    def check(self, prefix: str = "") -> Arrays:
        value = self.backward(self.given())
        # backward() leaves nothing where a parameter has no influence
        grads = {k: torch.zeros_like(v) if v.grad is None else v.grad for k, v in self.p.items()}
        return {
            f"out.{prefix}loss": value,
            **{f"out.{prefix}gradient.{k}": g for k, g in grads.items()},
        }


def training(case: Case, p: Arrays, loss, draw=lambda: (), given=lambda: ()) -> Work:
    steps = Training(p, loss, draw, given)

    def run():
        for _ in range(case.steps):
            steps.step()

    return Work(run, steps.check)


def of(arrays: Arrays, prefix: str) -> Arrays:
    return {k: v for k, v in arrays.items() if k.startswith(prefix + ".")}


# W1, W10: Langevin steps.


def langevin_move(x: Tensor, g: Tensor, noise: Tensor, h: float) -> Tensor:
    return torch.add(torch.add(x, g, alpha=-h), noise, alpha=math.sqrt(2 * h))


def langevin_step(energy, h: float):
    return fast(lambda x, noise: langevin_move(x, value_and_grad(energy, x)[1], noise, h))


def ula(case: Case, a: Arrays) -> Work:
    net = layers(a, "net")
    step = langevin_step(lambda x: net_energy(net, x), case.step_size)

    @torch.no_grad()
    def check():
        return {"out.x": step(a["in.x"], a["noise.0"])}

    return Work(repeat(case, lambda x: (step(x, torch.randn_like(x)),), (a["in.x"],)), check)


def mala_step(energy):
    def step(x, u, g, noise, uniform, h):
        y = langevin_move(x, g, noise, h)
        u_y, g_y = value_and_grad(energy, y)
        # The difference of the squares of y - x + h g and x - y + h g_y over 4h, by its factors.
        half = torch.add(0.5 * (y - x), g - g_y, alpha=0.25 * h)
        accept = uniform.log() < u - u_y + ((g + g_y) * half).sum(1)
        row = accept.unsqueeze(1)
        return torch.where(row, y, x), torch.where(accept, u_y, u), torch.where(row, g_y, g)

    return fast(step)


def metropolis(case: Case, a: Arrays, energy, step) -> Work:
    """A chain of step(x, u, g, normals, uniforms, step size)."""
    x, h = a["in.x"], case.step_size
    start = (x, *fast(lambda x: value_and_grad(energy, x))(x))

    @torch.no_grad()
    def check():
        moved, u, _ = step(*start, a["noise.0"], a["noise.u"], h)
        return {"out.x": moved, "out.energy": u}

    def random_step(x, u, g):
        return step(x, u, g, torch.randn_like(x), torch.rand_like(u), h)

    return Work(repeat(case, random_step, start), check)


def mala(case: Case, a: Arrays) -> Work:
    net = layers(a, "net")

    def energy(x):
        return net_energy(net, x)

    return metropolis(case, a, energy, mala_step(energy))


# W2 to W5: training.


def contrastive_divergence(case: Case, a: Arrays) -> Work:
    def energy(p, x):
        return net_energy(layers(p, "net"), x)

    return cd_training(case, a, of(a, "net"), energy, 10)


def contrastive_divergence_of_images(case: Case, a: Arrays) -> Work:
    return cd_training(case, a, of(a, "conv") | of(a, "readout"), conv_energy, 20)


def cd_training(case: Case, a: Arrays, p: Arrays, energy, steps: int) -> Work:
    x, fixed = a["in.x"], {k: v.detach() for k, v in p.items()}
    step = langevin_step(lambda x: energy(fixed, x), case.step_size)

    def loss(negatives):
        u = energy(p, torch.cat([x, negatives]))
        return u[: case.rows].mean() - u[case.rows :].mean()

    @torch.no_grad()
    def negatives(noises):
        y = x
        for noise in noises:
            y = step(y, noise)
        return (y,)

    return training(
        case,
        p,
        loss,
        lambda: negatives(torch.randn_like(x) for _ in range(steps)),
        lambda: negatives(a["noise.0"]),
    )


def denoising_score_matching(case: Case, a: Arrays) -> Work:
    p, x, sigma = of(a, "net"), a["in.x"], 0.1
    net = layers(p, "net")

    def loss(noise):
        noisy = (x + sigma * noise).requires_grad_()
        score = gradient(lambda x: net_energy(net, x), noisy)
        return 0.5 * (noise - sigma * score).square().sum(1).mean()

    return training(case, p, loss, lambda: (torch.randn_like(x),), lambda: (a["noise.0"],))


def sliced_score_matching(case: Case, a: Arrays) -> Work:
    p, x = of(a, "net"), a["in.x"].requires_grad_()
    net = layers(p, "net")

    def loss(projections):
        g, products = hessian_products(lambda x: net_energy(net, x), x, projections)
        return (0.5 * g.square().sum(1) - (products * projections).sum(2).mean(0)).mean()

    def draw():
        return (torch.randn(5, *x.shape, dtype=x.dtype),)

    return training(case, p, loss, draw, lambda: (a["noise.0"],))


def exact_score_matching(case: Case, a: Arrays) -> Work:
    p, x = of(a, "net"), a["in.x"].requires_grad_()
    net = layers(p, "net")
    basis = torch.eye(case.d, dtype=x.dtype).unsqueeze(1).expand(-1, *x.shape)

    def loss():
        g, products = hessian_products(lambda x: net_energy(net, x), x, basis)
        return (0.5 * g.square().sum(1) - products.diagonal(dim1=0, dim2=2).sum(1)).mean()

    return training(case, p, loss)


# W6, W7: RealNVP.


class RealNvp:
    """Couplings flow.0, flow.1, ... on N(0, variance I); flow.0 moves the first half.

    A capped network is as wide as the vector; only what its masks leave is computed.
    """

    def __init__(
        self, p: Arrays, d: int, couplings: int, variance: float = 1.0, capped: bool = False
    ):
        self.variance, self.capped, self.d = variance, capped, d
        self.cap = 2 / couplings if capped else 2.0
        self.nets = [[layers(p, f"flow.{k}.{net}") for net in "st"] for k in range(couplings)]

    def base_log_prob(self, z: Tensor) -> Tensor:
        return z.square().sum(1) * (-0.5 / self.variance) - 0.5 * self.d * math.log(
            2 * math.pi * self.variance
        )

    def network(self, net: Layers, k: int, x: Tensor) -> Tensor:
        if self.capped:
            halves = slice(0, self.d // 2), slice(self.d // 2, self.d)
            copied, moved = halves[1 - k % 2], halves[k % 2]
            (first, first_bias), (last, last_bias) = net[0], net[-1]
            net = [(first[:, copied], first_bias), *net[1:-1], (last[moved], last_bias[moved])]
        return mlp(net, x, relu)

    def scale_shift(self, k: int, halves: list[Tensor]) -> tuple[Tensor, Tensor]:
        s, t = (self.network(net, k, halves[1 - k % 2]) for net in self.nets[k])
        if self.capped:
            return self.cap * s.tanh(), self.cap * t
        return self.cap * (s / self.cap).tanh(), t

    def split(self, x: Tensor) -> list[Tensor]:
        return [x[:, : self.d // 2], x[:, self.d // 2 :]]

    def sample(self, z: Tensor) -> tuple[Tensor, Tensor]:
        z = z * math.sqrt(self.variance)
        log_q, halves = self.base_log_prob(z), self.split(z)
        for k in range(len(self.nets)):
            s, t = self.scale_shift(k, halves)
            x = halves[k % 2]
            halves[k % 2] = (x + t) * s.exp() if self.capped else x * s.exp() + t
            log_q = log_q - s.sum(1)
        return torch.cat(halves, 1), log_q

    def log_prob(self, x: Tensor) -> Tensor:
        halves, log_det = self.split(x), 0
        for k in reversed(range(len(self.nets))):
            s, t = self.scale_shift(k, halves)
            y = halves[k % 2]
            halves[k % 2] = y * (-s).exp() - t if self.capped else (y - t) * (-s).exp()
            log_det = log_det - s.sum(1)
        return self.base_log_prob(torch.cat(halves, 1)) + log_det


def flow_log_prob(case: Case, a: Arrays) -> Work:
    x, log_prob = a["in.x"], fast(RealNvp(a, case.d, 8).log_prob)

    @torch.no_grad()
    def check():
        return {"out.log_prob": log_prob(x)}

    return Work(repeat(case, lambda _: (log_prob(x),), (None,)), check)


def flow_sample(case: Case, a: Arrays) -> Work:
    z, sample = a["noise.0"], fast(RealNvp(a, case.d, 8).sample)

    @torch.no_grad()
    def check():
        return dict(zip(("out.x", "out.log_prob"), sample(z)))

    return Work(repeat(case, lambda *_: sample(torch.randn_like(z)), ()), check)


def flow_fit(case: Case, a: Arrays) -> Work:
    p = of(a, "flow")
    flow = RealNvp(p, case.d, 8)
    return training(case, p, lambda: -flow.log_prob(a["in.x"]).mean())


def adaptive_flow(case: Case, a: Arrays) -> Work:
    """Chains make an i-SIR and 24 MALA steps; energy and flow learn from their last states."""
    bank_size, particles, local_steps, target = 1024, 64, 24, 0.75
    data, n, d = a["in.x"], case.rows, case.d
    p, q = of(a, "energy"), of(a, "flow")
    net, flow = layers(p, "energy"), RealNvp(q, d, 8, float(a["base_variance"]), capped=True)
    fixed = layers({k: v.detach() for k, v in p.items()}, "energy")

    def energy(x, net=fixed):
        return mlp(net, x).squeeze(1) - flow.base_log_prob(x)

    def loss(x):
        u = energy(torch.cat([data, x]), net)
        return u[:n].mean() - u[n:].mean()

    @fast
    def log_weight(x):
        return -energy(x) - flow.log_prob(x)

    @fast
    def fresh(noise):
        y, log_q = flow.sample(noise)
        return y, -energy(y) - log_q

    start = fast(lambda x: value_and_grad(energy, x))
    local_step = mala_step(energy)
    bank = math.sqrt(flow.variance) * torch.randn(bank_size, d, dtype=data.dtype)
    h = torch.tensor(case.step_size)

    @torch.no_grad()
    def sample():
        slots = torch.randperm(bank_size)[:n]
        x = bank[slots]
        y, weights = fresh(torch.randn(n * (particles - 1), d, dtype=x.dtype))
        weights = torch.cat([log_weight(x).unsqueeze(1), weights.view(n, -1)], 1)
        points = torch.cat([x.unsqueeze(1), y.view(n, -1, d)], 1)
        x = points[torch.arange(n), torch.multinomial(weights.softmax(1), 1).squeeze(1)]
        state, moves = (x, *start(x)), 0
        for _ in range(local_steps):
            before = state[1]
            state = local_step(*state, torch.randn_like(x), torch.rand_like(before), h)
            moves = moves + (state[1] != before).sum()
        bank[slots] = state[0]
        accepted = float(moves) / (local_steps * n)
        if abs(accepted - target) > 0.03:
            h.mul_(1.05 if accepted > target else 1 / 1.05).clamp_(max=1)
        return state[0]

    negatives = [data]
    energy_steps, flow_steps = (
        Training(trained, loss, lambda: negatives, lambda: [a["in.negatives"]])
        for trained, loss in ((p, loss), (q, lambda x: -flow.log_prob(x).mean()))
    )

    def run():
        for _ in range(case.steps):
            negatives[0] = sample()
            energy_steps.step()
            flow_steps.step()

    def check():
        with torch.no_grad():
            weights = log_weight(a["in.particles"])
        return {"out.log_weight": weights, **energy_steps.check(), **flow_steps.check("flow_")}

    return Work(run, check)


# W8: Hamiltonian Monte Carlo.


def hmc(case: Case, a: Arrays, energy) -> Work:
    def step(x, u, g, momentum, uniform, h):
        y, p = x, torch.add(momentum, g, alpha=-0.5 * h)
        for _ in range(9):
            y = torch.add(y, p, alpha=h)
            p = torch.add(p, value_and_grad(energy, y)[1], alpha=-h)
        y = torch.add(y, p, alpha=h)
        u_y, g_y = value_and_grad(energy, y)
        p = torch.add(p, g_y, alpha=-0.5 * h)
        accept = uniform.log() < u - u_y + 0.5 * (momentum.square().sum(1) - p.square().sum(1))
        row = accept.unsqueeze(1)
        return torch.where(row, y, x), torch.where(accept, u_y, u), torch.where(row, g_y, g)

    return metropolis(case, a, energy, fast(step))


def hmc_gaussian(case: Case, a: Arrays) -> Work:
    return hmc(case, a, lambda x: 0.5 * (x * (x @ a["precision"])).sum(1))


def hmc_credit(case: Case, a: Arrays) -> Work:
    signed = (a["features"] * a["labels"].unsqueeze(1)).T.contiguous()
    return hmc(case, a, lambda b: softplus(-(b @ signed)).sum(1) + 0.5 * b.square().sum(1))


# W9: second derivatives.


def hvp(case: Case, a: Arrays) -> Work:
    net, x, v = layers(a, "net"), a["in.x"], a["in.v"]

    def product(x, v):
        if arguments.compile:
            return torch.func.jvp(lambda x: gradient(lambda x: net_energy(net, x), x), (x,), (v,))[
                1
            ]
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(gradient(lambda x: net_energy(net, x), x), x, v)[0]

    compiled = fast(product)

    @torch.no_grad()
    def check():
        return {"out.hvp": compiled(x, v)}

    return Work(repeat(case, lambda _: (compiled(x, v),), (None,)), check)


def laplacian(case: Case, a: Arrays) -> Work:
    net, x = layers(a, "net"), a["in.x"]

    basis = torch.eye(case.d, dtype=x.dtype)

    def of_rows(x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            g = gradient(lambda x: net_energy(net, x), x)
            trace = torch.zeros_like(x[:, 0])
            for i, e in enumerate(basis):
                trace += torch.autograd.grad(g, x, e.expand_as(x), retain_graph=True)[0][:, i]
            return trace

    def to_compile(x):
        _, pull = torch.func.vjp(lambda x: gradient(lambda x: net_energy(net, x), x), x)
        return sum(pull(e.expand_as(x))[0][:, i] for i, e in enumerate(basis))

    compiled = fast(to_compile if arguments.compile else of_rows)

    @torch.no_grad()
    def check():
        return {"out.laplacian": compiled(x)}

    return Work(repeat(case, lambda _: (compiled(x),), (None,)), check)


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
    "W11": contrastive_divergence_of_images,
}

if __name__ == "__main__":
    name = "torch_compile" if arguments.compile else "torch"
    serve(
        {"name": name, "version": torch.__version__},
        WORKLOADS,
        torch.from_numpy,
        torch.compiler.reset,
    )
