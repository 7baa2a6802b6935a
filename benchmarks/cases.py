"""The cases of ./bench: one table."""

from dataclasses import asdict, dataclass
from typing import Any

PEERS = ("torch", "torch_compile", "jax")

SIZES = ((64, 8), (256, 32), (1024, 128))
TOLERANCE = {"f32": 2e-3, "f64": 1e-8}  # of max_rel_diff; beyond it a row is WRONG
# In f32 a gradient of ReLU networks may find a unit on the other side of its kink; the same case in
# f64 tells whether that is all.
KINKS = 2e-2
LARGE = (16384, 32)  # of W1, and for the scaling with threads


@dataclass(frozen=True)
class Case:
    workload: str
    rows: int
    d: int
    steps: int  # per measurement, which is to take 0.02 to 2 seconds
    width: int | None = 128
    dtype: str = "f32"
    step_size: float = 0.01
    bound: str = "products"  # or "other": what the time of the best program would go to
    peers: tuple[str, ...] = PEERS
    kinks: bool = False  # whether it is a gradient through ReLU networks

    @property
    def tolerance(self) -> float:
        return KINKS if self.kinks and self.dtype == "f32" else TOLERANCE[self.dtype]

    def settings(self) -> dict[str, Any]:
        """What participants are told."""
        told = {k: v for k, v in asdict(self).items() if k not in ("bound", "peers", "kinks")}
        return told if self.width else {k: v for k, v in told.items() if k != "width"}


def full() -> list[Case]:
    cases = [Case(w, n, d, 200) for n, d in (*SIZES, LARGE) for w in ("W1-ULA", "W1-MALA")]
    for workload, steps in {"W2": (50, 20, 5), "W3": (200, 50, 20), "W4": (50, 20, 4)}.items():
        cases += [Case(workload, n, d, s) for (n, d), s in zip(SIZES, steps)]
    cases += [Case("W5", 128, 16, 10)]
    cases += [
        Case(w, 1024, d, 10, width=None, kinks=w == "W6-fit")
        for d in (2, 64)
        for w in ("W6-logprob", "W6-sample", "W6-fit")
    ]
    cases += [Case("W6-fit", 1024, 64, 5, width=None, dtype="f64")]
    cases += [
        Case("W7", 256, 2, 5, width=None, bound="other"),
        Case("W8-gauss", 64, 100, 100, width=None, dtype="f64", step_size=0.1),
        Case("W8-credit", 64, 25, 20, width=None, dtype="f64", step_size=0.03, bound="other"),
        Case("W9-hvp", 256, 64, 100),
        Case("W9-laplacian", 256, 64, 5),
        Case("W11", 64, 784, 3, width=None, peers=("torch", "torch_compile")),
    ]
    scaling: dict[str, Any] = {"peers": ("torch", "jax")}
    cases += [
        Case("W10-rows", n, 32, min(2000, max(5, 200000 // n)), **scaling)
        for n in (4**k for k in range(9))
    ]
    for k, steps in enumerate((200, 200, 100, 50, 20, 10, 4)):
        bound = "products" if k > 1 else "other"
        cases += [Case("W10-width", 1024, 32, steps, width=16 << k, bound=bound, **scaling)]
    return cases


def quick() -> list[Case]:
    """Every workload, small and short."""
    small: dict[str, Case] = {}
    for case in full():
        small.setdefault(case.workload, case)
    cases = []
    for case in small.values():
        settings = {
            **case.settings(),
            "bound": case.bound,
            "peers": case.peers,
            "kinks": case.kinks,
            "steps": max(2, case.steps // 10),
        }
        if case.workload in ("W5", "W9-hvp", "W9-laplacian"):
            settings |= {"rows": 64, "d": 8}
        settings.setdefault("width", None)
        cases.append(Case(**settings))
        if case.workload == "W10-rows":
            cases.append(Case(**{**settings, "rows": 16}))
        if case.workload == "W10-width":
            cases.append(Case(**{**settings, "width": 32}))
    return cases
