#!/usr/bin/env python3
"""No client, however hostile, ends the embedded broker, takes its memory or holds up another client.

    cargo build --release && python3 tests/hostile.py

Starts `inflight broker` and sends it every frame of tests/frames/ (hexadecimal, a line each; `#` begins a comment),
frames made from them by a fixed seed, lengths that lie, a thousand connections at once, some of them slow or half
closed, floods and crowds of requests, records that grow to a gigabyte, and clients that ask for all and read nothing. After each part a well-behaved client must be answered within SECONDS. Ends with 1 when it is not, when the
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
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARY = os.path.join(ROOT, "target", "release", "inflight")
SECONDS = 5.0
# How long an answer to a strange frame is waited for.
PATIENCE = 0.05
MEGABYTES = 500
CONNECTIONS = 1_000
SPOILT = 5_000
# Megabytes that stand in a log, and clients that ask for all of them at once.
STORED = 40
HOARDERS = 50

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


CASTAGNOLI = []
for byte in range(256):
    value = byte
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CASTAGNOLI.append(value)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CASTAGNOLI[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def batch(codec, payload, count=1):
    """A record batch whose records are that payload under that codec."""
    checked = struct.pack(">hiqqqhii", codec, count - 1, 0, 0, -1, -1, -1, count) + payload
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def request(key, version, body):
    return struct.pack(">hhih", key, version, 7, 1) + b"c" + body


def produce(rows):
    """Produce v8 with acks=1: rows of topic, partition and records."""
    body = struct.pack(">hhii", -1, 1, 1_000, len(rows))
    for topic, index, records in rows:
        body += struct.pack(">h", len(topic)) + topic + struct.pack(">iii", 1, index, len(records)) + records
    return request(0, 8, body)


def fetch(topic, index, size):
    """Fetch v4 from offset 0."""
    body = struct.pack(">iiiibi", -1, 0, 1, size, 0, 1) + struct.pack(">h", len(topic)) + topic
    return request(1, 4, body + struct.pack(">iiqi", 1, index, 0, size))


def bombs():
    """By their codecs, payloads of a few kilobytes or megabytes from which a gigabyte would come."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield 1, b"".join(packer.compress(bytes(1 << 20)) for _ in range(1 << 10)) + packer.flush()
    # A literal of one byte, then copies of 64 of them.
    copies = (1 << 30) // 64
    yield 2, b"\x81\x80\x80\x80\x04" + b"\0a" + b"\xfe\1\0" * min(copies, 1 << 18)
    # A block of four megabytes: one literal, a match, and its length in bytes of 255.
    block = b"\x1fa\1\0" + b"\xff" * ((4 << 20) // 255) + b"\0" + b"\x50aaaaa"
    yield 3, b"\x04\x22\x4d\x18\x60\x70\x73" + (struct.pack("<I", len(block)) + block) * 16 + bytes(4)
    # Blocks of 128 KiB, each one byte that is repeated.
    repeated = struct.pack("<I", (128 << 10) << 3 | 1 << 1)[:3] + b"a"
    yield 4, b"\x28\xb5\x2f\xfd\0\x58" + repeated * (8 << 10) + b"\1\0\0"


def explode(broker):
    frames = [framed(produce([(b"orders", 0, batch(codec, payload))])) for codec, payload in bombs()]
    for _ in range(5):
        clients = [broker.connect() for _ in frames * 4]
        for client, frame in zip(clients, frames * 4):
            client.sendall(frame)
        for client in clients:
            client.recv(8)
            client.close()


def flood(broker):
    """Requests as small as they are, as many as can be sent, each answered."""
    with broker.connect() as client:
        for _ in range(20):
            client.sendall(framed(ASK) * 1_000)
            answered = 0
            while answered < 1_000:
                size = struct.unpack(">i", exactly(client, 4))[0]
                exactly(client, size)
                answered += 1


def exactly(client, size):
    data = b""
    while len(data) < size:
        more = client.recv(size - len(data))
        if not more:
            sys.exit("it closed a connection")
        data += more
    return data


def varint(value):
    value = value << 1 ^ value >> 63
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def hoard(broker):
    """Asks for much of what is there, and reads nothing."""
    body = b"\0\0\0\1" + varint(1_000_000) + bytes(1_000_000) + b"\0"
    records = batch(0, varint(len(body)) + body)
    with broker.connect() as client:
        for _ in range(STORED):
            client.sendall(framed(produce([(b"orders", 0, records)])))
            exactly(client, struct.unpack(">i", exactly(client, 4))[0])
    deaf = [broker.connect() for _ in range(HOARDERS)]
    for client in deaf:
        client.sendall(framed(fetch(b"orders", 0, 50 << 20)))
    return deaf


def crowd(broker):
    """A hundred thousand rows in one request, of partitions that are there and others."""
    rows = [(b"orders", index % 5, b"") for index in range(100_000)]
    with broker.connect() as client:
        client.sendall(framed(produce(rows)))
        exactly(client, struct.unpack(">i", exactly(client, 4))[0])


def drip(broker):
    """A request byte by byte, and one that ends in the middle of its records."""
    with broker.connect() as client:
        for byte in framed(ASK):
            client.sendall(bytes([byte]))
        exactly(client, struct.unpack(">i", exactly(client, 4))[0])
    halves = [broker.connect() for _ in range(200)]
    whole = framed(produce([(b"orders", 0, batch(0, bytes(50_000)))]))
    for client in halves:
        client.sendall(whole[: len(whole) // 2])
    return halves


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
    flood(broker)
    broker.is_well("a flood of the smallest requests")
    crowd(broker)
    broker.is_well("a crowd of rows")
    halves = drip(broker)
    broker.is_well("requests that come byte by byte, and halves of them")
    explode(broker)
    broker.is_well("records that grow to a gigabyte")
    hoarders = hoard(broker)
    broker.is_well(f"{HOARDERS} clients that ask for {STORED} MB and read nothing")
    for client in halves + hoarders:
        client.close()
    broker.is_well("their end")
    broker.end()
    print("it was well all the time, and ended when it was told to")


if __name__ == "__main__":
    main()
