"""Writes the notebooks of this folder and runs them once, so that they hold their outputs.

    pip install nbclient nbformat ipykernel ./python torch transformers 'transformer_lens<4'
    pip install --no-deps git+https://github.com/hannamw/EAP-IG
    python3 examples/notebooks/make.py [NAME ...]
"""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient

HERE = pathlib.Path(__file__).resolve().parent

# What a cell of words begins with.
WORDS = "%%words\n"

AUDIT = [
    """%%words
# Audit of a torch model in ten lines

A model in memory, its inputs and labels; the result is what `modscope audit` finds, with the
report as the cell's picture (`result` alone in a cell shows it).""",
    """import modscope, torch

torch.manual_seed(0)
x = torch.rand(400, 4) * 2 - 1
y = (x[:, :2].prod(1) > 0).long()          # the sign of x0 · x1; x2 and x3 count for nothing
model = torch.nn.Sequential(torch.nn.Linear(4, 12), torch.nn.Tanh(), torch.nn.Linear(12, 2))
adam = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-3)
for _ in range(400):
    adam.zero_grad(); torch.nn.functional.cross_entropy(model(x), y).backward(); adam.step()

result = modscope.audit(model, (x, y), seed=0)
result.parity.holds, result.task.value""",
    """%%words
`parity.holds` says that the program computes what the model does. What it found, sentence by sentence:""",
    """print(result)""",
    """%%words
Results are objects, and lists of them dataframes:""",
    """result.circuits.to_pandas()[["output", "method", "edges_kept", "faithfulness"]]""",
    """%%words
By what each input moves the outputs, as the circuits have it:""",
    """import collections
counts = collections.Counter(edge["from"] for circuit in result.circuits for edge in circuit.edges)
{name: counts[name] for name in ("x0", "x1", "x2", "x3")}""",
]

SIDE_BY_SIDE = [
    """%%words
# EAP-IG side by side

The steps that people take today, with the EAP-IG library, beside the same in this program: a
`HookedTransformer`, pairs of prompts, scores of all edges, a circuit, its faithfulness. The
network is the small GPT-2 of `fixtures/gpt2`, of random weights: what is compared are numbers
and steps, not a finding.""",
    """import pathlib, sys, time
import modscope, torch
from safetensors.torch import load_file

root = pathlib.Path("../..").resolve()
sys.path.insert(0, str(root / "benches"))
import eap_ig                                    # the library on a CPU, its metric as a sum

folder = root / "fixtures" / "gpt2"
data = load_file(folder / "data.safetensors")
{name: list(values.shape) for name, values in data.items()}""",
    """%%words
## With the library

The network as a `HookedTransformer` whose heads and inputs have hooks of their own; a graph; scores.""",
    """model = eap_ig.hooked(folder)
graph, seconds = eap_ig.library(model, data, {"method": "EAP-IG-inputs", "ig_steps": 5})
graph.apply_topn(40, absolute=True)
print(f"{seconds:.2f} s;", len(graph.edges), "edges,", graph.count_included_edges(), "kept")""",
    """%%words
## With this program

One command; the file beside it holds every edge's score.""",
    """started = time.perf_counter()
ours = modscope.circuit(folder, data, method="eap-ig-inputs", ig_steps=5, metric="logit-diff",
                        fill="corrupted", top=40, no_judge=True,
                        conventions="published", judge_on="same")
print(f"{time.perf_counter() - started:.2f} s, with opening the file and writing the report")""",
    """%%words
## The same graph

`to_eap_ig()` is a graph of the library, with these scores.""",
    """converted = ours.to_eap_ig()
off = max(abs(float(converted.edges[name].score - edge.score)) for name, edge in graph.edges.items())
largest = max(abs(float(edge.score)) for edge in graph.edges.values())
print(f"largest difference of {len(graph.edges)} scores: {off:.1e}, of {largest:.3g}")""",
    """%%words
And back: the library's circuit, judged here, with its interval and the decisions it keeps.""",
    """path = modscope.from_eap_ig(graph, "from-the-library.json")
judged = modscope.circuit(folder, data, circuit=path, metric="logit-diff", fill="corrupted")
path.unlink()
c = judged.circuits[0]
c.edges_kept, c.faithfulness, c.decision_agreement""",
]

SWEEP = [
    """%%words
# A sweep: does brain-inspired training pay?

Trains a task under two regimes and three seeds, audits every network in processes side by side
(as tasks of a Ray cluster where one is initialised), and compares the regimes. The trainings
are short, to be seen in a minute; `steps` of 20,000 are those of the paper.""",
    """import pathlib, tempfile
import modscope

folder = pathlib.Path(tempfile.mkdtemp())
modscope.train("independence", regimes="bimt,vanilla", seeds="0..3", steps=4000,
               out=folder / "networks")
networks = sorted(path for path in (folder / "networks").iterdir() if path.is_dir())
[network.name for network in networks]""",
    """%%words
## Every network audited

A row for each; a sweep that was interrupted goes on with what is missing.""",
    """rows = modscope.sweep(networks, out=folder / "audits", workers=2)
[(pathlib.Path(row.checkpoint).name, row.error) for row in rows]""",
    """import json
def edges_left(row):
    prune = json.loads((pathlib.Path(row.folder) / "audit.json").read_text())["prune"]
    return prune["edges_kept"], prune["edges_total"]
{pathlib.Path(row.checkpoint).name: edges_left(row) for row in rows}""",
    """%%words
## The regimes compared

One comparison on the same samples; what is shown, and what three seeds cannot show.""",
    """data = networks[0] / "data.safetensors"
compared = modscope.compare(networks, data)
print(compared)""",
    """compared.networks.to_pandas()[["name", "group", "seed"]]""",
]

NOTEBOOKS = {
    "audit-of-a-torch-model": AUDIT,
    "eap-ig-side-by-side": SIDE_BY_SIDE,
    "sweep-over-regimes": SWEEP,
}


def main():
    for name in sys.argv[1:] or NOTEBOOKS:
        notebook = nbformat.v4.new_notebook()
        for text in NOTEBOOKS[name]:
            words = text.removeprefix(WORDS)
            cell = nbformat.v4.new_code_cell if words == text else nbformat.v4.new_markdown_cell
            notebook.cells.append(cell(words))
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number}"
        NotebookClient(notebook, resources={"metadata": {"path": HERE}}).execute()
        notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        for cell in notebook.cells:
            cell.metadata = {}
            outputs = cell.get("outputs", [])
            outputs[:] = [output for output in outputs if output.get("name") != "stderr"]
        nbformat.write(notebook, HERE / f"{name}.ipynb")


if __name__ == "__main__":
    main()
