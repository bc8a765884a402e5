"""A network in memory, run with edits as often as one likes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import _core, _files

Values = float | Sequence[float] | np.ndarray
_Edit = tuple[str, list[str], str, list[float], list[int] | None]


@dataclass(frozen=True)
class Run:
    """What a run shows."""

    #: `[readings, outputs]`: a reading is a sample, or a position at which its answer is read.
    outputs: np.ndarray
    #: What each site in `read` writes, `[rows, values]`: a row is a sample, or a position of one.
    values: dict[str, np.ndarray] = field(default_factory=dict)


class Network:
    """A network with its samples, opened once and held in memory.

        network = modscope.Network(model, (inputs, labels))
        network.run().outputs                                  # as it is
        network.run(ablate=["h1.3"], read=["h2.0"]).values     # with an edit
        network.run(set={"a0.h1@3": 0.0}, ablate=["a0.h2->a1.h0<q>"], fill="mean")

    Args:
        model: a path, a dict of arrays (a `state_dict`), a `torch.nn.Module`, a
            `HookedTransformer` or a model of `transformers`. Arrays are read where they lie:
            none is copied, and none may be changed while the network lives.
        data: a path, `(inputs [n, …], labels [n])`, a dict of arrays, or a dataframe.
        config: what `config.json` beside the weights would say; see `modscope.audit`.
        seed: of the fill `resample`.

    Raises:
        Error: what is wrong with the network or the data, with its remedy.
    """

    def __init__(
        self, model: Any, data: Any, *, config: Mapping[str, Any] | None = None, seed: int = 0
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="modscope-") as folder:
            samples = _files.data_path(data, model, Path(folder))
            if samples is None:
                raise TypeError("a network runs on samples: give `data`")
            if isinstance(model, (str, os.PathLike)):
                if config is not None:
                    raise TypeError("`config` goes with a model in memory")
                self._core = _core.Network.open(Path(model), samples, seed)
                return
            tensors, said = _files.described(model, config, data)
            arrays = []
            for name, value in tensors.items():
                array, dtype = _files.array_of(value)
                # Contiguous, so that where it begins says where all of it is.
                start = array.__array_interface__["data"][0]
                arrays.append((name, dtype, list(array.shape), array, start))
            text = json.dumps(said, default=str) if said else None
            self._core = _core.Network.from_arrays(arrays, text, samples, seed)

    @property
    def sites(self) -> list[str]:
        """The names of all sites, in order."""
        return list(self._core.sites())

    def run(
        self,
        *,
        set: Mapping[str, Values] | None = None,
        add: Mapping[str, Values] | None = None,
        scale: Mapping[str, float] | None = None,
        patch: Mapping[str, int] | None = None,
        ablate: str | Iterable[str] | Mapping[str, str] = (),
        weights: Mapping[str, float] | None = None,
        fill: str = "zero",
        positions: Sequence[int] | None = None,
        read: Sequence[str] = (),
    ) -> Run:
        """Runs all samples, all edits at once.

        What is edited is what a site writes, by its name; the message of an edge, `"A->B"`; or
        the message of the first edge of a path, `"A->B->C"`, changed along the path alone.

        Args:
            set: what stands there instead: one number, or one for each of its values.
            add: what is added.
            scale: by what it is multiplied.
            patch: the sample whose value stands there, in every sample.
            ablate: what gets the fill, or each with a fill of its own.
            weights: single weights, `"A->B"`, and their values.
            fill: `zero`, `mean`, `corrupted` or `resample`.
            positions: where in a transformer's samples edits are made whose names do not end
                in `@3` or `@0-2,5`.
            read: sites whose values are wanted.

        Raises:
            Error: a name or a value that is none of the network's, with its nearest.
        """
        everywhere = None if positions is None else [int(p) for p in positions]
        edits: list[_Edit] = []

        def push(at: str, change: str, values: Values | None = None, of: str | None = None) -> None:
            name, own = _placed(at)
            numbers = [] if values is None else np.ravel(np.asarray(values, dtype=float)).tolist()
            names = [site.strip() for site in name.split("->")]
            kind = of or ("site", "edge", "path")[min(len(names), 3) - 1]
            edits.append((kind, names, change, numbers, everywhere if own is None else own))

        for change, given in (("set", set), ("add", add), ("scale", scale), ("patch", patch)):
            for at, value in (given or {}).items():
                push(at, change, value)
        if isinstance(ablate, Mapping):
            fills = dict(ablate)
        else:
            fills = dict.fromkeys([ablate] if isinstance(ablate, str) else ablate, fill)
        for at, own in fills.items():
            push(at, own)
        for at, weight in (weights or {}).items():
            push(at, "set", weight, of="weight")
        wanted = list(read)
        outputs, values = self._core.run(edits, wanted)
        return Run(_array(outputs), dict(zip(wanted, map(_array, values), strict=True)))


def _array(numbers: tuple[bytes, int, int]) -> np.ndarray:
    data, rows, columns = numbers
    return np.frombuffer(data, np.float64).reshape(rows, columns).copy()


def _placed(text: str) -> tuple[str, list[int] | None]:
    """A site and the positions behind its `@`: `3`, `0-2`, `1,4-6`."""
    name, at, listed = text.partition("@")
    if not at:
        return text, None
    places: list[int] = []
    for part in listed.split(","):
        low, _, high = part.partition("-")
        places.extend(range(int(low), int(high or low) + 1))
    return name, sorted({*places})
