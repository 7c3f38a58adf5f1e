/*
 * sign.h - the domain's own signatures on a message that its users send: RFC 6376, by all keys that
 * the keeper has for the domain in From.
 *
 * Does:   what is computed here; the caller asks the keeper, parked: keeper_dkim_keys() for
 *         mail_signing_domain(), then keeper_dkim_sign() for each mail_signing_next(). The fields
 *         stand behind our Return-Path. Who calls says how much of a large message is read at
 *         once (mail/rebuild.h), and calls again until that was all.
 * Bounds: those of mailauth/fields.h; a message beyond them stays unsigned (-ERR_TOOBIG).
 */
#ifndef MAIL_SIGN_H
#define MAIL_SIGN_H

#include "keeper/credentials.h"
#include "mail/mail.h"
#include "mail/rebuild.h"
#include "mailauth/dkim.h"

struct mail_signing;

/* mail_signing_new - of a finished message, whose header is read. own_bytes: see struct
 * mail_envelope. -ERR_NOTFOUND: From has no domain, or several. */
MUST_CHECK int mail_signing_new(
	struct incoming *in, size_t own_bytes, struct mail_signing **out, struct err *err);
void mail_signing_free(struct mail_signing **signing);

struct slice mail_signing_domain(const struct mail_signing *signing);

/* mail_signing_use - the keys that were found. mail_signing_read - the body, if there are any.
 * mail_signing_next - what the next one shall sign; false: all have. mail_signing_take - and its
 * signature. */
void mail_signing_use(struct mail_signing *signing, const struct keeper_dkim_keys *keys);
MUST_CHECK int mail_signing_read(struct mail_signing *signing, struct incoming *in, int64_t max,
	bool *is_all_out, struct err *err);
/* mail_signing_climb - sign for the domain above; false: there strangers have domains, too. */
bool mail_signing_climb(struct mail_signing *signing);
bool mail_signing_next(struct mail_signing *signing, const struct keeper_dkim_key **key_out,
	unsigned char digest_out[SHA256_LEN]);
void mail_signing_take(struct mail_signing *signing, struct slice signature);

/* mail_signing_end - the message with its signatures in the place of *in; without any it stays. */
MUST_CHECK int mail_signing_end(struct mail_signing *signing, struct service *service,
	struct incoming **in, int64_t max, bool *is_all_out, struct err *err);

/*
 * mail_sign_own - what the service itself sends: done() is called, on any thread, when *in has the
 * signatures of the domain in From, or where that has no keys of the next domain above it that has.
 * -ERR_BUSY: the keeper is away.
 */
typedef void mail_signed_fn(void *context, int rc, const struct err *err);
void mail_sign_own(struct service *service, struct incoming **in, size_t own_bytes,
	mail_signed_fn *done, void *context);

#endif
