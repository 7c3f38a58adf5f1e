/* mta_sts.c - see mta_sts.h for the contract. */
#include "mail/mta_sts.h"

#include <stdio.h>

#include "base/encode.h"

enum {
	DAY_S = 86400,
	/* Whoever has seen "enforce" holds us to it for so long; while testing, not for long. */
	KEEP_S = 14 * DAY_S,
	KEEP_TESTING_S = DAY_S,
	ID_BYTES = 16,
};

static const char *const names[] = {
	[MTA_STS_OFF] = "off",
	[MTA_STS_NONE] = "none",
	[MTA_STS_TESTING] = "testing",
	[MTA_STS_ENFORCE] = "enforce",
};

const char *mta_sts_name(enum directory_mta_sts mode)
{
	return names[mode];
}

bool mta_sts_mode(struct slice name, enum directory_mta_sts *out)
{
	for (enum directory_mta_sts mode = MTA_STS_OFF; mode <= MTA_STS_ENFORCE; mode++) {
		if (slice_eq(name, slice_str(names[mode]))) {
			*out = mode;
			return true;
		}
	}
	return false;
}

void mta_sts_policy(enum directory_mta_sts mode, struct slice hosts, struct buf *out)
{
	if (mode == MTA_STS_OFF)
		return;
	buf_printf(out, "version: STSv1\r\nmode: %s\r\n", names[mode]);
	while (hosts.len) {
		const struct slice host = slice_cut(hosts, ' ', &hosts);

		if (host.len)
			buf_printf(out, "mx: %.*s\r\n", SLICE_ARG(host));
	}
	buf_printf(out, "max_age: %d\r\n", mode == MTA_STS_ENFORCE ? KEEP_S : KEEP_TESTING_S);
}

void mta_sts_id(struct slice policy, char out[MTA_STS_ID_MAX])
{
	unsigned char digest[SHA256_LEN];
	struct buf text AUTO(buf_done);

	sha256(policy, digest);
	buf_init(&text, MTA_STS_ID_MAX);
	hex_encode(&text, (struct slice){(const char *)digest, ID_BYTES});
	snprintf(out, MTA_STS_ID_MAX, "%.*s", SLICE_ARG(buf_slice(&text)));
}
