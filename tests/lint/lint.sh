# SPDX-License-Identifier: MIT
# The frame of every lint, sourced by it. A lint is a function that is given a
# tree and prints one line for each thing that is wrong there. `clean` expects
# silence from it for the real tree; `finds` expects it to notice a bad sample,
# so that a lint which has gone blind fails too. TAP comes out.

set -u
LC_ALL=C
export LC_ALL
: "${top_srcdir:?run me by make check}"
: "${top_builddir:=.}"
lint_dir=$top_srcdir/tests/lint
sample=$(mktemp -d "${TMPDIR:-/tmp}/reeve-lint.XXXXXX") || exit 99
trap 'rm -rf "$sample"' EXIT
trap 'exit 99' HUP INT TERM
lint_number=0
lint_failed=0

# result NAME FINDINGS: ok when there are none.
result() {
	lint_number=$((lint_number + 1))
	if [ -z "$2" ]; then
		echo "ok $lint_number - $1"
	else
		lint_failed=1
		printf '%s\n' "$2" | sed 's/^/# /'
		echo "not ok $lint_number - $1"
	fi
}

# clean NAME FUNCTION ARG...: the function finds nothing wrong.
clean() {
	clean_name=$1
	shift
	result "$clean_name" "$("$@" 2>&1)"
}

# finds NAME PATTERN FUNCTION ARG...: it does find what the pattern describes.
finds() {
	finds_name=$1
	finds_pattern=$2
	shift 2
	finds_out=$("$@" 2>&1)
	if printf '%s\n' "$finds_out" | grep -q -e "$finds_pattern"; then
		result "$finds_name" ""
	else
		result "$finds_name" "not noticed; it said: $finds_out"
	fi
	rm -rf "$sample"/*
}

# put FILE: standard input becomes this file of the sample tree.
put() {
	mkdir -p "$sample/$(dirname "$1")"
	cat >"$sample/$1"
}

done_linting() {
	echo "1..$lint_number"
	exit "$lint_failed"
}

# sources TREE EXTENSION...: our files with these extensions, one a line.
# Build trees inside of the source tree are not ours.
sources() {
	sources_tree=$1
	shift
	for sources_top in runtime config tests tools plugins; do
		[ -d "$sources_tree/$sources_top" ] || continue
		for sources_ext; do
			find "$sources_tree/$sources_top" -name "*.$sources_ext" \
			    -type f ! -path '*/.*'
		done
	done | sort
}

# What a table of the form "key : value" in layers.tbl says of a key.
layer_allows() {
	awk -v key="$1" '$2 == key && $3 == ":" && $1 ~ /^[0-9]/ {
		for (i = 4; i <= NF; i++) print $i }' "$lint_dir/layers.tbl"
}
