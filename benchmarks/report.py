"""What ./bench says of its rows: lines while it runs, bench.json, performance.md."""

import datetime
import json
import math
import os
import platform
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cases import LARGE, PEERS

Row = dict[str, Any]
COLUMNS = ("ours", "limit", *PEERS)
KEPT = "## Notes"  # of performance.md: from here on it is written by people and kept

NOT_PART, NOT_ASKED = "not part of this workload", "not asked for"


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


# Questions to a row.


def is_wrong(row: Row) -> bool:
    return row["max_rel_diff"] is not None and row["max_rel_diff"] > row["tolerance"]


def fastest_peer(row: Row) -> str | None:
    """The name of the fastest peer whose results are right."""
    right = [p for p in PEERS if row[f"{p}_s"] and not row["notes"].get(p, "").startswith("WRONG")]
    return min(right, key=lambda p: row[f"{p}_s"], default=None)


def speedup(row: Row) -> float | None:
    peer = fastest_peer(row)
    return row[f"{peer}_s"] / row["ours_s"] if peer and row["ours_s"] else None


def against_torch(row: Row) -> float | None:
    return row["torch_s"] / row["ours_s"] if row["torch_s"] and row["ours_s"] else None


def against_limit(row: Row) -> float | None:
    return row["ours_s"] / row["limit_s"] if row["limit_s"] and row["ours_s"] else None


def geometric_mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return statistics.geometric_mean(known) if known else None


# Text.


def seconds(value: float | None) -> str:
    if value is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size or unit == "µs":
            return f"{value / size:.{max(0, 2 - int(math.log10(max(value / size, 1))))}f} {unit}"
    raise AssertionError


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def difference(row: Row) -> str:
    if row["max_rel_diff"] is None:
        return "-"
    return f"{row['max_rel_diff']:.0e}" + (" WRONG" if is_wrong(row) else "")


def title(row: Row) -> list[str]:
    return [row["workload"], str(row["rows"]), str(row["d"]), str(row["width"] or "-"), row["dtype"]]


def heading(threads: int) -> str:
    names = "".join(f"{name:>14}" for name in COLUMNS)
    return f"\n{threads} thread{'s' * (threads > 1)}\n{'workload':<14}{'rows':>6}{'d':>5}{'width':>6}{names}{'peer/ours':>11}{'differs':>9}"


def line(row: Row) -> str:
    workload, rows, d, width, _ = title(row)
    times = "".join(f"{seconds(row[f'{name}_s']):>14}" for name in COLUMNS)
    notes = [f"\n    {name}: {note}" for name, note in row["notes"].items() if note not in (NOT_PART, NOT_ASKED)]
    return f"{workload:<14}{rows:>6}{d:>5}{width:>6}{times}{ratio(speedup(row)):>11}{difference(row):>9}" + "".join(notes)


def table(head: list[str], lines: Iterable[list[str]]) -> str:
    body = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{body}"


def summary(rows: list[Row]) -> str:
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        small = [row for row in some if row["rows"] <= 256]
        products = [v for row in some if row["bound"] == "products" and (v := against_limit(row))]
        ahead = [v > 1 for row in some if (v := speedup(row))]
        slowest = min((v for row in small if (v := against_torch(row))), default=None)
        lines.append(
            f"- {threads} thread{'s' * (threads > 1)}: ahead of the fastest peer on {sum(ahead)} of {len(ahead)} rows, "
            f"geometric mean {ratio(geometric_mean(map(speedup, some)))}; against PyTorch (eager) "
            f"{ratio(geometric_mean(map(against_torch, some)))}, on rows of at most 256 at least {ratio(slowest)}; "
            f"against the limit, where products bind, geometric mean {ratio(geometric_mean(products))}, "
            f"at most {ratio(max(products, default=None))}"
        )
    wrong = [" ".join(title(row)) for row in rows if is_wrong(row)]
    lines.append(f"- WRONG, beyond tolerance: {', '.join(wrong)}" if wrong else "- no result differs beyond tolerance")
    return "\n".join(lines)


def speeds(rows: list[Row]) -> str:
    head = ["workload", "rows", "d", "width", "type", *COLUMNS, "fastest peer / ours", "PyTorch / ours", "ours / limit"]
    lines = (
        title(row)
        + [seconds(row[f"{name}_s"]) for name in COLUMNS]
        + [ratio(f(row)) for f in (speedup, against_torch, against_limit)]
        + [f"{100 * row['spread']:.0f} %" if row["spread"] is not None else "-", difference(row)]
        for row in rows
    )
    return table([*head, "spread", "differs"], lines)


def first_results(rows: list[Row]) -> str:
    names = ("ours", *PEERS)
    lines = (title(row) + [seconds(row[f"{name}_first_s"]) for name in names] for row in rows)
    return table(["workload", "rows", "d", "width", "type", *names], lines)


def scaling_with_threads(rows: list[Row]) -> str:
    counts = sorted({row["threads"] for row in rows})
    names = [name for name in COLUMNS if name != "limit"]
    by_case = {(row["threads"], *title(row)): row for row in rows}
    lines = []
    for (threads, *case), one in by_case.items():
        more = [by_case.get((n, *case)) for n in counts[1:]]
        if threads != counts[0] or one["workload"].startswith("W10") or not any(more):
            continue
        for n, row in zip(counts[1:], more):
            if row:
                gains = [one[f"{k}_s"] / row[f"{k}_s"] if one[f"{k}_s"] and row[f"{k}_s"] else None for k in names]
                lines.append([*case, str(n), *map(ratio, gains)])
    lines.sort(key=lambda cells: (cells[1], cells[2]) != tuple(map(str, LARGE)))
    return table(["workload", "rows", "d", "width", "type", "threads", *names], lines) if lines else ""


def local_slopes(rows: list[Row], workload: str, along: str) -> str:
    """Times with the slope of log time over log size since the line above."""
    some = sorted((row for row in rows if row["workload"] == workload), key=lambda row: row[along])
    names = [name for name in COLUMNS if any(row[f"{name}_s"] for row in some)]
    lines = []
    for before, row in zip([None, *some], some):
        cells = [str(row[along])]
        for key in (f"{name}_s" for name in names):
            known = before and before[key] and row[key]
            slope = math.log(row[key] / before[key]) / math.log(row[along] / before[along]) if known else None
            cells += [seconds(row[key]), ratio(slope)]
        lines.append(cells)
    return table([along, *(cell for name in names for cell in (name, "slope"))], lines)


def missing(rows: list[Row]) -> str:
    """Reasons, each with the rows it kept from being measured."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for name, note in row["notes"].items():
            reasons.setdefault(f"{name}: {note}", []).append(f"{row['workload']} {row['rows']}x{row['d']} t{row['threads']}")
    return "".join(
        f"- {reason} ({'all' if len(where) == len(rows) else ', '.join(dict.fromkeys(where))})\n"
        for reason, where in reasons.items()
    )


def setting(machine: Row) -> str:
    about = machine.get("about", {})
    ours = next((v for k, v in about.items() if k.startswith("ours")), {})
    peers = ", ".join(f"{k} {v['version']}" for k, v in about.items() if not k.startswith("ours")) or "none"
    load = f"load {machine['load']:.1f} before the start"
    return (
        f"- {ours.get('cpu', 'unknown processor')}, {machine['cores']} cores, {machine['memory_gib']} GiB; {machine['system']}; {load}\n"
        f"- {machine['date']} to {machine['end']}\n"
        f"- ours: commit {ours.get('version', 'unknown')}, {ours.get('compiler', 'unknown compiler')}, `{ours.get('flags', '')}`\n"
        f"- peers: {peers}; Python {machine['python']}\n"
    )


def performance(rows: list[Row], machine: Row) -> str:
    text = [
        "# Performance\n\nWritten by `./bench`; what each workload computes is in [benchmarks/README.md](../benchmarks/README.md).\n",
        setting(machine),
        "Times are seconds per step, medians of interleaved measurements. *limit*: the bare matrix products of the same shapes, plus inputs "
        "and outputs moved once at the measured bandwidth. *spread*: interquartile range of ours over its median. *differs*: the largest "
        "relative difference between a peer's results and ours, on equal inputs.\n",
        summary(rows) + "\n",
    ]
    for threads in sorted({row["threads"] for row in rows}):
        some = [row for row in rows if row["threads"] == threads]
        text.append(f"## {threads} thread{'s' * (threads > 1)}\n\n{speeds([r for r in some if 'W10' not in r['workload']])}")
        for workload, along in (("W10-rows", "rows"), ("W10-width", "width")):
            if any(row["workload"] == workload for row in some):
                text.append(f"ULA against {along} (`{workload}`), with slopes in log-log:\n\n{local_slopes(some, workload, along)}")
    optional: list[tuple[str, Callable[[list[Row]], str]]] = [
        ("Gain from more threads", scaling_with_threads),
        ("Time to first result\n\nWith building, tracing and compiling, and the first measurement of all its steps.", first_results),
        ("Skipped", missing),
    ]
    text += [f"## {name}\n\n{body}" for name, make in optional if (body := make(rows))]
    return "\n".join(text)


def write(folder: Path, rows: list[Row], machine: Row) -> None:
    """bench.json and performance.md, whose notes are kept."""
    (folder / "bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    path = folder / "performance.md"
    old = path.read_text() if path.exists() else ""
    notes = f"\n{KEPT}{old.split(KEPT, 1)[1]}" if KEPT in old else ""
    path.write_text(performance(rows, machine) + notes)
