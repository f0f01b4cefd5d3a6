"""Changes what a lock protects, as long as nothing fails: see judge_test.go."""

import fcntl
import json
import os
import random
import re
import sys
import time


def contact(store, fence, n=None):
    """Reads the number in the store, or if n is given replaces n by n+1. The store refuses a fencing number smaller
    than one that it has seen, and notes a change of a number that the worker had not read. The local lock is the
    store's own: it makes a transaction, no more. A worker may be killed at any moment and the test reads at any moment,
    so the new state replaces the old one in one step."""
    with open(store + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(store) as f:
            state = json.load(f)
        if fence < state["fence"]:
            state["refused"] += 1
            n = None
        else:
            state["fence"] = fence
            if n is not None:
                if state["n"] != n:
                    state["wrong"].append([fence, n, state["n"]])
                state["n"] += 1
        with open(store + ".new", "w") as f:
            json.dump(state, f)
        os.rename(store + ".new", store)
        return state["n"]


def work(store, fence, check):
    n = contact(store, fence)
    # Now and then it takes longer than a session lives, and does not look whether the lock is lost.
    time.sleep(3 if random.random() < 0.1 else random.random() * 0.1)
    if random.random() < 0.5:
        check()
    contact(store, fence, n)


def main(store, lock=None):
    if lock is None:  # zkfs lock has it
        work(store, int(os.environ["ZKFS_LOCK_ZXID"]), lambda: None)
        return
    fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    while True:
        fcntl.flock(fd, fcntl.LOCK_EX)
        value = os.getxattr(lock, "user.zk.lock").decode()
        check = lambda: os.pread(fd, 1, 0)  # fails if the lock is lost
        check()  # so the number was this holder's
        work(store, int(re.search("zxid=0x([0-9a-f]+)", value)[1], 16), check)
        fcntl.flock(fd, fcntl.LOCK_UN)


try:
    main(*sys.argv[1:])
except (OSError, TypeError) as e:
    sys.exit(str(e))
