/* unsubscribe.c - see unsubscribe.h for the contract. */
#include "mail/unsubscribe.h"

#include "mailauth/authres.h"
#include "mailauth/authres_read.h"
#include "mailauth/tags.h"
#include "wire/mime/header.h"

enum { FIELD_MAX = 16 << 10 };

static const char list_field[] = "List-Unsubscribe", post_field[] = "List-Unsubscribe-Post";

/* ---- the list of addresses ---- */

/* Without white space, if it is such a URL that can be shown and asked. */
static struct slice tidy(struct slice text, struct slice scheme, struct arena *arena)
{
	struct buf url AUTO(buf_done);

	buf_init(&url, UNSUBSCRIBE_URL_MAX);
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			return (struct slice){0};
		buf_byte(&url, (char)c);
	}
	if (url.failed || !slice_starts_nocase(buf_slice(&url), scheme) || url.len == scheme.len)
		return (struct slice){0};
	return arena_dup(arena, buf_slice(&url));
}

/* RFC 2369 2: "<url>, <url>", comments between; the first of each kind. */
static void read_urls(struct slice value, struct arena *arena, struct mail_unsubscribe *out)
{
	static const struct slice https = {"https://", 8}, mailto = {"mailto:", 7};
	size_t start;

	while ((start = slice_chr(value, '<')) != SIZE_MAX) {
		struct slice rest;
		const struct slice text = slice_cut(slice_from(value, start + 1), '>', &rest);

		if (!rest.ptr)
			return;
		value = rest;
		if (!out->web.len)
			out->web = tidy(text, https, arena);
		if (!out->mail.len)
			out->mail = slice_from(tidy(text, mailto, arena), mailto.len);
	}
}

/* ---- who says so ---- */

/* Of "b", which may be folded; the results have its beginning. */
static bool begins_with(struct slice b, struct slice front)
{
	size_t at = 0;

	for (size_t i = 0; i < b.len && at < front.len; i++) {
		if (b.ptr[i] == ' ' || b.ptr[i] == '\t' || b.ptr[i] == '\r' || b.ptr[i] == '\n')
			continue;
		if (b.ptr[i] != front.ptr[at++])
			return false;
	}
	return at == front.len && front.len;
}

static bool is_good(const struct tags *tags, struct slice results, struct arena *arena)
{
	struct authres_said said;

	while (authres_read_next(&results, arena, &said)) {
		if (slice_eq_nocase(said.method, slice_lit("dkim")) &&
			slice_eq_nocase(said.result, slice_lit("pass")) &&
			slice_eq_nocase(authres_said_get(&said, "header.d"), tags_get(tags, "d")) &&
			slice_eq_nocase(authres_said_get(&said, "header.s"), tags_get(tags, "s")) &&
			begins_with(tags_get(tags, "b"), authres_said_get(&said, "header.b")))
			return true;
	}
	return false;
}

static bool covers_both(struct slice signature, struct slice results, struct arena *arena)
{
	struct tags tags;
	struct err err;

	return tags_parse(signature, &tags, &err) == 0 &&
	       tags_has(tags_get(&tags, "h"), list_field) &&
	       tags_has(tags_get(&tags, "h"), post_field) && is_good(&tags, results, arena);
}

/* Results in our name are taken out of what strangers send: the first are ours. */
static struct slice own_results(struct slice header, struct slice host)
{
	struct mime_field field;

	while (mime_header_next(&header, &field)) {
		if (slice_eq_nocase(field.name, slice_lit("Authentication-Results")) &&
			authres_names(field.value, host))
			return field.value;
	}
	return (struct slice){0};
}

static bool is_signed(struct slice header, struct slice host, struct arena *arena)
{
	const struct slice results = own_results(header, host);
	struct mime_field field;

	while (results.len && mime_header_next(&header, &field)) {
		if (slice_eq_nocase(field.name, slice_lit("DKIM-Signature")) &&
			covers_both(field.value, results, arena))
			return true;
	}
	return false;
}

/* ---- all of it ---- */

static bool is_one_click(struct slice value)
{
	return slice_eq_nocase(slice_trim(value), slice_lit("List-Unsubscribe=One-Click"));
}

void mail_unsubscribe_read(
	struct slice header, struct slice host, struct arena *arena, struct mail_unsubscribe *out)
{
	struct slice rest = header;
	struct mime_field field;
	unsigned lists = 0, posts = 0;
	bool is_wanted = false;

	*out = (struct mail_unsubscribe){.is_one_click = false};
	while (mime_header_next(&rest, &field)) {
		if (slice_eq_nocase(field.name, slice_str(list_field)) && lists++ == 0) {
			read_urls(slice_head(field.value, FIELD_MAX), arena, out);
		} else if (slice_eq_nocase(field.name, slice_str(post_field))) {
			posts++;
			is_wanted = is_one_click(field.value);
		}
	}
	out->is_one_click = out->web.len && lists == 1 && posts == 1 && is_wanted &&
			    is_signed(header, host, arena);
}
