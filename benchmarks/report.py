"""What ./bench says of its rows: lines while it runs, bench.json, performance.md."""

import datetime
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path

from rows import (
    NOT_ASKED,
    NOT_PART,
    Row,
    against_limit,
    against_torch,
    columns_of,
    geometric_mean,
    is_wrong,
    speedup,
)
from tables import (
    counted,
    difference,
    first_results,
    label,
    local_slopes,
    notes,
    ratio,
    scaling_with_threads,
    seconds,
    speeds,
    title,
)

KEPT = "## Notes"  # of a report: from here on it is written by people and kept


def machine() -> Row:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.datetime.now().isoformat(timespec="minutes"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory, 1),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def columns(title: list[str], times: list[str], rest: list[str]) -> str:
    """A line of the table on the screen."""
    cells = [f"{title[0]:<18}", *(f"{cell:>6}" for cell in title[1:])]
    return "".join([*cells, *(f"{cell:>14}" for cell in times), *(f"{cell:>11}" for cell in rest)])


def heading(threads: int, names: Sequence[str]) -> str:
    head = ["workload", "rows", "d", "width"]
    return f"\n{counted(threads)}\n{columns(head, list(names), ['peer/ours', 'differs'])}"


def line(row: Row) -> str:
    times = [seconds(row[f"{name}_s"]) for name in columns_of(row)]
    expected = (NOT_PART, NOT_ASKED)
    told = [f"\n    {k}: {note}" for k, note in row["notes"].items() if note not in expected]
    return columns(title(row)[:4], times, [ratio(speedup(row)), difference(row)]) + "".join(told)


def plain(rows: list[Row]) -> list[Row]:
    """All but those that are there for their slopes."""
    return [row for row in rows if not row["workload"].startswith("W10")]


def summary(rows: list[Row]) -> str:
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        small = [row for row in some if row["rows"] <= 256]
        products = [v for row in some if row["bound"] == "products" and (v := against_limit(row))]
        ahead = [v > 1 for row in some if (v := speedup(row))]
        slowest = min((v for row in small if (v := against_torch(row))), default=None)
        against = {
            "ahead of the fastest peer on": f"{sum(ahead)} of {len(ahead)} rows",
            "geometric mean of fastest peer / ours": ratio(geometric_mean(map(speedup, some))),
            "without the scaling rows W10": ratio(geometric_mean(map(speedup, plain(some)))),
            "of PyTorch / ours": ratio(geometric_mean(map(against_torch, some))),
            "the least PyTorch / ours on rows of at most 256": ratio(slowest),
            "geometric mean of ours / limit where products bind": ratio(geometric_mean(products)),
            "the largest": ratio(max(products, default=None)),
        }
        text = ", ".join(f"{name} {value}" for name, value in against.items())
        lines.append(f"- {counted(threads)}: {text}")
    wrong = [label(row) for row in rows if is_wrong(row)]
    lines.append(
        f"- WRONG: {', '.join(wrong)}" if wrong else "- no result differs beyond tolerance"
    )
    return "\n".join(lines)


def setting(machine: Row) -> str:
    about = machine.get("about", {})
    ours = next((v for k, v in about.items() if k.startswith("ours")), {})
    peers = (
        ", ".join(f"{k} {v['version']}" for k, v in about.items() if not k.startswith("ours"))
        or "none"
    )
    build = f"{ours.get('compiler', 'unknown compiler')}, `{ours.get('flags', '')}`"
    memory = f"{machine['cores']} cores, {machine['memory_gib']} GiB"
    return (
        f"- {ours.get('cpu', 'unknown processor')}, {memory}; {machine['system']}\n"
        f"- {machine['date']} to {machine['end']}, load {machine['load']:.1f} before the start\n"
        f"- ours: commit {ours.get('version', 'unknown')}, {build}\n"
        f"- peers: {peers}; Python {machine['python']}\n"
    )


ABOUT = """# Performance

Written by `./bench`; [benchmarks/README.md](../benchmarks/README.md) says what each workload is.
"""

LEGEND = """Times are per step, medians of interleaved measurements. *limit*: the bare matrix products of our
program, by our kernels on operands in cache, plus inputs and outputs moved once at the measured
bandwidth. *spread*: interquartile range of ours over its median. *differs*: largest relative
difference between results of a peer and ours on equal inputs. W5 and W9-laplacian compare methods
too: ours goes forward with all directions at once, PyTorch and JAX take a product per direction.
"""

FIRST = """Time to first result

With building, tracing and compiling, and the first measurement of all its steps."""


def of_threads(rows: list[Row], threads: int) -> list[str]:
    some = [row for row in rows if row["threads"] == threads]
    text = [f"## {counted(threads)}\n"] + [speeds(plain(some))] * bool(plain(some))
    for workload, along in (("W10-rows", "rows"), ("W10-width", "width")):
        if any(row["workload"] == workload for row in some):
            head = f"ULA against {along} (`{workload}`), with local slopes in log-log:"
            text.append(f"{head}\n\n{local_slopes(some, workload, along)}")
    return text


def performance(rows: list[Row], machine: Row) -> str:
    text = [ABOUT, setting(machine), LEGEND, summary(rows) + "\n"]
    for threads in sorted({row["threads"] for row in rows}):
        text += of_threads(rows, threads)
    sections: list[tuple[str, Callable[[list[Row]], str]]] = [
        ("Gain from more threads", scaling_with_threads),
        (FIRST, first_results),
        ("Skipped and wrong", notes),
    ]
    text += [f"## {name}\n\n{body}" for name, make in sections if (body := make(rows))]
    return "\n".join(text)


def write_rows(path: Path, rows: list[Row]) -> None:
    path.write_text(json.dumps(rows, indent=1) + "\n")


def write(path: Path, text: str) -> None:
    """The text with the notes that are there."""
    old = path.read_text() if path.exists() else ""
    kept = f"\n{KEPT}{old.split(KEPT, 1)[1]}" if KEPT in old else ""
    path.write_text(text + kept)
