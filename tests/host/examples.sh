# SPDX-License-Identifier: MIT
# What the tests of tools/examples share, sourced by them: takes what was
# installed for all tests (tests/local.mk) into a folder of its own, and builds
# the examples there as a stranger would, by the README's Makefile and
# pkg-config.
. "${top_srcdir:-.}/tests/lint/lint.sh"

root=$sample/root
examples=$sample/examples
client=$top_builddir/tests/host/http_client
by_make=${MAKELEVEL:-}
unset MAKEFLAGS MAKELEVEL MFLAGS

# readme_block KIND FILE: what it shows between ```KIND and ```.
readme_block() {
	awk -v begin="\`\`\`$1" '
	$0 == begin { inside = 1; next }
	/^```$/ { inside = 0 }
	inside' "$2"
}

install_all() {
	[ -n "$by_make" ] || # else it is there, and others read it
	    make -s -C "$top_builddir" installed.stamp \
		>"$sample/make.out" 2>&1 || tail -20 "$sample/make.out"
	cp -a "$top_builddir/installed" "$root"
}

# After install_all; not in a subshell, since it sets what runs need.
find_installed() {
	examples=$(dirname "$(find "$root" -name httpd.c)")
	pc=$(dirname "$(find "$root" -name libreeve.pc)")
	LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libreeve.so.0')")
	REEVE_LIBEXEC=$(dirname "$(find "$root" -name reeve-launcher)")
	reeve=$(find "$root" -path '*/bin/reeve')
	export LD_LIBRARY_PATH REEVE_LIBEXEC
}

# build_example NAME...
build_example() {
	build_in "$examples" "$@"
}

# build_in FOLDER NAME...: by the Makefile in its README.
build_in() {
	build_folder=$1
	shift
	readme_block make "$build_folder/README.md" >"$build_folder/Makefile"
	PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root \
	    make -s -C "$build_folder" CC="${CC:-cc}" CXX="${CXX:-c++}" \
	    CFLAGS="${CFLAGS:-} -Wall -Wextra -Werror" \
	    CXXFLAGS="${CFLAGS:-} -Wall -Wextra -Werror" "$@" 2>&1
}

# await SECONDS COMMAND...: until it succeeds.
await() {
	await_end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ "$(date +%s)" -gt "$await_end" ]; then
			echo "in vain waited for: $*"
			return 1
		fi
	done
}

# expect PATTERN FILE: some line of it is so.
expect() {
	grep -q -e "$1" "$2" || {
		echo "no line is \"$1\":"
		tail -40 "$2"
	}
}
