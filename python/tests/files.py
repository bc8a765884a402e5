"""Files that tests read for themselves."""

from __future__ import annotations

import json

import numpy as np

TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def read_safetensors(path):
    """The arrays of a file, by name."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    header.pop("__metadata__", None)

    def array(about):
        start, end = about["data_offsets"]
        return np.frombuffer(body[start:end], TYPES[about["dtype"]]).reshape(about["shape"])

    return {name: array(about) for name, about in header.items()}
