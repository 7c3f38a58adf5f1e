/* csrf.c - see csrf.h for the contract. */
#include "web/csrf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/encode.h"
#include "base/random.h"

static void sign(struct slice cookie, unsigned char out[CSRF_HALF])
{
	static const char purpose[] = "posthouse form token 1";
	unsigned char mac[EVP_MAX_MD_SIZE] = {0};
	unsigned len = sizeof(mac);

	HMAC(EVP_sha256(), cookie.ptr, (int)cookie.len, (const unsigned char *)purpose,
		sizeof(purpose) - 1, mac, &len);
	memcpy(out, mac, CSRF_HALF);
}

void csrf_make(struct slice cookie, char token_out[CSRF_TEXT + 1])
{
	unsigned char bytes[2 * CSRF_HALF];
	struct buf text AUTO(buf_done);

	random_bytes(bytes, CSRF_HALF);
	sign(cookie, bytes + CSRF_HALF);
	for (size_t i = 0; i < CSRF_HALF; i++)
		bytes[CSRF_HALF + i] ^= bytes[i];
	buf_init(&text, CSRF_TEXT);
	hex_encode(&text, (struct slice){(const char *)bytes, sizeof(bytes)});
	memcpy(token_out, text.ptr, CSRF_TEXT);
	token_out[CSRF_TEXT] = '\0';
}

bool csrf_check(struct slice cookie, struct slice token)
{
	unsigned char bytes[2 * CSRF_HALF], want[CSRF_HALF];

	if (cookie.len == 0 || !hex_decode(token, bytes, sizeof(bytes)))
		return false;
	for (size_t i = 0; i < CSRF_HALF; i++)
		bytes[CSRF_HALF + i] ^= bytes[i];
	sign(cookie, want);
	return CRYPTO_memcmp(bytes + CSRF_HALF, want, CSRF_HALF) == 0;
}

bool csrf_is_same_origin(struct slice fetch_site, struct slice origin, struct slice own)
{
	if (fetch_site.ptr)
		return slice_eq(fetch_site, slice_lit("same-origin")) ||
		       slice_eq(fetch_site, slice_lit("none"));
	return !origin.ptr || slice_eq(origin, own);
}
