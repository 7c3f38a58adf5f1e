/* verb_advice.c - which DNS records a domain lacks: mailauth/advice.h, with the courier's answers.
 */
#include <stdlib.h>

#include "admin/verb.h"
#include "ask/ask.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/mem.h"
#include "certificate/certificate.h"
#include "chain/chain.h"
#include "mail/mta_sts.h"
#include "mailauth/advice.h"

enum { ARENA_MAX = 1 << 20, WAIT_MS = 20000, PUBLIC_MAX = 4096 };

/* What is asked outlives the unit: the control session keeps it. */
struct control_advice {
	struct arena arena;
	struct dns_view view;
	struct advice_request request;
	struct advice advice;
	int64_t until_ms;
};

void verb_advice_done(struct control_session *session)
{
	if (!session->advice)
		return;
	arena_done(&session->advice->arena);
	free(session->advice);
	session->advice = NULL;
}

static void put_rows(const struct advice *advice, struct buf *out)
{
	for (size_t i = 0; i < advice->n; i++) {
		const struct advice_row *r = &advice->rows[i];

		verb_row(out, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "what", r->what, "type",
				      r->type, "state", advice_state_name(r->state), "name",
				      verb_string(r->name), "found", verb_string(r->found),
				      "wanted", verb_string(r->wanted)));
	}
	verb_done(out, NULL);
}

static void on_names(struct conn *c, struct answer *answer);

static void go_on(struct conn *c)
{
	struct control_session *session = conn_session(c);
	struct control_advice *a = session->advice;
	int64_t left_ms;

	while (!advice_run(&a->request, &a->view, &a->advice)) {
		left_ms = a->until_ms - clock_mono_ms();
		if (left_ms > 0) {
			ask_resolve(verb_service(c)->ask, c, &a->view, left_ms, on_names);
			return;
		}
		dns_view_fail(&a->view);
	}
	put_rows(&a->advice, conn_out(c));
	verb_advice_done(session);
}

static void on_names(struct conn *c, struct answer *answer)
{
	struct control_session *session = conn_session(c);

	ask_take(&session->advice->view, answer);
	go_on(c);
}

static struct slice copy(struct arena *arena, const json_t *text)
{
	const char *s = json_string_value(text);

	return arena_dup(arena, slice_str(s ? s : ""));
}

static void read_keys(struct control_advice *a, const json_t *args)
{
	const json_t *keys = json_object_get(args, "dkim");

	for (size_t i = 0; i < json_array_size(keys) && i < ADVICE_KEYS_MAX; i++) {
		const json_t *key = json_array_get(keys, i);

		a->request.keys[a->request.keys_n++] =
			(struct advice_key){copy(&a->arena, json_object_get(key, "name")),
				copy(&a->arena, json_object_get(key, "value"))};
	}
}

/* SHA-256 of the public key, which stays the same when a certificate is renewed with it. */
static void add_public_key(struct control_advice *a, const char *pem)
{
	struct chain chain AUTO(chain_done) = {0};
	struct buf digits AUTO(buf_done);
	unsigned char der[PUBLIC_MAX], *p = der, sum[SHA256_LEN];
	EVP_PKEY *key;
	struct err err;
	int n;

	buf_init(&digits, 2 * SHA256_LEN + 1);
	if (!pem || chain_read(NULL, slice_str(pem), &chain, &err) < 0)
		return;
	key = X509_get0_pubkey(chain.leaf);
	n = key ? i2d_PUBKEY(key, NULL) : 0;
	if (n <= 0 || n > PUBLIC_MAX || i2d_PUBKEY(key, &p) != n)
		return;
	sha256((struct slice){(const char *)der, (size_t)n}, sum);
	hex_encode(&digits, (struct slice){(const char *)sum, sizeof(sum)});
	a->request.certificates[a->request.certificates_n++] =
		arena_dup(&a->arena, buf_slice(&digits));
}

/* Those that whoever brings mail to our host is shown. */
static void read_certificates(struct control_advice *a, struct service *service)
{
	json_t *rows = service->certificates ? certificates_describe(service->certificates) : NULL;
	const json_t *row, *host;
	size_t i, k;

	json_array_foreach(rows, i, row)
	{
		const json_t *leaf = json_array_get(json_object_get(row, "parts"), 0);

		if (!json_is_true(json_object_get(row, "is_used")))
			continue;
		json_array_foreach(json_object_get(row, "hosts"), k, host)
		{
			if (a->request.certificates_n < ADVICE_CERTIFICATES_MAX &&
				slice_eq_nocase(
					slice_str(json_string_value(host)), service->host_name))
				add_public_key(a, json_string_value(json_object_get(leaf, "pem")));
		}
	}
	json_decref(rows);
}

/* The id of the policy of MTA-STS that is served, or that the first one would have. */
static void read_policy(struct control_advice *a, struct service *service)
{
	struct directory_domain found = {0};
	struct buf policy AUTO(buf_done);
	char id[MTA_STS_ID_MAX];
	struct err err;

	buf_init(&policy, MTA_STS_POLICY_MAX);
	if (directory_domain(service->directory, a->request.domain, &found, &err) < 0 ||
		found.mta_sts == MTA_STS_OFF)
		found.mta_sts = MTA_STS_TESTING;
	mta_sts_policy(found.mta_sts, service->mx_hosts, &policy);
	mta_sts_id(buf_slice(&policy), id);
	a->request.sts_id = arena_dup(&a->arena, slice_str(id));
}

/* "domain", "dkim": [{"name", "value"}]. */
void verb_dns_check(struct conn *c, const json_t *args)
{
	struct control_session *session = conn_session(c);
	struct control_advice *a = mem_new(struct control_advice);
	struct err err;

	session->advice = a;
	arena_init(&a->arena, ARENA_MAX);
	dns_view_init(&a->view, &a->arena);
	a->until_ms = clock_mono_ms() + WAIT_MS;
	a->request.host = verb_service(c)->host_name;
	a->request.home = verb_service(c)->home;
	read_keys(a, args);
	read_certificates(a, verb_service(c));
	if (!dns_name_parse(verb_text_or_empty(args, "domain"), &a->arena, &a->request.domain) ||
		a->request.domain.len == 0) {
		err_set(&err, ERR_SYNTAX, "that is no domain");
		verb_fail(conn_out(c), &err);
		verb_advice_done(session);
		return;
	}
	read_policy(a, verb_service(c));
	go_on(c);
}
