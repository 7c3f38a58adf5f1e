/* mint.c - see mint.h for the contract. */
#include "keeper/mint.h"

#include <sodium.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/random.h"

enum {
	DIGIT_BITS = 5,
	BODY_DIGITS = 26, /* 130 bits, two of them unused */
	DIGITS = 28,
	GROUP = 4,
};

/* Without i, l, o and u: nothing looks like something else, and no words come out. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* Ten bits over the kind and the bytes. */
static unsigned checksum(enum mint_kind kind, const unsigned char bytes[MINT_LEN])
{
	unsigned char input[1 + MINT_LEN], hash[SHA256_LEN];

	input[0] = (unsigned char)kind;
	memcpy(input + 1, bytes, MINT_LEN);
	sha256((struct slice){(const char *)input, sizeof(input)}, hash);
	mem_wipe(input, sizeof(input));
	return (unsigned)(hash[0] << 8 | hash[1]) & 1023;
}

/* Bit n of the bytes, highest first; those after the end are 0. */
static unsigned bit_at(const unsigned char bytes[MINT_LEN], size_t n)
{
	return n < MINT_LEN * 8 ? bytes[n / 8] >> (7 - n % 8) & 1u : 0;
}

static void to_digits(
	enum mint_kind kind, const unsigned char bytes[MINT_LEN], unsigned char digits[DIGITS])
{
	const unsigned check = checksum(kind, bytes);

	for (size_t i = 0; i < BODY_DIGITS; i++) {
		unsigned digit = 0;

		for (size_t bit = 0; bit < DIGIT_BITS; bit++)
			digit = digit << 1 | bit_at(bytes, i * DIGIT_BITS + bit);
		digits[i] = (unsigned char)digit;
	}
	digits[BODY_DIGITS] = (unsigned char)(check >> DIGIT_BITS);
	digits[BODY_DIGITS + 1] = (unsigned char)(check & 31);
}

void mint_make(enum mint_kind kind, char out[MINT_TEXT])
{
	unsigned char bytes[MINT_LEN], digits[DIGITS];
	size_t n = 0;

	random_bytes(bytes, sizeof(bytes));
	to_digits(kind, bytes, digits);
	out[n++] = 'p';
	out[n++] = 'h';
	out[n++] = (char)kind;
	for (size_t i = 0; i < DIGITS; i++) {
		if (i % GROUP == 0)
			out[n++] = '-';
		out[n++] = alphabet[digits[i]];
	}
	out[n] = '\0';
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(digits, sizeof(digits));
}

static int digit_value(char c)
{
	const unsigned char l = ascii_lower((unsigned char)c);
	const char *at;

	if (l == 'o')
		return 0;
	if (l == 'i' || l == 'l')
		return 1;
	at = l ? strchr(alphabet, l) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

/* The digits of a text with its prefix; false if there are not exactly so many. */
static bool read_digits(enum mint_kind kind, struct slice text, unsigned char digits[DIGITS])
{
	const char prefix[] = {'p', 'h', (char)kind};
	size_t n = 0;

	if (text.len > MINT_INPUT_MAX)
		return false;
	text = slice_trim(text);
	if (!slice_starts_nocase(text, (struct slice){prefix, sizeof(prefix)}))
		return false;
	for (size_t i = sizeof(prefix); i < text.len; i++) {
		const int value = digit_value(text.ptr[i]);

		if (text.ptr[i] == '-' || text.ptr[i] == ' ')
			continue;
		if (value < 0 || n == DIGITS)
			return false;
		digits[n++] = (unsigned char)value;
	}
	return n == DIGITS;
}

bool mint_read(enum mint_kind kind, struct slice text, unsigned char out[MINT_LEN])
{
	unsigned char digits[DIGITS], bytes[MINT_LEN] = {0}, again[DIGITS];
	bool is_good = read_digits(kind, text, digits);

	for (size_t i = 0; is_good && i < MINT_LEN * 8; i++)
		bytes[i / 8] |= (unsigned char)((digits[i / DIGIT_BITS] >>
								(DIGIT_BITS - 1 - i % DIGIT_BITS) &
							1)
						<< (7 - i % 8));
	if (is_good) {
		to_digits(kind, bytes, again);
		is_good = memcmp(digits, again, sizeof(digits)) == 0;
	}
	if (is_good)
		memcpy(out, bytes, MINT_LEN);
	mem_wipe(bytes, sizeof(bytes));
	mem_wipe(digits, sizeof(digits));
	mem_wipe(again, sizeof(again));
	return is_good;
}

int mint_mac(enum mint_kind kind, struct slice text, const unsigned char key[MINT_KEY_LEN],
	unsigned char out[MINT_MAC_LEN], struct err *err)
{
	unsigned char bytes[1 + MINT_LEN] = {(unsigned char)kind};

	if (!mint_read(kind, text, bytes + 1))
		return err_set(
			err, ERR_DENIED, "this is not one of our codes; look for a typing error");
	crypto_auth_hmacsha256(out, bytes, sizeof(bytes), key);
	mem_wipe(bytes, sizeof(bytes));
	return 0;
}

void mint_mac_key(const unsigned char hash[MINT_PUBLIC_LEN], const unsigned char key[MINT_KEY_LEN],
	unsigned char out[MINT_MAC_LEN])
{
	unsigned char bytes[1 + MINT_PUBLIC_LEN] = {'k'}; /* no enum mint_kind */

	memcpy(bytes + 1, hash, MINT_PUBLIC_LEN);
	crypto_auth_hmacsha256(out, bytes, sizeof(bytes), key);
}
