"""Times `modscope train` beside a PyTorch loop of the same recipe, in one run.

    python3 benches/training.py target/release/modscope

Both train in turn, several rounds, on as many threads; the regime is `local` (no
swaps), so that only steps are compared: forward, backward, cost, AdamW. Times of
modscope are its own `wall_seconds`, those of PyTorch its loop's; neither counts
the start of the process. The load of the machine is printed with the ratios.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch

TASKS = {
    # Widths, tokens, number type, step size, cost: reduction, l0, weight factor, λ.
    "independence": ([4, 20, 20, 2], None, torch.float32, 0.002, ("sum", 0.1, 1.0, 0.001)),
    "modular_addition": ([64, 50, 50, 59], 59, torch.float64, 0.001, ("mean", 0.5, 2.0, 0.1)),
}


def samples(tokens, dtype):
    """As many as the task has, of the same kind."""
    if tokens is None:
        x = torch.rand(100, 4, dtype=dtype) * 2 - 1
        y = torch.stack([(x[:, 0] + x[:, 2]) ** 3, x[:, 1] ** 2 + torch.sin(torch.pi * x[:, 3])], 1)
        return x, y
    pairs = torch.cartesian_prod(torch.arange(tokens), torch.arange(tokens))
    pairs = pairs[torch.randperm(len(pairs))[: len(pairs) * 4 // 5]]
    return pairs, pairs.sum(1) % tokens


def torch_seconds(task, steps):
    """Seconds of `steps` updates of the recipe in PyTorch."""
    widths, tokens, dtype, rate, (reduction, l0, factor, lamb) = TASKS[task]
    torch.manual_seed(0)
    x, y = samples(tokens, dtype)
    layers = [torch.nn.Linear(a, b, dtype=dtype) for a, b in zip(widths, widths[1:])]
    parameters = [p for layer in layers for p in layer.parameters()]
    embedding = None
    if tokens:
        embedding = torch.nn.Parameter(torch.randn(tokens, widths[0] // 2, dtype=dtype))
        parameters.append(embedding)
    place = lambda n: (torch.arange(n, dtype=dtype) + 0.5) / n
    at = [place(n) for n in widths]
    if tokens:
        at[0] = place(widths[0] // 2).repeat(2)
    lengths = [factor * (b[:, None] - a[None, :]).abs() + l0 for a, b in zip(at, at[1:])]
    reduce = torch.sum if reduction == "sum" else torch.mean
    biases = reduction == "mean"  # formulas charge biases only late in training
    measure = torch.nn.functional.cross_entropy if tokens else torch.nn.functional.mse_loss
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)

    def step():
        optimizer.zero_grad()
        h = embedding[x].reshape(len(x), -1) if tokens else x
        for layer in layers[:-1]:
            h = torch.nn.functional.silu(layer(h))
        loss = measure(layers[-1](h), y)
        cost = sum(reduce(layer.weight.abs() * d) for layer, d in zip(layers, lengths))
        if biases:
            cost = cost + sum(reduce(layer.bias.abs() * l0) for layer in layers)
        if tokens:
            cost = cost + reduce(embedding.abs() * l0)
        (loss + lamb * cost).backward()
        optimizer.step()

    for _ in range(5):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return time.perf_counter() - start


def modscope_seconds(binary, task, steps, threads):
    """Seconds of as many updates by modscope, as its config.json has them."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        line = [binary, "train", task, "--regime", "local", "--steps", str(steps)]
        line += ["--log-every", str(steps), "--threads", str(threads), "--quiet", "--out", out]
        line += ["--bias-from", str(10**9)] if task == "independence" else []
        subprocess.run(line, check=True)
        with open(os.path.join(out, "config.json")) as file:
            return json.load(file)["wall_seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, nargs=2, default=[10000, 100], help="formulas, modular addition")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"torch {torch.__version__}, {given.threads} thread(s), {os.cpu_count()} cores")
    for task, steps in zip(TASKS, given.steps):
        ours, theirs, loads = [], [], []
        for _ in range(given.rounds):
            loads.append(os.getloadavg()[0])
            ours.append(modscope_seconds(given.binary, task, steps, given.threads) / steps * 1e3)
            theirs.append(torch_seconds(task, steps) / steps * 1e3)
        ratios = sorted(b / max(a, 1e-9) for a, b in zip(ours, theirs))
        middle = statistics.median
        print(
            f"{task}: modscope {middle(ours):.3f} ms/step (least {min(ours):.3f}), "
            f"PyTorch {middle(theirs):.3f} (least {min(theirs):.3f}); "
            f"{middle(ratios):.1f} times as fast ({ratios[0]:.1f} to {ratios[-1]:.1f}); "
            f"load {min(loads):.1f} to {max(loads):.1f}"
        )


main()
