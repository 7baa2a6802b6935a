"""A peer's side of the conversation with compare.py: a JSON line in, a JSON line out.

A peer gives `serve` a table of workloads. Each is a function (case, arrays) -> Work, where `arrays`
are those of the case's file. The names and what is to be computed are in ../README.md.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import safetensors.numpy

LEARNING_RATE = 1e-3  # of Adam, in every training
WAKING = 0.05  # seconds of runs, in which sleeping cores wake up, before the one that counts ends


@dataclass(frozen=True)
class Case:
    workload: str
    rows: int
    d: int
    steps: int
    dtype: str
    width: int = 128
    step_size: float = 0.01


class Work(NamedTuple):
    run: Callable[[], object]  # `case.steps` steps; returns when they are done
    # The arrays out.* of the file's inputs, by the weights before any step. Or none, if the peer's
    # map is another function of its weights: then this checks it, and raises where it is wrong.
    check: Callable[[], Mapping[str, Any]]
    # Seconds to the end of a first run, where making it took more than that.
    first_s: float | None = None


class Skip(Exception):
    """What a peer raises for a workload that it cannot do, with the reason."""


Workload = Callable[[Case, dict[str, Any]], Work]
Choose = Callable[[Workload, Case, dict[str, Any]], Work]  # of several forms of a workload


class Session:
    def __init__(
        self,
        about: dict[str, Any],
        workloads: Mapping[str, Workload],
        load: Callable[[Any], Any],
        forget: Callable[[], object],
        choose: Choose,
    ):
        self.about, self.workloads, self.load, self.forget = about, workloads, load, forget
        self.choose = choose
        self.case: Case | None = None
        self.work: Work | None = None

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        match command["cmd"]:
            case "hello":
                return {**self.about, "dtype_support": ["f32", "f64"]}
            case "prepare":
                return self.prepare(command["case"], command["file"], command["results"])
            case "run":
                return self.run()
            case "drop":
                self.drop()
                return {"dropped": True}
        raise ValueError(f"command {command['cmd']}: need hello, prepare, run, drop or quit")

    def drop(self) -> None:
        self.case = self.work = None
        self.forget()

    def prepare(self, settings: dict[str, Any], file: str, results: str) -> dict[str, Any]:
        known = {k: v for k, v in settings.items() if k in Case.__dataclass_fields__}
        self.drop()
        self.case = Case(**known)
        if self.case.workload not in self.workloads:
            raise Skip("the peer has no such workload")
        make = self.workloads[self.case.workload]
        arrays = self.arrays(file)
        start = time.perf_counter()
        self.work = self.choose(make, self.case, arrays)
        self.work.run()
        first = self.work.first_s or time.perf_counter() - start
        # A training has moved its weights by now; the results are those of the first ones.
        out = make(self.case, self.arrays(file)).check()
        safetensors.numpy.save_file({name: to_numpy(value) for name, value in out.items()}, results)
        return {"first_s": first, "comparable": bool(out)}

    def arrays(self, file: str) -> dict[str, Any]:
        return {name: self.load(value) for name, value in safetensors.numpy.load_file(file).items()}

    def run(self) -> dict[str, Any]:
        if self.work is None or self.case is None:
            raise ValueError("run: no case is prepared")
        seconds = spent = self.time()
        while spent < WAKING:
            seconds = self.time()
            spent += seconds
        return {"s": seconds / self.case.steps}

    def time(self) -> float:
        assert self.work is not None
        start = time.perf_counter()
        self.work.run()
        return time.perf_counter() - start


def to_numpy(value: Any) -> Any:
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().numpy()
    return numpy.ascontiguousarray(numpy.asarray(value)).reshape(value.shape or (1,))


def serve(
    about: dict[str, Any],
    workloads: Mapping[str, Workload],
    load: Callable[[Any], Any],
    forget: Callable[[], object],
    choose: Choose = lambda make, case, arrays: make(case, arrays),
) -> None:
    """Answers until quit. `load` takes a NumPy array in; `forget` clears the peer's caches."""
    session = Session(about, workloads, load, forget, choose)
    for line in sys.stdin:
        command = json.loads(line)
        if command["cmd"] == "quit":
            return
        try:
            answer = session.answer(command)
        except Skip as reason:
            answer = {"skip": str(reason)}
        except Exception as error:  # the row is lost, the bench goes on
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)
