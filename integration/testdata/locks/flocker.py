"""A contender for the lock of a file, driven by lines on standard input: see player in player_test.go."""

import fcntl
import os
import sys
import time

LOCKS = {
    "flock": (fcntl.flock, fcntl.LOCK_EX),
    "flock-shared": (fcntl.flock, fcntl.LOCK_SH),
    "lockf": (fcntl.lockf, fcntl.LOCK_EX),
    "lockf-shared": (fcntl.lockf, fcntl.LOCK_SH),
}


def read(path):
    with open(path) as f:
        return int(f.read() or "0")


def main(kind, path, counter):
    call, how = LOCKS[kind]
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    for line in iter(sys.stdin.readline, ""):
        order, _, times = line.strip().partition(" ")
        if order == "lock":
            call(fd, how)
        elif order == "unlock":
            call(fd, fcntl.LOCK_UN)
        elif order == "write":
            os.write(fd, times.encode())
            continue
        for _ in range(int(times or 0)):
            call(fd, how)
            n = read(counter)
            time.sleep(0.002)
            if order == "look":
                assert read(counter) == n, "the counter has changed"
            else:
                with open(counter, "w") as f:
                    f.write(str(n + 1))
            call(fd, fcntl.LOCK_UN)
        print("done", flush=True)


main(*sys.argv[1:])
