/*
 * check.h - all checks of one message's sender: SPF, DKIM, ARC, DMARC, and what they add up to.
 *
 * Does:   takes the message in slices of any size as it arrives, keeps its header (at most
 *         FIELDS_BLOCK_MAX) and hashes of its body. When it is whole, mailauth_check_run() is
 * called until there are no questions left in mailauth_check_view(), whoever answers them. From has
 * to say one author's domain: with several all must be good, and the strictest policy counts; with
 * none, or with two fields From, DMARC is permerror. Bounds: MAILAUTH_MEMORY_MAX for one message.
 * One owner at a time.
 */
#ifndef MAILAUTH_CHECK_H
#define MAILAUTH_CHECK_H

#include "mailauth/arc.h"
#include "mailauth/dmarc.h"

enum { MAILAUTH_MEMORY_MAX = 2 << 20, MAILAUTH_AUTHORS_MAX = 4 };

struct mailauth_request {
	struct ip ip;
	struct slice helo, sender_local, sender_domain;
	struct slice host;        /* our name, in results and explanations */
	struct slice arc_trusted; /* domains whose seals count (arc_trust.h), blanks between */
	int64_t now;
	unsigned sample; /* see struct dmarc_request */
	bool is_sealed;  /* mailauth_check_seal() will be called */
};

struct mailauth_verdict {
	struct spf_outcome spf;
	struct dkim dkim;
	struct arc arc;
	struct dmarc_outcome dmarc;
	bool is_ambiguous; /* more than one From, or more domains in it than are looked at: who
			    * reads the message may be shown another author than the one checked */
};

struct mailauth_check;

struct mailauth_check *mailauth_check_new(const struct mailauth_request *request); /* copied */
void mailauth_check_feed(struct mailauth_check *check, struct slice bytes);
/* mailauth_check_end - the message is whole. Once, before all that follows. */
void mailauth_check_end(struct mailauth_check *check);

/* mailauth_check_header - the header with its blank line, as it came. -ERR_TOOBIG. */
MUST_CHECK int mailauth_check_header(
	const struct mailauth_check *check, struct slice *out, struct err *err);

struct dns_view *mailauth_check_view(struct mailauth_check *check);
/* mailauth_check_run - false: the view has questions. */
bool mailauth_check_run(struct mailauth_check *check);
/* mailauth_check_verdict - as far as it is known; all of it after the run that returned true. */
const struct mailauth_verdict *mailauth_check_verdict(const struct mailauth_check *check);
/* mailauth_check_write - the methods and results, for a field that authres_begin() has begun. */
void mailauth_check_write(const struct mailauth_check *check, struct buf *out);

/* mailauth_check_seal - arc_seal_begin() for this message; after the run that returned true. */
MUST_CHECK int mailauth_check_seal(struct mailauth_check *check, struct arc_seal *seal,
	const struct dkim_signer *signer, struct slice results,
	unsigned char digest_out[SHA256_LEN], struct err *err);

void mailauth_check_free(struct mailauth_check **check);

#endif
