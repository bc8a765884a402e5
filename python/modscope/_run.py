"""Runs the program and reads what it wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._error import Error, Lost
from ._result import Result


def binary() -> str:
    """The program that came with this package, or the first on the path."""
    name = "modscope.exe" if os.name == "nt" else "modscope"
    beside = Path(sysconfig.get_path("scripts")) / name
    found = str(beside) if beside.is_file() else shutil.which("modscope")
    if found is None:
        raise Error("the program `modscope` is not installed", remedy="pip install modscope")
    return found


def flags(options: dict[str, Any]) -> list[str]:
    """`threshold="auto", certify=True` → `--threshold auto --certify`."""
    words: list[str] = []
    for key, value in options.items():
        flag = "--" + key.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        elif isinstance(value, (list, tuple)):
            for one in value:
                words.append(f"{flag}={one}")
        else:
            words.append(f"{flag}={value}")
    return words


def _error(text: str) -> Error:
    found: dict[str, list[str]] = {"error": [], "in": [], "try": []}
    current = "error"
    for line in text.splitlines():
        start = line.strip().partition(": ")
        if start[0] in found and start[1]:
            current = start[0]
            found[current].append(start[2])
        elif line.strip():
            found[current].append(line.strip())
    said = {key: " ".join(lines) or None for key, lines in found.items()}
    return Error(said["error"] or "the program ended without a word", said["in"], said["try"])


def call(words: Sequence[str], verbose: bool = False) -> int:
    """Runs a command to its end; its exit code, 0 or 1.

    The interpreter waits without holding its lock. Ctrl-C reaches the program too,
    which leaves nothing half made, and is `KeyboardInterrupt` here.

    Raises:
        Error: what the program says is wrong.
        Lost: a signal ended it, as the system does where memory runs out.
    """
    process = subprocess.Popen(
        [binary(), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    lines: list[str] = []
    assert process.stderr is not None
    try:
        for line in process.stderr:
            lines.append(line)
            if verbose:
                sys.stderr.write(line)
        process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if process.returncode == 130:
        raise KeyboardInterrupt
    if process.returncode < 0:
        said = f"the program was ended by signal {-process.returncode}"
        raise Lost(said, remedy="signal 9 may be a lack of memory: fewer at a time need less")
    if process.returncode not in (0, 1):
        raise _error("".join(lines))
    if process.returncode == 1 and any(line.startswith("error: ") for line in lines):
        raise _error("".join(lines))
    return process.returncode


def run(
    command: str,
    files: Sequence[str],
    options: dict[str, Any],
    out: str | os.PathLike[str] | None,
    inputs: tempfile.TemporaryDirectory[str] | None,
    verbose: bool,
) -> Result:
    """A command that writes a folder, and its result."""
    kept = None
    if out is None:
        kept = tempfile.TemporaryDirectory(prefix="modscope-")
        folder = Path(kept.name) / "result"
    else:
        folder = Path(out)
    words = [command, *files, *flags(options), f"--out={folder}"]
    words.append("--verbose" if verbose else "--quiet")
    code = call(words, verbose)
    return Result(command, folder, code, kept, inputs)
