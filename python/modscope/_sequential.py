"""A `torch.nn.Sequential` as the list of layers that `config.json` may have."""

from __future__ import annotations

from typing import Any

_PLAIN = {
    "ReLU": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "SiLU": "silu",
    "Softsign": "softsign",
    "Mish": "mish",
    "Hardswish": "hardswish",
    "Hardtanh": "hardtanh",
    "Identity": "identity",
    "Flatten": "flatten",
}


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _layer(name: str, module: Any) -> dict[str, Any] | None:
    kind = type(module).__name__
    if kind in _PLAIN:
        return {"op": _PLAIN[kind]}
    if kind == "Linear":
        return {"op": "linear", "name": name, "bias": module.bias is not None}
    if kind == "GELU":
        return {"op": "gelu_tanh" if module.approximate == "tanh" else "gelu"}
    if kind == "LeakyReLU":
        return {"op": "leaky_relu", "negative_slope": module.negative_slope}
    if kind == "ELU":
        return {"op": "elu", "alpha": module.alpha}
    if kind == "Softplus" and module.beta == 1:
        return {"op": "softplus"}
    if kind == "PReLU":
        return {"op": "prelu", "name": name}
    if kind.startswith("Dropout"):
        return {"op": "dropout", "p": module.p}
    if kind in ("BatchNorm1d", "BatchNorm2d") and module.track_running_stats:
        return {"op": "batch_norm", "name": name, "eps": module.eps}
    if kind == "LayerNorm" and module.elementwise_affine:
        return {"op": "layer_norm", "name": name, "eps": module.eps}
    if kind in ("Softmax", "LogSoftmax") and module.dim in (1, -1):
        return {"op": "softmax" if kind == "Softmax" else "log_softmax"}
    if kind == "Conv2d" and module.padding_mode == "zeros" and not isinstance(module.padding, str):
        return {
            "op": "conv2d",
            "name": name,
            "stride": _pair(module.stride),
            "padding": _pair(module.padding),
            "dilation": _pair(module.dilation),
            "groups": module.groups,
        }
    if kind == "MaxPool2d" and not module.ceil_mode and not module.return_indices:
        return {
            "op": "max_pool2d",
            "kernel": _pair(module.kernel_size),
            "stride": _pair(module.stride),
            "padding": _pair(module.padding),
            "dilation": _pair(module.dilation),
        }
    if kind == "AvgPool2d" and not module.ceil_mode and _pair(module.padding) == [0, 0]:
        return {
            "op": "avg_pool2d",
            "kernel": _pair(module.kernel_size),
            "stride": _pair(module.stride),
        }
    if kind == "AdaptiveAvgPool2d" and module.output_size in (1, (1, 1)):
        return {"op": "global_avg_pool"}
    return None


def layers(model: Any, prefix: str = "") -> list[dict[str, Any]] | None:
    """The layers of a Sequential, of one inside of another too; `None` of anything else.

    A module that this list has no word for is no layer that is left out: the whole
    list is not made, and the program says what it misses.
    """
    if type(model).__name__ != "Sequential":
        return None
    found: list[dict[str, Any]] = []
    for name, module in model.named_children():
        full = f"{prefix}{name}"
        inner = layers(module, f"{full}.")
        if inner is not None:
            found.extend(inner)
            continue
        layer = _layer(full, module)
        if layer is None:
            return None
        found.append(layer)
    return found
