/* verb_dns.c - what the DNS says, as the courier sees it. */
#include <stdlib.h>

#include "admin/verb.h"
#include "ask/ask.h"
#include "base/encode.h"
#include "base/mem.h"
#include "wire/dns/rdata.h"

enum { ARENA_MAX = 1 << 18, WAIT_MS = 20000, TEXT_MAX = 1 << 16 };

static const struct {
	const char *name;
	enum dns_type type;
} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"CNAME", DNS_CNAME}, {"MX", DNS_MX}, {"NS", DNS_NS},
	{"PTR", DNS_PTR}, {"SOA", DNS_SOA}, {"SRV", DNS_SRV}, {"TLSA", DNS_TLSA}, {"TXT", DNS_TXT}};

/* What is asked outlives the unit: the control session keeps it. */
struct control_lookup {
	struct arena arena;
	struct dns_view view;
	struct dns_question question;
};

void verb_dns_done(struct control_session *session)
{
	if (!session->lookup)
		return;
	arena_done(&session->lookup->arena);
	free(session->lookup);
	session->lookup = NULL;
}

static void put_host(struct buf *out, struct slice host)
{
	buf_append(out, host);
	buf_byte(out, '.');
}

/* As in a zone file; what is malformed, as hexadecimal digits (RFC 3597). */
static bool put_record(enum dns_type type, struct slice rdata, struct arena *arena, struct buf *out)
{
	char address[IP_TEXT_MAX];
	struct slice text;
	struct dns_mx mx;
	struct dns_srv srv;
	struct dns_tlsa tlsa;
	struct dns_soa soa;
	struct ip ip;

	if ((type == DNS_A || type == DNS_AAAA) && dns_read_address(rdata, &ip)) {
		ip_write(&ip, address);
		buf_str(out, address);
	} else if (type == DNS_MX && dns_read_mx(rdata, arena, &mx)) {
		buf_printf(out, "%u ", mx.preference);
		put_host(out, mx.host);
	} else if (type == DNS_SRV && dns_read_srv(rdata, arena, &srv)) {
		buf_printf(out, "%u %u %u ", srv.priority, srv.weight, srv.port);
		put_host(out, srv.host);
	} else if (type == DNS_TLSA && dns_read_tlsa(rdata, &tlsa)) {
		buf_printf(out, "%u %u %u ", tlsa.usage, tlsa.selector, tlsa.matching);
		hex_encode(out, tlsa.data);
	} else if (type == DNS_SOA && dns_read_soa(rdata, arena, &soa)) {
		put_host(out, soa.primary);
		buf_byte(out, ' ');
		put_host(out, soa.contact);
		buf_printf(out, " %u %u %u %u %u", soa.serial, soa.refresh, soa.retry, soa.expire,
			soa.minimum);
	} else if (type == DNS_TXT && dns_read_txt(rdata, arena, &text)) {
		buf_append(out, text);
	} else if ((type == DNS_CNAME || type == DNS_NS || type == DNS_PTR) &&
		   dns_read_host(rdata, arena, &text)) {
		put_host(out, text);
	} else {
		return false;
	}
	return true;
}

static void put_rows(struct control_lookup *l, const struct dns_answer *answer, struct buf *out)
{
	for (size_t i = 0; i < answer->n; i++) {
		struct buf text AUTO(buf_done);

		buf_init(&text, TEXT_MAX);
		if (!put_record(l->question.type, answer->rdata[i], &l->arena, &text)) {
			buf_clear(&text);
			buf_printf(&text, "\\# %zu ", answer->rdata[i].len);
			hex_encode(&text, answer->rdata[i]);
		}
		verb_row(out,
			json_pack("{s:o, s:I, s:b, s:o}", "name", verb_string(answer->canonical),
				"ttl", (json_int_t)answer->ttl, "secure", answer->is_secure, "data",
				verb_string(buf_slice(&text))));
	}
}

static void on_answer(struct conn *c, struct answer *answer)
{
	struct control_session *session = conn_session(c);
	struct control_lookup *l = session->lookup;
	struct dns_answer found;
	const int rc = answer->rc;
	struct err err = answer->err;

	ask_take(&l->view, answer);
	if (rc == 0 &&
		dns_view_get(&l->view, l->question.name, l->question.type, &found) == DNS_FAILED)
		err_set(&err, ERR_BUSY, "no answer that can be used: none in time, or forged");
	else if (rc == 0 && found.status == DNS_NXDOMAIN)
		err_set(&err, ERR_NOTFOUND, "there is no such name%s",
			found.is_secure ? ", and that is signed" : "");
	else if (rc == 0 && found.status == DNS_NONE)
		err_set(&err, ERR_NOTFOUND, "the name has no record of that type%s",
			found.is_secure ? ", and that is signed" : "");
	if (rc == 0 && found.status == DNS_FOUND) {
		put_rows(l, &found, conn_out(c));
		verb_done(conn_out(c), NULL);
	} else {
		verb_fail(conn_out(c), &err);
	}
	verb_dns_done(session);
}

static bool find_type(struct slice name, enum dns_type *out)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (slice_eq_nocase(name, slice_str(types[i].name))) {
			*out = types[i].type;
			return true;
		}
	}
	return false;
}

/* "name", "type"; an address as the name of PTR is turned round. */
void verb_dns_lookup(struct conn *c, const json_t *args)
{
	struct control_session *session = conn_session(c);
	struct control_lookup *l = mem_new(struct control_lookup);
	struct slice name = verb_text_or_empty(args, "name");
	struct buf reverse AUTO(buf_done);
	struct dns_answer answer;
	struct err err;
	struct ip ip;
	bool is_good;

	session->lookup = l;
	arena_init(&l->arena, ARENA_MAX);
	dns_view_init(&l->view, &l->arena);
	buf_init(&reverse, DNS_NAME_MAX);
	is_good = find_type(verb_text_or_empty(args, "type"), &l->question.type);
	if (is_good && l->question.type == DNS_PTR && ip_parse(name, &ip)) {
		dns_reverse_name(&ip, slice_lit(""), &reverse);
		name = buf_slice(&reverse);
	}
	if (!is_good || !dns_name_parse(name, &l->arena, &l->question.name)) {
		err_set(&err, ERR_SYNTAX, "%s", is_good ? "that is no name" : "no such type");
		verb_fail(conn_out(c), &err);
		verb_dns_done(session);
		return;
	}
	dns_view_get(&l->view, l->question.name, l->question.type, &answer);
	ask_resolve(verb_service(c)->ask, c, &l->view, WAIT_MS, on_answer);
}
