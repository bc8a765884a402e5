"""A sweep over small networks: one process, two, a Ray cluster, and one that loses a worker.

    python3 benches/sweep_ray.py [NETWORKS]

Needs Ray, pyarrow and the Python package. Trains the networks (half by BIMT, 1,000 steps), sweeps
them and checks that rows and comparison are the same whoever ran them; then measures what a task
costs besides its own work, and prints what a thousand workers would wait for.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import modscope
import numpy as np
import ray
from modscope import _run
from modscope._sweep.places import Place
from ray.cluster_utils import Cluster

#: Differ from run to run, or name the folder of the sweep.
VARYING = {"seconds", "peak_memory_bytes", "folder"}
COMPARED = {"control_draws": 1, "method": "exact"}
MERGED = (25, 50, 100, 200)
ROUNDS = 4
WORKERS = 1000

# What storage and network of a cluster give: assumed, not measured. A file is made, brought to
# the disk and closed; a result's folder moves into its place in one step.
FILES_PER_SECOND = 5_000
BYTES_PER_SECOND = 1e9


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    if count < MERGED[2]:
        sys.exit(f"{MERGED[2]} networks or more: what merging takes is drawn through three numbers")
    with tempfile.TemporaryDirectory(prefix="sweep-") as name:
        folder = Path(name)
        networks = trained(folder / "networks", count)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        warm()
        throughput(networks[:: max(1, count // 60)], folder / "rounds")
        one = swept("one process", networks, folder / "one", workers=1, ray=False)
        killer = threading.Thread(target=kill_a_worker, args=(folder / "ray", cluster, count // 3))
        killer.start()
        lossy = swept("two nodes, a worker killed", networks, folder / "ray", ray=True)
        killer.join()
        driver = {tasks: driver_seconds(tasks) for tasks in (1000, 4000)}
        ray.shutdown()
        cluster.shutdown()
        same([one, lossy])
        costs(folder / "ray", one, driver, count)


def trained(folder: Path, count: int) -> list[Path]:
    modscope.train(
        "independence", regimes="bimt,vanilla", seeds=f"0..{count // 2}", steps=1000, out=folder
    )
    return sorted(path for path in folder.iterdir() if path.is_dir())


def throughput(networks: list[Path], out: Path) -> None:
    """The best of several rounds in turn, since a machine may have other work."""
    places = {
        "one process": {"workers": 1, "ray": False},
        "two processes": {"workers": 2, "ray": False},
        "two nodes of one processor": {"ray": True},
    }
    best = dict.fromkeys(places, 0.0)
    for n in range(ROUNDS):
        for title, where in places.items():
            started = time.perf_counter()
            modscope.sweep(networks, out=out / f"{title}-{n}", **where)
            rate = len(networks) / (time.perf_counter() - started)
            best[title] = max(best[title], rate)
    for title, rate in best.items():
        print(f"{title}: {rate:.1f} audits a second, the best of {ROUNDS} rounds")


def swept(title: str, networks: list[Path], out: Path, **where: object) -> modscope.Sweep:
    """Rows, rows gone through again, and the comparison, with their times printed."""
    times = []
    for compare in (False, False, COMPARED):
        started = time.perf_counter()
        rows = modscope.sweep(networks, out=out, rows=f"{out}.parquet", compare=compare, **where)
        times.append(time.perf_counter() - started)
    assert not any(row.error for row in rows)
    first, again, last = times
    print(
        f"{title}: {len(networks)} audits in {first:.1f} s, gone through again in {again:.1f} s, "
        f"measured and compared in {last - again:.1f} s; load {os.getloadavg()[0]:.1f}"
    )
    return rows


def warm() -> None:
    """Starts a worker on each node before anything is timed."""
    list(Place(True, 1, 1, 0).run(time.sleep, [1, 1]))


def kill_a_worker(out: Path, cluster: Cluster, after: int) -> None:
    """Ends a worker that is at work, as a lack of memory does, once so many rows are there."""
    lines = out / "sweep.jsonl"
    while not lines.is_file() or len(lines.read_text().splitlines()) < after:
        time.sleep(0.02)
    raylets = {str(info.process.pid) for node in cluster.list_all_nodes()
               for info in node.all_processes["raylet"]}
    while True:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_text()
                parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if words.startswith("ray::_tried") and parent in raylets:
                os.kill(int(process.name), signal.SIGKILL)
                done = len(lines.read_text().splitlines())
                print(f"\nworker {process.name} killed after {done} rows\n", file=sys.stderr)
                return


def same(sweeps: list[modscope.Sweep]) -> None:
    """All rows and all numbers of the comparisons, byte for byte, but for times."""
    rows = [
        [{k: v for k, v in row.to_dict().items() if k not in VARYING} for row in sweep]
        for sweep in sweeps
    ]
    assert all(some == rows[0] for some in rows)
    compared = [numbers(sweep.comparison.folder / "compare.json") for sweep in sweeps]
    assert all(some == compared[0] for some in compared)
    print(f"\nthe same: {len(rows[0])} rows, and {len(compared[0]):,} bytes of both compare.json")


def numbers(path: Path) -> bytes:
    """A comparison without its command and what was timed."""
    fields = json.loads(path.read_text())
    del fields["command"]
    for network in fields["networks"]:
        network["values"] = {k: v for k, v in network["values"].items() if "seconds" not in k}
    fields["measures"] = [m for m in fields["measures"] if "seconds" not in m["info"]["key"]]
    return json.dumps(fields).encode()


def driver_seconds(tasks: int) -> float:
    """Processor time of the process that hands out tasks and takes rows, per task."""
    started = time.process_time()
    row = {f"column {n}": n / 3 for n in range(32)}
    for _ in Place(True, 1, 1, 0).run(dict, [row] * tasks):
        pass
    return (time.process_time() - started) / tasks


def costs(out: Path, one: modscope.Sweep, driver: dict[int, float], count: int) -> None:
    results = [Path(row.folder) for row in one]
    files = [[file for file in result.rglob("*") if file.is_file()] for result in results]
    each = float(np.mean([len(some) for some in files]))
    size = float(np.mean([sum(file.stat().st_size for file in some) for some in files]))
    parts = [part.stat().st_size for part in (out / "parts").glob("*.part")]
    row = (out / "sweep.jsonl").stat().st_size / count
    seconds = float(np.median([row.seconds for row in one]))
    print(f"\nan audit: {seconds:.3f} s of its own, {each:.0f} files, {size / 1e3:.0f} kB")
    print(f"a part of a comparison: {np.mean(parts) / 1e3:.0f} kB; a row: {row:.0f} bytes")
    for tasks, cost in driver.items():
        print(f"the driver, of {tasks} tasks: {cost * 1e3:.2f} ms a task")
    simulation(max(driver.values()), each, size, merging(one, out))


def merging(one: modscope.Sweep, out: Path) -> np.ndarray:
    """Processor time of `compare --from` on parts that are there, as a parabola of their number."""
    networks = [row.checkpoint for row in one]
    data = f"--data={Path(networks[0]) / 'data.safetensors'}"
    sizes = [n for n in MERGED if n <= len(networks)]
    found = []
    for n in sizes:
        # Spread over both regimes, as in the whole.
        some = networks[:: max(1, len(networks) // n)][:n]
        words = [*some, data, "--control-draws=1", "--method=exact", f"--from={out / 'parts'}"]
        started = programs()
        _run.call(["compare", *words, f"--out={out / f'merged-{n}'}", "--threads=1", "--quiet"])
        found.append(programs() - started)
    print("merged, on one thread:", ", ".join(f"{n}: {t:.2f} s" for n, t in zip(sizes, found)))
    return np.polyfit(sizes, found, 2)


def programs() -> float:
    """Processor time of the programs that have run here, whatever else the machine did."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def simulation(driver: float, files: float, size: float, merge: np.ndarray) -> None:
    """Seconds that each has to do for a sweep: the longest is the limit; merging comes after."""
    print(f"\n| networks | a task | {WORKERS:,} workers | driver | files | bytes | merging |")
    print("|---|---|---|---|---|---|---|")
    for networks in (1_000, 10_000):
        for task in (0.25, 5, 60, 3600):
            takes = {
                "workers": networks * task / WORKERS,
                "driver": networks * driver,
                "files": networks * files / FILES_PER_SECOND,
                "bytes": networks * size / BYTES_PER_SECOND,
                "merging": float(np.polyval(merge, networks)),
            }
            numbers = " | ".join(f"{seconds:,.1f} s" for seconds in takes.values())
            print(f"| {networks:,} | {task} s | {numbers} |")
    each = {"files": files / FILES_PER_SECOND, "bytes": size / BYTES_PER_SECOND, "driver": driver}
    for what, seconds in each.items():
        least = WORKERS * seconds
        print(f"{what}: {WORKERS:,} workers wait where a task takes less than {least:.1f} s")


if __name__ == "__main__":
    main()
