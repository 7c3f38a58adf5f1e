/*
 * seal.c - what goes on to another host is sealed by ARC, in the name of the domain that it was
 * sent to: who gets it can see what we found out about its sender.
 *
 * The keeper is asked for the domain's keys, then for two signatures. Without keys, or with a chain
 * that cannot be continued, the message goes on without a seal.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mailauth/check.h"
#include "smtp/session.h"

enum { FIELDS_TEXT_MAX = 256 * 1024 };

struct session_seal {
	struct arc_seal set;
	struct keeper_dkim_key key;
	struct dkim_signer signer;
	struct buf results, fields;
	bool is_begun, is_chained;
};

/* The domain through which the message goes elsewhere; empty: it stays here. */
static struct slice forwarding_domain(const struct mail_envelope *env)
{
	for (size_t i = 0; i < env->recipients_n; i++) {
		const struct mail_recipient *r = &env->recipients[i];

		for (size_t k = 0; k < r->resolved.n; k++)
			if (!r->resolved.targets[k].account)
				return slice_from(r->address, slice_rchr(r->address, '@') + 1);
	}
	return (struct slice){0};
}

bool smtp_seal_is_needed(struct conn *c)
{
	const struct session_tx *tx = session_of(c)->tx;

	/* A seal of what is going to be encoded would not hold. */
	return session_service(c)->senders.is_signed && !tx->is_binary &&
	       forwarding_domain(&tx->env).len > 0;
}

void smtp_seal_free(struct session_seal **seal)
{
	if (!*seal)
		return;
	if ((*seal)->is_begun)
		arc_seal_done(&(*seal)->set);
	buf_done(&(*seal)->results);
	buf_done(&(*seal)->fields);
	free(*seal);
	*seal = NULL;
}

/* Whatever is there of the seal goes on top of the message. */
static void go_on(struct conn *c)
{
	smtp_sender_finish(c, buf_slice(&session_of(c)->tx->seal->fields));
}

static void on_signature(struct conn *c, struct answer *answer);

static void ask_signature(struct conn *c, const unsigned char digest[SHA256_LEN])
{
	const struct keeper_call call = smtp_sender_park(c, on_signature);

	keeper_dkim_sign(&call, &session_of(c)->tx->seal->key,
		(struct slice){(const char *)digest, SHA256_LEN});
}

static void take_signature(struct conn *c, struct slice signature)
{
	struct session_tx *tx = session_of(c)->tx;
	struct session_seal *seal = tx->seal;
	unsigned char digest[SHA256_LEN];
	struct err err;

	if (seal->is_chained) {
		arc_seal_end(&seal->set, signature, &seal->fields);
		if (seal->fields.failed)
			buf_clear(&seal->fields);
		go_on(c);
	} else if (arc_seal_chain(&seal->set, &seal->signer,
			   &mailauth_check_verdict(tx->check)->arc, signature, digest, &err) < 0) {
		go_on(c);
	} else {
		seal->is_chained = true;
		ask_signature(c, digest);
	}
}

static void on_signature(struct conn *c, struct answer *answer)
{
	const struct keeper_text *text = answer->data;

	if (answer->rc == 0)
		take_signature(c, (struct slice){text->text, text->len});
	else
		go_on(c);
	if (answer->data)
		answer->free_data(answer->data);
}

/* RFC 8617 knows only RSA so far. */
static bool find_key(const struct keeper_dkim_keys *keys, struct keeper_dkim_key *out)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (!keys->list[i].is_rsa)
			continue;
		*out = keys->list[i];
		return true;
	}
	return false;
}

static void begin(struct conn *c, const struct keeper_dkim_keys *keys)
{
	struct session_tx *tx = session_of(c)->tx;
	struct session_seal *seal = tx->seal;
	unsigned char digest[SHA256_LEN];
	struct err err;

	if (!find_key(keys, &seal->key)) {
		go_on(c);
		return;
	}
	seal->signer.selector = slice_str(seal->key.selector);
	seal->is_begun = true;
	if (mailauth_check_seal(tx->check, &seal->set, &seal->signer, buf_slice(&seal->results),
		    digest, &err) < 0)
		go_on(c);
	else
		ask_signature(c, digest);
}

static void on_keys(struct conn *c, struct answer *answer)
{
	if (answer->rc == 0)
		begin(c, answer->data);
	else
		go_on(c);
	if (answer->data)
		answer->free_data(answer->data);
}

void smtp_seal(struct conn *c, struct slice results)
{
	struct session_tx *tx = session_of(c)->tx;
	struct session_seal *seal = mem_new(struct session_seal);
	struct keeper_call call;

	tx->seal = seal;
	buf_init(&seal->results, SESSION_RESULTS_MAX);
	buf_init(&seal->fields, FIELDS_TEXT_MAX);
	buf_append(&seal->results, results);
	seal->signer = (struct dkim_signer){.domain = forwarding_domain(&tx->env),
		.algorithm = SIGNATURE_RSA,
		.now = clock_wall_s()};
	call = smtp_sender_park(c, on_keys);
	keeper_dkim_keys(&call, seal->signer.domain);
}
