/* smtp_client.c - see smtp_client.h for the contract: the connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "courier/smtp_internal.h"

enum { QUIT_MS = 2000, COMMAND_MAX = 1024 };

int smtp_say(struct smtp_client *c, struct slice bytes, struct err *err)
{
	const int rc = peer_write(c->peer, bytes, c->config->patience_ms, err);

	c->is_broken = c->is_broken || rc < 0;
	return rc;
}

static int take_answer(struct smtp_client *c, struct err *err)
{
	struct smtp_answer answer;
	size_t used;
	const int rc = smtp_answer_take(peer_in(c->peer), &answer, &used, err);

	if (rc <= 0)
		return rc;
	c->code = answer.code;
	buf_clear(&c->text);
	smtp_answer_put(&answer, &c->text);
	if (c->is_greeting && answer.code == 250)
		smtp_offer_read(&answer, &c->offer);
	if (answer.code == 421)
		c->is_broken = true;
	peer_take(c->peer, used);
	return 1;
}

/* One deadline for the whole answer: it may come byte by byte. */
int smtp_hear(struct smtp_client *c, int64_t wait_ms, struct err *err)
{
	const int64_t deadline_ms = clock_mono_ms() + wait_ms;
	int rc;

	while ((rc = take_answer(c, err)) == 0) {
		rc = peer_fill(c->peer, deadline_ms - clock_mono_ms(), err);
		if (rc < 0)
			break;
	}
	c->is_broken = c->is_broken || rc < 0;
	return rc < 0 ? rc : 0;
}

int smtp_ask(struct smtp_client *c, struct slice command, struct err *err)
{
	const int rc = smtp_say(c, command, err);

	return rc < 0 ? rc : smtp_hear(c, c->config->patience_ms, err);
}

/* ---- opening ---- */

static int refused(const struct smtp_client *c, struct err *err)
{
	return err_set(err, ERR_BUSY, "%.*s", SLICE_ARG(slice_head(buf_slice(&c->text), 120)));
}

static int say_hello(struct smtp_client *c, const char *verb, struct err *err)
{
	char line[COMMAND_MAX];
	const int n = snprintf(line, sizeof(line), "%s %.*s\r\n", verb,
		SLICE_ARG(slice_head(c->config->host_name, DNS_NAME_MAX)));

	return smtp_ask(c, (struct slice){line, (size_t)n}, err);
}

static int hello(struct smtp_client *c, struct err *err)
{
	int rc;

	c->offer = (struct smtp_offer){.size = false};
	c->is_greeting = true;
	rc = say_hello(c, c->is_lmtp ? "LHLO" : "EHLO", err);
	c->is_greeting = false;
	if (rc == 0 && c->code >= 500 && !c->is_lmtp && !c->is_broken)
		rc = say_hello(c, "HELO", err);
	return rc < 0 ? rc : c->code == 250 ? 0 : refused(c, err);
}

int smtp_greet(struct smtp_client *c, struct err *err)
{
	const int rc = smtp_hear(c, c->config->patience_ms, err);

	if (rc < 0)
		return rc;
	return c->code == 220 ? hello(c, err) : refused(c, err);
}

static void set_result(struct smtp_tls *tls, enum tls_result result, const char *reason)
{
	tls->result = result;
	snprintf(tls->reason, sizeof(tls->reason), "%s", reason);
}

static int shake(struct smtp_client *c, const struct plan_host *host, const struct smtp_wish *wish,
	struct err *err)
{
	const bool is_dane = wish->counted == SMTP_NEED_DANE;
	const struct peer_wish names = {.name = is_dane ? host->tlsa_base : host->name.ptr,
		.ip = host->is_address ? &host->addresses[0] : NULL,
		.other = wish->domain,
		.tlsa = host->tlsa,
		.tlsa_n = is_dane ? host->tlsa_n : 0};
	const int rc = peer_start_tls(
		c->peer, c->config->tls, &names, c->config->patience_ms, &c->trust, err);

	c->is_broken = c->is_broken || rc < 0;
	return rc;
}

static int start_tls(struct smtp_client *c, const struct plan_host *host,
	const struct smtp_wish *wish, struct smtp_tls *tls, struct err *err)
{
	int rc = smtp_ask(c, slice_lit("STARTTLS\r\n"), err);

	if (rc == 0 && c->code != 220) {
		rc = err_set(
			err, ERR_DENIED, "%.*s", SLICE_ARG(slice_head(buf_slice(&c->text), 120)));
	} else if (rc == 0) {
		rc = shake(c, host, wish, err);
	}
	if (rc < 0) {
		/* However it failed: another try may do without. */
		set_result(tls, TLS_RESULT_FAILED, err->msg);
		err->code = ERR_DENIED;
		return -ERR_DENIED;
	}
	return hello(c, err);
}

static enum peer_trust trust_for(enum smtp_need need)
{
	static const enum peer_trust trusts[] = {
		[SMTP_NEED_NONE] = PEER_CLEAR,
		[SMTP_NEED_SOME] = PEER_CLEAR,
		[SMTP_NEED_TLS] = PEER_UNKNOWN,
		[SMTP_NEED_VERIFIED] = PEER_VERIFIED,
		[SMTP_NEED_DANE] = PEER_DANE,
	};

	return trusts[need];
}

/* Whether TLS, as it is now, is what is needed; and what was hoped for. */
static int check_trust(const struct smtp_client *c, const struct smtp_wish *wish,
	struct smtp_tls *tls, struct err *err)
{
	const char *reason;
	const enum tls_result result = peer_tls_result(c->peer, &reason);

	if (c->trust < trust_for(wish->counted))
		set_result(tls, result, reason);
	if (c->trust >= trust_for(wish->need))
		return 0;
	return err_set(err, ERR_DENIED, "the server's certificate is not good: %s", reason);
}

static int secure(struct smtp_client *c, const struct plan_host *host, const struct smtp_wish *wish,
	struct smtp_tls *tls, struct err *err)
{
	int rc;

	if (wish->need == SMTP_NEED_NONE)
		return 0;
	tls->is_tried = true;
	peer_our_address(c->peer, tls->our_ip);
	if (!c->offer.starttls) {
		set_result(tls, TLS_RESULT_NO_STARTTLS, "");
		return wish->need == SMTP_NEED_SOME
			       ? 0
			       : err_set(err, ERR_DENIED,
					 "TLS is needed, and the server does not offer it");
	}
	rc = start_tls(c, host, wish, tls, err);
	return rc < 0 ? rc : check_trust(c, wish, tls, err);
}

/* TLS before the first word. */
static int greet_in_tls(struct smtp_client *c, const struct plan_host *host,
	const struct smtp_wish *wish, struct smtp_tls *tls, struct err *err)
{
	int rc = shake(c, host, wish, err);

	if (rc == 0)
		rc = check_trust(c, wish, tls, err);
	return rc < 0 ? rc : smtp_greet(c, err);
}

struct smtp_client *smtp_client_new(const struct smtp_client_config *config)
{
	struct smtp_client *c = mem_new(struct smtp_client);

	c->config = config;
	buf_init(&c->text, 2 * SMTP_ANSWER_TEXT_MAX);
	return c;
}

static int open_once(const struct smtp_client_config *config, const struct plan_host *host,
	unsigned port, const struct smtp_wish *wish, struct smtp_tls *tls, struct smtp_client **out,
	struct err *err)
{
	struct smtp_client *c AUTO(smtp_client_close) = smtp_client_new(config);
	size_t at;
	int rc = peer_connect(host->addresses, host->addresses_n, port, config->connect_ms,
		config->stop_fd, &c->peer, &at, err);

	if (rc < 0)
		return rc;
	ip_write(&host->addresses[at], tls->ip);
	snprintf(c->host, sizeof(c->host), "%.*s [%s]", SLICE_ARG(host->name), tls->ip);
	c->is_sure = wish->is_sure;
	rc = wish->is_implicit ? greet_in_tls(c, host, wish, tls, err) : smtp_greet(c, err);
	if (rc == 0 && !wish->is_implicit)
		rc = secure(c, host, wish, tls, err);
	if (rc == 0 && wish->login)
		rc = smtp_log_in(c, wish->login, err);
	if (rc < 0)
		return rc;
	*out = c;
	c = NULL;
	return 0;
}

int smtp_client_open(const struct smtp_client_config *config, const struct plan_host *host,
	unsigned port, const struct smtp_wish *wish, struct smtp_tls *tls_out,
	struct smtp_client **out, struct err *err)
{
	const struct smtp_wish none = {.need = SMTP_NEED_NONE};
	struct smtp_tls ignored;
	int rc;

	*tls_out = (struct smtp_tls){.is_tried = false};
	rc = open_once(config, host, port, wish, tls_out, out, err);
	if (rc == -ERR_DENIED && wish->need == SMTP_NEED_SOME)
		rc = open_once(config, host, port, &none, &ignored, out, err);
	return rc;
}

int smtp_client_open_here(const struct smtp_client_config *config, const char *path,
	struct smtp_client **out, struct err *err)
{
	struct smtp_client *c AUTO(smtp_client_close) = smtp_client_new(config);
	int rc = peer_connect_unix(path, config->stop_fd, &c->peer, err);

	if (rc < 0)
		return rc;
	c->is_lmtp = true;
	snprintf(c->host, sizeof(c->host), "%.*s", SLICE_ARG(config->host_name));
	rc = smtp_greet(c, err);
	if (rc < 0)
		return rc;
	*out = c;
	c = NULL;
	return 0;
}

unsigned smtp_client_count(const struct smtp_client *c)
{
	return c->transactions;
}

bool smtp_client_is_usable(struct smtp_client *c)
{
	return !c->is_broken && peer_is_quiet(c->peer);
}

void smtp_client_close(struct smtp_client **client)
{
	struct smtp_client *c = *client;
	struct err ignored;

	if (!c)
		return;
	/* Nobody needs the answer. */
	if (c->peer && !c->is_broken)
		(void)!peer_write(c->peer, slice_lit("QUIT\r\n"), QUIT_MS, &ignored);
	peer_close(&c->peer);
	buf_done(&c->text);
	free(c);
	*client = NULL;
}

bool smtp_client_may_require(const struct smtp_client *c)
{
	return c->is_sure && c->trust >= PEER_VERIFIED && c->offer.requiretls;
}

const char *smtp_client_tls(const struct smtp_client *c)
{
	static const char *const words[] = {
		[PEER_CLEAR] = "none",
		[PEER_UNKNOWN] = "any",
		[PEER_VERIFIED] = "verified",
		[PEER_DANE] = "dane",
	};

	return words[c->trust];
}
