/* subject.c - the base subject, by the steps of RFC 5256 2.1. See header.h. */
#include "wire/mime/header.h"

/* "[...]" *WSP in front of s: its length, or 0. */
static size_t blob_len(struct slice s)
{
	size_t n = 1;

	if (s.len == 0 || s.ptr[0] != '[')
		return 0;
	while (n < s.len && s.ptr[n] != '[' && s.ptr[n] != ']')
		n++;
	if (n == s.len || s.ptr[n] != ']')
		return 0;
	n++;
	while (n < s.len && s.ptr[n] == ' ')
		n++;
	return n;
}

/* ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" in front of s: its length, or 0. */
static size_t refwd_len(struct slice s)
{
	size_t n = 2;

	if (slice_starts_nocase(s, slice_lit("fwd")))
		n = 3;
	else if (!slice_starts_nocase(s, slice_lit("re")) &&
		 !slice_starts_nocase(s, slice_lit("fw")))
		return 0;
	while (n < s.len && s.ptr[n] == ' ')
		n++;
	n += blob_len(slice_from(s, n));
	return n < s.len && s.ptr[n] == ':' ? n + 1 : 0;
}

/* Step 2. */
static struct slice cut_trailers(struct slice s, bool *is_reply)
{
	for (;;) {
		s = slice_trim(s);
		if (s.len < 5 || !slice_eq_nocase(slice_from(s, s.len - 5), slice_lit("(fwd)")))
			return s;
		s.len -= 5;
		*is_reply = true;
	}
}

/* Steps 3 to 5. Blobs in a row are one leader if "re:" follows; else each is taken off until the
 * last, which stays if nothing is behind it. */
static struct slice cut_leaders(struct slice s, bool *is_reply)
{
	for (;;) {
		size_t blobs = 0, last = 0, n, refwd;

		s = slice_trim(s);
		while ((n = blob_len(slice_from(s, blobs)))) {
			last = blobs;
			blobs += n;
		}
		refwd = refwd_len(slice_from(s, blobs));
		if (!refwd)
			return slice_from(s, blobs == s.len ? last : blobs);
		*is_reply = true;
		s = slice_from(s, blobs + refwd);
	}
}

static struct slice base_of(struct slice s, bool *is_reply)
{
	for (;;) {
		s = cut_leaders(cut_trailers(s, is_reply), is_reply);
		/* Step 6. */
		if (!slice_starts_nocase(s, slice_lit("[fwd:")) || s.ptr[s.len - 1] != ']')
			return slice_trim(s);
		*is_reply = true;
		s = slice_head(slice_from(s, 5), s.len - 6);
	}
}

bool mime_subject_base(struct slice value, struct buf *out)
{
	struct buf text AUTO(buf_done);
	bool is_reply = false;
	size_t n = 0;

	/* Step 1; each byte of the value becomes at most one replacement character. */
	buf_init(&text, 8 * value.len + 16);
	mime_header_decode(value, &text);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != ' ' || (n && text.ptr[n - 1] != ' '))
			text.ptr[n++] = text.ptr[i];
	}
	text.len = n;
	buf_append(out, base_of(buf_slice(&text), &is_reply));
	return is_reply;
}
