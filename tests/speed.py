#!/usr/bin/env python3
"""How long inflight takes as a whole process, beside a bare program that makes the same sends.

    cargo build --release --examples --bins && python3 tests/speed.py

Prints medians, ratios of runs made in turn, and peak memory. It judges nothing: figures drift with the machine, ratios
of one run hold. The scenarios are copies of the seed's two, run with linger.ms=0, as the peers were measured.
"""
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join(ROOT, "target", "release", "inflight")
BARE = os.path.join(ROOT, "target", "release", "examples", "bare")


def timed(command, folder):
    """Wall seconds and peak memory in MiB of one run; a run that fails ends the script."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode(errors='replace')}")
    return took, usage.ru_maxrss / 1024


def row(name, runs):
    seconds = [run[0] for run in runs]
    memory = max(run[1] for run in runs)
    print(f"{name:<44} median {statistics.median(seconds) * 1000:8.1f} ms   min {min(seconds) * 1000:8.1f} ms   "
          f"max {max(seconds) * 1000:8.1f} ms   peak {memory:6.1f} MiB")
    return statistics.median(seconds)


def in_turn(first, second, folder, times):
    """Runs two commands in turn, so that both see the same machine."""
    timed(first, folder), timed(second, folder)
    pairs = [(timed(first, folder), timed(second, folder)) for _ in range(times)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def copies(folder, name, sources, count, change=lambda text: text):
    """A project with so many copies of the sources, and accepted snapshots."""
    project = os.path.join(folder, name)
    os.makedirs(os.path.join(project, "scenarios"))
    for k in range(count):
        for source in sources:
            text = open(os.path.join(ROOT, "scenarios", source), encoding="utf-8").read()
            target = source.replace("/", "-").replace(".yaml", f"-{k:03}.yaml")
            with open(os.path.join(project, "scenarios", target), "w", encoding="utf-8") as out:
                out.write(change(text))
    timed([BINARY, "run", "-X", "linger.ms=0", "--accept"], project)
    return project


def main():
    seeds = ["seed/async.yaml", "seed/sync.yaml"]
    with tempfile.TemporaryDirectory() as folder:
        run = [BINARY, "run", "-X", "linger.ms=0"]
        two = copies(folder, "two", seeds, 1)
        ours, bare = in_turn(run, [BARE], two, 41)
        ours_median = row("the seed's two scenarios, process to verdict", ours)
        bare_median = row("a bare program with the same sends", bare)
        print(f"{'':<44} ratio {ours_median / bare_median:.2f} (goal: at most 5; median under 20 ms)")

        idempotent = copies(folder, "idempotent", ["seed/async.yaml"], 1,
                            lambda text: text + "producer: { preset: java_like }\n")
        plain = copies(folder, "plain", ["seed/async.yaml"], 1)
        runs = [(timed(run, idempotent), timed(run, plain)) for _ in range(41)]
        a = row("one scenario, preset java_like", [pair[0] for pair in runs])
        b = row("one scenario, plain", [pair[1] for pair in runs])
        print(f"{'':<44} ratio {a / b:.2f} (goal: about 1)")

        many = copies(folder, "many", seeds, 100)
        row("200 copies of the seed's scenarios", [timed(run, many) for _ in range(11)])
        print(f"{'':<44} (goal: median under 500 ms, peak under 100 MiB)")

        million = os.path.join(folder, "million")
        os.makedirs(os.path.join(million, "scenarios"))
        with open(os.path.join(million, "scenarios", "million.yaml"), "w", encoding="utf-8") as out:
            out.write("topic: bulk\ncount: 1000000\nvalue: \"a message of about forty bytes: {{ i }}\"\n")
        timed([BINARY, "run", "--accept"], million)
        row("a million messages of 40 bytes", [timed([BINARY, "run"], million) for _ in range(5)])
        print(f"{'':<44} (goal: peak under 300 MiB; throughput: cargo bench)")


if __name__ == "__main__":
    if shutil.which(BINARY) is None or shutil.which(BARE) is None:
        sys.exit("first: cargo build --release --examples --bins")
    main()
