// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * SVG shapes.
 */
#include "svg.h"

#include "output.h"

/* XML 1.0 has no control characters; output_name() leaves neither these nor broken UTF-8. */
static void escaped(FILE *f, const char *text)
{
	for (const char *c = output_name(text); *c; c++) {
		switch (*c) {
		case '&':
			fputs("&amp;", f);
			break;
		case '<':
			fputs("&lt;", f);
			break;
		case '>':
			fputs("&gt;", f);
			break;
		default:
			putc(*c, f);
		}
	}
}

void svg_open(FILE *f, double width, double height, const char *title)
{
	fprintf(f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\">\n"
		"<title>",
		width, height, width, height);
	escaped(f, title);
	fputs("</title>\n", f);
	svg_rect(f, 0, 0, width, height, "#ffffff", NULL);
}

void svg_close(FILE *f)
{
	fputs("</svg>\n", f);
}

/* The end of an element's tag: its tip, if any, is inside. */
static void end_element(FILE *f, const char *name, const char *tip)
{
	if (!tip) {
		fputs("/>\n", f);
		return;
	}
	fputs("><title>", f);
	escaped(f, tip);
	fprintf(f, "</title></%s>\n", name);
}

void svg_rect(FILE *f, double x, double y, double width, double height, const char *fill,
	      const char *tip)
{
	fprintf(f, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\"", x, y,
		width, height, fill);
	end_element(f, "rect", tip);
}

void svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *stroke, double width,
	      const char *dashes)
{
	fprintf(f,
		"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" stroke=\"%s\" "
		"stroke-width=\"%.2f\"",
		x1, y1, x2, y2, stroke, width);
	if (dashes)
		fprintf(f, " stroke-dasharray=\"%s\"", dashes);
	end_element(f, "line", NULL);
}

void svg_dot(FILE *f, double x, double y, double radius, const char *fill, const char *tip)
{
	fprintf(f, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" fill=\"%s\"", x, y, radius, fill);
	end_element(f, "circle", tip);
}

void svg_text(FILE *f, double x, double y, double size, enum svg_anchor anchor, const char *fill,
	      const char *text)
{
	static const char *const anchors[] = {
		[SVG_START] = "start",
		[SVG_MIDDLE] = "middle",
		[SVG_END] = "end",
	};

	fprintf(f, "<text x=\"%.2f\" y=\"%.2f\" font-size=\"%.0f\" text-anchor=\"%s\" fill=\"%s\">",
		x, y, size, anchors[anchor], fill ? fill : "#000000");
	escaped(f, text);
	fputs("</text>\n", f);
}

void svg_text_turned(FILE *f, double x, double y, double size, double degrees, const char *text)
{
	fprintf(f,
		"<text transform=\"translate(%.2f %.2f) rotate(%.2f)\" font-size=\"%.0f\" "
		"text-anchor=\"middle\">",
		x, y, -degrees, size);
	escaped(f, text);
	fputs("</text>\n", f);
}

const char *svg_colour(unsigned int number)
{
	/* To be told apart by those, too, who see red and green alike. */
	static const char *const colours[] = { "#0072b2", "#e69f00", "#009e73", "#cc79a7",
					       "#56b4e9", "#d55e00", "#8c6d31", "#7b4173" };

	return colours[number % (sizeof(colours) / sizeof(*colours))];
}
