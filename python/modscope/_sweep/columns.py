"""The columns of a sweep's rows: flat, typed, each read from one place of a result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Column:
    """A name, the type of its values (any may be missing), and where they come from."""

    name: str
    kind: type
    #: Keys on the way to the value in a result's JSON, or what works it out.
    source: str | Callable[[Mapping[str, Any]], Any] = ""


def _failed(fields: Mapping[str, Any]) -> list[str]:
    """What the sentences that fail are about."""
    return [said["subject"] for said in fields.get("summary", []) if said["status"] == "fails"]


def _seconds(fields: Mapping[str, Any]) -> Any:
    """The program's own time, which stays the same when a result is read again."""
    whole = _at(fields, "costs/seconds/total")
    return fields.get("seconds") if whole is None else whole


def _circuits(fields: Mapping[str, Any]) -> Any:
    return len(fields["circuits"]) if fields.get("circuits") else None


def _established(fields: Mapping[str, Any]) -> Any:
    found = fields.get("circuits")
    return sum(bool(one.get("established")) for one in found) if found else None


#: What every row begins with; a training's point stands after the first.
ABOUT = (Column("checkpoint", str), Column("folder", str), Column("error", str))

#: What is read from the result: `null` where the command does not say it.
FIGURES = (
    Column("seconds", float, _seconds),
    Column("holds", bool, lambda fields: not _failed(fields)),
    Column("failed", str, lambda fields: ", ".join(_failed(fields)) or None),
    Column("sha256", str, "checkpoint/sha256"),
    Column("task", str, "checkpoint/task"),
    Column("regime", str, "checkpoint/regime"),
    Column("training_seed", int, "checkpoint/training_seed"),
    Column("parameters", int, "checkpoint/parameters"),
    Column("samples", int, "data/samples"),
    Column("metric", str, "task/metric"),
    Column("metric_value", float, "task/value"),
    Column("metric_baseline", float, "task/baseline"),
    Column("does_task", bool, "task/does_task"),
    Column("parity", bool, "parity/holds"),
    Column("parity_difference", float, "parity/max_abs_difference"),
    Column("threshold", float, "prune/threshold"),
    Column("edges_total", int, "prune/edges_total"),
    Column("edges_kept", int, "prune/edges_kept"),
    Column("sparsity", float, "prune/sparsity"),
    Column("max_abs_change", float, "prune/max_abs_change"),
    Column("verified", bool, "prune/verified"),
    Column("loss_before", float, "prune/loss_before"),
    Column("loss_after", float, "prune/loss_after"),
    Column("modules", int, "modules/count"),
    Column("modularity", float, "modules/modularity"),
    Column("modularity_p", float, "modules/null/p"),
    Column("circuits", int, _circuits),
    Column("circuits_established", int, _established),
    Column("peak_memory_bytes", int, "costs/peak_memory_bytes"),
)


def of_point(told: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """A column `train_NAME` for every key of a training grid, typed by all its values."""
    keys = told[0] if told else {}
    return tuple(Column(key, _kind([point[key] for point in told])) for key in keys)


def figures(fields: Mapping[str, Any]) -> dict[str, Value]:
    """What a result says under the names of the columns."""
    return {column.name: _value(column, fields) for column in FIGURES}


def row(columns: Sequence[Column], known: Mapping[str, Any]) -> dict[str, Value]:
    """All columns in their order, `None` in those of which nothing is known."""
    return {
        column.name: None if known.get(column.name) is None else column.kind(known[column.name])
        for column in columns
    }


def _value(column: Column, fields: Mapping[str, Any]) -> Value:
    source = column.source
    found = _at(fields, source) if isinstance(source, str) else source(fields)
    return None if found is None else column.kind(found)


def _at(fields: Any, path: str) -> Any:
    for key in path.split("/"):
        fields = fields.get(key) if isinstance(fields, Mapping) else None
    return fields


def _kind(values: Sequence[Any]) -> type:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) == 1 and kinds <= {bool, int, float}:
        return kinds.pop()
    return float if kinds and kinds <= {int, float} else str
