# SPDX-License-Identifier: MIT
# Messages through multiprocessing.Pipe, for bench_conn.
import multiprocessing
import time


def child(conn, count, back):
    for _ in range(count):
        data = conn.recv_bytes()
        if back:
            conn.send_bytes(data)
    conn.send_bytes(b"d")


def measure(name, size, count, back):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=child, args=(theirs, count, back))
    process.start()
    data = bytes(size)
    begun = time.monotonic()
    for _ in range(count):
        ours.send_bytes(data)
        if back:
            ours.recv_bytes()
    ours.recv_bytes()
    took = time.monotonic() - begun
    process.join()
    print(f"{name:34} python {count / took / 1000:9.3f} /ms")


measure("64 B there and back", 64, 5000, True)
measure("4 KiB there and back", 4096, 5000, True)
measure("64 B one way", 64, 20000, False)
measure("4 KiB one way", 4096, 20000, False)
measure("1 MiB by value", 1 << 20, 200, False)
