"""The flows of ./bench --flows in normflows, eager or with torch.compile.

RealNVP and the spline couplings have our weights and give our results. MAF has weights of its own:
its scales are sigmoid(a + 2) + 1e-3, and its network has no ReLU after the first layer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import normflows as nf
import torch
from torch import Tensor
from torch.nn import Module, Parameter

from protocol import serve
from torch_flows import Flow, workloads
from torch_peer import Arrays, arguments

BINS, MIN_SLOPE, BOUND = 8, 1e-3, 5.0
SPLINE = 3 * BINS - 1  # parameters of a coordinate


@dataclass(frozen=True)
class Shared:
    """One of our weights w inside of one of theirs, where view(theirs) is scale w + shift."""

    name: str
    theirs: Parameter
    view: Callable[[Tensor], Tensor] = lambda w: w
    scale: Tensor | float = 1.0
    shift: Tensor | float = 0.0

    def load(self, ours: Tensor) -> None:
        to = self.view(self.theirs)
        to.copy_(ours.reshape(to.shape) * self.scale + self.shift)

    def gradient(self, like: Tensor) -> Tensor:
        assert self.theirs.grad is not None
        return (self.view(self.theirs.grad) * self.scale).reshape(like.shape)


def made_of(d: int, layers: list[Module], ours: Arrays, shared: list[Shared]) -> Flow:
    with torch.no_grad():
        for weight in shared:
            weight.load(ours[weight.name])
    base = nf.distributions.DiagGaussian(d, trainable=False)
    model = nf.NormalizingFlow(base, layers)

    def draw(z: Tensor) -> tuple[Tensor, Tensor]:
        """model.sample, with the noise given."""
        x, log_det = model.forward_and_log_det(z)
        return x, base.log_prob(z) - log_det

    def our_gradient() -> Arrays:
        return {weight.name: weight.gradient(ours[weight.name]) for weight in shared}

    return Flow(model, model.log_prob, draw, model.inverse, our_gradient if shared else None)


def moved_and_copied(d: int, k: int) -> tuple[slice, slice]:
    """The halves of coupling k."""
    first, second = slice(0, d // 2), slice(d // 2, d)
    return (first, second) if k % 2 == 0 else (second, first)


def moves(d: int, k: int) -> Tensor:
    mask = torch.zeros(d)
    mask[moved_and_copied(d, k)[0]] = 1
    return mask


class CappedScales(nf.nets.MLP):
    """Log-scales 2 tanh(a / 2), as ours, between the shifts as AffineCoupling wants them."""

    def forward(self, x: Tensor) -> Tensor:
        scales, shifts = super().forward(x).chunk(2, dim=1)
        return torch.stack([shifts, 2 * torch.tanh(scales / 2)], dim=2).flatten(1)


def realnvp(d: int, ours: Arrays) -> Flow:
    layers, shared = [], []
    for k in range(8):
        net = CappedScales([d // 2, 128, 128, 2 * (d // 2)])
        mode = "channel_inv" if k % 2 == 0 else "channel"
        layers.append(nf.flows.AffineCouplingBlock(net, split_mode=mode))
        for position, theirs in net.net.named_parameters():
            shared.append(Shared(f"flow.{k}.{position}", theirs))
    return made_of(d, layers, ours, shared)


class Conditioner(nf.nets.MLP):
    """A network as normflows' spline couplings call it."""

    hidden_features = 64  # they divide raw sizes of bins by its root

    def forward(self, x: Tensor, _context=None) -> Tensor:
        return super().forward(x)


def by_coordinate(w: Tensor) -> Tensor:
    """Parameters are ours of one kind for all coordinates, theirs of one coordinate together."""
    return w.view(-1, SPLINE, *w.shape[1:]).transpose(0, 1)


def neural_spline(d: int, ours: Arrays) -> Flow:
    """PiecewiseRationalQuadraticCoupling itself: CoupledRationalQuadraticSpline would also move the
    copied half, by splines that depend on nothing, and has residual networks."""
    sizes = torch.arange(SPLINE) < 2 * BINS
    scale = torch.where(sizes, math.sqrt(Conditioner.hidden_features), 1.0)[:, None]
    shift = torch.where(sizes, 0.0, math.log(math.expm1(1 - MIN_SLOPE)))[:, None]
    layers, shared = [], []
    for k in range(4):
        layer = nf.flows.neural_spline.coupling.PiecewiseRationalQuadraticCoupling(
            moves(d, k),
            lambda n_in, n_out: Conditioner([n_in, 64, 64, n_out]),
            num_bins=BINS,
            tails="linear",
            tail_bound=BOUND,
            min_derivative=MIN_SLOPE,
        )
        for position, theirs in layer.transform_net.net.named_parameters():
            name = f"flow.{k}.{position}"
            match position:
                case "4.weight":
                    shared.append(Shared(name, theirs, by_coordinate, scale[..., None]))
                case "4.bias":
                    shared.append(Shared(name, theirs, by_coordinate, scale, shift))
                case _:
                    shared.append(Shared(name, theirs))
        layers.append(layer)
    return made_of(d, layers, ours, shared)


def maf(d: int, ours: Arrays) -> Flow:
    layers: list[Module] = []
    for k in range(5):
        if k > 0:
            layers.append(nf.flows.Permute(d, mode="swap"))
        # Reversed, as its own inverse goes through coordinates one by one.
        layer = nf.flows.MaskedAffineAutoregressive(d, 64, num_blocks=1, use_residual_blocks=False)
        layers.append(nf.flows.Reverse(layer))
    return made_of(d, layers, ours, shared=[])


if __name__ == "__main__":
    name = "normflows_compile" if arguments.compile else "normflows"
    serve(
        {"name": name, "version": f"{nf.__version__} on PyTorch {torch.__version__}"},
        workloads({"realnvp": realnvp, "nsf": neural_spline, "maf": maf}),
        torch.from_numpy,
        torch.compiler.reset,
    )
