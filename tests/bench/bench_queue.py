# SPDX-License-Identifier: MIT
"""Items a second of 64 bytes through mp.Queue, one putter and one getter."""
import multiprocessing
import sys
import time


def put(queue, go, n):
    item = bytes(64)
    go.wait()
    for _ in range(n):
        queue.put(item)


def main():
    n = int(sys.argv[1])
    context = multiprocessing.get_context("fork")
    queue = context.Queue(14000)
    go = context.Event()
    putter = context.Process(target=put, args=(queue, go, n))
    putter.start()
    begin = time.monotonic()
    go.set()
    for _ in range(n):
        queue.get()
    print(n / (time.monotonic() - begin))
    putter.join()


main()
