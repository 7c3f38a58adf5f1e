/* resolver.c - see resolver.h for the contract. */
#include "courier/resolver.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

enum { RCODE_NXDOMAIN = 3, PATH_BYTES = 4096, LINE_BYTES = 4096 };

/* libunbound's defaults are those for a program that asks for a name now and then. */
static const struct {
	const char *name, *value;
} options[] = {
	{"do-not-query-localhost:", "no"}, {"num-queries-per-thread:", "8192"},
	{"outgoing-range:",
		"900"}, /* sockets for questions that wait; their number is below 1024 */
	{"outgoing-num-tcp:", "64"}, {"msg-cache-size:", "16m"}, {"rrset-cache-size:", "32m"},
	{"key-cache-size:", "8m"}, {"cache-max-negative-ttl:", "900"},
	{"infra-keep-probing:", "yes"}, /* a resolver that did not answer is tried all the same */
	{"infra-host-ttl:", "60"},
	{"unblock-lan-zones:", "yes"}, /* a resolver in a private network knows its names */
};

int resolver_read_anchors(struct slice path, struct buf *out, struct err *err)
{
	char name[PATH_BYTES];

	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(path));
	return io_read_file(AT_FDCWD, name, out, err);
}

/* The next line that has a record, without comment and white space around; empty: the end. */
static struct slice next_record(struct slice *text)
{
	while (text->len) {
		struct slice ignored, line = slice_cut(*text, '\n', text);

		line = slice_trim(slice_cut(line, ';', &ignored));
		if (line.len)
			return line;
	}
	return (struct slice){0};
}

struct slice resolver_anchor_name(struct slice anchors)
{
	const struct slice record = next_record(&anchors);
	size_t len = 0;

	while (len < record.len && record.ptr[len] != ' ' && record.ptr[len] != '\t')
		len++;
	return slice_head(record, len);
}

static int add_anchors(struct ub_ctx *ctx, struct slice anchors, struct err *err)
{
	struct slice record;
	char line[LINE_BYTES];

	while ((record = next_record(&anchors)).len) {
		snprintf(line, sizeof(line), "%.*s", SLICE_ARG(record));
		if (ub_ctx_add_ta(ctx, line) != 0)
			return err_set(
				err, ERR_SYNTAX, "a trust anchor cannot be used: %.60s", line);
	}
	return 0;
}

static int set_forward(struct ub_ctx *ctx, struct slice resolver, struct err *err)
{
	const size_t colon = slice_rchr(resolver, ':');
	struct slice host = resolver, port = slice_lit("53");
	char text[80];

	if (slice_starts(resolver, slice_lit("["))) {
		const size_t end = slice_chr(resolver, ']');

		host = slice_from(slice_head(resolver, end == SIZE_MAX ? 0 : end), 1);
		if (colon != SIZE_MAX && end != SIZE_MAX && colon > end)
			port = slice_from(resolver, colon + 1);
	} else if (colon != SIZE_MAX && slice_chr(resolver, ':') == colon) {
		host = slice_head(resolver, colon);
		port = slice_from(resolver, colon + 1);
	}
	snprintf(text, sizeof(text), "%.*s@%.*s", SLICE_ARG(host), SLICE_ARG(port));
	if (ub_ctx_set_fwd(ctx, text) != 0)
		return err_set(err, ERR_SYNTAX, "resolver %.*s is not ADDRESS or ADDRESS:PORT",
			SLICE_ARG(slice_head(resolver, 60)));
	return 0;
}

static int set_up(struct ub_ctx *ctx, struct slice resolver, struct slice anchors, struct err *err)
{
	int rc = ub_ctx_async(ctx, 1);

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && rc == 0; i++)
		rc = ub_ctx_set_option(ctx, options[i].name, options[i].value);
	if (rc != 0)
		return err_set(err, ERR_IO, "libunbound cannot be set up");
	if (resolver.len) {
		rc = set_forward(ctx, resolver, err);
	} else {
		if (ub_ctx_resolvconf(ctx, NULL) != 0)
			return err_set(
				err, ERR_IO, "/etc/resolv.conf names no resolver: set resolver");
		ub_ctx_hosts(ctx, NULL); /* where there is none, nothing is lost */
	}
	if (rc == 0)
		rc = add_anchors(ctx, anchors, err);
	/* This makes libunbound read its settings now, while files can be opened, and lets the
	 * resolver say what the addresses of this machine are called. */
	if (rc == 0 && ub_ctx_zone_remove(ctx, "127.in-addr.arpa.") != 0)
		rc = err_set(err, ERR_SYNTAX, "libunbound does not take the settings or an anchor");
	return rc;
}

int resolver_new(struct slice resolver, struct slice anchors, struct ub_ctx **out, struct err *err)
{
	struct ub_ctx *ctx = ub_ctx_create();
	const int rc = ctx ? set_up(ctx, resolver, anchors, err)
			   : err_set(err, ERR_IO, "libunbound cannot be set up");

	if (rc < 0)
		resolver_free(ctx);
	else
		*out = ctx;
	return rc;
}

void resolver_free(struct ub_ctx *ctx)
{
	if (ctx)
		ub_ctx_delete(ctx);
}

static enum dns_status status_of(const struct ub_result *r)
{
	if (r->bogus || (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN))
		return DNS_FAILED;
	if (r->havedata)
		return DNS_FOUND;
	return r->nxdomain ? DNS_NXDOMAIN : DNS_NONE;
}

void resolver_read(const struct ub_result *r, struct arena *arena, struct dns_answer *out)
{
	struct slice *rdata = arena_array(arena, struct slice, DNS_RECORDS_MAX);
	struct slice canonical = {0};
	size_t n = 0;

	*out = (struct dns_answer){.status = status_of(r)};
	if (out->status == DNS_FAILED)
		return;
	for (size_t i = 0; r->havedata && r->data[i]; i++) {
		if (!rdata || n == DNS_RECORDS_MAX || r->len[i] < 0) {
			out->status = DNS_FAILED;
			return;
		}
		rdata[n++] = (struct slice){r->data[i], (size_t)r->len[i]};
	}
	if (r->canonname && !dns_name_parse(slice_str(r->canonname), arena, &canonical))
		canonical = (struct slice){0};
	out->is_secure = r->secure != 0;
	out->ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0;
	out->canonical = canonical;
	out->n = n;
	out->rdata = rdata;
}
