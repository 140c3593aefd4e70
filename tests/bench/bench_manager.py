# SPDX-License-Identifier: MIT
# Microseconds of a get from a dict of multiprocessing.Manager, for
# bench_manager.
import multiprocessing
import statistics
import time

with multiprocessing.Manager() as manager:
    d = manager.dict()
    d["key 1234"] = 5
    rounds = []
    for _ in range(5):
        begun = time.monotonic()
        for _ in range(2000):
            d["key 1234"]
        rounds.append((time.monotonic() - begun) / 2000 * 1e6)
    print(f"{statistics.median(rounds):.3f}")
