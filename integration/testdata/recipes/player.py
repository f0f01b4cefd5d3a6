"""Plays kazoo's recipes by orders on standard input, RECIPE VERB PATH [ARGUMENT]: see recipes_test.go."""

import sys
import threading

from kazoo.client import KazooClient

# What makes kazoo see the contenders of package zk.
ALL = ["-lock-"]


class Leader:
    def __init__(self, client, path):
        self.election = client.Election(path, "kazoo")
        self.election.lock = client.Lock(path, "kazoo", extra_lock_patterns=ALL)
        self.leads, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.election.run, args=[self.reign])

    def reign(self):
        self.leads.set()
        self.over.wait()

    def lead(self):
        self.thread.start()
        self.leads.wait()

    def resign(self):
        self.over.set()
        self.thread.join()


def play(client, held, recipe, verb, path, argument):
    key = recipe + path
    if recipe == "barrier":
        barrier = client.Barrier(path)
        {"set": barrier.create, "remove": barrier.remove, "wait": barrier.wait}[verb]()
    elif recipe == "double":
        if verb == "enter":
            held[key] = client.DoubleBarrier(path, int(argument))
            held[key].enter()
        else:
            held[key].leave()
    elif recipe == "queue":
        queue = held.setdefault(key, client.LockingQueue(path))
        if verb == "put":
            queue.put(argument.encode())
        elif verb == "take":
            return queue.get(60).decode()
        else:
            return str(queue.consume())
    elif recipe == "decimal":
        counter = client.Counter(path)
        if verb == "add":
            counter += int(argument)
        return str(counter.value)
    elif recipe == "election":
        if verb == "lead":
            held[key] = Leader(client, path)
            held[key].lead()
        else:
            held[key].resign()
    elif recipe == "group":
        party = held.setdefault(key, client.Party(path, argument))
        if verb == "join":
            party.join()
        elif verb == "leave":
            party.leave()
        else:
            return " ".join(sorted(party))
    return "done"


def main(server):
    client = KazooClient(hosts=server, timeout=10)
    client.start(timeout=30)
    held = {}
    for line in iter(sys.stdin.readline, ""):
        recipe, verb, path, argument = (line.split() + [""])[:4]
        print(play(client, held, recipe, verb, path, argument), flush=True)
    client.stop()
    client.close()


main(*sys.argv[1:])
