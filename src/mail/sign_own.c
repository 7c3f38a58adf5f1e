/* sign_own.c - see sign.h: mail of the service's own, which no session waits for. */
#include <stdlib.h>

#include "base/mem.h"
#include "mail/sign.h"

struct own {
	struct service *service;
	struct incoming **in;
	struct mail_signing *signing;
	mail_signed_fn *done;
	void *context;
};

static void end(struct own *own, int rc, const struct err *err)
{
	own->done(own->context, rc, err);
	mail_signing_free(&own->signing);
	free(own);
}

static struct keeper_call call_of(
	struct own *own, void (*done)(void *context, const struct answer *answer))
{
	return (struct keeper_call){.keeper = own->service->keeper, .done = done, .context = own};
}

static void on_signature(void *context, const struct answer *answer);

static void sign_next(struct own *own)
{
	const struct keeper_call call = call_of(own, on_signature);
	const struct keeper_dkim_key *key;
	unsigned char digest[SHA256_LEN];
	struct err err;
	bool is_all;
	int rc;

	if (mail_signing_next(own->signing, &key, digest)) {
		keeper_dkim_sign(&call, key, (struct slice){(const char *)digest, SHA256_LEN});
		return;
	}
	rc = mail_signing_end(own->signing, own->service, own->in, REBUILD_ALL, &is_all, &err);
	end(own, rc, &err);
}

static void on_signature(void *context, const struct answer *answer)
{
	struct own *own = context;
	const struct keeper_text *text = answer->data;

	if (answer->rc < 0) {
		end(own, answer->rc, &answer->err);
		return;
	}
	mail_signing_take(own->signing, (struct slice){text->text, text->len});
	sign_next(own);
}

static void on_keys(void *context, const struct answer *answer)
{
	const struct keeper_call call = call_of(context, on_keys);
	const struct keeper_dkim_keys *keys = answer->data;
	struct own *own = context;
	struct err err;
	bool is_all;
	int rc;

	if (answer->rc < 0) {
		end(own, answer->rc, &answer->err);
	} else if (keys->n == 0 && mail_signing_climb(own->signing)) {
		keeper_dkim_keys(&call, mail_signing_domain(own->signing));
	} else {
		mail_signing_use(own->signing, keys);
		rc = mail_signing_read(own->signing, *own->in, REBUILD_ALL, &is_all, &err);
		if (rc < 0)
			end(own, rc, &err);
		else
			sign_next(own);
	}
}

void mail_sign_own(struct service *service, struct incoming **in, size_t own_bytes,
	mail_signed_fn *done, void *context)
{
	struct own *own = mem_new(struct own);
	struct keeper_call call;
	struct err err;

	*own = (struct own){.service = service, .in = in, .done = done, .context = context};
	if (!service->senders.is_signed ||
		mail_signing_new(*in, own_bytes, &own->signing, &err) < 0) {
		end(own, 0, NULL);
		return;
	}
	call = call_of(own, on_keys);
	keeper_dkim_keys(&call, mail_signing_domain(own->signing));
}
