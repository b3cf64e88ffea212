#!/usr/bin/env python3
"""Ten million records in one partition: what a record costs the embedded broker, and the runner that judges it.

    cargo build --release && python3 tests/memory.py [MILLIONS]

Starts `inflight broker`, lets a scenario of that many messages run on it, and reads the peak memory of both. Ends with 1
when the scenario does not pass, or when a record takes either of them more than the documented bytes.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join(ROOT, "target", "release", "inflight")
# A value of at most 7 bytes stands in the log in at most 15.
SCENARIO = """topic: {{ name: ten-million, partitions: 1 }}
count: {count}
value: "{{{{ i }}}}"
producer: {{ config: {{ linger.ms: 5, batch.num.messages: 10000 }} }}
"""
# The log keeps the producer's bytes; the runner its columns, of at most 64 bytes a message, and what librdkafka queues.
BROKER, RUNNER = 32, 96
# What either takes without any record.
BASE = 64 * 1024 * 1024


def peak(pid):
    """The most memory that a process has had, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def run(address, count):
    """What is wrong with the run, and what it took: seconds and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scenarios", "many.yaml")
        os.mkdir(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as file:
            file.write(SCENARIO.format(count=count))
        began = time.perf_counter()
        # The first run has no snapshot yet: it is accepted, and compared with nothing.
        command = [BINARY, "run", "--bootstrap", address, "--accept", path]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        complaint = None if process.returncode == 0 else f"exit code {process.returncode}:\n{output}"
        return complaint, time.perf_counter() - began, usage.ru_maxrss * 1024


def main():
    count = int(sys.argv[1] if len(sys.argv) > 1 else 10) * 1_000_000
    broker = subprocess.Popen([BINARY, "broker"], stdout=subprocess.PIPE)
    try:
        complaint, seconds, runner = run(broker.stdout.readline().decode().strip(), count)
        held = peak(broker.pid)
    finally:
        broker.send_signal(signal.SIGTERM)
        broker.wait()
    complaints = [complaint] if complaint else []
    print(f"{count:,} records in one partition, written, read back and judged in {seconds:.1f} s")
    for name, took, limit in [("broker", held, BROKER), ("runner", runner, RUNNER)]:
        print(f"{name}: peak {took / 1e6:.0f} MB, {took / count:.0f} bytes a record")
        if took > BASE + limit * count:
            complaints.append(f"the {name} takes more than {limit} bytes a record")
    print("\n".join(complaints) or "passed")
    return 1 if complaints else 0


if __name__ == "__main__":
    if not os.path.exists(BINARY):
        sys.exit("first: cargo build --release")
    sys.exit(main())
