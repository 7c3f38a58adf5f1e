/* text.c - see text.h for the contract. */
#include "web/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"
#include "page/page.h"

void text_put_query(struct buf *out, struct slice value)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		const unsigned char c = (unsigned char)value.ptr[i], low = ascii_lower(c);

		if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
			(c && strchr("-_.~@", c))) {
			buf_byte(out, (char)c);
		} else {
			buf_byte(out, '%');
			buf_byte(out, digits[c >> 4]);
			buf_byte(out, digits[c & 15]);
		}
	}
}

bool text_is_path(struct slice s)
{
	if (s.len == 0 || s.ptr[0] != '/' || (s.len > 1 && s.ptr[1] == '/'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '\\')
			return false;
	}
	return true;
}

void text_put_size(uint64_t bytes, char *text, size_t cap)
{
	static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
	double n = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, cap, "%llu bytes", (unsigned long long)bytes);
		return;
	}
	for (; n >= 999.5 && unit < 4; unit++)
		n /= 1000;
	snprintf(text, cap, n < 9.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

void text_put_zone(char *text, size_t cap)
{
	const time_t now = (time_t)clock_wall_s();
	struct tm tm;

	if (!localtime_r(&now, &tm) || !strftime(text, cap, "%Z", &tm))
		snprintf(text, cap, "UTC");
}

void text_put_when(
	int64_t wall_s, int64_t now_s, char *text, size_t cap, char *full, size_t full_cap)
{
	const time_t at = (time_t)wall_s, now = (time_t)now_s;
	struct tm then = {0}, today = {0};

	localtime_r(&at, &then);
	localtime_r(&now, &today);
	if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday)
		strftime(text, cap, "%H:%M", &then);
	else
		strftime(text, cap, then.tm_year == today.tm_year ? "%-d %b" : "%-d %b %Y", &then);
	strftime(full, full_cap, "%A, %-d %B %Y, %H:%M", &then);
}

/* ---- plain mail ---- */

/* How long the web address is that text begins with; 0: it does not. */
static size_t link_len(struct slice text)
{
	size_t n;

	if (!slice_starts(text, slice_lit("https://")) && !slice_starts(text, slice_lit("http://")))
		return 0;
	for (n = 7; n < text.len; n++) {
		const unsigned char c = (unsigned char)text.ptr[n];

		if (c <= ' ' || strchr("<>\"'`\\{}|^", c))
			break;
	}
	while (n > 0 && strchr(".,;:!?)]*_", text.ptr[n - 1]))
		n--;
	return n > 10 ? n : 0;
}

static void put_linked(struct slice line, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < line.len; i++) {
		const struct slice rest = slice_from(line, i);
		const size_t n = line.ptr[i] == 'h' ? link_len(rest) : 0;

		if (n == 0)
			continue;
		page_escape(out, (struct slice){line.ptr + from, i - from});
		buf_lit(out, "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href=\"");
		page_escape(out, slice_head(rest, n));
		buf_lit(out, "\">");
		page_escape(out, slice_head(rest, n));
		buf_lit(out, "</a>");
		from = i + n;
		i = from - 1;
	}
	page_escape(out, slice_from(line, from));
}

void text_to_html(struct slice text, struct buf *out)
{
	while (text.len) {
		struct slice line = slice_cut(text, '\n', &text);
		const bool is_quote = line.len && line.ptr[0] == '>';

		while (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (is_quote)
			buf_lit(out, "<span class=\"quote\">");
		put_linked(line, out);
		if (is_quote)
			buf_lit(out, "</span>");
		buf_byte(out, '\n');
	}
}

void text_quote(struct slice text, struct buf *out)
{
	while (text.len) {
		struct slice line = slice_cut(text, '\n', &text);

		while (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		buf_str(out, line.len && line.ptr[0] == '>' ? ">" : "> ");
		buf_append(out, line);
		buf_byte(out, '\n');
	}
}

/* ---- files ---- */

const char *text_safe_type(struct slice type, bool *may_show_out)
{
	static const struct {
		const char *type;
		bool may_show;
	} rows[] = {
		{"image/png", true},
		{"image/jpeg", true},
		{"image/gif", true},
		{"image/webp", true},
		{"text/plain", true},
		{"application/pdf", false},
		{"application/zip", false},
		{"audio/mpeg", false},
		{"video/mp4", false},
		{"text/calendar", false},
		{"text/vcard", false},
		{"message/rfc822", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (slice_eq_nocase(type, slice_str(rows[i].type))) {
			*may_show_out = rows[i].may_show;
			return rows[i].type;
		}
	}
	*may_show_out = false;
	return "application/octet-stream";
}

/* ---- programs ---- */

struct known {
	const char *mark, *name;
};

static const char *find_known(
	struct slice agent, const struct known *rows, size_t n, size_t *at_out)
{
	for (size_t i = 0; i < n; i++) {
		*at_out = slice_find(agent, slice_str(rows[i].mark));
		if (*at_out != SIZE_MAX) {
			*at_out += slice_str(rows[i].mark).len;
			return rows[i].name;
		}
	}
	return NULL;
}

/* The order matters: most browsers also claim to be those that they descend from. */
void text_put_program(struct slice agent, char *text, size_t cap)
{
	static const struct known browsers[] = {{"Edg/", "Edge"}, {"OPR/", "Opera"},
		{"Vivaldi/", "Vivaldi"}, {"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
		{"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"},
		{"w3m/", "w3m"}, {"Lynx/", "Lynx"}, {"Links (", "Links"}};
	static const struct known systems[] = {{"iPhone", "iPhone"}, {"iPad", "iPad"},
		{"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"}};
	size_t at, ignored, digits = 0;
	const char *name = find_known(agent, browsers, sizeof(browsers) / sizeof(browsers[0]), &at);
	const char *system =
		find_known(agent, systems, sizeof(systems) / sizeof(systems[0]), &ignored);
	struct slice version;

	if (!name) {
		snprintf(text, cap, "%.*s", SLICE_ARG(agent));
		return;
	}
	version = slice_from(agent, at);
	while (digits < version.len && version.ptr[digits] >= '0' && version.ptr[digits] <= '9')
		digits++;
	snprintf(text, cap, "%s%s%.*s%s%s", name, digits ? " " : "", (int)digits,
		version.len ? version.ptr : "", system ? " on " : "", system ? system : "");
}

/* WCAG's relative luminance; the curve of sRGB by a polynomial that is off by a thousandth. */
static bool luminance(struct slice colour, double *out)
{
	static const double weights[] = {0.2126, 0.7152, 0.0722};
	unsigned char rgb[3];

	if (!slice_starts(colour, slice_lit("#")) ||
		!hex_decode(slice_from(colour, 1), rgb, sizeof(rgb)))
		return false;
	*out = 0;
	for (int i = 0; i < 3; i++) {
		const double c = rgb[i] / 255.0;

		*out += weights[i] * c * (c * (c * 0.305306011 + 0.682171111) + 0.012522878);
	}
	return true;
}

bool text_is_readable(struct slice colour, struct slice ground)
{
	double a, b;

	if (!luminance(colour, &a) || !luminance(ground, &b))
		return true;
	return (a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05)) >= 4.5;
}
