"""./bench --nuts: what an effective draw costs, by our sampler and by BlackJAX's NUTS.

Ours is experiments/posteriors.cpp in f64, BlackJAX's side peers/blackjax_posteriors.py. Both run as
many chains, steps of warm-up and recorded steps from starts of the same law, on the same cores; the
effective sample sizes of both are those of ess.py, the smallest over the reported quantities.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import report
from ess import least_ess
from participants import clean_environment, pinned
from tables import counted, table

ROOT = Path(__file__).resolve().parent.parent
MODELS = {
    "correlated_gaussian": "Gaussian, 100 dimensions, condition 1000",
    "eight_schools_noncentered": "eight schools, non-centred",
    "german_credit": "German credit, 25 coefficients",
}

Row = dict[str, Any]


def ours(
    model: str, threads: int, options: argparse.Namespace, folder: Path, metric: str
) -> Row:
    command = [str(options.bin / "posteriors_f64"), "--save-draws", "--overwrite", "--quiet"]
    settings = {
        "model": model,
        "metric": metric,
        "threads": threads,
        "out": folder,
        **options.run,
    }
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(
        pinned(threads) + command, stdout=subprocess.DEVNULL, env=clean_environment()
    )
    # 1: some |z| is too large, which the row tells.
    if done.returncode not in (0, 1):
        raise SystemExit(f"./bench --nuts: {' '.join(command)}: failed")
    row = json.loads((folder / "summary.json").read_text())["rows"][0]
    ess = least_ess(np.load(folder / f"samples-{model}.npy"))
    if abs(ess / row["least ess"] - 1) > 1e-6:
        raise SystemExit(f"{model}: ess {row['least ess']} is {ess} by benchmarks/ess.py")
    return {
        "library": "ours",
        "ess": ess,
        "gradients": row["gradients"],
        "warmup_gradients": row["warm-up gradients"],
        "sampling_s": row["seconds"],
        "warmup_s": row["warm-up seconds"],
        "compile_s": 0,
        "largest_z": row["largest z"],
    }


def blackjax(model: str, threads: int, options: argparse.Namespace, folder: Path) -> Row:
    script = ROOT / "benchmarks/peers/blackjax_posteriors.py"
    command = [sys.executable, str(script), "--out", str(folder / "blackjax")]
    settings = {"model": model, "threads": threads, **options.run}
    if model == "correlated_gaussian":
        settings["covariance"] = folder / "covariance.npy"
    for name, value in settings.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(pinned(threads) + command, stdout=subprocess.PIPE, check=True, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    return {**row, "ess": least_ess(np.load(folder / "blackjax/samples.npy"))}


ABOUT = """# What an effective draw costs

Written by `./bench --nuts`: our sampler (`experiments/posteriors.cpp`) and BlackJAX's NUTS (window
adaptation, chains vmapped and jitted) in f64, on equal targets, with equal numbers of chains, of
steps of warm-up and of recorded steps, from uniform starts on (-2, 2). Both have a diagonal metric;
ours is there with a dense one too, with which JAX's vmapped chains stop for ever on a pool of two
threads (the Gaussian, German credit). The effective sample size is
the smallest bulk-ESS over the reported quantities, by the same code for both sides. *Gradients*:
per effective draw, of the recorded steps, and with those of the warm-up. *ms*: wall-clock
milliseconds per effective draw of the recorded steps alone, with warm-up, and with compilation too;
our programs are recorded during the warm-up. BlackJAX adapts each chain by itself, and its
vmapped chains wait for the deepest tree.
"""


def text(rows: list[Row], options: argparse.Namespace) -> str:
    versions = ", ".join(sorted({row["library"] for row in rows} - {"ours"}))
    run = options.run
    setting = (
        f"{run['chains']} chains, {run['warmup']} steps of warm-up, {run['steps']} recorded; "
        f"seed {run['seed']}; {versions}."
    )
    parts = [ABOUT, setting]
    head = ["target", "metric", "library", "ess", "gradients", "with warm-up"]
    head += ["ms", "with warm-up", "and compilation"]
    for threads in options.threads:
        lines = []
        for row in (row for row in rows if row["threads"] == threads):
            ess = row["ess"]
            gradients = row["gradients"], row["gradients"] + row["warmup_gradients"]
            seconds = np.cumsum([row["sampling_s"], row["warmup_s"], row["compile_s"]])
            lines.append(
                [
                    MODELS[row["model"]],
                    row["metric"],
                    row["library"].split()[0],
                    f"{ess:.0f}",
                    *(f"{g / ess:.1f}" for g in gradients),
                    *(f"{1000 * s / ess:.3g}" for s in seconds),
                ]
            )
        parts.append(f"## {counted(threads)}\n\n{table(head, lines)}")
    return "\n\n".join(parts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./bench --nuts")
    parser.add_argument("--quick", action="store_true", help="short: does it all work?")
    parser.add_argument("--only", help="some of the models, separated by commas")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--chains", type=int)
    parser.add_argument("--warmup", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    options = parser.parse_args(arguments)
    options.out = options.out or ROOT / ("build/bench" if options.quick or options.only else "docs")
    options.threads = [int(n) for n in options.threads.split(",")]
    options.run = {
        "chains": options.chains or (4 if options.quick else 64),
        "warmup": options.warmup or (100 if options.quick else 1000),
        "steps": options.steps or (100 if options.quick else 1000),
        "seed": options.seed,
    }
    names = options.only.split(",") if options.only else list(MODELS)
    if unknown := set(names) - set(MODELS):
        parser.error(f"--only {', '.join(sorted(unknown))}: there are {', '.join(MODELS)}")

    rows = []
    for threads in options.threads:
        for model in names:
            folder = ROOT / "build/bench/nuts" / model
            folder.parent.mkdir(parents=True, exist_ok=True)
            at = model, threads, options, folder
            sides = [
                ("dense", ours(*at, "dense")),
                ("diagonal", ours(*at, "diagonal")),
                ("diagonal", blackjax(*at)),
            ]
            for metric, row in sides:
                rows.append({"model": model, "metric": metric, "threads": threads, **row})
                print(json.dumps(rows[-1]), flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    report.write_rows(options.out / "nuts.json", rows)
    report.write(options.out / "nuts.md", text(rows, options))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
