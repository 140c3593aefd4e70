# SPDX-License-Identifier: MIT
# How programs of tools/examples/multiprocessing that work by pools are run by
# tests: as they are, with their workers killed, and stopped by ctrl-C. Sourced
# by test_pool_examples, behind examples.sh.

# As /proc has it.
talking=$(cd "$examples/multiprocessing" && pwd -P)
real_sample=$(cd "$sample" && pwd -P)
killer=$top_builddir/tests/host/kill_workers
# Deaths of workers that had not begun are no reason to give up here.
stubborn="--retries 1000 --intensity 1000000"
# What never ends is found by it; seconds, for machines with much else to do.
patience=300

# run NAME ARGUMENT...: to its end, with what it says in out and said.
run() {
	run_name=$1
	shift
	fresh_temp
	timeout $patience "$talking/$run_name" "$@" \
	    >"$sample/out" 2>"$sample/said" || {
		echo "$run_name $*: exit code $?"
		tail -20 "$sample/said"
	}
	nothing_left
}

# run_killing MS MOST PREFIX NAME ARGUMENT...: the same, while one of its workers
# is killed every MS milliseconds, until it has ended or there were MOST.
run_killing() {
	run_ms=$1 run_most=$2 run_prefix=$3 run_name=$4
	shift 4
	fresh_temp
	# Who looks for leaks has a child with its own name, and waits for ever
	# when that is killed; `run` looks for them.
	# shellcheck disable=SC2086 # options are words
	ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" \
	    timeout $patience "$talking/$run_name" $stubborn "$@" \
	    >"$sample/out" 2>"$sample/said" &
	run_pid=$!
	"$killer" $run_pid "$run_ms" "$run_most" "$run_prefix" "$talking/$run_name" \
	    >"$sample/killed" &
	run_killer=$!
	wait $run_pid || {
		echo "$run_name $*: exit code $?"
		tail -20 "$sample/said"
	}
	wait $run_killer
	killed=$(cat "$sample/killed")
	echo "# $run_name: $killed workers killed" >&3
	[ "$killed" -ge 3 ] ||
	    echo "only $killed workers were killed"
	nothing_left
}

fresh_temp() {
	rm -rf "$sample/temp"
	mkdir "$sample/temp"
	TMPDIR=$sample/temp
	export TMPDIR
}

# Neither a process nor a file is left of it. All that runs here from the
# installation is the program's, its launcher and its clerk too.
nothing_left() {
	await 60 none_runs || running | xargs ls -l
	find "$sample/temp" -mindepth 1
}

running() {
	find /proc -maxdepth 2 -name exe -lname "$real_sample/*" 2>/dev/null
}

none_runs() {
	[ -z "$(running)" ]
}

same() {
	diff "$1" "$2" | head -20
}

# stop_it SIGNAL NAME ARGUMENT...: in the midst of its work. It ends in order,
# and all that it had begun ends with it. A second is what it may take where
# nothing else runs; on machines that have much else to do, it is several, but
# fewer than any pause that its work makes (10 s).
stop_it() {
	stop_signal=$1 stop_name=$2
	shift 2
	fresh_temp
	"$talking/$stop_name" "$@" >"$sample/out" 2>"$sample/said" &
	stop_pid=$!
	await 60 has_worker $stop_pid "$talking/$stop_name"
	stop_at=$(date +%s%N)
	kill "-$stop_signal" $stop_pid
	wait $stop_pid
	stop_code=$?
	stop_ms=$((($(date +%s%N) - stop_at) / 1000000))
	echo "# $stop_name: $stop_ms ms from $stop_signal to its end" >&3
	[ $stop_ms -lt $((8000 * ${RV_TEST_SLOW:-1})) ] || echo "it took $stop_ms ms to end"
	case $stop_signal-$stop_code in
	INT-130 | TERM-143) ;;
	*) echo "exit code $stop_code" ;;
	esac
	expect "^$stop_name: stopped by " "$sample/said"
	nothing_left
}

has_worker() {
	[ "$("$killer" "$1" 0 0 "$prefix" "$2")" -gt 0 ]
}
