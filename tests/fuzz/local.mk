# tests/fuzz: see its README.md
