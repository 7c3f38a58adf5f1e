/*
 * section.c - BODY[...], BINARY[...], BINARY.SIZE[...] and their old names (RFC 9051 6.4.5.1,
 * RFC 3516): find the bytes in the stored message, then send them chunk by chunk.
 *
 * A decoded part is read twice: its size stands before it. Both passes stop and go on between
 * pulls.
 */
#include "imap/fetch.h"

#include <string.h>

#include "wire/imap/write.h"

int fetch_row(struct fetch *f, struct err *err)
{
	int rc;

	if (f->has_row)
		return 0;
	rc = reader_scan(f->reader, f->entry.message, &f->row, err);
	f->has_row = rc == 0;
	return rc;
}

static const struct imap_section *section_of(const struct fetch *f)
{
	return &f->args->sections[f->section_i];
}

static void write_label(const struct imap_section *s, struct buf *out)
{
	buf_append(out, s->label);
	if (s->has_partial) {
		buf_byte(out, '<');
		buf_u64(out, s->offset);
		buf_byte(out, '>');
	}
	buf_byte(out, ' ');
}

static int write_nil(const struct imap_section *s, struct buf *out)
{
	write_label(s, out);
	buf_lit(out, "NIL");
	return 1;
}

/* Cuts *offset..*offset+*length out of size bytes, as <offset.length> says. */
static void cut_partial(
	const struct imap_section *s, uint64_t size, uint64_t *offset_out, uint64_t *length_out)
{
	uint64_t offset = 0, length = size;

	if (s->has_partial) {
		offset = s->offset < size ? s->offset : size;
		length = s->length < size - offset ? s->length : size - offset;
	}
	*offset_out = offset;
	*length_out = length;
}

/* IMAP cannot carry NUL outside of literal8; the size stays what it was said to be. */
static void hide_nul(char *p, size_t n)
{
	char *const end = p + n;

	while (p < end && (p = memchr(p, '\0', (size_t)(end - p))))
		*p++ = (char)0x80;
}

static int read_chunk(
	struct fetch *f, uint64_t at, uint64_t end, struct buf *out, size_t *n_out, struct err *err)
{
	const uint64_t left = end - at;
	const size_t n = left < FETCH_CHUNK ? (size_t)left : FETCH_CHUNK, before = out->len;
	int rc = reader_body(f->reader, f->entry.message, at, n, out, err);

	f->has_row = false;
	if (rc < 0)
		return rc;
	if (out->failed || out->len - before != n)
		return err_set(err, ERR_CORRUPT, "the message is shorter than its size");
	f->read += n;
	*n_out = n;
	return 0;
}

/* Sends bytes of the stored message as they are. */
static int begin_raw(struct fetch *f, struct mime_range range, bool is_binary, struct buf *out)
{
	const struct imap_section *s = section_of(f);
	uint64_t offset, length;

	cut_partial(s, range.end - range.start, &offset, &length);
	write_label(s, out);
	if (length == 0) {
		buf_lit(out, "\"\"");
		return 1;
	}
	imap_write_literal(out, length, is_binary);
	f->stage = STAGE_RAW;
	f->at = range.start + offset;
	f->end = f->at + length;
	f->is_text = !is_binary;
	return 0;
}

static int send_raw(struct fetch *f, struct buf *out, struct err *err)
{
	const size_t start = out->len;

	while (f->at < f->end && out->len - start < FETCH_PULL_BYTES) {
		const size_t before = out->len;
		size_t n;
		int rc = read_chunk(f, f->at, f->end, out, &n, err);

		if (rc < 0)
			return rc;
		if (f->is_text)
			hide_nul(out->ptr + before, n);
		f->at += n;
	}
	if (f->at < f->end)
		return 0;
	f->stage = STAGE_NONE;
	return 1;
}

/* Header fields that were picked lie in f->scratch. */
static int write_picked(struct fetch *f, struct buf *out, struct err *err)
{
	const struct imap_section *s = section_of(f);
	uint64_t offset, length;
	int rc = buf_check(&f->scratch, "header", err);

	if (rc < 0)
		return rc;
	cut_partial(s, f->scratch.len, &offset, &length);
	write_label(s, out);
	imap_write_literal(out, length, false);
	if (length) {
		hide_nul(f->scratch.ptr + offset, (size_t)length);
		buf_append(out, (struct slice){f->scratch.ptr + offset, (size_t)length});
	}
	return 1;
}

static int read_header(struct fetch *f, struct mime_range range, struct err *err)
{
	const uint64_t size = range.end - range.start;
	const uint64_t end = size < FETCH_HEADER_MAX ? range.end : range.start + FETCH_HEADER_MAX;

	buf_clear(&f->header);
	for (uint64_t at = range.start; at < end;) {
		size_t n;
		int rc = read_chunk(f, at, end, &f->header, &n, err);

		if (rc < 0)
			return rc;
		at += n;
	}
	return 0;
}

static int pick_fields(
	struct fetch *f, const struct mime_section *part, struct buf *out, struct err *err)
{
	const struct imap_section *s = section_of(f);
	int rc = read_header(f, part->header, err);

	buf_clear(&f->scratch);
	if (rc < 0)
		return rc;
	mime_header_filter(buf_slice(&f->header), s->fields, s->fields_n,
		s->text == IMAP_TEXT_FIELDS_NOT, &f->scratch);
	return write_picked(f, out, err);
}

static int begin_body(
	struct fetch *f, const struct mime_section *part, struct buf *out, struct err *err)
{
	const struct imap_section *s = section_of(f);

	switch (s->text) {
	case IMAP_TEXT_ALL:
		return begin_raw(f, part->body, false, out);
	case IMAP_TEXT_MIME:
		return begin_raw(f, part->mime, false, out);
	default:
		break;
	}
	if (!part->has_message)
		return write_nil(s, out);
	if (s->text == IMAP_TEXT_HEADER)
		return begin_raw(f, part->header, false, out);
	if (s->text == IMAP_TEXT_TEXT)
		return begin_raw(f, part->text, false, out);
	return pick_fields(f, part, out, err);
}

static int write_binary_size(const struct imap_section *s, uint64_t size, struct buf *out)
{
	write_label(s, out);
	buf_u64(out, size);
	return 1;
}

static int begin_binary(struct fetch *f, const struct mime_section *part, struct buf *out)
{
	const struct imap_section *s = section_of(f);
	const bool is_decoded = part->kind == MIME_LEAF && s->part_n &&
				(part->encoding == MIME_QP || part->encoding == MIME_BASE64);

	if (part->kind == MIME_LEAF && s->part_n && part->encoding == MIME_ENCODING_UNKNOWN) {
		f->cmd->has_unknown_cte = true;
		return write_nil(s, out);
	}
	if (!is_decoded && s->kind == IMAP_SECTION_BINARY_SIZE)
		return write_binary_size(s, part->body.end - part->body.start, out);
	if (!is_decoded)
		return begin_raw(f, part->body, true, out);
	f->stage = STAGE_MEASURE;
	f->start = f->at = part->body.start;
	f->end = part->body.end;
	f->size = 0;
	f->is_text = part->is_text;
	f->encoding = part->encoding;
	mime_decoder_init(&f->decoder, f->encoding, f->is_text);
	return 0;
}

uint64_t fetch_kept_sections(const struct imap_fetch *args)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < args->sections_n && i < 64; i++) {
		const struct imap_section *s = &args->sections[i];

		if (s->text == IMAP_TEXT_FIELDS && s->part_n == 0 &&
			mime_names_kept(s->fields, s->fields_n))
			kept |= (uint64_t)1 << i;
	}
	return kept;
}

static bool is_kept(const struct fetch *f)
{
	return f->section_i < 64 && f->kept_sections >> f->section_i & 1;
}

/* No part is looked up, no header read; -ERR_NOTFOUND if this message's header was too long. */
static int write_kept(struct fetch *f, struct buf *out, struct err *err)
{
	const struct imap_section *s = section_of(f);
	int rc;

	buf_clear(&f->scratch);
	rc = mime_prepared_fields(f->row.prepared, s->fields, s->fields_n, &f->scratch, err);
	return rc < 0 ? rc : write_picked(f, out, err);
}

static int begin_section(struct fetch *f, struct buf *out, struct err *err)
{
	const struct imap_section *s = section_of(f);
	struct mime_section part;
	int rc = fetch_row(f, err);

	if (rc < 0)
		return rc;
	rc = is_kept(f) ? write_kept(f, out, err) : -ERR_NOTFOUND;
	if (rc != -ERR_NOTFOUND)
		return rc;
	rc = mime_prepared_section(f->row.prepared, s->part, s->part_n, &part, err);
	if (rc == -ERR_NOTFOUND)
		return write_nil(s, out);
	if (rc < 0)
		return rc;
	return s->kind == IMAP_SECTION_BODY ? begin_body(f, &part, out, err)
					    : begin_binary(f, &part, out);
}

/* Decodes the next chunk into f->scratch; what is there is lost. */
static int decode_chunk(struct fetch *f, struct err *err)
{
	size_t n;
	int rc;

	buf_clear(&f->header);
	buf_clear(&f->scratch);
	rc = read_chunk(f, f->at, f->end, &f->header, &n, err);
	if (rc < 0)
		return rc;
	f->at += n;
	mime_decoder_feed(&f->decoder, buf_slice(&f->header), &f->scratch);
	if (f->at == f->end)
		mime_decoder_finish(&f->decoder, &f->scratch);
	return buf_check(&f->scratch, "decoded part", err);
}

/* The size is known: its label and literal, then the second pass. */
static int begin_decoded(struct fetch *f, struct buf *out)
{
	const struct imap_section *s = section_of(f);

	f->stage = STAGE_NONE;
	if (s->kind == IMAP_SECTION_BINARY_SIZE)
		return write_binary_size(s, f->size, out);
	cut_partial(s, f->size, &f->skip, &f->left);
	write_label(s, out);
	if (f->left == 0) {
		buf_lit(out, "\"\"");
		return 1;
	}
	imap_write_literal(out, f->left, true);
	f->stage = STAGE_DECODED;
	f->at = f->start;
	mime_decoder_init(&f->decoder, f->encoding, f->is_text);
	return 0;
}

static int measure(struct fetch *f, struct buf *out, struct err *err)
{
	while (f->at < f->end) {
		int rc;

		if (f->read >= FETCH_READ_BYTES)
			return 0;
		rc = decode_chunk(f, err);
		if (rc < 0)
			return rc;
		f->size += f->scratch.len;
	}
	return begin_decoded(f, out);
}

static int send_decoded(struct fetch *f, struct buf *out, struct err *err)
{
	const size_t start = out->len;

	while (f->left && f->at < f->end && out->len - start < FETCH_PULL_BYTES) {
		struct slice bytes;
		int rc = decode_chunk(f, err);

		if (rc < 0)
			return rc;
		bytes = slice_from(buf_slice(&f->scratch),
			f->skip < f->scratch.len ? (size_t)f->skip : f->scratch.len);
		f->skip -= f->scratch.len - bytes.len;
		if (f->left < bytes.len)
			bytes.len = (size_t)f->left;
		f->left -= bytes.len;
		buf_append(out, bytes);
	}
	if (f->left && f->at < f->end)
		return 0;
	if (f->left)
		return err_set(err, ERR_CORRUPT, "the decoded part is shorter than it was");
	f->stage = STAGE_NONE;
	return 1;
}

int fetch_section(struct fetch *f, struct buf *out, struct err *err)
{
	const size_t start = out->len;
	int rc;

	do {
		switch (f->stage) {
		case STAGE_NONE:
			rc = begin_section(f, out, err);
			break;
		case STAGE_MEASURE:
			rc = measure(f, out, err);
			break;
		case STAGE_RAW:
			rc = send_raw(f, out, err);
			break;
		default:
			rc = send_decoded(f, out, err);
			break;
		}
	} while (rc == 0 && out->len - start < FETCH_PULL_BYTES && f->read < FETCH_READ_BYTES);
	return rc;
}
