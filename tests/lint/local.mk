# tests/lint: see its README.md
