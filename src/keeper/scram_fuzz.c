/* scram_fuzz.c - libFuzzer target: both messages of a client, a line each. */
#include <stdlib.h>

#include "keeper/scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char salt[SCRAM_SALT_LEN];
	const struct scram_verifier nobody = {{1}, {2}};
	struct buf server_first AUTO(buf_done), out AUTO(buf_done);
	struct slice final,
		line = slice_cut((struct slice){(const char *)data, size}, '\n', &final);
	struct scram_exchange exchange = {.client_first = line, .binding = slice_lit("binding")};
	struct scram_first first;
	struct err err;
	size_t which;

	buf_init(&server_first, 2 * SCRAM_MESSAGE_MAX);
	buf_init(&out, SCRAM_MESSAGE_MAX);
	if (scram_read_first(line, &first, &err) < 0)
		return 0;
	if (first.header.len + first.bare.len != line.len || first.nonce.len == 0)
		abort();
	scram_write_first(&first, slice_lit("abcdefghijklmnopqrstuvwx"), salt, &server_first);
	exchange.server_first = buf_slice(&server_first);
	if (scram_check(&exchange, final, &nobody, 1, &which, &out, &err) == 0)
		abort(); /* no proof fits keys that are no hashes of each other */
	return 0;
}
