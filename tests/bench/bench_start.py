#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Python's three start methods: Process.start() to the target's first line.
# usage: bench_start.py ROUNDS; prints "method microseconds" (medians).
import multiprocessing
import statistics
import sys
import time


def target(pipe):
    pipe.send(time.monotonic_ns())


def once(context):
    mine, its = context.Pipe(False)
    process = context.Process(target=target, args=(its,))
    begun = time.monotonic_ns()
    process.start()
    stamp = mine.recv()
    process.join()
    time.sleep(0.005)
    return (stamp - begun) / 1e3


if __name__ == "__main__":
    for method in ("forkserver", "fork", "spawn"):
        context = multiprocessing.get_context(method)
        once(context)
        rounds = [once(context) for _ in range(int(sys.argv[1]))]
        print(method, statistics.median(rounds))
