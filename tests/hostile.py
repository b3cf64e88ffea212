#!/usr/bin/env python3
"""No client, however hostile, ends the embedded broker, takes its memory or holds up another client.

    cargo build --release && python3 tests/hostile.py

Starts `inflight broker` and sends it every frame of tests/frames/ (hexadecimal, a line each; `#` begins a comment),
frames made from them by a fixed seed, lengths that lie, and a thousand connections at once, some of them slow or half
closed. After each part a well-behaved client must be answered within SECONDS. Ends with 1 when it is not, when the
broker's memory has grown beyond MEGABYTES, or when the broker does not end with 0 on SIGTERM.
"""
import glob
import os
import random
import signal
import socket
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join(ROOT, "target", "release", "inflight")
SECONDS = 5.0
# How long an answer to a strange frame is waited for.
PATIENCE = 0.05
MEGABYTES = 300
CONNECTIONS = 1_000
SPOILT = 5_000

# ApiVersions v0, correlation id 7, client id "c".
ASK = struct.pack(">hhih", 18, 0, 7, 1) + b"c"


def framed(message):
    return struct.pack(">i", len(message)) + message


def kept():
    """The frames that are kept, with their places."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "frames", "*.hex"))):
        with open(path, encoding="ascii") as file:
            for number, line in enumerate(file, 1):
                text = line.split("#")[0].strip()
                if text:
                    yield f"{os.path.basename(path)}:{number}", bytes.fromhex(text)


class Broker:
    def __init__(self):
        command = [BINARY, "broker", "--topic", "orders:2"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        host, port = self.process.stdout.readline().decode().strip().rsplit(":", 1)
        self.address = (host, int(port))

    def connect(self, seconds=SECONDS):
        return socket.create_connection(self.address, timeout=seconds)

    def send(self, data):
        """Sends, says that nothing more will come, and reads what comes until the broker closes."""
        with self.connect(PATIENCE) as client:
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while client.recv(1 << 16):
                    pass
            except (ConnectionError, TimeoutError):
                # It has closed, as it may, or the request asks it to wait for longer than we do.
                pass

    def is_well(self, after):
        try:
            with self.connect() as client:
                client.sendall(framed(ASK))
                head = client.recv(8)
        except OSError as error:
            sys.exit(f"after {after}, no answer: {error}")
        if len(head) != 8 or head[4:] != b"\0\0\0\7":
            sys.exit(f"after {after}, a wrong answer: {head.hex()}")
        peak = self.megabytes()
        print(f"{after:<48} peak {peak:6.1f} MB")
        if peak > MEGABYTES:
            sys.exit(f"after {after}, {peak} MB were taken, more than {MEGABYTES}")

    def megabytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=SECONDS) != 0:
            sys.exit(f"it ended with {self.process.returncode}")


def spoilt(frame, chance):
    frame = bytearray(frame)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(frame) + 1)
        frame[at:at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
    return bytes(frame)


def main():
    broker = Broker()
    broker.is_well("the start")
    frames = list(kept())
    if not frames:
        sys.exit("no frames in tests/frames/")
    for _, frame in frames:
        broker.send(framed(frame))
    broker.is_well(f"{len(frames)} frames that are kept")
    chance = random.Random(20261123)
    for _ in range(SPOILT):
        broker.send(framed(spoilt(chance.choice(frames)[1], chance)))
    broker.is_well(f"{SPOILT} spoilt frames")
    for length in [-1, 0, 3, 104_857_601, 2**31 - 1, -2**31]:
        broker.send(struct.pack(">i", length) + ASK)
    # The largest length that is taken, and next to nothing behind it.
    waiting = [broker.connect() for _ in range(50)]
    for client in waiting:
        client.sendall(struct.pack(">i", 104_857_600) + ASK)
    broker.is_well("lengths that lie")
    slow = [broker.connect() for _ in range(CONNECTIONS)]
    for number, client in enumerate(slow):
        client.sendall(framed(ASK)[: number % 16])
        if number % 3 == 0:
            client.shutdown(socket.SHUT_WR)
    # These ask and never read.
    deaf = [broker.connect() for _ in range(20)]
    for client in deaf:
        client.setblocking(False)
        try:
            while True:
                client.send(framed(ASK) * 1_000)
        except BlockingIOError:
            pass
    broker.is_well(f"{CONNECTIONS} slow connections, some half closed")
    broker.end()
    print("it was well all the time, and ended when it was told to")


if __name__ == "__main__":
    main()
