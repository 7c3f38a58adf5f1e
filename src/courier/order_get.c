/* order_get.c - one certificate: are the hosts ours, the CA, the keeper; see orders.h. */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "chain/chain.h"
#include "courier/orders_internal.h"
#include "courier/ours.h"
#include "courier/process.h"

enum { VIEW_MAX = 1 << 20, DAY_S = 86400, PATH_BYTES = 80, PUBLISH_MS = 5000 };

static const char keeper_path[] = "../run/keeper-courier.sock";

/* The CA would look, too; but it counts failures. */
static int check_host(const struct courier *courier, struct slice host, struct err *err)
{
	struct arena arena AUTO(arena_done);
	struct dns_view view;
	int rc;

	arena_init(&arena, VIEW_MAX);
	dns_view_init(&view, &arena);
	rc = ours_check(courier->settings, &view, host, err);
	if (!view.pending)
		return rc;
	dns_fill(courier->dns, &view, DNS_WAIT_MS);
	return ours_check(courier->settings, &view, host, err);
}

int order_check(const struct courier *courier, const struct order *order, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < order->n && rc == 0 && !order->is_unchecked; i++)
		rc = check_host(courier, order->hosts[i], err);
	return rc;
}

/* ---- what the CA asks of us ---- */

static int make_tls_answer(const struct acme_answer *answer, struct buf *pem, struct err *err)
{
	unsigned char digest[SHA256_LEN];

	sha256(answer->text, digest);
	return keeper_acme_answer(keeper_path, answer->order, answer->key, answer->host,
		(struct slice){(char *)digest, sizeof(digest)}, pem, err);
}

static int publish(void *context, const struct acme_answer *answer, struct err *err)
{
	struct orders *o = context;
	struct buf pem AUTO(buf_done), line AUTO(buf_done);
	int rc = 0;

	buf_init(&pem, FRAME_DATA_MAX);
	buf_init(&line, 2 * FRAME_DATA_MAX);
	if (answer->kind == ACME_HTTP_01) {
		buf_printf(&line, "%.*s %.*s %.*s", SLICE_ARG(answer->host),
			SLICE_ARG(answer->token), SLICE_ARG(answer->text));
		return courier_publish(
			o->courier, "acme-answer", buf_slice(&line), PUBLISH_MS, err);
	}
	rc = make_tls_answer(answer, &pem, err);
	if (rc < 0)
		return rc;
	buf_printf(&line, "%.*s ", SLICE_ARG(answer->host));
	base64_encode(&line, buf_slice(&pem));
	return courier_publish(o->courier, "acme-tls", buf_slice(&line), PUBLISH_MS, err);
}

static void withdraw(void *context, struct slice host)
{
	struct orders *o = context;

	courier_withdraw(o->courier);
	courier_say(o->courier, "acme-drop %.*s", SLICE_ARG(host));
}

static bool pause_for(void *context, int64_t ms)
{
	return courier_pause(((struct orders *)context)->courier, ms);
}

/* ---- the conversation ---- */

static int begin(struct orders *o, struct acme_account *account, struct acme **out, struct err *err)
{
	const struct config *settings = o->courier->settings;
	const struct acme_config config = {.fetch = o->fetch,
		.keeper = keeper_path,
		.directory = settings->acme_directory,
		.contact = settings->acme_contact,
		.challenge = slice_eq(settings->acme_challenge, slice_lit("tls-alpn-01"))
				     ? ACME_TLS_ALPN_01
				     : ACME_HTTP_01,
		.publish = publish,
		.withdraw = withdraw,
		.pause = pause_for,
		.retry_after_s = &o->pause_s,
		.context = o};

	return acme_open(&config, account, out, err);
}

static int keep_account(
	struct orders *o, const struct acme_account *account, int64_t rolled_s, struct err *err)
{
	return ledger_put_account(
		o->ledger, o->courier->settings->acme_directory, account, rolled_s, err);
}

/* A new key for the account when it is old, or when keys are to be replaced. */
static int roll_if_due(struct orders *o, struct acme *acme, struct acme_account *account,
	const struct order *order, int64_t *rolled_s, struct err *err)
{
	const int64_t now = clock_wall_s();
	int rc;

	if (*rolled_s > order->renew_s && *rolled_s + (int64_t)ORDERS_ROLL_DAYS * DAY_S > now)
		return 0;
	rc = acme_roll(acme, err);
	if (rc < 0)
		return rc;
	*rolled_s = now;
	log_info(NULL, "acme-key-rolled");
	return keep_account(o, account, now, err);
}

/* The leaf of tls/NAME.pem as it is now; empty if there is none from a CA. */
static void read_leaf(struct orders *o, const struct item *item, struct buf *der)
{
	struct chain chain AUTO(chain_done) = {0};
	struct buf pem AUTO(buf_done);
	unsigned char *bytes = NULL;
	char path[PATH_BYTES];
	struct err err;
	int n;

	buf_init(&pem, FRAME_DATA_MAX);
	snprintf(path, sizeof(path), "%.*s.pem", SLICE_ARG(item->name));
	if (io_read_file(o->tls_fd, path, &pem, &err) < 0 ||
		chain_read(NULL, buf_slice(&pem), &chain, &err) < 0 ||
		X509_NAME_cmp(
			X509_get_issuer_name(chain.leaf), X509_get_subject_name(chain.leaf)) == 0)
		return;
	n = i2d_X509(chain.leaf, &bytes);
	if (n > 0)
		buf_append(der, (struct slice){(char *)bytes, (size_t)n});
	OPENSSL_free(bytes);
}

static int issue(struct orders *o, struct acme *acme, struct item *item, const struct order *order,
	struct err *err)
{
	struct buf chain AUTO(buf_done), before AUTO(buf_done);
	const bool must_revoke = order->renew_s && item->ledger.made_s;
	struct err ignored;
	int rc;

	buf_init(&chain, FRAME_DATA_MAX);
	buf_init(&before, FRAME_DATA_MAX);
	read_leaf(o, item, &before);
	rc = acme_issue(acme, item->name, order->hosts, order->n, item->ledger.key, &chain, err);
	if (rc == 0)
		rc = keeper_acme_store(keeper_path, item->name, buf_slice(&chain), err);
	/* Somebody asked for its replacement because the key may be known. */
	if (rc == 0 && must_revoke && item->ledger.made_s <= order->renew_s && before.len &&
		acme_revoke(acme, buf_slice(&before), &ignored) < 0)
		log_warn(NULL, "revoke-failed", log_s("name", item->name), log_e(&ignored));
	return rc;
}

int order_get(struct orders *o, struct item *item, const struct order *order, struct err *err)
{
	const struct slice directory = o->courier->settings->acme_directory;
	struct acme *acme AUTO(acme_close) = NULL;
	struct acme_account account;
	struct err ignored;
	bool was_registered;
	int64_t rolled_s;
	int rc = ledger_get_account(o->ledger, directory, &account, &rolled_s, err);

	if (rc < 0)
		return rc;
	was_registered = account.url[0];
	rc = begin(o, &account, &acme, err);
	if (!was_registered)
		rolled_s = clock_wall_s();
	/* The key is kept also if the CA was away: it may have heard us. */
	if (!was_registered && account.key[0] && keep_account(o, &account, rolled_s, &ignored) < 0)
		log_error(NULL, "ledger", log_e(&ignored));
	if (rc == 0)
		rc = roll_if_due(o, acme, &account, order, &rolled_s, err);
	if (rc == 0)
		rc = issue(o, acme, item, order, err);
	/* An account that the CA does not know any more is made anew the next time. */
	if (rc == -ERR_NOTFOUND && was_registered) {
		item->ledger.key[0] = '\0';
		account = (struct acme_account){0};
		if (keep_account(o, &account, 0, &ignored) < 0)
			log_error(NULL, "ledger", log_e(&ignored));
	}
	return rc;
}
