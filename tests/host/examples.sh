# SPDX-License-Identifier: MIT
# What the tests of tools/examples share, sourced by them: installs into a
# folder of its own, and builds the examples there as a stranger would, by the
# README's Makefile and pkg-config.
. "${top_srcdir:-.}/tests/lint/lint.sh"

root=$sample/root
examples=$sample/examples
client=$top_builddir/tests/host/http_client
unset MAKEFLAGS MAKELEVEL MFLAGS

readme_makefile() {
	awk '/^```make$/ { inside = 1; next } /^```$/ { inside = 0 } inside' \
	    "$examples/README.md"
}

install_all() {
	make -s -C "$top_builddir" DESTDIR="$root" install \
	    >"$sample/make.out" 2>&1 || tail -20 "$sample/make.out"
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
	readme_makefile >"$examples/Makefile"
	PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root \
	    make -s -C "$examples" CC="${CC:-cc}" CXX="${CXX:-c++}" \
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
