"""What is in memory, as the files that the program opens."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}


def array_of(value: Any) -> tuple[np.ndarray, str]:
    """An array without a copy where its numbers lie in order, and its type in the file."""
    if hasattr(value, "detach"):  # a torch tensor, on whatever device
        value = value.detach().cpu().contiguous()
        if str(value.dtype) == "torch.bfloat16":
            import torch

            return value.view(torch.int16).numpy(), "BF16"
        value = value.numpy()
    array = np.asarray(value)
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    name = array.dtype.name
    if name not in _DTYPES:
        if np.issubdtype(array.dtype, np.integer):
            array, name = array.astype(np.int64), "int64"
        else:
            raise TypeError(f"arrays of {array.dtype} are no numbers that can be written")
    return np.ascontiguousarray(array).reshape(array.shape), _DTYPES[name]


def write_safetensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """Writes arrays one after the other; none is copied whole."""
    arrays = {name: array_of(value) for name, value in tensors.items()}
    header: dict[str, Any] = {}
    at = 0
    for name, (array, dtype) in arrays.items():
        header[name] = {
            "dtype": dtype,
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for array, _ in arrays.values():
            if array.nbytes:
                file.write(array.reshape(-1).view(np.uint8).data)


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def model_path(
    model: Any, config: Mapping[str, Any] | None, folder: Path, data: Any = None
) -> Path:
    """The checkpoint of a model: a path as it is; what is in memory written into a folder."""
    if _is_path(model):
        if config is not None:
            raise TypeError("`config` goes with a model in memory; a file has its own beside it")
        return Path(model)
    tensors, said = described(model, config, data)
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder / "model.safetensors", tensors)
    if said:
        (folder / "config.json").write_text(json.dumps(said, default=str))
    return folder


def described(
    model: Any, config: Mapping[str, Any] | None, data: Any
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The tensors of a model in memory by name, and what its `config.json` would say."""
    tensors, found = _described(model)
    said = dict(found if config is None else config)
    shape = _image_shape(data)
    if shape is not None and "layers" in said:
        said.setdefault("input_shape", shape)
    return tensors, said


def _image_shape(data: Any) -> list[int] | None:
    """Channels, rows and columns where the samples are images."""
    if isinstance(data, tuple) and len(data) == 2:
        data = {"inputs": data[0]}
    if not isinstance(data, Mapping):
        return None
    inputs = next((data[name] for name in ("inputs", "x", "X") if name in data), None)
    shape = getattr(inputs, "shape", ())
    return [int(size) for size in shape[1:]] if len(shape) == 4 else None


def _described(model: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Tensors by name, and what of the configuration the model itself says."""
    if isinstance(model, Mapping):
        return model, {}
    if not hasattr(model, "state_dict"):
        raise TypeError(
            "a model is a path, a dict of arrays, or a module with `state_dict()`, "
            f"not {type(model).__name__}"
        )
    tensors = dict(model.state_dict())
    cfg = getattr(model, "cfg", None)
    if cfg is not None and hasattr(cfg, "to_dict"):  # a HookedTransformer
        keep = (bool, int, float, str, list, type(None))
        return tensors, {k: v for k, v in cfg.to_dict().items() if isinstance(v, keep)}
    own = getattr(model, "config", None)
    if own is not None and hasattr(own, "to_dict"):  # a model of transformers
        said = own.to_dict()
        said.setdefault("architectures", [type(model).__name__])
        if said["architectures"] is None:
            said["architectures"] = [type(model).__name__]
        return _untied(model, tensors), said
    from ._sequential import layers

    listed = layers(model)
    if listed is None:
        return tensors, {}
    return tensors, {"layers": listed}


def _untied(model: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Without the second name of weights that two modules share, as files have it."""
    tied = getattr(model, "_tied_weights_keys", None) or []
    names = tied.keys() if isinstance(tied, Mapping) else tied
    shared: dict[int, str] = {}
    for name, tensor in tensors.items():
        if name not in names:
            shared[tensor.data_ptr()] = name
    return {
        name: tensor
        for name, tensor in tensors.items()
        if name not in names or tensor.data_ptr() not in shared
    }


def data_path(data: Any, model: Any, folder: Path) -> Path | None:
    """The file of data: a path as it is; arrays or a dataframe written into a folder."""
    if data is None:
        return None
    if _is_path(data):
        return Path(data)
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(data, "to_csv"):  # pandas
        path = folder / "data.csv"
        data.to_csv(path, index=False)
        return path
    if hasattr(data, "write_csv"):  # polars
        path = folder / "data.csv"
        data.write_csv(path)
        return path
    if isinstance(data, tuple) and len(data) == 2:
        data = {"inputs": data[0], "labels": data[1]}
    if not isinstance(data, Mapping):
        raise TypeError(
            "data are a path, a dict of arrays, (inputs, labels) or a dataframe, "
            f"not {type(data).__name__}"
        )
    arrays = dict(data)
    outputs = _outputs(model, arrays)
    if outputs is not None and not {"outputs", "logits"} & arrays.keys():
        arrays["outputs"] = outputs
    path = folder / "data.safetensors"
    write_safetensors(path, arrays)
    return path


def _outputs(model: Any, arrays: Mapping[str, Any]) -> Any:
    """What the model in memory answers itself: the program must compute the same."""
    if not callable(model) or not hasattr(model, "state_dict"):
        return None
    import torch

    name = next((n for n in ("tokens", "inputs", "x", "X") if n in arrays), None)
    if name is None:
        return None
    given = arrays[name]
    given = given if hasattr(given, "detach") else torch.as_tensor(np.asarray(given))
    first = next(iter(model.parameters()), None)
    was_training = getattr(model, "training", False)
    model.eval()
    try:
        with torch.no_grad():
            if name != "tokens" and first is not None:
                given = given.to(first.dtype)
            answer = model(given if first is None else given.to(first.device))
    finally:
        model.train(was_training)
    answer = getattr(answer, "logits", answer)
    if not hasattr(answer, "dim"):
        return None
    # Of a language model, the logits at the last position.
    return answer[:, -1] if name == "tokens" and answer.dim() == 3 else answer
