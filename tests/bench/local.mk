# tests/bench: see its README.md
