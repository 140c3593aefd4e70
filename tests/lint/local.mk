# tests/lint: see its README.md
lint_tests = tests/lint/banned tests/lint/enter tests/lint/counting tests/lint/exports \
	tests/lint/files tests/lint/format tests/lint/headers tests/lint/install \
	tests/lint/layers tests/lint/link tests/lint/scenarios \
	tests/lint/sizes
TESTS += $(lint_tests)
EXTRA_DIST += $(lint_tests) tests/lint/banned.tbl tests/lint/enter.tbl \
	tests/lint/layers.tbl tests/lint/lint.sh tests/lint/strip.awk
