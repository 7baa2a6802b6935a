"""The workloads of ./bench --flows for libraries on PyTorch, given how each makes its flows."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from flow_checks import ROWS, require_close, require_density
from protocol import Case, Work
from torch_peer import Arrays, Training, fast, repeat


@dataclass(frozen=True)
class Flow:
    module: torch.nn.Module
    log_prob: Callable[[Tensor], Tensor]
    # Noise to draws, and their log densities where the library's sample gives them too.
    draw: Callable[[Tensor], tuple[Tensor, ...]]
    to_latent: Callable[[Tensor], Tensor]
    # For a flow that is ours, as it has our weights: their gradient under our names.
    our_gradient: Callable[[], Arrays] | None = None

    def result(self, **out: Tensor) -> Arrays:
        """What is to be compared: nothing of a flow with weights of its own."""
        return {f"out.{k}": v for k, v in out.items()} if self.our_gradient else {}


@torch.no_grad()
def require_sound(flow: Flow, x: Tensor, log_prob: Tensor) -> None:
    """log_prob is the density of the flow at x, and the flow inverts itself."""
    x = x[:ROWS]
    z = flow.to_latent(x)
    jacobians = [jacobian(flow.to_latent, row[None])[0, :, 0] for row in x]
    require_density(log_prob[:ROWS], z, torch.stack(jacobians))
    require_close("a point that went to its noise and back", flow.draw(z)[0], x)


def log_prob(case: Case, a: Arrays, flow: Flow) -> Work:
    x, density = a["in.x"], fast(flow.log_prob)

    @torch.no_grad()
    def check():
        log_prob = density(x)
        require_sound(flow, x, log_prob)
        return flow.result(log_prob=log_prob)

    return Work(repeat(case, lambda _: (density(x),), (None,)), check)


def sample(case: Case, a: Arrays, flow: Flow) -> Work:
    noise, draw = a["noise.0"], fast(flow.draw)

    @torch.no_grad()
    def check():
        drawn = draw(noise)
        require_close("the noise of a draw", flow.to_latent(drawn[0]), noise)
        require_sound(flow, drawn[0], flow.log_prob(drawn[0]))
        return flow.result(**dict(zip(("x", "log_prob"), drawn)))

    return Work(repeat(case, lambda *_: draw(torch.randn_like(noise)), ()), check)


def fit(case: Case, a: Arrays, flow: Flow) -> Work:
    x = a["in.x"]
    steps = Training(dict(flow.module.named_parameters()), lambda: -flow.log_prob(x).mean())

    def run():
        for _ in range(case.steps):
            steps.step()

    def check():
        loss = steps.backward(()).detach()
        with torch.no_grad():
            densities = flow.log_prob(x)
        require_sound(flow, x, densities)
        require_close("the loss", loss, -densities.mean())
        gradient = flow.our_gradient() if flow.our_gradient else {}
        return flow.result(loss=loss, **{f"gradient.{k}": v for k, v in gradient.items()})

    return Work(run, check)


def workloads(makers: dict[str, Callable[[int, Arrays], Flow]]):
    """Of functions of d and the weights of ours, with first weights that are always the same."""

    def workload(operation, make):
        def of(case: Case, a: Arrays) -> Work:
            torch.manual_seed(0)
            return operation(case, a, make(case.d, a))

        return of

    operations = {"logprob": log_prob, "sample": sample, "fit": fit}
    return {
        f"F-{flow}-{name}": workload(operation, make)
        for flow, make in makers.items()
        for name, operation in operations.items()
    }
