/* spf_check.h - one evaluation of SPF from the top; shared by spf.c and spf_macro.c. */
#ifndef MAILAUTH_SPF_CHECK_H
#define MAILAUTH_SPF_CHECK_H

#include "mailauth/spf.h"
#include "mailauth/spf_term.h"

struct spf_check {
	const struct spf_request *request;
	struct dns_view *view;
	struct arena scratch;       /* of this evaluation */
	struct slice local, domain; /* the sender's */
	unsigned lookups, voids;
	bool is_pending;
	const char *problem;
	struct slice exp, exp_domain; /* the explanation of the record that decided */
};

enum { SPF_SCRATCH_MAX = 1 << 20 };

/* spf_expand - a macro string that is good, for that <domain>. False: answers are missing, or there
 * is no room. */
bool spf_expand(struct spf_check *check, struct slice text, struct slice domain, struct buf *out);

/* spf_domain - expand a domain-spec and cut it from the left to what a name may be long. False as
 * above, or it is no name: then nothing matches. */
bool spf_domain(struct spf_check *check, struct slice spec, struct slice domain, struct slice *out);

/* spf_names_of_client - the names of the client's address that lead back to it (RFC 7208 5.5), at
 * most SPF_HOSTS_MAX looked at. *n_out is set as far as is known; false: answers are missing. */
bool spf_names_of_client(struct spf_check *check, struct slice *names, size_t *n_out);

enum spf_match { SPF_NO, SPF_YES, SPF_WAIT, SPF_TEMPERROR, SPF_PERMERROR };

/* spf_ask - SPF_YES with an answer that has records; what is empty counts. */
enum spf_match spf_ask(struct spf_check *check, struct slice name, enum dns_type type,
	struct dns_answer *answer_out);

/* spf_has_address - is the client's address, or one in its network of that many bits, an address of
 * the host? */
enum spf_match spf_has_address(
	struct spf_check *check, struct slice host, unsigned bits4, unsigned bits6);

#endif
