# runtime/clerk: see its README.md
