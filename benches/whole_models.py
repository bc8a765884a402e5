"""Whole models of the sizes that people open, random, made on the spot by transformers:
opened and compared with PyTorch, with seconds and peak memory of both.

    pip install torch transformers safetensors numpy
    cargo build --release --locked --example passes
    cargo build --release --locked
    python3 benches/whole_models.py                     # 124 M as GPT-2, 0.5 B as Qwen2
    python3 benches/whole_models.py llama-1b --threads 2 --keep models/

For each model one line: parity (largest difference, and what it is of the outputs' scale),
seconds and peak memory of the command `prune --threshold 0` (a forward pass, which is held to
PyTorch's outputs) and of `circuit --method eap --no-judge` (forwards and a backward pass),
each with the opening of the file; then one forward pass, and one with its backward pass,
without that, here and by PyTorch, whose backward pass is to the embeddings (the weights ask for
no gradient), with the logits of all positions, as it is called, and of the last alone, as here.
Exit code 1 where parity does not hold.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import transformers as T
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent.parent
SAMPLES, LENGTH = 4, 16
MIB = 2**20


def gpt2():
    return T.GPT2LMHeadModel(T.GPT2Config())


def qwen2():
    sizes = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24}
    heads = {"num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True}
    return T.Qwen2ForCausalLM(T.Qwen2Config(**sizes, **heads, vocab_size=151936))


def llama():
    sizes = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16}
    heads = {"num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True}
    return T.LlamaForCausalLM(T.LlamaConfig(**sizes, **heads, vocab_size=128256))


MODELS = {"gpt2-124m": gpt2, "qwen2-0.5b": qwen2, "llama-1b": llama}


def timed(run, times=5):
    seconds = []
    run()
    for _ in range(times):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def make(name, folder):
    """Writes a model with its outputs; PyTorch's seconds for forward, and forward and backward, with
    logits at every position, and at the last alone."""
    torch.manual_seed(1)
    network = MODELS[name]().eval()
    for values in network.parameters():
        # Norms as they are; the others so wide that every block matters.
        if values.dim() > 1:
            values.data.normal_(0, values.shape[-1] ** -0.5)
    network.tie_weights()
    network.requires_grad_(False)
    network.save_pretrained(folder)
    vocabulary = network.config.vocab_size
    tokens = torch.randint(3, vocabulary, (SAMPLES, LENGTH))
    corrupted = tokens.clone()
    corrupted[:, 2] = 3 + (corrupted[:, 2] + 7) % (vocabulary - 3)

    def forward(**only):
        with torch.no_grad():
            return network(tokens, **only).logits[:, -1]

    def both(**only):
        embedded = network.get_input_embeddings()(tokens).detach().requires_grad_()
        logits = network(inputs_embeds=embedded, **only).logits[:, -1]
        torch.autograd.grad(logits.sum(), embedded)

    outputs = forward()
    best = outputs.argsort(-1)
    arrays = {"tokens": tokens, "corrupted_tokens": corrupted, "outputs": outputs.contiguous()}
    arrays |= {"answers": best[:, -1].contiguous(), "foils": best[:, -2].contiguous()}
    save_file(arrays, folder / "data.safetensors")
    count = sum(values.numel() for values in network.parameters())
    last = {"logits_to_keep": 1}
    passes = [forward, both, lambda: forward(**last), lambda: both(**last)]
    return count, [timed(one) for one in passes]


def command(arguments, threads):
    """The result of a command, its seconds, and the most memory that it says it took: what the
    system says of a child counts this program's own memory before the command began."""
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        status = subprocess.run(arguments, stdout=out, env=environment, check=False).returncode
        seconds = time.perf_counter() - started
        out.seek(0)
        text = out.read()
    if status == 2:
        sys.exit(f"{' '.join(map(str, arguments))}: refused")
    result = json.loads(text)
    return result, seconds, result["costs"]["peak_memory_bytes"]


def passes(folder, tool, threads):
    """The passes alone, by `examples/passes.rs`; none where it is not built."""
    example = tool.parent / "examples/passes"
    if not example.exists():
        return []
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    return subprocess.check_output([example, folder], env=environment, text=True).splitlines()


def judged(name, folder, tool, threads):
    count, seconds_of_torch = make(name, folder)
    data = folder / "data.safetensors"
    common = ["--json", "--quiet", "--data", data, folder]
    pruned, seconds, peak = command([tool, "prune", "--threshold", "0", *common], threads)
    parity = pruned["parity"]
    print(f"{name}: {count / 1e6:.0f} M parameters, {SAMPLES} sequences of {LENGTH}")
    print(f"  parity                    {json.dumps(parity)}")
    print(f"  prune --threshold 0       {seconds:8.2f} s  {peak / MIB:8.0f} MiB at most")
    eap = ["--method", "eap", "--no-judge", "--metric", "logit-diff", "--fill", "corrupted"]
    _, seconds, peak = command([tool, "circuit", *eap, *common], threads)
    print(f"  circuit --method eap      {seconds:8.2f} s  {peak / MIB:8.0f} MiB at most")
    weights = sum(f.stat().st_size for f in folder.glob("*.safetensors")) - data.stat().st_size
    print(f"  weights in the file       {'':8}    {weights / MIB:8.0f} MiB")
    for line in passes(folder, tool, threads):
        print(f"  {line} s")
    kinds = ["forward", "and backward", "forward, last logits", "and backward, last logits"]
    for kind, passed in zip(kinds, seconds_of_torch):
        print(f"  PyTorch, {kind:26}{passed:.3f} s")
    return all(line.get("status") != "fails" for line in pruned["summary"][:2])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", choices=[*MODELS, []], default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tool", type=pathlib.Path, default=HERE / "target/release/modscope")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder that the models stay in")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    holds = True
    for name in asked.models or ["gpt2-124m", "qwen2-0.5b"]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (asked.keep or pathlib.Path(temporary)) / name
            folder.mkdir(parents=True, exist_ok=True)
            holds &= judged(name, folder, asked.tool, asked.threads)
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
