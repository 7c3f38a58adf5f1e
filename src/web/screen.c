/* screen.c - the colours and the logo of a domain's login screen (a style may stand in no page). */
#include "directory/group.h"
#include "web/pages.h"

enum { STYLE_MAX = 2048 };

static bool find_screen(struct http *x, struct directory_screen *out)
{
	struct err err;
	const int rc = directory_screen(visit_of(x)->service->directory, http_segment(x, "domain"),
		http_arena(x), out, &err);

	if (rc < 0)
		visit_fail(x, rc, &err);
	return rc == 0;
}

static void put_colour(struct buf *out, const char *name, struct slice colour)
{
	if (colour.len)
		buf_printf(out, "--%s: %.*s; ", name, SLICE_ARG(colour));
}

void page_screen_style(struct http *x)
{
	struct directory_screen screen;
	struct buf out AUTO(buf_done);

	buf_init(&out, STYLE_MAX);
	if (!find_screen(x, &screen))
		return;
	buf_lit(&out, ":root { color-scheme: light; ");
	put_colour(&out, "paper", screen.background);
	put_colour(&out, "ink", screen.foreground);
	put_colour(&out, "accent", screen.accent);
	put_colour(&out, "hover", screen.accent);
	buf_lit(&out, "}\n");
	http_set(x, "Cache-Control", slice_lit("public, max-age=86400"));
	http_reply(x, 200, "text/css; charset=utf-8", buf_slice(&out));
}

void page_screen_logo(struct http *x)
{
	struct directory_screen screen;
	char type[32];

	if (!find_screen(x, &screen))
		return;
	if (screen.logo.len == 0) {
		http_fail(x, 404);
		return;
	}
	snprintf(type, sizeof(type), "%.*s", SLICE_ARG(screen.logo_type));
	http_set(x, "Content-Security-Policy", slice_lit("default-src 'none'; sandbox"));
	http_set(x, "Cache-Control", slice_lit("public, max-age=86400"));
	http_reply(x, 200, type, screen.logo);
}
