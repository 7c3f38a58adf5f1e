/* external_fuzz.c - any requests about users' servers: each is answered once, and a password is
 * only ever with the server that it was given for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "courier/external_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static desk_fn *const verbs[] = {desk_external_set, desk_external_test, desk_external_drop};

/* What a request that brings a password says; false: it is none. */
static bool read_server(struct slice fields, struct external_server *out)
{
	struct frame f = {.rest = fields};
	struct slice host, login, password;

	*out = (struct external_server){.port = 0};
	if (frame_u64(&f) != 1)
		return false;
	host = frame_bytes(&f);
	out->port = (unsigned)(frame_u64(&f) & 0xffff);
	out->is_starttls = frame_u64(&f) != 0;
	login = frame_bytes(&f);
	password = frame_bytes(&f);
	if (!frame_end(&f) || !password.len || password.ptr[0] == '\0')
		return false;
	memcpy(out->host, host.ptr, strnlen(host.ptr, host.len));
	memcpy(out->login, login.ptr, strnlen(login.ptr, login.len));
	return true;
}

static void check(struct external_kit *kit, const struct external_server *want)
{
	struct external_server found;
	struct err err;

	if (external_get(kit->courier.external, 1, &found, &err) == 0 &&
		(strcmp(found.host, want->host) != 0 || strcmp(found.login, want->login) != 0 ||
			found.port != want->port || found.is_starttls != want->is_starttls ||
			!found.password[0]))
		abort();
}

/* "verb, length in two bytes, fields" again and again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct external_kit kit;
	struct external_server last = {.port = 0}, given;
	struct slice rest = {(const char *)data, size};

	if (!kit.courier.external)
		external_kit_open(&kit);
	while (rest.len > 3) {
		const unsigned verb = (unsigned char)rest.ptr[0] % 3;
		const size_t n = (unsigned char)rest.ptr[1] << 8 | (unsigned char)rest.ptr[2];
		const struct slice fields = slice_head(slice_from(rest, 3), n);

		rest = slice_from(rest, 3 + fields.len);
		if (external_kit_ask(&kit, verbs[verb], fields) == 0 && verb == 0 &&
			read_server(fields, &given))
			last = given;
		check(&kit, &last);
	}
	/* The next input begins with none. */
	(void)external_kit_ask(
		&kit, desk_external_drop, (struct slice){"\0\0\0\x08\0\0\0\0\0\0\0\x01", 12});
	return 0;
}
