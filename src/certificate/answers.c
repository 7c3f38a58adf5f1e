/* answers.c - what a CA is to find when it asks whether a host is ours. */
#include "certificate/answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static const char path_prefix[] = "/.well-known/acme-challenge/";

struct answer {
	int64_t until_ms;
	struct tls_chain *chain;        /* NULL: for HTTP */
	struct slice host, token, text; /* in space */
	char space[];
};

static struct slice put(char **at, struct slice s)
{
	const struct slice copy = {*at, s.len};

	if (s.len)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static void answer_free(struct answer *answer)
{
	if (answer)
		tls_chain_release(answer->chain);
	free(answer);
}

/* Tokens are unguessable and their own (RFC 8555 8.1), so they are the key. */
static void add(struct answers *a, struct slice host, struct slice token, struct slice text,
	struct tls_chain *chain)
{
	struct answer *answer;
	char *at;

	answers_forget(a, clock_mono_ms());
	if (a->map.count >= ANSWERS_MAX || token.len == 0) {
		tls_chain_release(chain);
		return;
	}
	answer = mem_zalloc(sizeof(*answer) + host.len + token.len + text.len);
	at = answer->space;
	answer->until_ms = clock_mono_ms() + ANSWERS_KEEP_MS;
	answer->host = put(&at, host);
	answer->token = put(&at, token);
	answer->text = put(&at, text);
	answer->chain = chain;
	answer_free(map_del(&a->map, answer->token));
	map_put(&a->map, answer->token, answer);
}

void answers_add(struct answers *a, struct slice host, struct slice token, struct slice text)
{
	add(a, host, token, text, NULL);
}

void answers_add_chain(struct answers *a, struct slice host, struct tls_chain *chain)
{
	add(a, host, host, (struct slice){0}, tls_chain_hold(chain));
}

size_t answers_list(const struct answers *a, struct tls_use *out)
{
	const struct answer *answer;
	size_t at = 0, n = 0;

	while ((answer = map_next(&a->map, &at))) {
		if (answer->chain)
			out[n++] = (struct tls_use){.chain = answer->chain};
	}
	return n;
}

static void delete_if(struct answers *a, struct slice host, int64_t before_ms)
{
	struct answer *answer;
	size_t at = 0;

	while ((answer = map_next(&a->map, &at))) {
		if (answer->until_ms >= before_ms && !slice_eq(answer->host, host))
			continue;
		map_del(&a->map, answer->token);
		answer_free(answer);
	}
}

void answers_drop(struct answers *a, struct slice host)
{
	delete_if(a, host, INT64_MIN);
}

void answers_forget(struct answers *a, int64_t now_ms)
{
	delete_if(a, (struct slice){0}, now_ms);
}

bool answers_find(const struct answers *a, struct slice host, struct slice path, struct buf *out)
{
	const struct answer *answer;

	if (!slice_starts(path, slice_str(path_prefix)))
		return false;
	answer = map_get(&a->map, slice_from(path, sizeof(path_prefix) - 1));
	if (!answer || answer->chain || !slice_eq(answer->host, host))
		return false;
	buf_append(out, answer->text);
	return true;
}

void answers_done(struct answers *a)
{
	struct answer *answer;
	size_t at = 0;

	while ((answer = map_next(&a->map, &at)))
		answer_free(answer);
	map_done(&a->map);
}
