/*
 * feedback_read.c - see feedback.h: reading, element by element as they come.
 *
 * What counts is the path of names below the root, without their namespaces; all else is passed
 * over. Text of an element is kept where a row of the table has its path.
 */
#include <libxml/xmlreader.h>
#include <string.h>

#include "base/encode.h"
#include "report/feedback.h"

enum {
	DEPTH_MAX = 6,
	ELEMENT_MAX = 32,
	PATH_BYTES = DEPTH_MAX * (ELEMENT_MAX + 1),
	WORDS_MAX = 16
};

struct reading {
	struct feedback *out;
	struct arena *arena;
	struct feedback_row row;   /* the record being read */
	struct feedback_dkim dkim; /* the signature being read */
	struct slice count;        /* as text */
	size_t rows_cap;
	char path[PATH_BYTES];
	size_t ends[DEPTH_MAX + 1]; /* of the path, at each depth */
	char text[FEEDBACK_TEXT_MAX];
	size_t text_len;
	bool is_full;
};

/* Where a text goes: into the report, or into the record. */
enum place { IN_REPORT, IN_ROW };

#define REPORT(path, field)                                                                        \
	{                                                                                          \
		path, IN_REPORT, offsetof(struct feedback, field)                                  \
	}
#define RECORD(path, field)                                                                        \
	{                                                                                          \
		"record/" path, IN_ROW, offsetof(struct reading, field)                            \
	}

static const struct {
	const char *path;
	enum place place;
	size_t at;
} texts[] = {
	REPORT("report_metadata/org_name", org),
	REPORT("report_metadata/email", email),
	REPORT("report_metadata/extra_contact_info", contact),
	REPORT("report_metadata/report_id", id),
	REPORT("report_metadata/error", problem),
	REPORT("policy_published/domain", domain),
	REPORT("policy_published/p", policy),
	REPORT("policy_published/sp", below),
	REPORT("policy_published/np", missing),
	RECORD("row/source_ip", row.ip),
	RECORD("row/count", count),
	RECORD("row/policy_evaluated/disposition", row.disposition),
	RECORD("row/policy_evaluated/reason/type", row.reason),
	RECORD("row/policy_evaluated/reason/comment", row.comment),
	RECORD("identifiers/header_from", row.header_from),
	RECORD("identifiers/envelope_from", row.envelope_from),
	RECORD("identifiers/envelope_to", row.envelope_to),
	RECORD("auth_results/dkim/domain", dkim.domain),
	RECORD("auth_results/dkim/selector", dkim.selector),
	RECORD("auth_results/dkim/result", dkim.result),
	RECORD("auth_results/spf/domain", row.spf_domain),
	RECORD("auth_results/spf/result", row.spf_result),
};

static bool is_at(const struct reading *r, const char *path)
{
	return strcmp(r->path, path) == 0;
}

static int64_t number(struct slice text)
{
	uint64_t n;

	/* Some write the time with a fraction. */
	return slice_to_u64(slice_head(text, slice_chr(text, '.')), INT64_MAX, &n) ? (int64_t)n : 0;
}

static void take_text(struct reading *r)
{
	const struct slice text = slice_trim((struct slice){r->text, r->text_len});

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *base = texts[i].place == IN_REPORT ? (char *)r->out : (char *)r;
		struct slice *to = (struct slice *)(void *)(base + texts[i].at);

		if (!is_at(r, texts[i].path) || to->len)
			continue;
		*to = feedback_text(text, r->arena);
		r->is_full = r->is_full || !to->ptr;
		return;
	}
	if (is_at(r, "report_metadata/date_range/begin"))
		r->out->begin_s = number(text);
	else if (is_at(r, "report_metadata/date_range/end"))
		r->out->end_s = number(text);
	else if (is_at(r, "policy_published/adkim"))
		r->out->is_dkim_strict = slice_eq_nocase(text, slice_lit("s"));
	else if (is_at(r, "policy_published/aspf"))
		r->out->is_spf_strict = slice_eq_nocase(text, slice_lit("s"));
	else if (is_at(r, "policy_published/testing"))
		r->out->is_testing = slice_eq_nocase(text, slice_lit("y"));
	else if (is_at(r, "record/row/policy_evaluated/dkim"))
		r->row.is_dkim_aligned = slice_eq_nocase(text, slice_lit("pass"));
	else if (is_at(r, "record/row/policy_evaluated/spf"))
		r->row.is_spf_aligned = slice_eq_nocase(text, slice_lit("pass"));
}

static void end_dkim(struct reading *r)
{
	if (r->row.dkim_n < FEEDBACK_DKIM_MAX)
		r->row.dkim[r->row.dkim_n++] = r->dkim;
	r->dkim = (struct feedback_dkim){0};
}

static bool grow(struct reading *r)
{
	const size_t cap = r->rows_cap ? 2 * r->rows_cap : 16;
	struct feedback_row *grown;

	if (r->out->rows_n < r->rows_cap)
		return true;
	grown = arena_array(r->arena, struct feedback_row, cap);
	if (!grown)
		return false;
	if (r->out->rows_n)
		memcpy(grown, r->out->rows, r->out->rows_n * sizeof(*grown));
	r->out->rows = grown;
	r->rows_cap = cap;
	return true;
}

static void end_record(struct reading *r)
{
	struct feedback *out = r->out;

	r->row.count = (uint64_t)number(r->count);
	if (out->rows_n >= FEEDBACK_ROWS_MAX)
		out->beyond += r->row.count;
	else if (grow(r))
		out->rows[out->rows_n++] = r->row;
	else
		r->is_full = true;
	r->row = (struct feedback_row){0};
	r->dkim = (struct feedback_dkim){0};
	r->count = (struct slice){0};
}

/* ---- the reader ---- */

/* Depth 0 is the root; what lies deeper than DEPTH_MAX, or has a long name, matches nothing. */
static void enter(struct reading *r, int depth, const char *name)
{
	const struct slice text = slice_head(slice_str(name), ELEMENT_MAX);
	size_t at;

	r->text_len = 0;
	if (depth < 1 || depth > DEPTH_MAX)
		return;
	at = depth == 1 ? 0 : r->ends[depth - 1];
	if (at)
		r->path[at++] = '/';
	memcpy(r->path + at, text.ptr, text.len);
	r->ends[depth] = at + text.len;
	r->path[r->ends[depth]] = '\0';
}

static void leave(struct reading *r, int depth)
{
	if (depth < 1 || depth > DEPTH_MAX)
		return;
	r->path[r->ends[depth]] = '\0';
	take_text(r);
	if (is_at(r, "record"))
		end_record(r);
	else if (is_at(r, "record/auth_results/dkim"))
		end_dkim(r);
	r->text_len = 0;
	r->path[depth == 1 ? 0 : r->ends[depth - 1]] = '\0';
}

static void add_text(struct reading *r, const xmlChar *value)
{
	const struct slice text =
		slice_head(slice_str((const char *)value), sizeof(r->text) - r->text_len);

	memcpy(r->text + r->text_len, text.ptr, text.len);
	r->text_len += text.len;
}

static int take_node(struct reading *r, xmlTextReader *reader, struct err *err)
{
	const int depth = xmlTextReaderDepth(reader);
	const char *name = (const char *)xmlTextReaderConstLocalName(reader);

	switch (xmlTextReaderNodeType(reader)) {
	case XML_READER_TYPE_DOCUMENT_TYPE:
		return err_set(err, ERR_SYNTAX, "a report has no document type");
	case XML_READER_TYPE_ELEMENT:
		if (depth == 0 && strcmp(name, "feedback") != 0)
			return err_set(err, ERR_SYNTAX, "not a report of DMARC");
		enter(r, depth, name);
		if (xmlTextReaderIsEmptyElement(reader))
			leave(r, depth);
		return 0;
	case XML_READER_TYPE_END_ELEMENT:
		leave(r, depth);
		return 0;
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
		add_text(r, xmlTextReaderConstValue(reader));
		return 0;
	default:
		return 0;
	}
}

static int read_all(struct reading *r, xmlTextReader *reader, struct err *err)
{
	int rc = 0, more;

	while (rc == 0 && (more = xmlTextReaderRead(reader)) == 1) {
		rc = take_node(r, reader, err);
		if (rc == 0 && r->is_full)
			rc = err_set(err, ERR_TOOBIG, "the report is too large");
	}
	if (rc < 0)
		return rc;
	return more < 0 ? err_set(err, ERR_SYNTAX, "the report is broken XML") : 0;
}

int feedback_read(struct slice xml, struct arena *arena, struct feedback *out, struct err *err)
{
	struct feedback found = {0};
	struct reading r = {.out = &found, .arena = arena};
	xmlTextReader *reader;
	int rc;

	if (xml.len > FEEDBACK_BYTES_MAX)
		return err_set(err, ERR_TOOBIG, "the report is too large");
	reader = xmlReaderForMemory(xml.len ? xml.ptr : "", (int)xml.len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT);
	if (!reader)
		return err_set(err, ERR_IO, "no memory for a report");
	rc = read_all(&r, reader, err);
	xmlFreeTextReader(reader);
	if (rc < 0)
		return rc;
	if (!found.domain.len || !found.id.len || !found.org.len)
		return err_set(err, ERR_SYNTAX, "the report does not say whose it is");
	*out = found;
	return 0;
}
