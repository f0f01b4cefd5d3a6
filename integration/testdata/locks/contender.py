"""A contender for a lock of kazoo, driven by lines on standard input: see player in player_test.go."""

import sys
import time

from kazoo.client import KazooClient

# What makes kazoo see the contenders of other clients, here those of package zk. They end in -lock- or -read-lock-
# and ten digits. A reader need not wait for other readers.
ALL = ["-lock-"]
WRITERS = ["(?<!-read)-lock-"]


def read(path):
    with open(path) as f:
        return int(f.read() or "0")


def main(kind, server, path, counter):
    client = KazooClient(hosts=server, timeout=10)
    client.start(timeout=30)
    lock = {
        "lock": lambda: client.Lock(path, "kazoo", extra_lock_patterns=ALL),
        "write": lambda: client.WriteLock(path, "kazoo", extra_lock_patterns=ALL),
        "read": lambda: client.ReadLock(path, "kazoo", extra_lock_patterns=WRITERS),
    }[kind]()
    for line in iter(sys.stdin.readline, ""):
        order, _, times = line.strip().partition(" ")
        if order == "lock":
            lock.acquire()
        elif order == "unlock":
            lock.release()
        for _ in range(int(times or 0)):
            with lock:
                n = read(counter)
                time.sleep(0.002)
                if order == "look":
                    assert read(counter) == n, "the counter has changed"
                    continue
                with open(counter, "w") as f:
                    f.write(str(n + 1))
        print("done", flush=True)
    client.stop()
    client.close()


main(*sys.argv[1:])
