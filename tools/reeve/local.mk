# tools/reeve: see its README.md
