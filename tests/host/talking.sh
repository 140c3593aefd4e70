#!/bin/sh
# SPDX-License-Identifier: MIT
# What each program of tools/examples/multiprocessing prints, line by line, by
# whichever start method; sourced by test_examples.

talking_programs="hello pipe_cubes queue_cubes shared_sum own_class daemon
locked_table"

said_by_hello() {
	echo "hello bob"
}

said_by_pipe_cubes() {
	printf 'received %d\n' 0 1 8 27 64 125 216 343 512 729
}

said_by_queue_cubes() {
	printf '%d\n' 1 2 9 28 65 126 217 344 513 730
}

# The numbers from 0 to 3999999, in four chunks.
said_by_shared_sum() {
	cat <<-EOT
	chunk 0: 499999500000
	chunk 1: 1499999500000
	chunk 2: 2499999500000
	chunk 3: 3499999500000
	sum: 7999998000000
	EOT
}

said_by_own_class() {
	for name in bob eve; do
		echo "$name wakes up"
		echo "$name says hello"
		echo "$name says hello"
		echo "$name lies down, 2 said, 0 to return"
	done
}

said_by_daemon() {
	cat <<-EOT
	worker: my work is done
	worker: exit code 0
	daemon: signal 15
	EOT
}

said_by_locked_table() {
	echo "20000 rows: 10000 of a, 10000 of b"
}

# try_talking PROGRAM: by each start method, and by none.
try_talking() {
	"said_by_$1" >"$sample/expected"
	for method in spawn fork forkserver ''; do
		# shellcheck disable=SC2086 # no method is no word
		timeout 100 "$examples/multiprocessing/$1" $method \
		    >"$sample/out" 2>&1 ||
		    echo "by ${method:-default}: it exited with $?"
		diff "$sample/expected" "$sample/out" |
		    sed "s/^/by ${method:-default}: /"
	done
}
