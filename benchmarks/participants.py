"""Processes that compare.py talks to, a JSON line each way."""

import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class Failure(Exception):
    """A participant that skipped, erred or died, with what it said."""


class Participant:
    """A command that is started when first asked, and again after it died."""

    def __init__(
        self, name: str, command: list[str], threads: int, folder: Path, patience: float = 1800
    ):
        self.name, self.threads, self.patience = name, threads, patience
        self.command = [*pinned(threads), *command, "--threads", str(threads)]
        self.log = folder / f"{name}-{threads}.log"
        # No compiled programs of an earlier run: the time to a first result includes them.
        self.environment = clean_environment() | {
            "TORCHINDUCTOR_CACHE_DIR": str(folder / f"inductor-{threads}")
        }
        self.process: subprocess.Popen[str] | None = None

    def ask(self, cmd: str, **arguments: Any) -> Answer:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log.open("a"),
                text=True,
                env=self.environment,
            )
        process = self.process
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps({"cmd": cmd, **arguments}) + "\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], self.patience)
            line = process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line, ready = "", [process]
        if not line:
            self.stop()
            raise Failure(
                f"died: {self.last_words()}" if ready else f"no answer within {self.patience:.0f} s"
            )
        try:
            answer = json.loads(line)
        except json.JSONDecodeError:
            self.stop()
            raise Failure(f"answered {line.strip()[:80]!r}") from None
        for failure in ("error", "skip"):
            if failure in answer:
                raise Failure(answer[failure])
        return answer

    def drop(self) -> None:
        try:
            if self.process is not None:
                self.ask("drop")
        except Failure:
            pass

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def pinned(threads: int) -> list[str]:
    """To the first cores, so that a library which counts cores finds as many as it may use."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return ["taskset", "-c", ",".join(map(str, cores))] if shutil.which("taskset") else []


def clean_environment() -> dict[str, str]:
    """Without the settings that make OpenBLAS choose a kernel for another processor."""
    return {
        k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    }
