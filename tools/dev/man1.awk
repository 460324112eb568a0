# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# A manual page from a program's --help on stdin. Set: name, the page's; program, whose --help it is.
#
# The help: a line "Usage: ..."; its next line, or the first after a blank one, says in a sentence what it does. Then
# sections: a word alone in its line ("Options"), words and a colon ("Float models to 8 bits:"), or a title with text
# behind it ("Example: ..."). An option's line begins with blanks and a dash, and its explanation stands behind two
# blanks or more, or in the next line, far to the right. Lines of examples are taken as they are.

function plain(s)
{
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	return s ~ /^[.']/ ? "\\&" s : s
}

function trim(s)
{
	sub(/^ +/, "", s)
	sub(/ +$/, "", s)
	return s
}

function end_literal()
{
	if (literal)
		print ".fi"
	literal = 0
}

function section(title)
{
	end_literal()
	print ".SH " toupper(title)
	kind = tolower(title)
	fresh = 1
}

function example(line)
{
	if (!literal)
		print ".nf"
	literal = 1
	print plain(trim(line))
}

# "-d, --device NAME": what is typed bold, what stands for something in italics.
function option(spec,   i, n, word, out)
{
	n = split(spec, word, " ")
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? " " : "") (word[i] ~ /^-/ ? "\\fB" : "\\fI") plain(word[i]) "\\fR"
	print ".TP\n" out
}

# The first sentence, for the line that whatis shows.
function head(line,   summary)
{
	summary = line
	sub(/\.$/, "", summary)
	if (substr(summary, 2, 1) !~ /[A-Z]/)
		summary = tolower(substr(summary, 1, 1)) substr(summary, 2)
	printf ".TH %s 1 \"\" \"npu\" \"User Commands\"\n.SH NAME\n%s \\- %s\n", toupper(plain(name)), plain(name),
		plain(summary)
	print ".SH SYNOPSIS\n" plain(usage)
	section("Description")
	print plain(line)
	fresh = 0
}

NR == 1 {
	usage = $0
	sub(/^Usage: /, "", usage)
	next
}

!kind {
	if ($0 != "")
		head($0)
	next
}

/^ *$/ {
	if (!literal && !fresh)
		gap = 1
	next
}

# A title, alone or with text behind it.
/^[A-Z][a-z]+$/ {
	section($0)
	next
}

/^[A-Z][A-Za-z0-9 ]*:$/ {
	end_literal()
	print ".SS " substr($0, 1, length($0) - 1)
	fresh = 1
	gap = 0
	next
}

/^(Examples?|Exit status|Exit codes): / {
	colon = index($0, ":")
	section(substr($0, 1, colon - 1))
	gap = 0
	if (kind ~ /^example/)
		example(substr($0, colon + 1))
	else
		print plain(trim(substr($0, colon + 1)))
	next
}

/^ +-/ {
	if (kind == "description")
		section("Options")
	gap = 0
	fresh = 0
	line = trim($0)
	if (match(line, /  +/)) {
		option(substr(line, 1, RSTART - 1))
		print plain(substr(line, RSTART + RLENGTH))
		next
	}
	# Without two blanks the explanation begins in the column of the others, or in the next line.
	if (match($0, /^ +(-., )?--[a-z-]+ [^ ]+ /) && RLENGTH == 24) {
		option(trim(substr($0, 1, 24)))
		print plain(substr($0, 25))
		next
	}
	option(line)
	next
}

kind ~ /^example/ {
	example($0)
	next
}

(kind == "verbs" || kind == "commands") && /^  [a-z]/ {
	print ".TP\n.B " plain($1)
	line = $0
	sub(/^ +[a-z]+ +/, "", line)
	print plain(line)
	next
}

{
	if (gap)
		print ".PP"
	gap = 0
	fresh = 0
	print plain(trim($0))
}

END {
	end_literal()
	if (name != program)
		print ".SH SEE ALSO\n.BR " plain(program) " (1)"
}
