"""Files of rows that grow as rows come: lines of JSON, and tables of Arrow or Parquet.

Rows come in any order. A line is there as soon as its row is; a table is in the order given,
so that a row waits for those before it. Neither knows what a row says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .._run import Error
from .columns import Column

#: Rows of a batch: a group of rows of a Parquet file, a record batch of Arrow's.
BATCH = 256

Row = Mapping[str, Any]


class Lines(AbstractContextManager["Lines"]):
    """A row a line; in the order given once all are there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open(path, "w", encoding="utf-8")
        self._rows: dict[int, Row] = {}

    def add(self, place: int, row: Row) -> None:
        """Writes a row that has come, and brings it to the file at once."""
        self._rows[place] = row
        self._file.write(_line(row))
        self._file.flush()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._file.close()
        if kind is None:
            ordered = "".join(_line(self._rows[place]) for place in sorted(self._rows))
            whole(self._path, ordered)


class Table(AbstractContextManager["Table"]):
    """A Parquet or Arrow file, written batch by batch beside its place and moved there whole."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._path, self._part = path, _part(path)
        arrow = _arrow(path)
        types = {str: "string", int: "int64", float: "float64", bool: "bool"}
        self._arrow = arrow
        self._schema = arrow.schema(
            [(column.name, arrow.type_for_alias(types[column.kind])) for column in columns]
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = _writer(path, self._part, self._schema)
        self._waiting: dict[int, Row] = {}
        self._batch: list[Row] = []
        self._next = 0

    def add(self, place: int, row: Row) -> None:
        """Takes a row; writes those whose turn it is when a batch is full."""
        self._waiting[place] = row
        while self._next in self._waiting:
            self._batch.append(self._waiting.pop(self._next))
            self._next += 1
            if len(self._batch) == BATCH:
                self._write()

    def _write(self) -> None:
        batch = self._arrow.RecordBatch.from_pylist(self._batch, schema=self._schema)
        self._writer.write_batch(batch)
        self._batch = []

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None and self._batch:
            self._write()
        self._writer.close()
        if kind is None:
            os.replace(self._part, self._path)
        else:
            self._part.unlink()


def check(path: Path) -> None:
    """Refuses a table that cannot be written, before any work is done."""
    _arrow(path)


def whole(path: Path, text: str) -> None:
    """Writes a file in one step."""
    part = _part(path)
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _line(row: Row) -> str:
    return json.dumps(row) + "\n"


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _arrow(path: Path) -> Any:
    if path.suffix not in (".parquet", ".arrow"):
        raise Error(f"rows are written as .parquet or .arrow, not {path.suffix!r}", str(path))
    try:
        import pyarrow
    except ImportError:
        remedy = "pip install pyarrow; sweep.jsonl has the same rows without it"
        raise Error("tables of rows need pyarrow", str(path), remedy) from None
    return pyarrow


def _writer(path: Path, part: Path, schema: Any) -> Any:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.ParquetWriter(part, schema)
    from pyarrow import ipc

    return ipc.new_file(part, schema)
