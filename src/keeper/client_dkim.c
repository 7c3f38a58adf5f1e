/* client_dkim.c - signing mail: the server's side; see credentials.h for the contract. */
#include "base/mem.h"
#include "keeper/client_internal.h"

static void *read_keys(struct frame *f)
{
	struct keeper_dkim_keys *keys = mem_new(struct keeper_dkim_keys);

	while (f->rest.len && !f->is_bad && keys->n < KEEPER_DKIM_MAX) {
		struct keeper_dkim_key *key = &keys->list[keys->n++];

		client_copy(key->selector, sizeof(key->selector), f);
		client_copy(key->name, sizeof(key->name), f);
		key->is_rsa = frame_u64(f) != 0;
	}
	return keys;
}

void keeper_dkim_keys(const struct keeper_call *call, struct slice domain)
{
	client_ask(call, FRAME_DKIM_KEYS, read_keys, ask_text(domain));
}

void keeper_dkim_sign(
	const struct keeper_call *call, const struct keeper_dkim_key *key, struct slice digest)
{
	client_ask(call, FRAME_SIGN, client_read_text, ask_text(slice_str(key->name)),
		ask_n(FRAME_PURPOSE_DKIM), ask_n(key->is_rsa ? TLS_RSA_PKCS1 : FRAME_ED25519),
		ask_n(TLS_SHA256), ask_s(digest));
}
