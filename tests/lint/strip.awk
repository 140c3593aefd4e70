# SPDX-License-Identifier: MIT
# C without comments and without what stands inside of strings; the lines stay
# where they were. With -v keep_strings=1 strings stay whole.
{
	line = $0
	out = ""
	while (line != "") {
		if (inside) {
			at = index(line, "*/")
			if (at == 0) {
				line = ""
				break
			}
			line = substr(line, at + 2)
			inside = 0
			continue
		}
		if (!match(line, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/)) {
			out = out line
			break
		}
		token = substr(line, RSTART, RLENGTH)
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART + RLENGTH)
		if (token == "/*") {
			inside = 1
			out = out " "
		} else if (token == "//") {
			line = ""
		} else if (keep_strings) {
			out = out token
		} else {
			out = out substr(token, 1, 1) substr(token, 1, 1)
		}
	}
	print out
}
