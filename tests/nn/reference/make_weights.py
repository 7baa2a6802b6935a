"""Builds networks in PyTorch as its users write them, and stores what the tests load and compare:
weights as NAME.safetensors (F32), inputs and the outputs of these weights in double as NAME.*.npy.

    build/peers/bin/python tests/nn/reference/make_weights.py      (./bench makes build/peers)
"""

from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

HERE = Path(__file__).parent


def perceptron(*widths, activation):
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


class Coupling(nn.Module):
    """Scales and shifts one half by functions of the other (Dinh et al. 2017): the plain form, whose
    networks see one half and give the other."""

    def __init__(self, dim, moves_first):
        super().__init__()
        self.half, self.moves_first = dim // 2, moves_first
        copied, moved = (dim - self.half, self.half) if moves_first else (self.half, dim - self.half)
        self.s = perceptron(copied, 8, moved, activation=nn.ReLU)
        self.t = perceptron(copied, 8, moved, activation=nn.ReLU)

    def forward(self, z):
        first, second = z[:, : self.half], z[:, self.half :]
        moved, copied = (first, second) if self.moves_first else (second, first)
        s = 2 * torch.tanh(self.s(copied) / 2)
        moved = moved * torch.exp(s) + self.t(copied)
        return torch.cat([moved, copied] if self.moves_first else [copied, moved], 1), s.sum(1)


class MaskedCoupling(nn.Module):
    """The capped form of flowMC: networks see and give whole vectors, under a mask."""

    def __init__(self, dim, moves_first, cap):
        super().__init__()
        mask = torch.arange(dim) < dim // 2
        self.moved = mask if moves_first else ~mask
        self.cap = cap
        self.s = perceptron(dim, 8, dim, activation=nn.ReLU)
        self.t = perceptron(dim, 8, dim, activation=nn.ReLU)

    def forward(self, z):
        copied = z * ~self.moved
        s = self.cap * torch.tanh(self.s(copied)) * self.moved
        t = self.cap * self.t(copied) * self.moved
        return (z + t) * torch.exp(s), s.sum(1)


class RealNVP(nn.Module):
    def __init__(self, couplings):
        super().__init__()
        self.couplings = nn.ModuleList(couplings)

    def forward(self, z):
        log_det = 0
        for coupling in self.couplings:
            z, step = coupling(z)
            log_det = log_det + step
        return torch.cat([z, log_det[:, None]], 1)


class TimeMlp(nn.Module):
    def __init__(self, inputs, width, outputs):
        super().__init__()
        self.input_embed = nn.Linear(inputs, width)
        self.layers_post_time_skip = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.out_layer = nn.Linear(width, outputs)

    def forward(self, t, x):
        m = self.out_layer.in_features // 2
        angles = t[:, None] * 10000.0 ** (-torch.arange(m) / m).to(t)
        e = torch.cat([angles.cos(), angles.sin()], 1)
        z = self.input_embed(x) + e
        for first, second in zip(self.layers, self.layers_post_time_skip):
            z = z + second(nn.functional.gelu(e + first(nn.functional.gelu(z))))
        return self.out_layer(nn.functional.gelu(z))


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.edge_mlp = perceptron(2 * width + 2, width, width, activation=nn.SiLU).append(nn.SiLU())
        self.node_mlp = perceptron(2 * width, width, width, activation=nn.SiLU)
        pull = nn.Linear(width, 1, bias=False)
        self.coord_mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), pull, nn.Tanh())
        self.att_mlp = nn.Sequential(nn.Linear(width, 1), nn.Sigmoid())


class Layers(nn.Module):
    def __init__(self, inputs, width, layers):
        super().__init__()
        self.embedding = nn.Linear(inputs, width)
        self.embedding_out = nn.Linear(width, inputs)
        for i in range(layers):
            self.add_module(f"gcl_{i}", Layer(width))


class Egnn(nn.Module):
    """The equivariant graph network with edges as a list, in Euclidean space or with the nearest
    images on a torus of side `box`."""

    def __init__(self, species, dim, width, layers, box=None):
        super().__init__()
        self.n_layers, self.box, self.dim = layers, box, dim
        self.one_hot = nn.functional.one_hot(torch.tensor(species))
        self.egnn = Layers(1 + self.one_hot.shape[1], width, layers)
        n = len(species)
        self.i, self.j = (torch.arange(n)[:, None] != torch.arange(n)).nonzero().T

    def shortest(self, d):
        return d if self.box is None else d - self.box * torch.round(d / self.box)

    def forward(self, t, x):
        n, i, j = len(self.one_hot), self.i, self.j
        start = x.view(len(x), n, self.dim)
        kinds = self.one_hot.to(x).expand(len(x), -1, -1)
        h = self.egnn.embedding(torch.cat([t[:, None, None].expand(-1, n, 1), kinds], 2))
        apart = self.shortest(start[:, i] - start[:, j]).square().sum(2, keepdim=True)
        x = start
        for index in range(self.n_layers):
            layer = getattr(self.egnn, f"gcl_{index}")
            d = self.shortest(x[:, i] - x[:, j])
            r = d.square().sum(2, keepdim=True)
            m = layer.edge_mlp(torch.cat([h[:, i], h[:, j], r, apart], 2))
            m = m * layer.att_mlp(m)
            step = d / ((r + 1e-8).sqrt() + 1) * layer.coord_mlp(m) * (15 / self.n_layers)
            x = torch.zeros_like(x).index_add(1, i, step) + x
            if self.box is not None:
                x = torch.remainder(x, self.box)
            total = torch.zeros_like(h).index_add(1, i, m)
            h = h + layer.node_mlp(torch.cat([h, total], 2))
        velocity = self.shortest(x - start)
        if self.box is None:
            velocity = velocity - velocity.mean(1, keepdim=True)
        return velocity.flatten(1)


def enlarge_last_layers(net, factor):
    """Networks begin near 0; the files are to show what every weight does."""
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if "coord_mlp.2" in name:
                weight.mul_(factor)


def store(name, net, drop=(), **inputs):
    weights = {k: v.float() for k, v in net.state_dict().items() if not k.endswith(drop)}
    save_file(weights, HERE / f"{name}.safetensors")  # F32 and exact: networks begin in that precision
    with torch.no_grad():
        y = net.double()(*(v.double() for v in inputs.values()))
    for key, value in {**inputs, "y": y}.items():
        numpy.save(HERE / f"{name}.{key}.npy", value.double().numpy())


def main():
    torch.manual_seed(1)
    store("mlp", perceptron(3, 16, 16, 2, activation=nn.SiLU), x=torch.randn(8, 3))

    store("realnvp_plain", RealNVP(Coupling(5, k % 2 == 0) for k in range(4)), z=torch.randn(8, 5))
    store("realnvp_capped", RealNVP(MaskedCoupling(5, k % 2 == 0, 2 / 4) for k in range(4)), z=torch.randn(8, 5))

    store("time_mlp", TimeMlp(3, 16, 2), t=torch.rand(8), x=torch.randn(8, 3))

    box = 2.5
    for name, side in ("egnn_torus", box), ("egnn_space", None):
        net = Egnn([0, 0, 1, 1, 1], dim=2, width=16, layers=3, box=side)
        enlarge_last_layers(net, 10)
        store(name, net, t=torch.rand(6), x=box * torch.rand(6, 10))

    net = nn.Sequential(spectral_norm(nn.Linear(3, 16)), nn.Tanh(), spectral_norm(nn.Linear(16, 2))).double()
    x = torch.randn(8, 3)
    for _ in range(1000):  # one step of its power iteration each
        net(x.double())
    store("spectral", net.eval(), drop=("._u", "._v"), x=x)


main()
