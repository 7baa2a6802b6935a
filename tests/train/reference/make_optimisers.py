#!/usr/bin/env python3
"""Makes the values that tests/train/against_pytorch.cpp holds our optimisers and schedules to:

    python3 -m pip install torch==2.13.0 numpy && python3 tests/train/reference/make_optimisers.py

writes optimisers_f32.csv, optimisers_f64.csv and schedules.csv beside itself. Nothing is random. The function is

    f(x, y, z) = x^4/4 - x y + 3/2 y^2 + y z/2 + z^2/(2 (1 + z^2)),   started at (1, -2, 0.5),

whose gradient is written out, so that both sides round the same few products and sums.
"""

import pathlib

import numpy
import torch
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

START, STEPS = (1, -2, 0.5), 20
HERE = pathlib.Path(__file__).parent
MADE_BY = f"# By make_optimisers.py with torch {torch.__version__}, numpy {numpy.__version__}"


def slopes(x, y, z):
    return x * x * x - y, 3 * y - x + z / 2, z / ((1 + z * z) * (1 + z * z)) + y / 2


def gradient(p):
    return torch.stack(slopes(*p.detach()))


def start(dtype):
    return torch.nn.Parameter(torch.tensor(START, dtype=dtype))


def path(make_optimiser, clip=lambda p: None):
    """(name, dtype) -> the parameters after every step."""

    def follow(dtype):
        p = start(dtype)
        optimiser = make_optimiser([p])
        for _ in range(STEPS):
            p.grad = gradient(p)
            clip(p)
            optimiser.step()
            yield p.tolist()

    return follow


def average(dtype):
    """The average after every step of a descent; its first value is a copy of the parameters."""
    model = torch.nn.Module()
    model.p = start(dtype)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    for _ in range(STEPS):
        model.p.grad = gradient(model.p)
        optimiser.step()
        averaged.update_parameters(model)
        yield averaged.module.p.tolist()


def lion(lr, weight_decay, b1=0.9, b2=0.99):
    """Chen et al. 2023, algorithm 2, which PyTorch lacks."""

    def follow(dtype):
        real = {torch.float32: numpy.float32, torch.float64: numpy.float64}[dtype]
        p, m = numpy.array(START, real), numpy.zeros(3, real)
        for _ in range(STEPS):
            g = numpy.stack(slopes(*p))
            c = real(b1) * m + real(1 - b1) * g
            assert abs(c).min() > 1e-3 * abs(g).max(), "a sign that rounding could change"
            p = p - real(lr) * (numpy.sign(c) + real(weight_decay) * p)
            m = real(b2) * m + real(1 - b2) * g
            yield p.tolist()

    return follow


def rosenbrock(dtype):
    """Point and evaluations so far after every iteration of L-BFGS on Rosenbrock's function from (-1.2, 1)."""
    p = torch.nn.Parameter(torch.tensor((-1.2, 1), dtype=dtype))
    optimiser = torch.optim.LBFGS(
        [p],
        max_iter=1,
        max_eval=100,
        history_size=5,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )
    evaluations = 0

    def closure():
        nonlocal evaluations
        evaluations += 1
        x, y = p.detach()
        p.grad = torch.stack((-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)))
        return 100 * (y - x * x) ** 2 + (1 - x) ** 2

    for iteration in range(STEPS):
        optimiser.step(closure)  # evaluates once more where the last one ended
        yield [*p.tolist(), evaluations - iteration]


PATHS = {
    "sgd": path(lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": path(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "nesterov": path(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    "adam": path(lambda p: torch.optim.Adam(p, lr=0.1)),
    "adam_coarse": path(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.5, 0.9), eps=0.01)),
    "adamw": path(lambda p: torch.optim.AdamW(p, lr=0.1)),
    "adamw_strong": path(lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), weight_decay=0.3)),
    "adamax": path(lambda p: torch.optim.Adamax(p, lr=0.1)),
    "adamax_coarse": path(lambda p: torch.optim.Adamax(p, lr=0.1, betas=(0.5, 0.8), eps=0.01)),
    "lion": lion(lr=0.1, weight_decay=0),
    "lion_decay": lion(lr=0.05, weight_decay=0.3),
    "clip_norm": path(lambda p: torch.optim.SGD(p, lr=0.2), lambda p: torch.nn.utils.clip_grad_norm_([p], 1.5)),
    "clip_value": path(lambda p: torch.optim.SGD(p, lr=0.2), lambda p: torch.nn.utils.clip_grad_value_([p], 0.7)),
    "ema": average,
}


def write_paths(file, dtype, paths):
    digits = {torch.float32: 9, torch.float64: 17}[dtype]
    lines = [f"{MADE_BY}: name,step,values"]
    for name, follow in paths.items():
        for step, values in enumerate(follow(dtype), 1):
            lines.append(",".join([name, str(step), *(f"{v:.{digits}g}" for v in values)]))
    (HERE / file).write_text("\n".join(lines) + "\n")


SCHEDULERS = {
    "linear": lambda o: lr_scheduler.LinearLR(o, 0.25, 0.75, 8),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "step": lambda o: lr_scheduler.StepLR(o, 4, 0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, [3, 7, 8], 0.1),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS, 0.1),
    "restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 1, 0.1),
    "growing_restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2, 0.1),
    "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.8, total_steps=STEPS, cycle_momentum=False),
    "sequential": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.25, 1, 5), lr_scheduler.CosineAnnealingLR(o, 15)], [5]
    ),
    "chained": lambda o: lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(o, 0.25, 1, 5), lr_scheduler.ExponentialLR(o, 0.9)]
    ),
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lambda step: min(1, (step + 1) / 6)),
}


def write_schedules(file):
    lines = [f"{MADE_BY}: name,step,rate"]
    for name, make in SCHEDULERS.items():
        optimiser = torch.optim.SGD([start(torch.float64)], lr=0.8)
        scheduler = make(optimiser)
        for step in range(STEPS):
            lines.append(f"{name},{step},{optimiser.param_groups[0]['lr']:.17g}")
            optimiser.step()
            scheduler.step()
    (HERE / file).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    write_paths("optimisers_f32.csv", torch.float32, PATHS)
    write_paths("optimisers_f64.csv", torch.float64, {**PATHS, "rosenbrock": rosenbrock})
    write_schedules("schedules.csv")
