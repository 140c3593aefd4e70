# runtime/face: see its README.md
nobase_include_HEADERS +=
