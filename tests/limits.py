#!/usr/bin/env python3
"""No file, however hostile, takes the release build more than a second or 200 MB, and none makes it panic.

    cargo build --release && python3 tests/limits.py

Takes every file of tests/invalid/ and some that are too large to keep, and asks `inflight check` about each. Ends with
1 when one takes too much, or does not end as a mistake of the user (exit code 2, and an error that says so).
"""
import glob
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join(ROOT, "target", "release", "inflight")
SECONDS = 1.0
MEGABYTES = 200


def bomb():
    """Each anchor nine times the one before."""
    lines = ["topic: t", "count: 1", "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for k in range(1, 40):
        lines.append(f"a{k}: &a{k} [" + ", ".join([f"*a{k - 1}"] * 9) + "]")
    return "\n".join(lines) + "\n"


def hostile():
    """Names and contents of what is too large, or too strange, to keep as a file; and how often it is repeated.

    This script must stay small itself: a child's peak memory counts from the moment when it was split off.
    """
    yield "100-megabytes", b"topic: t\ncount: 1\n" + b"# xxxxxx\n" * 1_000, 11_000
    yield "one-megabyte-line", b"topic: t\ncount: 1\nvalue: \"" + b"x" * 900_000 + b"\nmode: bogus\n", 1
    yield "one-megabyte-key", b"topic: t\ncount: 1\n" + b"k" * 900_000 + b": 1\n", 1
    yield "deep-flow", b"topic: " + b"[" * 400_000, 1
    yield "deep-maps", b"topic: " + b"{a: " * 100_000, 1
    yield "deep-block", b"".join(b" " * k + b"a:\n" for k in range(1_300)), 1
    yield "many-mistakes", b"topic: t\ncount: 1\n" + b"".join(b"wrong%d: 1\n" % k for k in range(15_000)), 1
    yield "many-keys-twice", b"topic: t\ncount: 1\n" + b"count: 1\n" * 50_000, 1
    yield "anchor-bomb", bomb().encode(), 1
    yield "wide-list", b"topic: t\ncount: 1\ntags: [" + b"a, " * 300_000 + b"]\n", 1
    yield "loops-for-ever", b"topic: t\ncount: 1\nvalue: \"{% for a in range(99999) %}{% for b in range(99999) %}" \
                            b"x{% endfor %}{% endfor %}\"\n", 1
    yield "renders-too-much", b"topic: t\ncount: 1\nvalue: \"{{ repeat('x', 999999999999) }}\"\n", 1
    yield "braces", b"topic: t\ncount: 1\nvalue: \"" + b"{{" * 200_000 + b"\"\n", 1
    yield "parentheses", b"topic: t\ncount: 1\nvalue: \"{{ " + b"(" * 200_000 + b" }}\"\n", 1
    yield "nul-bytes", b"\0" * 1_000_000, 1
    yield "not-utf-8", b"topic: \xff\xfe\n" * 50_000, 1
    yield "utf-16", "topic: t\ncount: 1\nmod: sync\n".encode("utf-16"), 1
    yield "only-tabs", b"\t" * 500_000, 1
    yield "only-dashes", b"- " * 250_000, 1
    yield "question-marks", b"? " * 250_000, 1
    yield "long-number", b"topic: t\ncount: " + b"9" * 500_000 + b"\n", 1
    hundred = b"topic: t\nmatrix: {a: [" + b", ".join(b"%d" % k for k in range(100)) + b"]}\n"
    fields = b"".join(b"wrong%d${a}: 1\n" % k for k in range(98))
    yield "matrix-of-mistakes", hundred + b"count: 1\nvalue: ${a}\n" + fields, 1
    yield "matrix-of-values", hundred + b"count: 1\nvalue: ${a}\nmode: bogus\ntags: [" + b"a, " * 19_000 + b"]\n", 1
    yield "matrix-of-steps", hundred + b"value: ${a}\nmode: bogus\nsteps: [" + b"send: 1, " * 6_000 + b"]\n", 1
    yield "matrix-of-text", hundred + b"count: 1\nmode: bogus\nvalue: \"${a} " + b"x" * 160_000 + b"\"\n", 1
    yield "matrix-of-loops", hundred + b"count: 100\nmode: bogus\n" \
                             b"value: \"${a}{% for a in range(9000) %}{{ i }}{% endfor %}\"\n", 1
    names = b"".join(b"${b%d}" % k for k in range(110_000))
    yield "matrix-of-names", hundred + b"count: 1\nvalue: \"" + names + b"\"\n", 1
    yield "matrix-of-cases", hundred + b"count: 1\nvalue: ${a}\nexpect:\n" + b"- where: {a: 1}\n" * 3_900, 1
    yield "long-duration", b"topic: t\ncount: 1\nack_wait: " + b"9" * 500_000 + b"s\n", 1


def only_warns(path):
    """Whether the golden beside a file of tests/invalid/ has warnings and no error."""
    golden = path.replace(".yaml", ".stderr")
    return os.path.exists(golden) and "error[E" not in open(golden, encoding="utf-8").read()


def check(path):
    """What is wrong with the way in which a file was refused; nothing where all is well."""
    start = time.perf_counter()
    process = subprocess.Popen([BINARY, "check", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    took, peak = time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e6
    process.returncode = os.waitstatus_to_exitcode(status)
    complaints = []
    if process.returncode != 2:
        complaints.append(f"exit code {process.returncode} instead of 2")
    if "error[E" not in output or "panicked" in output:
        complaints.append(f"no error of its own: {output[:200]!r}")
    if took > SECONDS:
        complaints.append(f"{took:.2f} s")
    if peak > MEGABYTES:
        complaints.append(f"{peak:.0f} MB")
    if len(output) > 1_000_000:
        complaints.append(f"{len(output)} characters of output")
    return complaints, took, peak


def main():
    passed, failed, slowest, largest = 0, 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        kept = sorted(glob.glob(os.path.join(ROOT, "tests", "invalid", "*.yaml")))
        paths = [path for path in kept if not only_warns(path)]
        for name, content, times in hostile():
            path = os.path.join(folder, name + ".yaml")
            with open(path, "wb") as out:
                for _ in range(times):
                    out.write(content)
            paths.append(path)
        for path in paths:
            complaints, took, peak = check(path)
            slowest, largest = max(slowest, took), max(largest, peak)
            passed, failed = passed + (not complaints), failed + bool(complaints)
            for complaint in complaints:
                print(f"{os.path.basename(path)}: {complaint}")
    print(f"slowest {slowest * 1000:.0f} ms, largest {largest:.0f} MB")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if not os.path.exists(BINARY):
        sys.exit("first: cargo build --release")
    sys.exit(main())
