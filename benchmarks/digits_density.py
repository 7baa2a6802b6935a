"""./bench --digits: bits per dimension of held-out digits, by our flows and by zuko's.

Ours is experiments/image_density.cpp, which writes the data it prepared. zuko gets the same rows
for training, validation and test, the same noise on the latter two, the same architecture, Adam,
batches, epochs and patience; weights begin as each library begins them, and both draw fresh noise
for every batch. Both keep the parameters that did best on the validation rows.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import safetensors
import torch
import zuko
from torch import Tensor

import report
from tables import table

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "experiments/data/digits.csv.gz"
LEVELS, TRANSFORMS, BINS, BATCH, LEARNING_RATE = 17, 5, 8, 100, 5e-4
FLOWS = {"maf": "MAF, affine", "nsf": f"NSF, splines of {BINS} bins"}

Row = dict[str, Any]


class Data:
    def __init__(self, path: Path):
        with safetensors.safe_open(path, "pt") as file:
            self.arrays = {name: file.get_tensor(name) for name in file.keys()}
            self.alpha = float(file.metadata()["alpha"])

    def __getattr__(self, name: str) -> Tensor:
        return self.arrays[name]

    def noisy(self, levels: Tensor) -> Tensor:
        """As image_density prepares a batch: fresh noise, logits, standardised."""
        x = (levels + torch.rand_like(levels)) / LEVELS
        return (torch.logit(self.alpha + (1 - 2 * self.alpha) * x) - self.mean) / self.sd

    def bits(self, log_prob: float) -> float:
        d = self.test.shape[1]
        return math.log2(LEVELS) - (log_prob + self.test_log_det.item()) / (d * math.log(2))


def make_flow(name: str, d: int, hidden: list[int]) -> zuko.lazy.Flow:
    if name == "nsf":
        return zuko.flows.NSF(d, bins=BINS, transforms=TRANSFORMS, hidden_features=hidden)
    return zuko.flows.MAF(d, transforms=TRANSFORMS, hidden_features=hidden)


@torch.no_grad()
def mean_log_prob(flow: zuko.lazy.Flow, x: Tensor) -> float:
    return flow().log_prob(x).mean().item()


def train(name: str, data: Data, options: argparse.Namespace, seed: int) -> Row:
    torch.manual_seed(seed)
    flow = make_flow(name, data.test.shape[1], options.hidden)
    adam = torch.optim.Adam(flow.parameters(), lr=LEARNING_RATE, fused=True)
    best, kept, best_epoch = mean_log_prob(flow, data.validation), flow.state_dict(), 0
    kept = {k: v.clone() for k, v in kept.items()}
    for epoch in range(1, options.epochs + 1):
        order = torch.randperm(len(data.train))
        for rows in order[: len(order) // BATCH * BATCH].split(BATCH):
            adam.zero_grad()
            (-flow().log_prob(data.noisy(data.train[rows])).mean()).backward()
            adam.step()
        log_prob = mean_log_prob(flow, data.validation)
        if log_prob > best:
            best, best_epoch = log_prob, epoch
            kept = {k: v.clone() for k, v in flow.state_dict().items()}
        if epoch - best_epoch >= options.patience:
            break
    flow.load_state_dict(kept)
    return {
        "bits": data.bits(mean_log_prob(flow, data.test)),
        "best_epoch": best_epoch,
        "parameters": sum(p.numel() for p in flow.parameters()),
    }


def summary(name: str, runs: list[Row]) -> Row:
    """In the words of image_density."""
    bits = [run["bits"] for run in runs]
    error = statistics.stdev(bits) / math.sqrt(len(bits)) if len(bits) > 1 else None
    return {
        "flow": name,
        "parameters": runs[0]["parameters"],
        "bits_per_dim": statistics.mean(bits),
        "standard_error": error,
        "best_epoch": runs[0]["best_epoch"],
    }


def ours(options: argparse.Namespace, folder: Path) -> list[Row]:
    settings = {
        "data": DATA,
        "label": "last",
        "levels": LEVELS,
        "transforms": TRANSFORMS,
        "bins": BINS,
        "hidden": ",".join(map(str, options.hidden)),
        "batch": BATCH,
        "lr": LEARNING_RATE,
        "epochs": options.epochs,
        "patience": options.patience,
        "runs": options.runs,
        "out": folder,
    }
    command = [str(options.bin / "image_density_f32"), "--save-data", "--overwrite", "--quiet"]
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "summary.json").read_text())["rows"]


ABOUT = """# Held-out digits

Written by `./bench --digits`: bits per dimension of held-out images of
experiments/data/digits.csv.gz (1797 of 8 x 8 pixels in 17 levels), by our flows and by zuko's. Less
is better. Rows are split at random, once, 8 : 1 : 1 into training, validation and test; uniform
noise fills the levels, pixels become logits (alpha 0.05) of mean 0 and variance 1, and densities
are those of the levels. Both sides have the same rows, the same noise for validation and test,
architecture, Adam, batches, epochs and patience, and keep the parameters of the best validation.
The error is the standard error over trainings from different weights.
"""


def text(rows: list[Row], options: argparse.Namespace, version: str) -> str:
    setting = (
        f"{TRANSFORMS} transforms, hidden layers {tuple(options.hidden)}, batches of {BATCH}, rate "
        f"{LEARNING_RATE:g}, at most {options.epochs} epochs with patience {options.patience}, "
        f"{options.runs} trainings each; {version}."
    )
    head = ["flow", "library", "parameters", "bits per dimension", "error"]
    lines = (
        [
            FLOWS[row["flow"]],
            row["library"],
            str(row["parameters"]),
            f"{row['bits_per_dim']:.4f}",
            "-" if row["standard_error"] is None else f"{row['standard_error']:.4f}",
        ]
        for row in rows
    )
    return f"{ABOUT}\n{setting}\n\n{table(head, lines)}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./bench --digits")
    parser.add_argument("--quick", action="store_true", help="short: does it all work?")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    options = parser.parse_args(arguments)
    options.out = options.out or ROOT / ("build/bench" if options.quick else "docs")
    options.hidden = [32, 32] if options.quick else [256, 256]
    options.epochs, options.patience = (2, 2) if options.quick else (400, 30)
    options.runs = options.runs or (2 if options.quick else 3)

    folder = ROOT / "build/bench/digits"
    folder.parent.mkdir(parents=True, exist_ok=True)
    by_us = {row["flow"]: row for row in ours(options, folder)}
    for row in by_us.values():
        del row["seconds"]  # of a training among others at the same time
    data = Data(folder / "data.safetensors")
    rows = []
    for name in FLOWS:
        runs = [train(name, data, options, seed) for seed in range(options.runs)]
        for library, row in (("ours", by_us[name]), ("zuko", summary(name, runs))):
            rows.append({"library": library, **row})
            print(json.dumps(rows[-1]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    report.write_rows(options.out / "digits_density.json", rows)
    version = f"zuko {zuko.__version__} on PyTorch {torch.__version__}"
    report.write(options.out / "digits_density.md", text(rows, options, version))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
