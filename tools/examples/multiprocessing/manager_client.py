#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Reeve's managers from another language: see below.
"""A client of reeve's managers in Python's standard library alone.

The protocol is that of reeve-manager(7). Run by itself it takes an address
(unix:/path or tcp:host:port) and perhaps a file with the key ("-": none), and
shows what one can do with a dict, a list and a queue; with a function behind
these, which the manager's program has registered, with a pool.
"""
import hashlib
import hmac
import json
import os
import socket
import struct
import sys

NULL, BOOL, INT, DOUBLE, BYTES, TEXT, JSON, REFERENCE = range(8)
FOREVER = (1 << 63) - 1


class Failed(Exception):
    """What a call failed with: status, type, message."""

    def __init__(self, status, kind, message):
        super().__init__(f"{kind}: {message}")
        self.status, self.kind, self.message = status, kind, message


class Connection:
    """Messages, each behind a head of 32 bytes (reeve-connections(7))."""

    def __init__(self, address, key=None):
        kind, rest = address.split(":", 1)
        self.whole = kind == "unix"
        if self.whole:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.socket.connect(rest)
        else:
            host, port = rest.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        if key is not None:
            self.greet(key)

    def exactly(self, n):
        if self.whole:
            return self.socket.recv(n)
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError("the manager is gone")
            data += more
        return data

    def greet(self, key):
        first = self.exactly(36)
        if first[:4] != b"rvk1":
            raise ConnectionError("the manager asks for no key")
        theirs, ours, name = first[4:], os.urandom(32), b"reeve-manager"

        def mac(side):
            text = b"reeve greeting by a key, 1\0" + side
            text += bytes([len(name), 0]) + name + theirs + ours
            return hmac.new(key, text, hashlib.sha256).digest()

        self.socket.sendall(ours + mac(b"C"))
        last = self.exactly(33)
        if last[:1] != b"y" or not hmac.compare_digest(last[1:], mac(b"L")):
            raise ConnectionError("the manager has another key")

    def send(self, data):
        head = struct.pack("<4sBBHQ16x", b"rvm1", 1, 0, 0, len(data))
        if self.whole and len(data) > 60000:
            # too long for a packet: in sealed memory beside it
            import fcntl
            fd = os.memfd_create("message", os.MFD_ALLOW_SEALING)
            os.write(fd, data)
            fcntl.fcntl(fd, 1033, 2 | 4 | 8)
            head = struct.pack("<4sBBHQ16x", b"rvm1", 2, 0, 0, len(data))
            socket.send_fds(self.socket, [head], [fd])
            os.close(fd)
        else:
            self.socket.sendall(head + data)

    def receive(self):
        if not self.whole:
            head = self.exactly(32)
            length = struct.unpack_from("<Q", head, 8)[0]
            return self.exactly(length)
        packet, fds, _, _ = socket.recv_fds(self.socket, 70000, 4)
        if not packet:
            raise EOFError("the manager is gone")
        length = struct.unpack_from("<Q", packet, 8)[0]
        if packet[4] == 1:
            return packet[32:32 + length]
        with os.fdopen(fds[0], "rb") as memory:
            memory.seek(0)
            return memory.read(length)


def encode(value):
    if value is None:
        return struct.pack("<II", NULL, 0)
    if isinstance(value, bool):
        return struct.pack("<IIq", BOOL, 8, value)
    if isinstance(value, int):
        return struct.pack("<IIq", INT, 8, value)
    if isinstance(value, float):
        return struct.pack("<IId", DOUBLE, 8, value)
    if isinstance(value, Proxy):
        kind, data = REFERENCE, struct.pack("<II", *value.object)
        data += value.type.encode()
    elif isinstance(value, str):
        kind, data = TEXT, value.encode()
    elif isinstance(value, (dict, list)):
        kind, data = JSON, json.dumps(value).encode()
    else:
        kind, data = BYTES, bytes(value)
    return (struct.pack("<II", kind, len(data)) + data +
            bytes(8 - len(data) % 8))


class Manager:
    def __init__(self, address, key=None):
        self.connection = Connection(address, key)
        self.next = 0
        hello = self.answers()[0][2]
        if hello[:2] != ["reeve-manager", 1]:
            raise ConnectionError("this is no manager of version 1")
        self.itself = Proxy(self, (0, 0), "manager")

    def decode(self, data, at):
        kind, length = struct.unpack_from("<II", data, at)
        at += 8
        if kind == NULL:
            return None, at
        if kind in (BOOL, INT, DOUBLE):
            form = "<d" if kind == DOUBLE else "<q"
            value = struct.unpack_from(form, data, at)[0]
            return bool(value) if kind == BOOL else value, at + 8
        body = data[at:at + length]
        at += length + 8 - length % 8
        if kind == REFERENCE:
            which = struct.unpack_from("<II", body)
            return Proxy(self, which, body[8:].decode()), at
        if kind == JSON:
            return json.loads(body), at
        return body.decode() if kind == TEXT else body, at

    def answers(self):
        """Of one message: (number of the call, status, values) each."""
        data, at, found = self.connection.receive(), 0, []
        while at < len(data):
            length, call, status, n = struct.unpack_from("<IIiI", data, at)
            values, inner = [], at + 16
            for _ in range(n):
                value, inner = self.decode(data, inner)
                values.append(value)
            found.append((call, status, values))
            at += length
        return found

    def calls(self, calls, timeout=0):
        """Many calls in one message: (proxy, method, arguments) each."""
        first, data = self.next + 1, b""
        for proxy, method, args in calls:
            self.next += 1
            body = b"".join(encode(arg) for arg in (method, *args))
            data += struct.pack(
                "<IIIIHHIIIq", 40 + len(body), self.next, *proxy.object, 0, 0,
                1 + len(args), os.getpid() & 0xffffffff, 0, timeout) + body
        self.connection.send(data)
        results = {}
        while len(results) < len(calls):
            for call, status, values in self.answers():
                if call == 0:
                    raise Failed(status, *values[:2])
                results[call - first] = (status, values)
        return [results[i] for i in range(len(calls))]

    def create(self, kind, *args):
        return self.itself.call("create", kind, *args)

    def open(self, name):
        return self.itself.call("open", name)


class Proxy:
    def __init__(self, manager, which, kind):
        self.manager, self.object, self.type = manager, which, kind

    def call(self, method, *args, timeout=0):
        status, values = self.manager.calls(
            [(self, method, args)], timeout)[0]
        if status != 0:
            raise Failed(status, *(values + ["", ""])[:2])
        if len(values) == 1:
            return values[0]
        return values or None


def show_pool(manager, function):
    pool = manager.create("pool", {"max": 2})
    print("a task:", pool.call("apply", function, "1", timeout=FOREVER))
    tasks = [pool.call("submit", function, str(i)) for i in range(3)]
    results = [pool.call("get", task, timeout=FOREVER)
               for task in reversed(tasks)]
    print("last first:", results)
    n_bad, *values = pool.call(
        "map", function, {"chunk": 2}, "4", "5", "6", timeout=FOREVER)
    print("a map:", n_bad, values)
    try:
        pool.call("apply", "no.such.function")
    except Failed as failed:
        print("error:", failed.kind)
    pool.call("close")
    pool.call("join", timeout=FOREVER)
    print("done:", pool.call("stats")["good"])


def main():
    key = None
    if len(sys.argv) > 2 and sys.argv[2] != "-":
        with open(sys.argv[2], "rb") as file:
            key = file.read()
    manager = Manager(sys.argv[1], key)
    shared = manager.create("dict")
    shared.call("set", "name", "bob")
    shared.call("set", 5, 2.5)
    print("dict:", shared.call("items"))
    print("sum:", shared.call("add", "n", 41), shared.call("add", "n", 1))
    inner = manager.create("list", None, True, b"\x00\xff")
    shared.call("set", "list", inner)
    print("list in dict:", shared.call("get", "list").call("items"))
    try:
        shared.call("get", "nothing")
    except Failed as failed:
        print("error:", failed)
    queue = manager.create("queue")
    found = manager.calls([(queue, "put", (i,)) for i in range(3)] +
                          [(queue, "get", ())])
    print("in one message:", found)
    try:
        manager.create("queue").call("get", timeout=20_000_000)
    except Failed as failed:
        print("after a while:", failed.status)
    large = bytes(range(256)) * 1000
    shared.call("set", "large", large)
    print("large:", shared.call("get", "large") == large)
    if len(sys.argv) > 3:
        show_pool(manager, sys.argv[3])


if __name__ == "__main__":
    main()
