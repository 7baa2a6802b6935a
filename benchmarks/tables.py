"""Tables of performance.md, and numbers as text."""

import math
from collections.abc import Callable, Iterable

from cases import LARGE
from rows import Row, against_limit, against_torch, columns_of, is_wrong, speedup


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
    largest = "-" if row["max_rel_diff"] is None else f"{row['max_rel_diff']:.0e}"
    return largest + (" WRONG" if is_wrong(row) else "")


def title(row: Row) -> list[str]:
    return [
        row["workload"],
        str(row["rows"]),
        str(row["d"]),
        str(row["width"] or "-"),
        row["dtype"],
    ]


def counted(threads: int) -> str:
    return f"{threads} thread" + "s" * (threads > 1)


def table(head: list[str], lines: Iterable[list[str]]) -> str:
    body = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    return f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n{body}"


Ratios = dict[str, Callable[[Row], float | None]]
RATIOS: Ratios = {
    "fastest peer / ours": speedup,
    "PyTorch / ours": against_torch,
    "ours / limit": against_limit,
}


def speeds(rows: list[Row], ratios: Ratios = RATIOS) -> str:
    names = columns_of(rows[0])
    head = ["workload", "rows", "d", "width", "type", *names, *ratios]
    lines = (
        title(row)
        + [seconds(row[f"{name}_s"]) for name in names]
        + [ratio(f(row)) for f in ratios.values()]
        + [f"{100 * row['spread']:.0f} %" if row["spread"] is not None else "-", difference(row)]
        for row in rows
    )
    return table([*head, "spread", "differs"], lines)


def first_results(rows: list[Row]) -> str:
    names = [name for name in columns_of(rows[0]) if name != "limit"]
    lines = (
        [*title(row), str(row["threads"]), *(seconds(row[f"{name}_first_s"]) for name in names)]
        for row in rows
    )
    return table(["workload", "rows", "d", "width", "type", "threads", *names], lines)


def scaling_with_threads(rows: list[Row]) -> str:
    counts = sorted({row["threads"] for row in rows})
    names = [name for name in columns_of(rows[0]) if name != "limit"]
    by_case = {(row["threads"], *title(row)): row for row in rows}
    lines = []
    for (threads, *case), one in by_case.items():
        more = [by_case.get((n, *case)) for n in counts[1:]]
        if threads != counts[0] or one["workload"].startswith("W10") or not any(more):
            continue
        for n, row in zip(counts[1:], more):
            if row:
                gains = [
                    one[f"{k}_s"] / row[f"{k}_s"] if one[f"{k}_s"] and row[f"{k}_s"] else None
                    for k in names
                ]
                lines.append([*case, str(n), *map(ratio, gains)])
    lines.sort(key=lambda cells: (cells[1], cells[2]) != tuple(map(str, LARGE)))
    return (
        table(["workload", "rows", "d", "width", "type", "threads", *names], lines) if lines else ""
    )


def local_slopes(rows: list[Row], workload: str, along: str) -> str:
    """Times with the slope of log time over log size since the line above."""
    some = sorted((row for row in rows if row["workload"] == workload), key=lambda row: row[along])
    names = [name for name in columns_of(some[0]) if any(row[f"{name}_s"] for row in some)]
    lines = []
    for before, row in zip([None, *some], some):
        cells = [str(row[along])]
        for key in (f"{name}_s" for name in names):
            known = before and before[key] and row[key]
            slope = (
                math.log(row[key] / before[key]) / math.log(row[along] / before[along])
                if known
                else None
            )
            cells += [seconds(row[key]), ratio(slope)]
        lines.append(cells)
    return table([along, *(cell for name in names for cell in (name, "slope"))], lines)


def label(row: Row) -> str:
    width = f" w{row['width']}" if row["workload"] == "W10-width" else ""
    return f"{row['workload']} {row['rows']}x{row['d']}{width} t{row['threads']}"


def notes(rows: list[Row]) -> str:
    """What there is to say of participants, each with the rows it is about."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        for name, note in row["notes"].items():
            reasons.setdefault(f"{name}: {note}", []).append(label(row))
    return "".join(
        f"- {reason} ({'all' if len(where) == len(rows) else ', '.join(dict.fromkeys(where))})\n"
        for reason, where in reasons.items()
    )
