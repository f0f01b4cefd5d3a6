"""A contender for the lock of a file, driven by lines on standard input: see player in player_test.go."""

import errno
import fcntl
import os
import signal
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


def hold(order, counter):
    n = read(counter)
    time.sleep(0.002)
    if order == "look":
        assert read(counter) == n, "the counter has changed"
    else:
        with open(counter, "w") as f:
            f.write(str(n + 1))


def obey(fd, call, how, counter, order, argument):
    if order == "lock":
        call(fd, how)
    elif order == "unlock":
        call(fd, fcntl.LOCK_UN)
    elif order == "write":
        os.write(fd, argument.encode())
    else:
        for _ in range(int(argument)):
            call(fd, how)
            hold(order, counter)
            call(fd, fcntl.LOCK_UN)
    return "done"


def main(kind, path, counter):
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    call, how = LOCKS[kind]
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    for line in iter(sys.stdin.readline, ""):
        order, _, argument = line.strip().partition(" ")
        try:
            answer = obey(fd, call, how, counter, order, argument)
        except OSError as e:
            answer = errno.errorcode[e.errno]
        print(answer, flush=True)


main(*sys.argv[1:])
