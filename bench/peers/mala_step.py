"""A MALA step in eager PyTorch, for comparison with bench/mala_step.cpp.

  python bench/peers/mala_step.py [chains] [width]      (default 1024 128)

The same energy, 2-width-width-1 with SiLU in f32 plus |x|^2 / 2, on all cores.
"""
import statistics
import sys
import time

import torch

chains = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
width = int(sys.argv[2]) if len(sys.argv) > 2 else 128
h, steps = 0.01, 100

torch.manual_seed(1)
net = torch.nn.Sequential(
    torch.nn.Linear(2, width), torch.nn.SiLU(),
    torch.nn.Linear(width, width), torch.nn.SiLU(),
    torch.nn.Linear(width, 1))
for p in net.parameters():
    p.requires_grad_(False)


def energy_and_grad(x):
    x = x.detach().requires_grad_(True)
    u = net(x).sum(1) + 0.5 * x.square().sum(1)
    return u.detach(), torch.autograd.grad(u.sum(), x)[0]


def step(x, u, g):
    y = x - h * g + (2 * h) ** 0.5 * torch.randn_like(x)
    v, f = energy_and_grad(y)
    move = y - x
    there, back = (move + h * g).square().sum(1), (h * f - move).square().sum(1)
    accept = torch.rand(len(x)).log() < u - v + (there - back) / (4 * h)
    row = accept[:, None]
    return torch.where(row, y, x), torch.where(accept, v, u), torch.where(row, f, g)


x = torch.randn(chains, 2)
state = (x, *energy_and_grad(x))
times = []
for _ in range(15):
    start = time.perf_counter()
    for _ in range(steps):
        state = step(*state)
    times.append((time.perf_counter() - start) / steps)
print(f"{chains} chains, energy 2-{width}-{width}-1: PyTorch {torch.__version__} eager MALA step "
      f"{statistics.median(times) * 1e6:.1f} us on {torch.get_num_threads()} threads")
