"""What a command found."""

from __future__ import annotations

import base64
import csv
import gzip
import html
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def _typed(value: Any) -> Any:
    """Dicts as objects with attributes, lists as lists of them."""
    if isinstance(value, dict):
        return Part({key: _typed(one) for key, one in value.items()})
    if isinstance(value, list):
        return Rows(_typed(one) for one in value)
    return value


class Part(SimpleNamespace):
    """A part of a result: its fields are attributes, by the names of the schema."""

    def __init__(self, fields: dict[str, Any]) -> None:
        super().__init__(**fields)

    def __getitem__(self, key: str) -> Any:
        return self.__dict__[key]

    def __iter__(self) -> Any:
        return iter(self.__dict__)

    def keys(self) -> Any:
        return self.__dict__.keys()

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {key: _plain(value) for key, value in self.__dict__.items()}


class Rows(list):  # type: ignore[type-arg]
    """A list of a result; `to_pandas()` and `to_polars()` make a table of it."""

    def _records(self) -> list[dict[str, Any]]:
        return [one.to_dict() if isinstance(one, Part) else {"value": one} for one in self]

    def to_pandas(self) -> Any:
        """A dataframe, one row for each."""
        import pandas

        return pandas.DataFrame(self._records())

    def to_polars(self) -> Any:
        """A dataframe of polars, one row for each; nested fields as JSON."""
        import polars

        def flat(record: dict[str, Any]) -> dict[str, Any]:
            nested = (dict, list)
            return {k: json.dumps(v) if isinstance(v, nested) else v for k, v in record.items()}

        return polars.DataFrame([flat(record) for record in self._records()])


def _edge(line: str) -> dict[str, Any]:
    """An edge of a packed list: of a circuit, or of its resamples."""
    writer, reader, *numbers = line.split(",")
    value, *interval = (float(number) for number in numbers)
    named = {"share": value, "interval": interval} if interval else {"effect": value}
    return {"from": writer, "to": reader, **named}


def _unpacked(fields: dict[str, Any]) -> dict[str, Any]:
    """All edges in one list: a file packs those after the first 1,000."""
    packed = fields.pop("further_edges", None)
    if packed is not None:
        lines = gzip.decompress(base64.b64decode(packed)).decode("utf-8").splitlines()
        fields["edges"] = [*fields["edges"], *map(_edge, lines)]
    return fields


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


class Tables(Mapping[str, Any]):
    """The tables of a result by name, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, name: str) -> Any:
        path = self._folder / f"{name}.csv"
        if not path.is_file():
            raise KeyError(name)
        try:
            import pandas

            return pandas.read_csv(path)
        except ImportError:
            with open(path, newline="", encoding="utf-8") as file:
                return list(csv.DictReader(file))

    def __iter__(self) -> Any:
        return iter(sorted(path.stem for path in self._folder.glob("*.csv")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Result:
    """What a command found: fields by the names of its JSON, figures, tables, the page.

    Attributes that are not named here are the fields of the JSON: `result.prune.threshold`,
    `result.circuits[0].faithfulness`, `result.modules.partition`.
    """

    def __init__(
        self,
        command: str,
        folder: Path,
        code: int,
        kept: tempfile.TemporaryDirectory[str] | None,
        inputs: tempfile.TemporaryDirectory[str] | None,
    ) -> None:
        self.command = command
        self.folder = folder
        #: Whether no promise failed (exit code 0).
        self.holds = code == 0
        self._kept, self._inputs = kept, inputs
        text = (folder / f"{command}.json").read_text(encoding="utf-8")
        self._fields: dict[str, Any] = json.loads(text, object_hook=_unpacked)

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("_fields", {})
        if name in fields:
            return _typed(fields[name])
        raise AttributeError(f"a result of `{self.command}` has no field `{name}`")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields})

    def to_dict(self) -> dict[str, Any]:
        """The whole result as it stands in its JSON, `edges` of circuits with `further_edges`."""
        return self._fields

    @property
    def figures(self) -> dict[str, str]:
        """The figures by name, as SVG."""
        paths = sorted((self.folder / "figures").glob("*.svg"))
        return {path.stem: path.read_text(encoding="utf-8") for path in paths}

    @property
    def tables(self) -> Tables:
        """The tables by name: dataframes where pandas is installed, else lists of dicts."""
        return Tables(self.folder / "tables")

    @property
    def page(self) -> str:
        """The report, one page of HTML that needs no network."""
        return (self.folder / "index.html").read_text(encoding="utf-8")

    def to_eap_ig(self) -> Any:
        """The circuit as a graph of the EAP-IG library; see `modscope.to_eap_ig`."""
        from ._eap_ig import to_eap_ig

        return to_eap_ig(self)

    def save(self, folder: str | Path) -> Path:
        """Copies the whole result into a folder that is not there yet."""
        return Path(shutil.copytree(self.folder, folder))

    def __repr__(self) -> str:
        lines = [f"modscope {self.command}"]
        for sentence in self._fields.get("summary", []):
            lines.append(f"{sentence['status']:>9}  {sentence['sentence']}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        page = html.escape(self.page, quote=True)
        style = "width:100%;height:44rem;border:1px solid #ccc"
        sandbox = "allow-scripts allow-downloads"
        return f'<iframe srcdoc="{page}" style="{style}" sandbox="{sandbox}"></iframe>'
