"""Sweeps: order, going on, errors, files of rows, comparisons, grids; and the same on Ray."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import modscope
import pytest
from modscope import _run
from modscope._sweep import columns, places, plan, rows

REPOSITORY = Path(__file__).parents[2]
FIXTURES = REPOSITORY / "fixtures"
BIMT = FIXTURES / "independence-bimt"
BROKEN = FIXTURES / "zoo" / "trap-html"


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Two regimes, two seeds, hardly trained."""
    folder = tmp_path_factory.mktemp("networks")
    modscope.train(
        "independence", regimes="bimt,vanilla", seeds="0..2", steps=200, threads=1, out=folder
    )
    return sorted(path for path in folder.iterdir() if path.is_dir())


def lines(out):
    return [json.loads(line) for line in (Path(out) / "sweep.jsonl").read_text().splitlines()]


def plain(found, without=("seconds", "peak_memory_bytes", "folder")):
    """Rows as dicts, without what differs from run to run and from folder to folder."""
    return [{k: v for k, v in one.to_dict().items() if k not in without} for one in found]


def numbers(folder):
    """A comparison's bytes without the words of its command and without what was timed."""
    fields = json.loads((Path(folder) / "compare.json").read_text())
    del fields["command"]
    timed = lambda key: "seconds" in key
    for network in fields["networks"]:
        network["values"] = {k: v for k, v in network["values"].items() if not timed(k)}
    fields["measures"] = [m for m in fields["measures"] if not timed(m["info"]["key"])]
    return json.dumps(fields).encode()


def by_program(out, *words):
    """The command that one machine runs."""
    subprocess.run([_run.binary(), *map(str, words), f"--out={out}", "--quiet"], check=True)
    return out


def test_rows_are_flat_typed_and_in_the_order_given(networks, tmp_path):
    given = [networks[3], BROKEN, networks[0], BIMT]
    found = modscope.sweep(given, out=tmp_path / "out", command="modules", null="degree:5")
    assert [row.checkpoint for row in found] == [str(path) for path in given]
    assert lines(tmp_path / "out") == [row.to_dict() for row in found]
    assert [row.error is None for row in found] == [True, False, True, True]
    assert found[1].folder is None and found[1].edges_kept is None
    known = json.loads((tmp_path / "out" / "independence-bimt" / "modules.json").read_text())
    last = found[3]
    assert last.edges_kept == known["prune"]["edges_kept"] == 24
    assert last.modularity == known["modules"]["modularity"]
    assert (last.regime, last.training_seed, last.verified, last.modules) == ("bimt", 1, True, 3)
    kinds = {column.name: column.kind for column in (*columns.ABOUT, *columns.FIGURES)}
    for row in found:
        assert list(row) == list(kinds)
        assert all(row[key] is None or type(row[key]) is kinds[key] for key in kinds)


def test_every_column_is_documented():
    text = (REPOSITORY / "docs" / "cluster.md").read_text()
    for column in (*columns.ABOUT, *columns.FIGURES):
        assert f"`{column.name}`" in text, column.name


def test_a_row_is_in_the_file_as_soon_as_it_is_there(tmp_path):
    path = tmp_path / "sweep.jsonl"
    with rows.Lines(path) as file:
        for n, place in enumerate([2, 0, 1]):
            file.add(place, {"row": place})
            assert len(path.read_text().splitlines()) == n + 1
        assert [json.loads(line)["row"] for line in path.read_text().splitlines()] == [2, 0, 1]
    assert path.read_text() == '{"row": 0}\n{"row": 1}\n{"row": 2}\n'
    assert os.listdir(tmp_path) == ["sweep.jsonl"]


def test_what_is_there_is_not_computed_again_and_what_changed_is(networks, tmp_path):
    first, second = tmp_path / "a" / "model.safetensors", tmp_path / "b" / "model.safetensors"
    for file, network in ((first, networks[0]), (second, networks[1])):
        file.parent.mkdir()
        for name in ("model.safetensors", "config.json", "data.safetensors"):
            (file.parent / name).write_bytes((network / name).read_bytes())
    run = lambda *given: modscope.sweep(given, out=tmp_path / "out", command="prune", threshold=0.1)
    before = run(first, second)
    assert [Path(row.folder).name for row in before] == ["a", "b"]
    made = [Path(row.folder, "prune.json").stat().st_mtime_ns for row in before]
    # A result that is lost, and another order: the names stay with the networks.
    second.write_bytes((networks[2] / "model.safetensors").read_bytes())
    again = run(second, first)
    assert again[1].to_dict() == before[0].to_dict()
    assert Path(again[1].folder, "prune.json").stat().st_mtime_ns == made[0]
    assert again[0].sha256 != before[1].sha256 and again[0].folder == before[1].folder
    # The same bytes written anew are no other network.
    first.write_bytes(first.read_bytes())
    assert run(first)[0].to_dict() == before[0].to_dict()
    with pytest.raises(modscope.Error, match="other flags.*threshold=0.1"):
        modscope.sweep([first], out=tmp_path / "out", command="prune", threshold=0.2)


def test_names_are_those_of_the_program_and_stay(tmp_path):
    for folder in ("a/net", "b/net", "compare"):
        (tmp_path / folder).mkdir(parents=True)
    given = [tmp_path / "a/net", tmp_path / "b/net", tmp_path / "compare", "x/parts.onnx"]
    first = plan.of_checkpoints(tmp_path / "out", "audit", {}, given)
    assert [one.name for one in first.networks] == ["net", "net-2", "compare-2", "parts-2"]
    plan.begin(first)
    other = plan.of_checkpoints(tmp_path / "out", "audit", {}, [given[1], "y/net.pt", given[0]])
    assert [one.name for one in other.networks] == ["net-2", "net-3", "net"]


def test_a_comparison_is_that_of_one_machine_on_the_same_networks(networks, tmp_path):
    out = tmp_path / "out"
    found = modscope.sweep(
        [BROKEN, *networks], out=out, command="prune", compare={"control_draws": 1}
    )
    assert [row.error is None for row in found] == [False, True, True, True, True]
    assert len(list((out / "parts").glob("*.part"))) == 4
    data = f"--data={networks[0] / 'data.safetensors'}"
    words = ["compare", *networks, data, "--control-draws=1"]
    alone = by_program(tmp_path / "alone", *words)
    assert numbers(out / "compare") == numbers(alone)
    assert found.comparison.networks[0].name == "independence-bimt-s0"
    # Of the same parts every byte is the same, times and command included.
    command = found.comparison.to_dict()["command"]
    (out / "compare").rename(tmp_path / "before")
    subprocess.run([_run.binary(), *command[1:]], check=True)
    for name in ("compare.json", "tables/measures.csv"):
        before = tmp_path / "before" / name
        assert (out / "compare" / name).read_bytes() == before.read_bytes()


def test_namesakes_are_measured_as_they_are_compared(networks, tmp_path):
    given = []
    for network in networks[:2]:
        copy = tmp_path / network.name / "net"
        copy.mkdir(parents=True)
        for file in network.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        given.append(copy)
    out = tmp_path / "out"
    modscope.sweep(given, out=out, command=None, compare={"control_draws": 1})
    assert len(list((out / "parts").glob("*.part"))) == 2
    data = f"--data={given[0] / 'data.safetensors'}"
    alone = by_program(tmp_path / "alone", "compare", *given, data, "--control-draws=1")
    assert numbers(out / "compare") == numbers(alone)


def test_a_grid_is_trained_audited_and_compared(tmp_path):
    grid = {"regime": ["bimt", "vanilla"], "hidden": ["8", "8,8"], "seed": range(2), "steps": 50}
    run = lambda **more: modscope.sweep(
        train="independence", grid={**grid, **more}, out=tmp_path, command="prune", threshold=0
    )
    found = run()
    names = [Path(row.checkpoint).name for row in found]
    assert names[:3] == [f"independence-bimt-hidden{end}" for end in ("8-s0", "8-s1", "8_8-s0")]
    assert len(found) == 8 and not any(row.error for row in found)
    assert (found[7].train_regime, found[7].train_hidden) == ("vanilla", "8,8")
    assert (found[7].train_seed, found[7].train_steps, found[7].training_seed) == (1, 50, 1)
    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("networks/*/*")}
    assert plain(run(), ()) == plain(found, ())
    # A longer training of the same name is another network.
    longer = run(steps=60)
    assert Path(longer[0].checkpoint).name == "independence-bimt-hidden8-s0-2"
    assert all(path.stat().st_mtime_ns == made for path, made in trained.items())


def test_a_grid_may_be_trained_alone_and_a_point_may_fail(tmp_path):
    found = modscope.sweep(
        train="independence", grid={"hidden": [6, 0], "steps": 20}, out=tmp_path, command=None
    )
    assert [row.error is None for row in found] == [True, False]
    assert (Path(found[0].checkpoint) / "model.safetensors").is_file()
    assert found[0].folder is None and type(found[0].train_hidden) is int


def test_data_in_memory_are_written_once(networks, tmp_path):
    import numpy as np

    inputs = np.random.default_rng(0).normal(size=(30, 4)).astype("f4")
    data = {"inputs": inputs, "targets": inputs[:, :2]}
    run = lambda: modscope.sweep(networks, out=tmp_path, command="prune", data=data, threshold=0)
    found = run()
    assert [row.samples for row in found] == [30] * 4
    assert plain(run(), ()) == plain(found, ())


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_tables_come_in_batches_and_whole(ending, tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import ipc, parquet

    monkeypatch.setattr(rows, "BATCH", 2)
    path = tmp_path / f"rows.{ending}"
    kinds = [columns.Column("n", int), columns.Column("x", float), columns.Column("s", str)]
    given = [{"n": n, "x": None if n else 0.5, "s": "a"} for n in range(5)]
    with rows.Table(path, kinds) as table:
        for place in (1, 0, 4, 3, 2):
            assert not path.exists()
            table.add(place, given[place])
    if ending == "parquet":
        found = parquet.read_table(path)
        assert parquet.ParquetFile(path).num_row_groups == 3
    else:
        found = ipc.open_file(path).read_all()
    assert found.to_pylist() == given
    assert found.schema.types == [pyarrow.int64(), pyarrow.float64(), pyarrow.string()]
    with pytest.raises(KeyError), rows.Table(path, kinds) as table:
        table.add(0, given[0])
        raise KeyError
    assert os.listdir(tmp_path) == [path.name]


def test_a_sweep_writes_its_table(networks, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "tables" / "rows.parquet"
    options = {"command": "prune", "rows": path}
    found = modscope.sweep([BROKEN, *networks], out=tmp_path / "out", **options)
    assert parquet.read_table(path).to_pylist() == lines(tmp_path / "out")
    assert len(found) == 5


def test_what_is_wrong_with_a_sweep_is_said_before_it_begins(tmp_path, monkeypatch):
    out = tmp_path / "out"
    for wrong in ({"command": "compare"}, {"rows": "rows.csv"}):
        with pytest.raises(modscope.Error):
            modscope.sweep([BIMT], out=out, **wrong)
    for wrong in ({}, {"checkpoints": [BIMT], "train": "independence"}, {"checkpoints": "a"}):
        with pytest.raises(TypeError):
            modscope.sweep(out=out, **wrong)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(modscope.Error, match="pip install pyarrow"):
        modscope.sweep([BIMT], out=out, rows="rows.parquet")
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(modscope.Error, match="pip install ray"):
        modscope.sweep([BIMT], out=out, ray=True)
    assert not out.exists()
    with pytest.raises(modscope.Error, match="no network is left"):
        modscope.sweep([BROKEN], out=out, command="prune", compare=True)


def program(folder, text):
    """A program `modscope` that does this before it is the real one."""
    folder.mkdir()
    script = folder / "modscope"
    script.write_text(f"#!/bin/sh\n{text}\nexec {_run.binary()} \"$@\"\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.skipif(os.name == "nt", reason="signals and scripts of Unix")
def test_a_program_that_was_killed_is_run_again(tmp_path, monkeypatch):
    once = f"mkdir {tmp_path}/killed 2>/dev/null && kill -9 $$"
    monkeypatch.setattr(_run, "binary", lambda made=program(tmp_path / "bin", once): made)
    found = modscope.sweep([BIMT], out=tmp_path / "out", command="prune")
    assert found[0].error is None and (tmp_path / "killed").exists()
    (tmp_path / "killed").rmdir()
    found = modscope.sweep([BIMT], out=tmp_path / "again", command="prune", retries=0)
    assert "signal 9" in found[0].error


@pytest.mark.skipif(os.name == "nt", reason="signals and scripts of Unix")
def test_a_result_that_another_run_made_meanwhile_is_taken(tmp_path, monkeypatch):
    out = tmp_path / "out"
    real = _run.binary()
    other = f"{real} prune {BIMT} --out={out}/independence-bimt --quiet"
    monkeypatch.setattr(_run, "binary", lambda made=program(tmp_path / "bin", other): made)
    found = modscope.sweep([BIMT], out=out, command="prune")
    assert found[0].error is None and found[0].edges_kept == 24


def test_a_folder_that_a_worker_does_not_see_ends_the_sweep(tmp_path):
    from modscope._sweep import work

    network = plan.Network("a", "a", str(BIMT))
    task = work.Task(network, str(tmp_path / "elsewhere"), "prune", (), 1)
    place = places.Place(ray=False, workers=1, threads=1, retries=0)
    with pytest.raises(places.Unseen, match="all nodes share"):
        list(place.run(work.result, [task]))


def test_errors_go_from_process_to_process_whole():
    import pickle

    error = pickle.loads(pickle.dumps(places.Unseen("a", "b", "c")))
    assert (type(error), error.message, error.path, error.remedy) == (places.Unseen, *"abc")


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one processor each, on this machine."""
    # A folder of this name in the way is no Ray.
    cluster = pytest.importorskip("ray.cluster_utils").Cluster
    import ray

    both = cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    both.add_node(num_cpus=1)
    ray.init(address=both.address, log_to_driver=False)
    yield both
    ray.shutdown()
    both.shutdown()


def test_a_cluster_gives_the_rows_of_one_machine(cluster, networks, tmp_path):
    given = [networks[1], BROKEN, networks[0]]
    options = {"command": "audit", "compare": {"control_draws": 1}}
    there = modscope.sweep(given, out=tmp_path / "there", **options)
    here = modscope.sweep(given, out=tmp_path / "here", ray=False, **options)
    assert plain(there) == plain(here)
    assert numbers(tmp_path / "there" / "compare") == numbers(tmp_path / "here" / "compare")


def test_a_task_whose_worker_was_killed_is_tried_again(cluster, tmp_path):
    def work(job):
        marker = tmp_path / str(job)
        if job != 1 and (job == 2 or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if job == 1:
            raise modscope.Error("refused", "path", "remedy")
        return job

    place = places.Place(ray=True, workers=1, threads=1, retries=1)
    found = dict(place.run(work, [0, 1, 2]))
    assert found[0] == 0 and found[1].remedy == "remedy"
    assert "lost too often" in str(found[2])


def test_a_folder_that_no_node_sees_ends_a_sweep_on_a_cluster(cluster, tmp_path):
    from modscope._sweep import work

    network = plan.Network("a", "a", str(BIMT))
    task = work.Task(network, str(tmp_path / "elsewhere"), "prune", (), 1)
    place = places.Place(ray=True, workers=1, threads=1, retries=0)
    with pytest.raises(places.Unseen, match="all nodes share"):
        list(place.run(work.result, [task, task]))


def test_nothing_is_lost_with_a_node(cluster, networks, tmp_path):
    given = networks * 3
    out = tmp_path / "out"
    node = cluster.add_node(num_cpus=1)

    def lose():
        while not (out / "sweep.jsonl").is_file() or len(lines(out)) < 3:
            time.sleep(0.01)
        assert len(lines(out)) < len(given)
        cluster.remove_node(node, allow_graceful=False)
        lost.append(len(lines(out)))

    lost: list[int] = []
    killer = threading.Thread(target=lose)
    killer.start()
    options = {"command": "modules", "null": "degree:100"}
    found = modscope.sweep(given, out=out, **options)
    killer.join()
    assert lost and lost[0] < len(given), "the node was lost after the sweep"
    assert plain(found) == plain(
        modscope.sweep(given, out=tmp_path / "here", ray=False, **options)
    )
