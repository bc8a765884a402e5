"""The build of the wheel: maturin's, with the program built first and put among its scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import maturin
from maturin import *  # noqa: F403 - the hooks that need nothing besides

HERE = Path(__file__).resolve().parent.parent

# The folder of `data` in pyproject.toml, which maturin wants to see in every step.
SCRIPTS = HERE / "modscope.data" / "scripts"
SCRIPTS.mkdir(parents=True, exist_ok=True)


def _without_missing_targets() -> None:
    """Takes tests and benches, of which a source distribution has no files, out of its manifest."""
    manifest = HERE / "Cargo.toml"
    tables = re.split(r"(?m)^(?=\[)", manifest.read_text(encoding="utf-8"))
    folders = {"bench": "benches", "test": "tests"}
    missing = [kind for kind, folder in folders.items() if not (HERE / folder).is_dir()]
    heads = tuple(f"[[{kind}]]" for kind in missing)
    kept = [table for table in tables if not table.startswith(heads)]
    if len(kept) < len(tables):
        manifest.write_text("".join(kept), encoding="utf-8")


_without_missing_targets()


def _cargo(*words: str) -> str:
    run = ["cargo", *words]
    return subprocess.run(run, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout


def _with_program() -> None:
    """Builds the program where the wheel takes it from.

    In one step with the module, so that what both are made of is compiled once.
    """
    both = ["--package=modscope", "--bin=modscope", "--package=modscope-python", "--lib"]
    _cargo("build", "--release", "--locked", *both)
    target = json.loads(_cargo("metadata", "--format-version", "1", "--no-deps"))
    name = "modscope.exe" if os.name == "nt" else "modscope"
    shutil.copy2(Path(target["target_directory"]) / "release" / name, SCRIPTS / name)


def build_wheel(*args: Any, **options: Any) -> str:
    _with_program()
    return maturin.build_wheel(*args, **options)


def build_editable(*args: Any, **options: Any) -> str:
    _with_program()
    return maturin.build_editable(*args, **options)
