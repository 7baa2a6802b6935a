"""./bench --flows: flows of ours beside those of the libraries people train flows with.

A suite of compare.py, which measures it. What libraries call the same differs in parametrisation;
the head of each peers/*_peer.py says how, and which of them give our results.
"""

import sys

from cases import Case
from compare import Suite, main
from report import setting
from rows import Row, against_limit, geometric_mean, is_wrong, speedup
from tables import counted, first_results, label, notes, ratio, scaling_with_threads, speeds

PEERS = ("zuko", "zuko_compile", "normflows", "flowjax")
FLOWS, OPERATIONS = ("realnvp", "nsf", "maf"), ("logprob", "sample", "fit")


def case(flow: str, operation: str, rows: int, d: int) -> Case:
    slow = flow == "maf" and operation == "sample" and d > 2  # peers make d passes per transform
    # To compile the draws too would take minutes, and those of slow ones unroll all passes.
    compiled = operation != "sample"
    return Case(
        f"F-{flow}-{operation}",
        rows,
        d,
        steps=1 if slow else 10 if rows <= 256 else 3,
        width=None,
        peers=tuple(peer for peer in PEERS if compiled or not peer.endswith("_compile")),
        kinks=operation == "fit",
    )


def full() -> list[Case]:
    sizes = [(rows, d) for d in (2, 64) for rows in (256, 4096)]
    return [case(f, o, rows, d) for f in FLOWS for o in OPERATIONS for rows, d in sizes]


def quick() -> list[Case]:
    return [case(f, o, 32, 4) for f in FLOWS for o in OPERATIONS]


def summary(rows: list[Row]) -> str:
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        for size in sorted({row["rows"] for row in rows}):
            some = [r for r in rows if (r["threads"], r["rows"]) == (threads, size)]
            known = [v for row in some if (v := speedup(row))]
            lines.append(
                f"- {counted(threads)}, {size} rows: fastest peer / ours at least "
                f"{ratio(min(known, default=None))}, geometric mean {ratio(geometric_mean(known))}"
            )
    wrong = [label(row) for row in rows if is_wrong(row)]
    lines.append(
        f"- WRONG: {', '.join(wrong)}" if wrong else "- no result differs beyond tolerance"
    )
    return "\n".join(lines)


ABOUT = """# Speed of flows

Written by `./bench --flows`: normalising flows of ours, zuko (eager, and by torch.compile),
normflows (eager) and flowjax (jitted), on the same inputs.
"""

LEGEND = """- `F-realnvp`: 8 affine couplings, each with one ReLU network of hidden layers (128, 128) for scales
  and shifts.
- `F-nsf`: 4 couplings of rational-quadratic splines, 8 bins on [-5, 5], hidden layers (64, 64).
- `F-maf`: 5 masked autoregressive affine transforms, hidden layers (64, 64).
- `logprob`: log densities of the rows. `sample`: what the library's own sample gives for as many
  rows, which is draws and, with ours and normflows, their log densities; torch.compile is left out,
  as its compilations take too long. `fit`: a step of Adam on the mean of -log density.

Times are per step, medians of interleaved measurements. *limit*: the bare matrix products of our
program, by our kernels on operands in cache, plus inputs and outputs moved once at the measured
bandwidth; where it is more than half of a peer's time, nobody is twice as fast as that. *spread*: interquartile range of ours over
its median. *differs*: largest relative difference between our results (densities, draws, loss and
gradients) and those of normflows for `F-realnvp` and `F-nsf`, where it has our weights. The others
are parametrised otherwise and have weights of their own: of them it is checked that a density is
that of the latent by the determinant of the Jacobian, and that the inverse inverts.
"""


def text(rows: list[Row], machine: Row) -> str:
    parts = [ABOUT, setting(machine), LEGEND, summary(rows) + "\n"]
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        ratios = {"ours / limit": against_limit, "fastest peer / ours": speedup}
        parts.append(f"## {counted(threads)}\n\n{speeds(some, ratios)}")
    sections = {
        "Gain from more threads": scaling_with_threads(rows),
        "Time to first result": first_results(rows),
        "Skipped and wrong": notes(rows),
    }
    parts += [f"## {name}\n\n{body}" for name, body in sections.items() if body]
    return "\n".join(parts)


FLOW_SUITE = Suite(
    columns=("ours", "limit", *PEERS),
    full=full,
    quick=quick,
    rows_file="flows.json",
    text_file="flows.md",
    text=text,
    summary=summary,
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], FLOW_SUITE))
