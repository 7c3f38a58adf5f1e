/* sasl.c - see sasl.h for the contract. */
#include "wire/sasl/sasl.h"

static int check_length(struct slice message, struct err *err)
{
	if (message.len > SASL_MESSAGE_MAX)
		return err_set(err, ERR_TOOBIG, "a message has at most %d bytes", SASL_MESSAGE_MAX);
	return 0;
}

static int check_name(struct slice name, struct err *err)
{
	if (name.len > SASL_NAME_MAX)
		return err_set(err, ERR_TOOBIG, "a user name has at most %d bytes", SASL_NAME_MAX);
	if (slice_chr(name, '\0') != SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "a user name without NUL is wanted");
	return 0;
}

int sasl_external_parse(struct slice message, struct sasl_claim *out, struct err *err)
{
	const int rc = check_name(message, err);

	if (rc == 0)
		*out = (struct sasl_claim){.act_as = message};
	return rc;
}

/* [authzid] NUL authcid NUL passwd */
int sasl_plain_parse(struct slice message, struct sasl_claim *out, struct err *err)
{
	struct sasl_claim claim;
	struct slice rest;
	int rc = check_length(message, err);

	if (rc < 0)
		return rc;
	claim.act_as = slice_cut(message, '\0', &rest);
	claim.user = slice_cut(rest, '\0', &claim.secret);
	if (!rest.ptr || !claim.secret.ptr || claim.user.len == 0 || claim.secret.len == 0 ||
		slice_chr(claim.secret, '\0') != SIZE_MAX)
		return err_set(err, ERR_SYNTAX, "this is no PLAIN message");
	rc = check_name(claim.user, err);
	if (rc == 0)
		rc = check_name(claim.act_as, err);
	if (rc == 0)
		*out = claim;
	return rc;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, any other "=" is wrong. */
static int decode_name(struct slice in, struct arena *arena, struct slice *out, struct err *err)
{
	char *text = arena_alloc(arena, in.len + 1);
	size_t n = 0;

	if (!text)
		return err_set(err, ERR_TOOBIG, "no room for the user name");
	for (size_t i = 0; i < in.len; i++) {
		const struct slice at = {in.ptr + i, in.len - i};

		if (in.ptr[i] != '=') {
			text[n++] = in.ptr[i];
		} else if (slice_starts(at, slice_lit("=2C"))) {
			text[n++] = ',';
			i += 2;
		} else if (slice_starts(at, slice_lit("=3D"))) {
			text[n++] = '=';
			i += 2;
		} else {
			return err_set(err, ERR_SYNTAX, "a \"=\" in a name is written =3D");
		}
	}
	*out = (struct slice){text, n};
	return check_name(*out, err);
}

/* gs2-header: ("n" / "y" / "p=NAME") "," ["a=" saslname] ","; *rest is what follows. */
static int parse_gs2(struct slice message, struct arena *arena, struct sasl_scram_first *out,
	struct slice *rest, struct err *err)
{
	struct slice flag = slice_cut(message, ',', rest), act_as;

	if (!rest->ptr)
		return err_set(err, ERR_SYNTAX, "the message has no GS2 header");
	act_as = slice_cut(*rest, ',', rest);
	if (!rest->ptr)
		return err_set(err, ERR_SYNTAX, "the GS2 header has no end");
	*out = (struct sasl_scram_first){0};
	if (slice_eq(flag, slice_lit("y")))
		out->binding = SASL_BINDING_OURS;
	else if (slice_starts(flag, slice_lit("p=")) && flag.len > 2)
		out->binding = SASL_BINDING_USED;
	else if (!slice_eq(flag, slice_lit("n")))
		return err_set(err, ERR_SYNTAX, "a GS2 header begins with n, y or p=");
	if (out->binding == SASL_BINDING_USED)
		out->binding_name = slice_from(flag, 2);
	if (act_as.len == 0)
		return 0;
	if (!slice_starts(act_as, slice_lit("a=")) || act_as.len == 2)
		return err_set(err, ERR_SYNTAX, "an identity to act as begins with a=");
	return decode_name(slice_from(act_as, 2), arena, &out->act_as, err);
}

int sasl_scram_first_parse(
	struct slice message, struct arena *arena, struct sasl_scram_first *out, struct err *err)
{
	struct sasl_scram_first first;
	struct slice rest, user;
	int rc = check_length(message, err);

	if (rc == 0)
		rc = parse_gs2(message, arena, &first, &rest, err);
	if (rc < 0)
		return rc;
	user = slice_cut(rest, ',', &rest);
	if (!slice_starts(user, slice_lit("n=")) || user.len == 2 || !rest.ptr)
		return err_set(err, ERR_SYNTAX, "client-first-message names no user");
	rc = decode_name(slice_from(user, 2), arena, &first.user, err);
	if (rc == 0)
		*out = first;
	return rc;
}

/* "Bearer" is written in any case (RFC 6750 2.1, RFC 9110 11.1). */
static int take_bearer(struct slice value, struct slice *token_out, struct err *err)
{
	static const struct slice word = {"Bearer ", 7};

	if (!slice_starts_nocase(value, word) || value.len == word.len)
		return err_set(err, ERR_SYNTAX, "auth= is not a bearer token");
	*token_out = slice_from(value, word.len);
	return 0;
}

/* kvpairs: each "key=value" ends with 0x01; one more 0x01 ends the message. Keys that are not
 * known (host, port) are passed over. */
static int take_pairs(struct slice pairs, struct sasl_claim *claim, struct err *err)
{
	while (pairs.len && pairs.ptr[0] != '\1') {
		struct slice value, pair = slice_cut(pairs, '\1', &pairs), key;

		if (!pairs.ptr)
			return err_set(err, ERR_SYNTAX, "a pair has no end");
		key = slice_cut(pair, '=', &value);
		if (!value.ptr)
			return err_set(err, ERR_SYNTAX, "a pair has no \"=\"");
		if (slice_eq_nocase(key, slice_lit("auth"))) {
			const int rc = take_bearer(value, &claim->secret, err);

			if (rc < 0)
				return rc;
		} else if (slice_eq_nocase(key, slice_lit("user"))) {
			claim->user = value;
		}
	}
	if (pairs.len != 1)
		return err_set(err, ERR_SYNTAX, "the message does not end as it should");
	if (claim->secret.len == 0)
		return err_set(err, ERR_SYNTAX, "the message has no auth=");
	return 0;
}

int sasl_oauthbearer_parse(
	struct slice message, struct arena *arena, struct sasl_claim *out, struct err *err)
{
	struct sasl_claim claim = {0};
	struct sasl_scram_first gs2;
	struct slice rest;
	int rc = check_length(message, err);

	if (rc == 0)
		rc = parse_gs2(message, arena, &gs2, &rest, err);
	if (rc == 0 && (gs2.binding == SASL_BINDING_USED || rest.len == 0 || rest.ptr[0] != '\1'))
		rc = err_set(err, ERR_SYNTAX, "this is no OAUTHBEARER message");
	if (rc == 0)
		rc = take_pairs(slice_from(rest, 1), &claim, err);
	if (rc < 0)
		return rc;
	claim.user = gs2.act_as; /* RFC 7628 3.1: the GS2 header says who */
	*out = claim;
	return 0;
}

int sasl_xoauth2_parse(struct slice message, struct sasl_claim *out, struct err *err)
{
	struct sasl_claim claim = {0};
	int rc = check_length(message, err);

	if (rc == 0)
		rc = take_pairs(message, &claim, err);
	if (rc == 0 && claim.user.len == 0)
		rc = err_set(err, ERR_SYNTAX, "the message has no user=");
	if (rc == 0)
		rc = check_name(claim.user, err);
	if (rc == 0)
		*out = claim;
	return rc;
}
