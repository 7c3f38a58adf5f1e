/* grant_device.c - grants of devices without a browser (RFC 8628); see grant.h for the contract. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keeper/grant_internal.h"

enum { USER_DIGITS = 8, SLOWER_S = 5 };

/* RFC 8628 6.1: consonants alone, so that no words come out. */
static const char user_alphabet[] = "BCDFGHJKLMNPQRSTVWXZ";

enum decision { UNDECIDED, ALLOWED, REFUSED };

struct device {
	uint64_t account;
	unsigned scopes;
	enum decision decision;
	int64_t next_poll_ms, interval_s;
	struct slice client;
};

static void write_device(const struct device *d, struct buf *out)
{
	frame_put_u64(out, d->account);
	frame_put_u64(out, d->scopes);
	frame_put_u64(out, d->decision);
	frame_put_u64(out, (uint64_t)d->next_poll_ms);
	frame_put_u64(out, (uint64_t)d->interval_s);
	frame_put(out, d->client);
}

static bool read_device(struct slice value, struct device *out)
{
	struct frame f = {.rest = value};

	out->account = frame_u64(&f);
	out->scopes = (unsigned)frame_u64(&f);
	out->decision = (enum decision)frame_u64(&f);
	out->next_poll_ms = (int64_t)frame_u64(&f);
	out->interval_s = (int64_t)frame_u64(&f);
	out->client = frame_bytes(&f);
	return frame_end(&f);
}

static void put_device(struct factors *f, struct slice mac, const struct device *d, int64_t seconds)
{
	struct buf value AUTO(buf_done);

	buf_init(&value, PENDING_VALUE_MAX);
	write_device(d, &value);
	pending_put(f->strangers, PENDING_DEVICE, mac, buf_slice(&value), seconds);
}

static void make_user_code(char out[USER_DIGITS + 2])
{
	for (size_t i = 0; i < USER_DIGITS; i++)
		out[i + (i >= USER_DIGITS / 2)] =
			user_alphabet[randombytes_uniform(sizeof(user_alphabet) - 1)];
	out[USER_DIGITS / 2] = '-';
	out[USER_DIGITS + 1] = '\0';
}

/* Only the letters, in upper case; how many. */
static size_t tidy_user_code(struct slice text, char out[USER_DIGITS])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len && i < KEEPER_SECRET_MAX; i++) {
		const char c = (char)(ascii_lower((unsigned char)text.ptr[i]) & ~0x20);

		if (!strchr(user_alphabet, c) || !c)
			continue;
		if (n == USER_DIGITS)
			return 0;
		out[n++] = c;
	}
	return n;
}

void grant_device_begin(
	struct factors *f, struct slice client, unsigned scopes, struct keeper_device *out)
{
	const struct device device = {.scopes = scopes,
		.interval_s = GRANT_DEVICE_INTERVAL_S,
		.client = slice_head(client, GRANT_CLIENT_MAX)};
	unsigned char mac[MINT_MAC_LEN];
	char tidy[USER_DIGITS];
	struct err err;

	*out = (struct keeper_device){
		.expires_in_s = GRANT_DEVICE_S, .interval_s = GRANT_DEVICE_INTERVAL_S};
	mint_make(MINT_DEVICE, out->device_code);
	make_user_code(out->user_code);
	tidy_user_code(slice_str(out->user_code), tidy);
	if (factors_mac(f, MINT_DEVICE, slice_str(out->device_code), mac, &err) < 0)
		return; /* it was made just now */
	put_device(f, grant_mac_slice(mac), &device, GRANT_DEVICE_S);
	pending_put(f->strangers, PENDING_DEVICE_USER, (struct slice){tidy, sizeof(tidy)},
		grant_mac_slice(mac), GRANT_DEVICE_S);
}

/* The device's MAC by its user code. Guessing is bounded for each account. */
static int find_mac(struct factors *f, uint64_t account, struct slice user_code,
	struct buf *mac_out, struct err *err)
{
	char tidy[USER_DIGITS];
	const bool is_code = tidy_user_code(user_code, tidy) == USER_DIGITS;
	unsigned wrong;
	bool is_found;

	pthread_mutex_lock(&f->lock);
	wrong = tally_get(&f->wrong, map_key_u64(&account), clock_mono_ms());
	pthread_mutex_unlock(&f->lock);
	if (wrong >= FACTORS_WRONG_MAX)
		return err_set(err, ERR_BUSY, "too many wrong codes; try again in some minutes");
	is_found = is_code && pending_read(f->strangers, PENDING_DEVICE_USER,
				      (struct slice){tidy, sizeof(tidy)}, mac_out);
	if (is_found)
		return 0;
	pthread_mutex_lock(&f->lock);
	tally_add(&f->wrong, map_key_u64(&account), clock_mono_ms());
	pthread_mutex_unlock(&f->lock);
	return err_set(err, ERR_NOTFOUND, "no device shows this code now");
}

int grant_device_find(struct factors *f, uint64_t account, struct slice user_code,
	struct buf *client_out, unsigned *scopes_out, struct err *err)
{
	struct buf mac AUTO(buf_done), value AUTO(buf_done);
	struct device device;
	int rc;

	buf_init(&mac, MINT_MAC_LEN);
	buf_init(&value, PENDING_VALUE_MAX);
	rc = find_mac(f, account, user_code, &mac, err);
	if (rc < 0)
		return rc;
	if (!pending_read(f->strangers, PENDING_DEVICE, buf_slice(&mac), &value) ||
		!read_device(buf_slice(&value), &device))
		return err_set(err, ERR_NOTFOUND, "no device shows this code now");
	buf_append(client_out, device.client);
	*scopes_out = device.scopes;
	return 0;
}

int grant_device_decide(struct factors *f, uint64_t account, struct slice user_code,
	bool is_allowed, struct err *err)
{
	struct buf mac AUTO(buf_done), value AUTO(buf_done), ignored AUTO(buf_done);
	char tidy[USER_DIGITS];
	struct device device;
	int64_t left;
	int rc;

	buf_init(&mac, MINT_MAC_LEN);
	buf_init(&value, PENDING_VALUE_MAX);
	buf_init(&ignored, MINT_MAC_LEN);
	rc = find_mac(f, account, user_code, &mac, err);
	if (rc < 0)
		return rc;
	tidy_user_code(user_code, tidy);
	/* Of two who decide at once one takes it. */
	if (!pending_take(f->strangers, PENDING_DEVICE_USER, (struct slice){tidy, sizeof(tidy)},
		    &ignored, NULL) ||
		!pending_take(f->strangers, PENDING_DEVICE, buf_slice(&mac), &value, &left) ||
		!read_device(buf_slice(&value), &device))
		return err_set(err, ERR_NOTFOUND, "no device shows this code now");
	device.decision = is_allowed ? ALLOWED : REFUSED;
	device.account = account;
	put_device(f, buf_slice(&mac), &device, left);
	return 0;
}

int grant_device_poll(struct factors *f, struct db *change, uint64_t id, struct slice client,
	struct slice code, struct grant_result *out, struct err *err)
{
	struct buf value AUTO(buf_done);
	unsigned char mac[MINT_MAC_LEN];
	struct grant_new grant;
	struct device device;
	int64_t left;
	bool is_early;

	*out = (struct grant_result){.ended = 0};
	buf_init(&value, PENDING_VALUE_MAX);
	if (factors_mac(f, MINT_DEVICE, code, mac, err) < 0 ||
		!pending_take(f->strangers, PENDING_DEVICE, grant_mac_slice(mac), &value, &left) ||
		!read_device(buf_slice(&value), &device) || !slice_eq(device.client, client))
		return err_set(err, ERR_DENIED, "expired_token");
	grant = (struct grant_new){id, device.account, device.scopes, device.client};
	if (device.decision == ALLOWED)
		return grant_make(f, change, &grant, out, err);
	if (device.decision == REFUSED)
		return err_set(err, ERR_DENIED, "access_denied");
	is_early = clock_mono_ms() < device.next_poll_ms;
	device.interval_s += is_early ? SLOWER_S : 0;
	device.next_poll_ms = clock_mono_ms() + device.interval_s * 1000;
	put_device(f, grant_mac_slice(mac), &device, left);
	return err_set(err, ERR_BUSY, is_early ? "slow_down" : "authorization_pending");
}
