"""A recurrent network that tells which of ten numbers is the second largest, trained here.

    pip install torch safetensors
    python3 benches/second_argmax.py runs/second-argmax
    modscope audit runs/second-argmax

One number a step, 16 neurons with ReLU, no biases, a linear layer on the last step: the form of
AlgZoo's networks (https://github.com/alignment-research-center/alg-zoo), whose weights are not used.
`--steps N` trains longer, `--hidden H` and `--length T` are of other sizes.
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--length", type=int, default=10)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    rnn = nn.RNN(1, asked.hidden, nonlinearity="relu", bias=False, batch_first=True)
    linear = nn.Linear(asked.hidden, asked.length, bias=False)
    weights = [*rnn.parameters(), *linear.parameters()]
    optimizer = torch.optim.Adam(weights, lr=0.003)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, asked.steps)

    def drawn(count):
        inputs = torch.randn(count, asked.length)
        return inputs, inputs.argsort(-1)[:, -2]

    def outputs(inputs):
        return linear(rnn(inputs[..., None])[0][:, -1])

    for _ in range(asked.steps):
        inputs, labels = drawn(2048)
        loss = nn.functional.cross_entropy(outputs(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        inputs, labels = drawn(100_000)
        right = (outputs(inputs).argmax(-1) == labels).float().mean().item()
        print(f"right on 100,000 new samples: {right:.4f}")
        inputs, labels = drawn(2000)
        labels = labels.contiguous()
        data = {"inputs": inputs, "labels": labels, "outputs": outputs(inputs).contiguous()}
    asked.out.mkdir(parents=True, exist_ok=True)
    names = {"rnn": rnn, "linear": linear}
    state = {f"{of}.{name}": x for of, part in names.items() for name, x in part.state_dict().items()}
    save_file(state, asked.out / "model.safetensors")
    save_file(data, asked.out / "data.safetensors")
    config = {"architecture": "rnn", "nonlinearity": "relu", "hidden_size": asked.hidden,
              "sequence": asked.length, "readout": "last step", "rnn": "rnn", "linear": "linear"}
    (asked.out / "config.json").write_text(json.dumps(config, indent=1))


if __name__ == "__main__":
    main()
