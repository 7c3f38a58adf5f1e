/* mailauth_kit.c - see mailauth_kit.h. */
#include "mailauth/mailauth_kit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/encode.h"
#include "base/ip.h"

enum { RECORDS_MAX = 32, STRING_MAX = 255 };

static void put_name(struct buf *out, struct slice name)
{
	while (name.len > 0) {
		struct slice label = slice_cut(name, '.', &name);

		buf_byte(out, (char)label.len);
		buf_append(out, label);
	}
	buf_byte(out, '\0');
}

static void put_txt(struct buf *out, struct slice text)
{
	do {
		size_t n = text.len < STRING_MAX ? text.len : STRING_MAX;

		buf_byte(out, (char)n);
		buf_append(out, slice_head(text, n));
		text = slice_from(text, n);
	} while (text.len > 0);
}

static void put_rdata(struct buf *out, enum dns_type type, struct slice data)
{
	struct slice host;
	struct ip ip;
	uint64_t n;
	bool is_good;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		is_good = ip_parse(data, &ip);
		assert(is_good);
		buf_append(out, (struct slice){(const char *)ip.bytes, ip.len});
		break;
	case DNS_MX:
		is_good = slice_to_u64(slice_cut(data, ' ', &host), UINT16_MAX, &n);
		assert(is_good);
		buf_byte(out, (char)(n >> 8));
		buf_byte(out, (char)n);
		put_name(out, host);
		break;
	case DNS_TXT:
		put_txt(out, data);
		break;
	default:
		put_name(out, data);
	}
}

static bool has_type(struct slice text, enum dns_type type, struct slice *data_out)
{
	static const struct {
		const char *name;
		enum dns_type type;
	} types[] = {{"A", DNS_A}, {"AAAA", DNS_AAAA}, {"MX", DNS_MX}, {"TXT", DNS_TXT},
		{"PTR", DNS_PTR}};
	const struct slice name = slice_cut(text, ' ', data_out);

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].type == type && slice_eq(name, slice_str(types[i].name)))
			return true;
	return false;
}

static void answer_one(
	struct dns_view *view, const struct dns_question *question, const struct kit_record *zone)
{
	struct buf bytes[RECORDS_MAX];
	struct slice rdata[RECORDS_MAX], data;
	struct dns_answer answer = {
		.status = DNS_NXDOMAIN, .rdata = rdata, .canonical = question->name};

	for (; zone->name; zone++) {
		if (!slice_eq_nocase(slice_str(zone->name), question->name))
			continue;
		if (strcmp(zone->text, "FAIL") == 0) {
			answer.status = DNS_FAILED;
			break;
		}
		if (answer.status == DNS_NXDOMAIN)
			answer.status = DNS_NONE;
		if (!has_type(slice_str(zone->text), question->type, &data))
			continue;
		answer.status = DNS_FOUND;
		assert(answer.n < RECORDS_MAX);
		buf_init(&bytes[answer.n], DNS_RDATA_MAX);
		put_rdata(&bytes[answer.n], question->type, data);
		rdata[answer.n] = buf_slice(&bytes[answer.n]);
		answer.n++;
	}
	dns_view_put(view, question->name, question->type, &answer);
	for (size_t i = 0; i < answer.n; i++)
		buf_done(&bytes[i]);
}

void kit_answer(struct dns_view *view, const struct kit_record *zone)
{
	struct dns_question question;
	size_t at = 0;

	while (dns_view_next_pending(view, &at, &question))
		answer_one(view, &question, zone);
}

/* The secret key of RFC 8463 A.1. */
void kit_sign(const unsigned char *digest, struct buf *out)
{
	static const unsigned char seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba,
		0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69,
		0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char bytes[64];
	size_t n = sizeof(bytes);

	if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
		EVP_DigestSign(ctx, bytes, &n, digest, SHA256_LEN) != 1)
		abort();
	buf_append(out, (struct slice){(const char *)bytes, n});
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}
