# SPDX-License-Identifier: MIT
"""Pool.map and ProcessPoolExecutor, beside those of the bench: the round trip
of an empty task in us by each, then items a second with chunks of one and with
the default ones. A line: apply, submit, one, default, executor's map."""
import concurrent.futures
import multiprocessing
import sys
import time


def nothing(_):
    return None


def timed(what):
    begin = time.monotonic()
    what()
    return time.monotonic() - begin


def trips(call, n=2000):
    for _ in range(100):
        call()
    return timed(lambda: [call() for _ in range(n)]) / n * 1e6


def main():
    workers = int(sys.argv[1])
    context = multiprocessing.get_context("fork")
    with context.Pool(workers) as pool:
        apply = trips(lambda: pool.apply(nothing, (0,)))
        few, many = range(20000), range(1000000)
        pool.map(nothing, few)
        one = len(few) / timed(lambda: pool.map(nothing, few, chunksize=1))
        default = len(many) / timed(lambda: pool.map(nothing, many))
    with concurrent.futures.ProcessPoolExecutor(
        workers, mp_context=context
    ) as executor:
        submit = trips(lambda: executor.submit(nothing, 0).result())
        few = range(5000)
        theirs = len(few) / timed(lambda: list(executor.map(nothing, few)))
    print(apply, submit, one, default, theirs)


main()
