/* feedback.c - see feedback.h: what both directions share, and writing. */
#include "report/feedback.h"

#include <inttypes.h>
#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

#define NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"
#define X(text) ((const xmlChar *)(text))

static void ignore(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

void feedback_init(void)
{
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, ignore);
}

struct slice feedback_text(struct slice text, struct arena *arena)
{
	const struct slice all = slice_head(slice_trim(text), FEEDBACK_TEXT_MAX);
	char *copy = arena_alloc(arena, all.len + 1);

	if (!copy)
		return (struct slice){0};
	for (size_t i = 0; i < all.len; i++)
		copy[i] = all.ptr[i] >= ' ' && all.ptr[i] < 0x7f ? all.ptr[i] : '?';
	return (struct slice){copy, all.len};
}

/* ---- writing: libxml2 escapes ---- */

static void open_element(xmlTextWriter *w, const char *name)
{
	xmlTextWriterStartElement(w, X(name));
}

static void close_element(xmlTextWriter *w)
{
	xmlTextWriterEndElement(w);
}

static void put(xmlTextWriter *w, const char *name, struct slice text)
{
	xmlTextWriterWriteFormatElement(w, X(name), "%.*s", SLICE_ARG(text));
}

static void put_if(xmlTextWriter *w, const char *name, struct slice text)
{
	if (text.len)
		put(w, name, text);
}

static void put_number(xmlTextWriter *w, const char *name, int64_t n)
{
	xmlTextWriterWriteFormatElement(w, X(name), "%" PRId64, n);
}

static void put_aligned(xmlTextWriter *w, const char *name, bool is_aligned)
{
	xmlTextWriterWriteElement(w, X(name), X(is_aligned ? "pass" : "fail"));
}

static void put_metadata(xmlTextWriter *w, const struct feedback *f)
{
	open_element(w, "report_metadata");
	put(w, "org_name", f->org);
	put(w, "email", f->email);
	put_if(w, "extra_contact_info", f->contact);
	put(w, "report_id", f->id);
	open_element(w, "date_range");
	put_number(w, "begin", f->begin_s);
	put_number(w, "end", f->end_s);
	close_element(w);
	put_if(w, "error", f->problem);
	put(w, "generator", slice_lit("Posthouse"));
	close_element(w);
}

static void put_policy(xmlTextWriter *w, const struct feedback *f)
{
	open_element(w, "policy_published");
	put(w, "domain", f->domain);
	put(w, "p", f->policy);
	put(w, "sp", f->below);
	put_if(w, "np", f->missing);
	put(w, "adkim", f->is_dkim_strict ? slice_lit("s") : slice_lit("r"));
	put(w, "aspf", f->is_spf_strict ? slice_lit("s") : slice_lit("r"));
	put(w, "discovery_method", slice_lit("treewalk"));
	put(w, "testing", f->is_testing ? slice_lit("y") : slice_lit("n"));
	close_element(w);
}

static void put_evaluated(xmlTextWriter *w, const struct feedback_row *row)
{
	open_element(w, "policy_evaluated");
	put(w, "disposition", row->disposition);
	put_aligned(w, "dkim", row->is_dkim_aligned);
	put_aligned(w, "spf", row->is_spf_aligned);
	if (row->reason.len) {
		open_element(w, "reason");
		put(w, "type", row->reason);
		put_if(w, "comment", row->comment);
		close_element(w);
	}
	close_element(w);
}

static void put_results(xmlTextWriter *w, const struct feedback_row *row)
{
	open_element(w, "auth_results");
	for (size_t i = 0; i < row->dkim_n; i++) {
		open_element(w, "dkim");
		put(w, "domain", row->dkim[i].domain);
		put(w, "selector", row->dkim[i].selector);
		put(w, "result", row->dkim[i].result);
		close_element(w);
	}
	open_element(w, "spf");
	put(w, "domain", row->spf_domain);
	put(w, "scope", slice_lit("mfrom"));
	put(w, "result", row->spf_result);
	close_element(w);
	close_element(w);
}

static void put_record(xmlTextWriter *w, const struct feedback_row *row)
{
	open_element(w, "record");
	open_element(w, "row");
	put(w, "source_ip", row->ip);
	put_number(w, "count", (int64_t)row->count);
	put_evaluated(w, row);
	close_element(w);
	open_element(w, "identifiers");
	put(w, "header_from", row->header_from);
	put(w, "envelope_from", row->envelope_from);
	put_if(w, "envelope_to", row->envelope_to);
	close_element(w);
	put_results(w, row);
	close_element(w);
}

int feedback_write(const struct feedback *f, struct buf *out, struct err *err)
{
	xmlBuffer *made = xmlBufferCreate();
	xmlTextWriter *w = made ? xmlNewTextWriterMemory(made, 0) : NULL;
	int rc;

	if (!w) {
		xmlBufferFree(made);
		return err_set(err, ERR_IO, "no memory for a report");
	}
	xmlTextWriterSetIndent(w, 1);
	xmlTextWriterStartDocument(w, NULL, "UTF-8", NULL);
	open_element(w, "feedback");
	xmlTextWriterWriteAttribute(w, X("xmlns"), X(NAMESPACE));
	put(w, "version", slice_lit("1.0"));
	put_metadata(w, f);
	put_policy(w, f);
	for (size_t i = 0; i < f->rows_n; i++)
		put_record(w, &f->rows[i]);
	close_element(w);
	rc = xmlTextWriterEndDocument(w) < 0 ? err_set(err, ERR_IO, "a report cannot be written")
					     : 0;
	xmlFreeTextWriter(w);
	buf_append(out, (struct slice){(const char *)xmlBufferContent(made),
				(size_t)xmlBufferLength(made)});
	xmlBufferFree(made);
	return rc < 0 ? rc : buf_check(out, "the report", err);
}
