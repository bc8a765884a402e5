"""The passes of benches/gpt2_small.rs in PyTorch, two threads.

python3 benches/gpt2_small.py     (needs torch)
"""

import statistics
import time

import torch
import torch.nn.functional as F

BLOCKS, HEADS, D, TOKENS, SAMPLES, LENGTH = 12, 12, 768, 5000, 16, 16

torch.set_num_threads(2)
torch.manual_seed(1)


def random(rows, columns):
    return torch.randn(rows, columns) / rows**0.5


blocks = [
    {
        "qkv": random(D, 3 * D), "out": random(D, D),
        "up": random(D, 4 * D), "down": random(4 * D, D),
    }
    for _ in range(BLOCKS)
]
embedding, positions = random(TOKENS, D), random(LENGTH, D)
ones, zeros = torch.ones(D), torch.zeros(D)


def norm(x):
    return F.layer_norm(x, (D,), ones, zeros, 1e-5)


def forward(tokens):
    start = (embedding[tokens] + positions).requires_grad_()
    x = start
    for block in blocks:
        q, k, v = (norm(x) @ block["qkv"]).split(D, dim=-1)
        heads = [t.view(SAMPLES, LENGTH, HEADS, D // HEADS).transpose(1, 2) for t in (q, k, v)]
        held = F.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + held.transpose(1, 2).reshape(SAMPLES, LENGTH, D) @ block["out"]
        x = x + F.gelu(norm(x) @ block["up"], approximate="tanh") @ block["down"]
    return start, norm(x)[:, -1] @ embedding.T


def timed(name, run):
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    print(f"{name:<25} {statistics.median(seconds):.3f} s")


def both():
    start, logits = forward(tokens)
    torch.autograd.grad(logits.sum(), start)


tokens = torch.randint(TOKENS, (SAMPLES, LENGTH))
with torch.no_grad():
    timed("forward", lambda: forward(tokens))
timed("forward and backward", both)
