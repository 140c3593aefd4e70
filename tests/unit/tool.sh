# SPDX-License-Identifier: MIT
# The frame of the command's tests, sourced by them: a folder of its own with
# a config, the command without colours or surroundings, and TAP.

set -u
LC_ALL=C
TZ=UTC
export LC_ALL TZ
: "${top_srcdir:?run me by make check}"
: "${top_builddir:=.}"
here=$(cd "$top_builddir" && pwd)
case $top_srcdir in
/*) source=$top_srcdir ;;
*) source=$(cd "$top_srcdir" && pwd) ;;
esac
REEVE_LIBEXEC=$here
export REEVE_LIBEXEC
unset REEVE_CONFIG NO_COLOR
reeve=$here/reeve
dir=$(mktemp -d "${TMPDIR:-/tmp}/reeve-tool.XXXXXX") || exit 99
cd "$dir" || exit 99
number=0
failed=0
run_dir="" # of what runs in the background
place=""

# Whatever runs is asked to end, and waited for; what stays is a failure.
leave() {
	[ -z "$run_dir" ] || "$reeve" shutdown -c "$dir/reeve.json" \
	    >/dev/null 2>&1
	cd /
	rm -rf "$dir"
	# What a runtime leaves on tmpfs for the next one of its place.
	case $place in
	*/reeve/?* | */reeve-*/?*) rm -rf "$place" "$place.pub" ;;
	esac
}
trap leave EXIT
trap 'exit 99' HUP INT TERM

ok() { # NAME
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok() { # NAME, what was seen
	number=$((number + 1))
	failed=1
	printf '%s\n' "$2" | sed 's/^/# /'
	echo "not ok $number - $1"
}

# exits CODE WORD...: run the command so; what it says goes to out and err.
exits() {
	want=$1
	shift
	"$reeve" "$@" >out 2>err </dev/null
	code=$?
	[ "$code" = "$want" ] && return 0
	echo "reeve $*: exit $code, not $want" >why
	cat out err >>why
	return 1
}

# says FILE PATTERN: the file has such a line.
says() {
	grep -q -e "$2" "$1" && return 0
	{
		echo "no line like \"$2\" in $1:"
		cat "$1"
	} >why
	return 1
}

silent_about() { # FILE PATTERN
	grep -q -e "$2" "$1" || return 0
	{
		echo "a line like \"$2\" in $1:"
		cat "$1"
	} >why
	return 1
}

# check NAME FUNCTION: one case.
check() {
	: >why
	if "$2"; then
		ok "$1"
	else
		not_ok "$1" "$(cat why)"
	fi
}

done_testing() {
	echo "1..$number"
	exit "$failed"
}
