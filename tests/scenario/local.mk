# tests/scenario: see its README.md
