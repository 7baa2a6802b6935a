"""Rows of bench.json, and what one asks of them."""

import statistics
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
NOT_PART, NOT_ASKED = "not part of this workload", "not asked for"
WRONG = "WRONG"  # how the note begins of a peer whose results are not ours


def columns_of(row: Row) -> list[str]:
    """Whose times a row has: ours, the limit where it is measured, the peers."""
    times = [key.removesuffix("_s") for key in row if key.endswith("_s")]
    return [name for name in times if not name.endswith("_first")]


def peers_of(row: Row) -> list[str]:
    return [name for name in columns_of(row) if name not in ("ours", "limit")]


def wrong_peers(row: Row) -> list[str]:
    return [peer for peer in peers_of(row) if row["notes"].get(peer, "").startswith(WRONG)]


def is_wrong(row: Row) -> bool:
    return bool(wrong_peers(row))


def fastest_peer(row: Row) -> str | None:
    """The name of the fastest peer whose results are right."""
    right = [p for p in peers_of(row) if row[f"{p}_s"] and p not in wrong_peers(row)]
    return min(right, key=lambda p: row[f"{p}_s"], default=None)


def speedup(row: Row) -> float | None:
    peer = fastest_peer(row)
    return row[f"{peer}_s"] / row["ours_s"] if peer and row["ours_s"] else None


def against_torch(row: Row) -> float | None:
    usable = row["torch_s"] and row["ours_s"] and "torch" not in wrong_peers(row)
    return row["torch_s"] / row["ours_s"] if usable else None


def against_limit(row: Row) -> float | None:
    return row["ours_s"] / row["limit_s"] if row["limit_s"] and row["ours_s"] else None


def geometric_mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return statistics.geometric_mean(known) if known else None
