#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Python's three start methods: Process.start() to the end of join().
# usage: bench_process.py ROUNDS; prints "method microseconds" (medians).
import multiprocessing
import statistics
import sys
import time


def nothing():
    pass


def once(context):
    process = context.Process(target=nothing)
    begun = time.monotonic_ns()
    process.start()
    process.join()
    ended = time.monotonic_ns()
    time.sleep(0.005)
    return (ended - begun) / 1e3


if __name__ == "__main__":
    for method in ("forkserver", "fork", "spawn"):
        context = multiprocessing.get_context(method)
        once(context)
        rounds = [once(context) for _ in range(int(sys.argv[1]))]
        print(method, statistics.median(rounds))
