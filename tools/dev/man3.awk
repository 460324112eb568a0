# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the npu authors
#
# The manual's section 3 from the comments of libnpu's public headers, which are its only source. Arguments: the headers;
# set: out, the folder for the pages. A header becomes a page of its own (npu.h: npu.3, ops.h: npu_ops.3), and so does
# each comment "/** name() - what it does" with the functions declared behind it; a function that is not the first of
# them gets a page that leads there. What a page speaks of, structures and enumerations, is shown in it.
#
# Fails on a function that has no comment, and on a comment for a function that is not declared there.

function fail(what)
{
	printf "%s:%d: %s\n", FILENAME, FNR, what >"/dev/stderr"
	failed = 1
	exit 1
}

function plain(s)
{
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	return s ~ /^[.']/ ? "\\&" s : s
}

# Text of a comment: @name is a parameter.
function prose(s,   out)
{
	s = plain(s)
	while (match(s, /@[a-z_][a-z0-9_]*/)) {
		out = out substr(s, 1, RSTART - 1) "\\fI" substr(s, RSTART + 1, RLENGTH - 1) "\\fR"
		s = substr(s, RSTART + RLENGTH)
	}
	return out s
}

# A line of a comment without what makes it one.
function strip(s)
{
	sub(/^ \*\/?/, "", s)
	sub(/^ /, "", s)
	return s
}

# What is between "name() - " and the end of a comment's first sentence, short enough for a page's name.
function summary(s,   end)
{
	if (index(s, " - "))
		s = substr(s, index(s, " - ") + 3)
	end = match(s, /(; |\. |: )/)
	if (end)
		s = substr(s, 1, end - 1)
	sub(/\.$/, "", s)
	return s
}

# first(TEXT): a comment's first paragraph, as one line. rest(TEXT): the comment without it.
function first(text)
{
	sub(/\n(\n|@)(.|\n)*/, "", text)
	gsub(/\n/, " ", text)
	return text
}

function rest(text)
{
	if (!match(text, /\n(\n|@)/))
		return ""
	return substr(text, RSTART + 1)
}

function end_code()
{
	if (code)
		print ".fi\n.RE" >page
	code = 0
}

# body(TEXT): a comment as paragraphs, parameters and code, which is what is indented and belongs to no parameter.
function body(text,   n, i, line, item, para)
{
	n = split(text, line, "\n")
	for (i = 1; i <= n; i++) {
		if (line[i] == "") {
			end_code()
			item = 0
			para = 1
			continue
		}
		if (line[i] ~ /^@/) {
			end_code()
			item = match(line[i], /: */)
			print ".TP\n\\fI" plain(names_of(substr(line[i], 1, RSTART - 1))) "\\fR" >page
			line[i] = substr(line[i], RSTART + RLENGTH)
		} else if (line[i] ~ /^\t/ && !item) {
			if (!code)
				print ".PP\n.RS\n.nf" >page
			code = 1
			print plain(substr(line[i], 2)) >page
			continue
		} else if (para || code) {
			end_code()
			print ".PP" >page
		}
		para = 0
		sub(/^[ \t]+/, "", line[i])
		if (line[i] != "")
			print prose(line[i]) >page
	}
	end_code()
}

function names_of(s)
{
	gsub(/@/, "", s)
	return s
}

# literal(TEXT): code, as it is.
function literal(text,   n, i, line)
{
	print ".nf" >page
	n = split(text, line, "\n")
	for (i = 1; i <= n; i++) {
		gsub(/\t/, "        ", line[i])
		print plain(line[i]) >page
	}
	print ".fi" >page
}

# mention(TEXT): notes the structures and enumerations that it names, and what these name.
function mention(text,   s, key)
{
	s = text
	while (match(s, /(struct|enum) npu_[a-z0-9_]+/)) {
		key = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (key in defined && !(key in mentioned)) {
			mentioned[key] = 1
			order[++mentions] = key
			mention(comment[key] "\n" defined[key])
		}
	}
}

function begin_page(name, names, what)
{
	page = out "/" name ".3"
	printf ".TH %s 3 \"\" \"npu\" \"libnpu\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", toupper(name), names,
		plain(what) >page
}

function function_page(f,   i, n, name, names, what, said)
{
	n = split(functions[f], name, " ")
	for (i = 1; i <= n; i++)
		names = names (i > 1 ? ", " : "") name[i]
	what = first(about[f])
	said = what
	sub(/^[^ ]* - /, "", said)
	sub(/\.$/, "", said)
	begin_page(name[1], names, summary(what))
	print ".nf\n#include <npu/" header[f] ">\n.fi\n.PP" >page
	literal(prototypes[f])
	print ".SH DESCRIPTION" >page
	# A first paragraph that says no more than the page's name is not said twice.
	body(n == 1 && said == summary(what) ? rest(about[f]) : about[f])
	delete mentioned
	mentions = 0
	mention(prototypes[f] "\n" about[f])
	if (mentions)
		print ".SH TYPES" >page
	for (i = 1; i <= mentions; i++) {
		print ".SS " order[i] >page
		if (order[i] in comment)
			body(comment[order[i]])
		print ".PP" >page
		literal(defined[order[i]])
	}
	print ".SH SEE ALSO" >page
	if (header_page(header[f]) != "npu")
		print ".BR " header_page(header[f]) " (3)," >page
	print ".BR npu (3)" >page
	close(page)
	for (i = 2; i <= n; i++) {
		page = out "/" name[i] ".3"
		print ".so man3/" name[1] ".3" >page
		close(page)
	}
}

function header_page(h)
{
	sub(/\.h$/, "", h)
	return h == "npu" ? h : "npu_" h
}

function overview(h,   f, i, n, name, what, others)
{
	what = first(overviews[h])
	sub(/^libnpu: /, "", what)
	sub(/( - | \(|\.$).*/, "", what)
	begin_page(header_page(h), header_page(h), what)
	print ".nf\n#include <npu/" h ">\n.PP\ncc ... $(pkg\\-config \\-\\-cflags \\-\\-libs npu)\n.fi" >page
	print ".SH DESCRIPTION" >page
	body(overviews[h])
	print ".SH FUNCTIONS" >page
	for (f = 1; f <= count; f++) {
		if (header[f] != h)
			continue
		n = split(functions[f], name, " ")
		for (i = 1; i <= n; i++)
			print (i > 1 ? ".TQ" : ".TP") "\n.BR " name[i] " (3)" >page
		print plain(summary(first(about[f]))) >page
	}
	for (i = 1; i <= headers; i++)
		if (file[i] != h)
			others = others (others == "" ? "" : ",\n") ".BR " header_page(file[i]) " \"(3)"
	# The comma is of the roman part of its line.
	gsub(/,\n/, ",\"\n", others)
	print ".SH SEE ALSO\n" others "\"" >page
	close(page)
}

# ---- Reading ----

FNR == 1 {
	h = FILENAME
	sub(/.*\//, "", h)
	file[++headers] = h
	state = ""
	pending = ""
	seen_head = 0
}

# The head comment, without the copyright.
state == "head" {
	if (/\*\//) {
		state = ""
		sub(/^\n+/, "", overviews[h])
		sub(/\n+$/, "", overviews[h])
	} else if (!/Copyright/) {
		overviews[h] = overviews[h] "\n" strip($0)
	}
	next
}

/^\/\*$/ && !seen_head {
	seen_head = 1
	state = "head"
	next
}

# A comment for what follows: one line, or several.
/^\/\*\* .*\*\/$/ {
	pending = $0
	sub(/^\/\*\* /, "", pending)
	sub(/ *\*\/$/, "", pending)
	next
}

/^\/\*\*$/ {
	state = "comment"
	pending = ""
	next
}

state == "comment" {
	if (/\*\//) {
		state = ""
		sub(/^\n/, "", pending)
		sub(/\n+$/, "", pending)
	} else {
		pending = pending "\n" strip($0)
	}
	next
}

# A structure or an enumeration.
state == "type" {
	defined[type] = defined[type] "\n" $0
	if (/^};/)
		state = ""
	next
}

/^(struct|enum) [a-z0-9_]+ \{/ {
	type = $1 " " $2
	defined[type] = $0
	if (pending != "")
		comment[type] = pending
	pending = ""
	state = /};$/ ? "" : "type"
	next
}

# Declarations, up to a blank line.
state == "functions" {
	if ($0 == "") {
		state = ""
		next
	}
	prototypes[count] = prototypes[count] "\n" $0
	declare()
	next
}

/^[a-z].*[ *]npu_[a-z0-9_]+\(/ {
	if (pending == "")
		fail("a function without a comment")
	count++
	header[count] = h
	about[count] = pending
	prototypes[count] = $0
	pending = ""
	declare()
	state = "functions"
	if (index(about[count], functions[count] "()") != 1)
		fail("the comment is not " functions[count] "()'s")
	next
}

function declare()
{
	if (match($0, /^[a-z].*[ *]npu_[a-z0-9_]+\(/)) {
		name_here = substr($0, RSTART, RLENGTH - 1)
		sub(/.*[ *]/, "", name_here)
		functions[count] = functions[count] (functions[count] == "" ? "" : " ") name_here
	}
}

END {
	if (failed)
		exit 1
	for (f = 1; f <= count; f++)
		function_page(f)
	for (i = 1; i <= headers; i++)
		overview(file[i])
}
