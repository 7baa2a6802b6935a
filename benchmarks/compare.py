"""Runs the cases of ./bench on ours and on the peers, side by side, and writes what came of it.

Ours is prepared first and writes its results to a file, against which those of the peers are
compared. Measurements are interleaved, so that a slow minute of the machine slows them all:
repeat times (ours, limit, torch, torch_compile, jax). README.md has the conversation.
"""

import argparse
import datetime
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cases as table
import report
from cases import Case
from participants import Failure, Participant
from rows import NOT_ASKED, NOT_PART, WRONG, Row, is_wrong

ROOT = Path(__file__).resolve().parent.parent
# Seconds between measurements, in which idle threads of the last participant fall asleep.
REST = 0.05


@dataclass(frozen=True)
class Suite:
    """What is measured, and what is said of it."""

    columns: tuple[str, ...]  # ours, limit or not, the peers
    full: Callable[[], list[Case]]
    quick: Callable[[], list[Case]]
    rows_file: str
    text_file: str
    text: Callable[[list[Row], Row], str]  # of the rows and the machine
    summary: Callable[[list[Row]], str]

    @property
    def peers(self) -> list[str]:
        return [name for name in self.columns if name not in ("ours", "limit")]


BENCH = Suite(
    columns=("ours", "limit", *table.PEERS),
    full=table.full,
    quick=table.quick,
    rows_file="bench.json",
    text_file="performance.md",
    text=report.performance,
    summary=report.summary,
)


class Bench:
    """The participants of one number of threads."""

    def __init__(self, suite: Suite, options: argparse.Namespace, threads: int, folder: Path):
        self.suite = suite
        self.folder, self.threads, self.repeats = folder, threads, options.repeats
        commands = {
            f"ours_{dtype}": [str(options.bin / f"bench_{dtype}")]
            for dtype in sorted({case.dtype for case in options.cases})
        }
        for peer in options.peers:
            script = ROOT / "benchmarks" / "peers" / f"{peer.removesuffix('_compile')}_peer.py"
            extra = ["--compile"] if peer.endswith("_compile") else []
            commands[peer] = [str(options.python), str(script), *extra]
        self.all = {
            name: Participant(name, command, threads, folder) for name, command in commands.items()
        }
        self.about: dict[str, Row] = {}
        self.absent: dict[str, str] = {}
        for name, participant in self.all.items():
            try:
                self.about[name] = participant.ask("hello")
            except (Failure, OSError) as failure:
                self.absent[name] = str(failure)

    def close(self) -> None:
        for participant in self.all.values():
            participant.stop()

    def measure(self, case: Case) -> Row:
        """A row of bench.json."""
        ours = self.all[f"ours_{case.dtype}"]
        row: Row = {
            **case.settings(),
            "width": case.width,
            "threads": self.threads,
            "repeats": self.repeats,
        }
        row |= {"bound": case.bound, "max_rel_diff": None, "spread": None}
        row |= {f"{name}_s": None for name in self.suite.columns}
        row |= {f"{name}_first_s": None for name in ("ours", *self.suite.peers)} | {"notes": {}}
        notes: dict[str, str] = row["notes"]
        present = []
        for name in self.suite.peers:
            if name not in case.peers:
                notes[name] = NOT_PART
            elif name not in self.all or name in self.absent:
                notes[name] = self.absent.get(name, NOT_ASKED)
            else:
                present.append(name)
        try:
            self.prepare(case, row, present)
            mine = {name: ours for name in self.suite.columns if name in ("ours", "limit")}
            self.time(row, mine | {name: self.all[name] for name in present})
        except Failure as failure:
            notes["ours"] = str(failure)
        for participant in (ours, *(self.all[name] for name in present)):
            participant.drop()
        return row

    def prepare(self, case: Case, row: Row, present: list[str]) -> None:
        """Prepares all, compares results, and takes from `present` who cannot do the case."""
        ours, file = self.all[f"ours_{case.dtype}"], self.folder / "case.safetensors"
        answer = ours.ask("prepare", case=case.settings(), file=str(file))
        row |= {"ours_first_s": answer["first_s"], "block": answer.get("block")}
        differences = []
        for name in list(present):
            results = self.folder / f"{name}.safetensors"
            try:
                answer = self.all[name].ask(
                    "prepare", case=case.settings(), file=str(file), results=str(results)
                )
            except Failure as failure:
                row["notes"][name] = str(failure)
                present.remove(name)
                continue
            row[f"{name}_first_s"] = answer["first_s"]
            if not answer["comparable"]:
                continue
            try:
                difference = ours.ask("compare", file=str(results))["max_rel_diff"]
            except Failure as failure:
                row["notes"][name] = f"{WRONG}: {failure}"
                continue
            if difference is None:  # how JSON writes an infinity
                row["notes"][name] = f"{WRONG}: ours is 0 where it is not"
                continue
            differences.append(difference)
            if difference > case.tolerance:
                row["notes"][name] = f"{WRONG}: differs from ours by {difference:.1e}"
        row["max_rel_diff"] = max(differences, default=None)

    def time(self, row: Row, participants: dict[str, Participant]) -> None:
        seconds: dict[str, list[float]] = {name: [] for name in participants}
        for _ in range(self.repeats):
            for name, participant in list(participants.items()):
                time.sleep(REST)
                try:
                    what = {"what": "limit"} if name == "limit" else {}
                    seconds[name].append(participant.ask("run", **what)["s"])
                except Failure as failure:
                    row["notes"][name] = str(failure)
                    del participants[name], seconds[name]
                    if name == "ours":
                        raise
        row |= {f"{name}_s": statistics.median(times) for name, times in seconds.items()}
        if self.repeats > 1:
            low, _, high = statistics.quantiles(seconds["ours"], n=4, method="inclusive")
            row["spread"] = (high - low) / row["ours_s"]


def parse(arguments: list[str], suite: Suite) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./bench", add_help=False)  # ./bench has the help
    parser.add_argument("--only", default="")
    parser.add_argument("--precision", choices=tuple(table.TOLERANCE))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--peers", default=",".join(suite.peers))
    parser.add_argument("--bin", type=Path, default=ROOT / "build/release/bin")
    parser.add_argument("--python", type=Path, default=ROOT / "build/peers/bin/python")
    options = parser.parse_args(arguments)
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    for peer in options.peers:
        if peer not in suite.peers:
            parser.error(f"--peers {peer}: need none or some of {','.join(suite.peers)}")
    try:
        options.threads = sorted({int(n) for n in options.threads.split(",")})
    except ValueError:
        parser.error(f"--threads {options.threads}: need whole numbers such as 1,2")
    options.repeats = options.repeats or (3 if options.quick else 7)
    if min(options.threads) < 1 or options.repeats < 1:
        parser.error("--threads and --repeats: need numbers above 0")
    partial = (
        options.quick
        or options.only
        or options.precision
        or options.peers != suite.peers
        or options.threads != [1, 2]
    )
    options.out = options.out or ROOT / ("build/bench" if partial else "docs")
    options.cases = suite.quick() if options.quick else suite.full()
    if options.precision:
        options.cases = [c for c in options.cases if c.dtype == options.precision]
    if options.only:
        wanted = options.only.split(",")
        unknown = [w for w in wanted if not any(belongs(c.workload, w) for c in options.cases)]
        if unknown:
            names = ",".join(dict.fromkeys(c.workload for c in options.cases))
            parser.error(f"--only {unknown[0]}: no such workload; there are {names}")
        options.cases = [c for c in options.cases if any(belongs(c.workload, w) for w in wanted)]
    return options


def belongs(workload: str, wanted: str) -> bool:
    """W1 is W1-ULA and W1-MALA, but not W10."""
    return workload == wanted or workload.startswith(wanted + "-")


def main(arguments: list[str], suite: Suite = BENCH) -> int:
    options = parse(arguments, suite)
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    machine = report.machine()
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        for threads in options.threads:
            if threads > len(os.sched_getaffinity(0)):
                print(f"{threads} threads: skipped, there are fewer cores", flush=True)
                continue
            bench = Bench(suite, options, threads, Path(temporary))
            try:
                machine["about"] = bench.about | machine.get("about", {})
                for name, reason in bench.absent.items():
                    print(f"{name}: not here ({reason})", flush=True)
                print(report.heading(threads, suite.columns), flush=True)
                for case in options.cases:
                    rows.append(bench.measure(case))
                    print(report.line(rows[-1]), flush=True)
                    # An interruption loses no more than a row.
                    report.write_rows(options.out / suite.rows_file, rows)
            finally:
                bench.close()
    machine["end"] = datetime.datetime.now().isoformat(timespec="minutes")
    if rows:
        report.write(options.out / suite.text_file, suite.text(rows, machine))
        written = f"{suite.rows_file}, {suite.text_file}"
        print(f"\n{suite.summary(rows)}\n\nwritten to {options.out}: {written}")
    failed = [row for row in rows if row["ours_s"] is None or is_wrong(row)]
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
