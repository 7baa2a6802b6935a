"""Rows of bench.json, and what one asks of them."""

import statistics
from collections.abc import Iterable
from typing import Any

from cases import PEERS

Row = dict[str, Any]
COLUMNS = ("ours", "limit", *PEERS)
NOT_PART, NOT_ASKED = "not part of this workload", "not asked for"


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
