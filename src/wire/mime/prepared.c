/* prepared.c - reads the blob; see prepare.h for the contract and prepared.h for its form. */
#include "wire/mime/prepared.h"

#include <string.h>

#include "base/encode.h"
#include "wire/mime/part.h"
#include "wire/mime/prepare.h"

/* Reads from the front of a blob; once it has failed it stays so. */
struct reader {
	struct slice in;
	bool is_bad;
};

static uint64_t take_number(struct reader *r)
{
	uint64_t n = 0;

	if (!varint_take(&r->in, &n))
		r->is_bad = true;
	return r->is_bad ? 0 : n;
}

static unsigned take_byte(struct reader *r)
{
	unsigned byte;

	if (r->in.len == 0) {
		r->is_bad = true;
		return 0;
	}
	byte = (unsigned char)r->in.ptr[0];
	r->in = slice_from(r->in, 1);
	return byte;
}

static struct slice take_bytes(struct reader *r, uint64_t len)
{
	struct slice s;

	if (r->is_bad || len > r->in.len) {
		r->is_bad = true;
		return (struct slice){NULL, 0};
	}
	s = slice_head(r->in, (size_t)len);
	r->in = slice_from(r->in, (size_t)len);
	return s;
}

static int64_t unzigzag(uint64_t n)
{
	return (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
}

static int corrupt(struct err *err)
{
	return err_set(err, ERR_CORRUPT, "prepared message is damaged or of another version");
}

static void take_facts(struct reader *r, struct mime_prepared *out)
{
	const unsigned version = take_byte(r), flags = take_byte(r);

	if (version != MIME_PREPARED_VERSION || flags > MIME_PREPARED_FLAGS_ALL)
		r->is_bad = true;
	out->has_date = flags & MIME_PREPARED_HAS_DATE;
	out->has_blank = flags & MIME_PREPARED_HAS_BLANK;
	out->has_all_fields = flags & MIME_PREPARED_HAS_ALL_FIELDS;
	out->size = take_number(r);
	out->header_size = take_number(r);
	if (out->header_size > out->size)
		r->is_bad = true;
	if (out->has_date) {
		int64_t zone;

		out->date.utc = unzigzag(take_number(r));
		zone = unzigzag(take_number(r));
		if (zone < -1440 || zone > 1440)
			r->is_bad = true;
		else
			out->date.zone_min = (int)zone;
	}
}

int mime_prepared_open(struct slice blob, struct mime_prepared *out, struct err *err)
{
	struct reader r = {.in = blob};
	struct mime_prepared prepared = {0};
	uint64_t lens[4], index;

	take_facts(&r, &prepared);
	for (int i = 0; i < 4; i++)
		lens[i] = take_number(&r);
	prepared.parts = take_number(&r);
	index = take_number(&r);
	prepared.envelope = take_bytes(&r, lens[0]);
	prepared.bodystructure = take_bytes(&r, lens[1]);
	prepared.body = take_bytes(&r, lens[2]);
	prepared.fields = take_bytes(&r, lens[3]);
	prepared.index = take_bytes(&r, index);
	if (r.is_bad || r.in.len || prepared.parts == 0)
		return corrupt(err);
	*out = prepared;
	return 0;
}

bool mime_prepared_covers(struct slice blob, const struct slice *names, size_t n)
{
	struct reader r = {.in = blob};
	struct mime_prepared prepared = {0};

	take_facts(&r, &prepared);
	if (r.is_bad || !prepared.has_all_fields)
		return false;
	return mime_names_kept(names, n);
}

bool mime_names_kept(const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (mime_name_find(names[i]) >= MIME_NAME_KEPT_END)
			return false;
	}
	return true;
}

static bool is_among(struct slice name, const struct slice *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* Mostly the first letter tells. */
		if (names[i].len == name.len && name.len &&
			((names[i].ptr[0] ^ name.ptr[0]) & ~0x20) == 0 &&
			slice_eq_nocase(names[i], name))
			return true;
	}
	return false;
}

/* The field at the start of what was kept, with the lines that continue it. */
static struct slice first_field(struct slice fields)
{
	size_t at = 0;

	do {
		const char *nl = memchr(fields.ptr + at, '\n', fields.len - at);

		at = nl ? (size_t)(nl - fields.ptr) + 1 : fields.len;
	} while (at < fields.len && (fields.ptr[at] == ' ' || fields.ptr[at] == '\t'));
	return slice_head(fields, at);
}

/* Nothing stands there but fields: that was seen to when they were kept. */
static void filter_kept(struct slice fields, const struct slice *names, size_t n, struct buf *out)
{
	while (fields.len) {
		const struct slice field = first_field(fields);
		size_t len = slice_chr(field, ':');

		if (len == SIZE_MAX)
			len = field.len;
		while (len && (field.ptr[len - 1] == ' ' || field.ptr[len - 1] == '\t'))
			len--;
		if (is_among(slice_head(field, len), names, n))
			buf_append(out, field);
		fields = slice_from(fields, field.len);
	}
}

int mime_prepared_fields(
	struct slice blob, const struct slice *names, size_t n, struct buf *out, struct err *err)
{
	struct mime_prepared prepared;
	int rc = mime_prepared_open(blob, &prepared, err);

	if (rc < 0)
		return rc;
	if (!prepared.has_all_fields)
		return err_set(err, ERR_NOTFOUND, "not all header fields were kept");
	filter_kept(prepared.fields, names, n, out);
	if (prepared.has_blank)
		buf_lit(out, "\r\n");
	return buf_check(out, "header fields", err);
}

struct entry {
	struct mime_section section;
	uint64_t within; /* entries of parts within it, which follow */
};

/* The next entry, all of it checked but for what it says of other entries. */
static bool take_entry(struct reader *r, uint64_t size, struct entry *out)
{
	const unsigned flags = take_byte(r), encoding = take_byte(r);
	const uint64_t start = take_number(r), header = take_number(r), body = take_number(r);
	struct mime_section *s = &out->section;

	*s = (struct mime_section){0};
	out->within = take_number(r);
	s->is_text = flags & MIME_ENTRY_IS_TEXT;
	s->is_html = flags & MIME_ENTRY_IS_HTML;
	s->is_attachment = flags & MIME_ENTRY_IS_ATTACHMENT;
	if (s->is_text)
		s->charset = take_bytes(r, take_number(r));
	if (r->is_bad || flags > MIME_ENTRY_ALL || (flags & MIME_ENTRY_KIND) > MIME_MESSAGE ||
		encoding > MIME_ENCODING_UNKNOWN)
		return false;
	if (start > size || header > size - start || body > size - start - header)
		return false;
	s->kind = (enum mime_kind)(flags & MIME_ENTRY_KIND);
	s->encoding = (enum mime_encoding)encoding;
	s->mime = (struct mime_range){start, start + header};
	s->body = (struct mime_range){start + header, start + header + body};
	return true;
}

/* A MESSAGE's child is the next entry. */
static bool fill_message(struct reader r, uint64_t size, struct mime_section *section)
{
	struct entry inner;

	if (section->kind != MIME_MESSAGE)
		return true;
	if (!take_entry(&r, size, &inner))
		return false;
	section->has_message = true;
	section->header = inner.section.mime;
	section->text = inner.section.body;
	return true;
}

/* The n-th of the parts directly in *at; 1 if found (in *at), 0 if there are not so many. */
static int take_child(struct reader *r, uint64_t size, uint32_t n, struct entry *at)
{
	uint64_t left = at->within;
	struct entry child;

	for (uint32_t i = 1; left; i++) {
		uint64_t skip;

		if (!take_entry(r, size, &child) || child.within >= left)
			return -1;
		if (i == n) {
			*at = child;
			return 1;
		}
		left -= 1 + child.within;
		for (skip = child.within; skip; skip--) {
			if (!take_entry(r, size, &child))
				return -1;
		}
	}
	return 0;
}

/* One step of a path. is_inner: *at is a message as a whole, whose parts are asked for by their
 * numbers; a message that is no multipart has itself as its part 1. */
static int take_step(struct reader *r, uint64_t size, uint32_t n, bool is_inner, struct entry *at)
{
	if (!is_inner && at->section.kind == MIME_LEAF)
		return 0;
	if (!is_inner && at->section.kind == MIME_MESSAGE) {
		if (!take_entry(r, size, at))
			return -1;
		is_inner = true;
	}
	if (is_inner && at->section.kind != MIME_MULTIPART)
		return n == 1;
	return take_child(r, size, n, at);
}

int mime_prepared_section(struct slice blob, const uint32_t *path, size_t count,
	struct mime_section *out, struct err *err)
{
	struct mime_prepared prepared;
	struct reader r = {0};
	struct entry at;
	int rc = mime_prepared_open(blob, &prepared, err);

	if (rc < 0)
		return rc;
	r.in = prepared.index;
	if (!take_entry(&r, prepared.size, &at))
		return corrupt(err);
	if (count == 0) {
		at.section.has_message = true;
		at.section.header = at.section.mime;
		at.section.text = at.section.body;
		at.section.body = (struct mime_range){0, prepared.size};
		*out = at.section;
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		rc = take_step(&r, prepared.size, path[i], i == 0, &at);
		if (rc < 0)
			return corrupt(err);
		if (rc == 0)
			return err_set(err, ERR_NOTFOUND, "the message has no such part");
	}
	if (!fill_message(r, prepared.size, &at.section))
		return corrupt(err);
	*out = at.section;
	return 0;
}

int mime_prepared_next(
	const struct mime_prepared *prepared, size_t *at, struct mime_section *out, struct err *err)
{
	struct reader r = {.in = slice_from(prepared->index, *at)};
	struct entry entry;

	if (r.in.len == 0)
		return 0;
	if (!take_entry(&r, prepared->size, &entry))
		return corrupt(err);
	*at = prepared->index.len - r.in.len;
	if (!fill_message(r, prepared->size, &entry.section))
		return corrupt(err);
	*out = entry.section;
	return 1;
}
