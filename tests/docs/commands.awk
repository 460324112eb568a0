# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The commands of pages: what stands in fenced blocks that begin with ```sh or ```console. Prints for each
#
#	PAGE<tab>LINE<tab>host or guest<tab>LINES OF OUTPUT<tab>COMMAND
#
# and the output that the page shows behind it, a tab before each line.
#
# In a block of sh each line is a command, but for empty ones and comments; one that ends with a backslash goes on with the
# next. In a block of console a line that begins with "$ " is a command, with "# " one that root gives in the VM, and the
# others are output. A comment behind a command is no part of it.

function flush(  i) {
	if (command != "") {
		printf "%s\t%d\t%s\t%d\t%s\n", page, line, where, lines, command
		for (i = 1; i <= lines; i++)
			printf "\t%s\n", output[i]
	}
	command = ""
}

function begin(place, text) {
	flush()
	page = FILENAME
	line = first
	where = place
	lines = 0
	sub(/[ \t]+#[ \t].*$/, "", text)
	command = text
}

FNR == 1	{ flush(); kind = ""; held = "" }
/^```/ {
	flush()
	if (kind == "" && ($0 == "```sh" || $0 == "```console"))
		kind = substr($0, 4)
	else
		kind = (kind == "" ? "other" : "")
	next
}
kind == "sh" {
	if (held == "")
		first = FNR
	if (sub(/\\$/, "")) {
		held = held $0
		next
	}
	if (held $0 !~ /^[ \t]*(#.*)?$/)
		begin("host", held $0)
	held = ""
}
kind == "console" {
	first = FNR
	if (sub(/^\$ /, ""))
		begin("host", $0)
	else if (sub(/^# /, ""))
		begin("guest", $0)
	else
		output[++lines] = $0
}
END		{ flush() }
