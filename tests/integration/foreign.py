#!/usr/bin/env python3
"""Clients that Modbus servers meet in the world, while one that behaves reads unit 1 all the time.

foreign.py PORT SEED: exit 0 when the good client got every answer in time; what it saw is printed.
"""
import random
import socket
import struct
import sys
import threading
import time

PORT, SEED = int(sys.argv[1]), int(sys.argv[2])
DEADLINE = 2.0  # of one answer


def connect():
    s = socket.create_connection(("127.0.0.1", PORT), timeout=5)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def frame(unit, pdu, transaction=1, protocol=0, length=None):
    return struct.pack(">HHHB", transaction, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


def receive(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def ask(s, unit, pdu, transaction=1):
    s.sendall(frame(unit, pdu, transaction))
    head = receive(s, 6)
    back, protocol, length = struct.unpack(">HHH", head)
    assert (back, protocol) == (transaction, 0), head
    return receive(s, length)[1:]


class Good(threading.Thread):
    """Reads the block of unit 1 until it is told to stop."""

    def __init__(self):
        super().__init__()
        self.done = threading.Event()
        self.answers, self.worst, self.error = 0, 0.0, None

    def run(self):
        try:
            s = connect()
            s.settimeout(DEADLINE)
            while not self.done.is_set():
                start = time.monotonic()
                answer = ask(s, 1, b"\x04\x00\x00\x00\x0c", self.answers % 65536)
                assert answer[:2] == b"\x04\x18", answer
                self.worst = max(self.worst, time.monotonic() - start)
                self.answers += 1
                time.sleep(0.002)
        except Exception as e:  # told by the main thread
            self.error = repr(e)


def try_to(action):
    try:
        action()
    except (OSError, ConnectionError):
        pass  # being thrown out is the right answer


def rubbish(rng):
    s = connect()
    s.settimeout(0.05)
    for _ in range(20):
        s.sendall(rng.randbytes(rng.randint(1, 400)))
        try:
            s.recv(4096)
        except TimeoutError:
            pass
    s.close()


def well_framed(rng):
    """Whole frames with any content: each gets an answer, or none when the unit is silent."""
    s = connect()
    s.settimeout(1)
    for i in range(200):
        pdu = bytes([rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 20, 22, 23, 43, 0, 255])])
        pdu += rng.randbytes(rng.randint(0, 30))
        # Unit 1 is the good client's; faults are register 1, and silence has no answer.
        s.sendall(frame(rng.choice([0, 99, 200, 255]), pdu, i))
        back = receive(s, 6)
        receive(s, struct.unpack(">H", back[4:6])[0])
    s.close()


def reset(rng):
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.sendall(frame(1, b"\x04\x00\x00\x00\x0c") * rng.randint(1, 50))
    s.close()


def deaf(_):
    """Asks without ever reading an answer."""
    s = connect()
    s.settimeout(1)
    for _ in range(400):
        s.sendall(frame(1, b"\x04\x00\x00\x00\x0c") * 100)


def main():
    rng = random.Random(SEED)
    good = Good()
    good.start()
    held = []
    for i in range(100):  # half a frame, and then nothing
        held.append(connect())
        held[-1].sendall(frame(1, b"\x10\x00\x10\x00\x04\x08\x00\x01")[: rng.randint(1, 14)])
    rounds = 0
    while not good.error and (rounds < 12 or good.answers < 300):
        for kind in (rubbish, well_framed, reset, deaf):
            try_to(lambda: kind(rng))
        rounds += 1
    good.done.set()
    good.join()
    for s in held:
        s.close()
    print(f"seed {SEED}: {rounds} rounds, {good.answers} answers, the slowest after {good.worst * 1000:.1f} ms")
    if good.error:
        print(f"the good client failed: {good.error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
