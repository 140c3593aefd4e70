# tests/system: see its README.md
