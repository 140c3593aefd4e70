# runtime/launcher: see its README.md
