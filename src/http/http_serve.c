/*
 * http_serve.c - the site of http_kit.h in a process of its own.
 *
 *   http_serve FOLDER      serves HTTP on one free loopback port and HTTPS on another, prints both
 *
 * Bodies are spooled in FOLDER. Limits are short, so that tests of slow clients are not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "http/http_kit.h"
#include "net/net_kit.h"

enum { HEAD_MS = 1500, BODY_MS = 1500, IDLE_MS = 3000, HEAD_MAX = 16 << 10 };

int main(int argc, char **argv)
{
	static const char *const headers[] = {"X-Site: yes", NULL};
	struct kit_ring ring = {
		.keys = {kit_key_ec("P-256", "localhost", 86400)}, .names = {"key"}};
	struct http_site site = {.name = "test",
		.rows = kit_rows,
		.rows_n = kit_rows_n,
		.headers = headers,
		.limits = {HEAD_MS, BODY_MS, IDLE_MS, HEAD_MAX}};
	struct pool *pool = NULL;
	struct tls_chain *chain = NULL;
	struct tls *tls = NULL;
	struct err err;
	uint16_t clear, secure;

	site.spool_dirfd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	if (site.spool_dirfd < 0)
		return 2;
	log_open("http_serve", LOG_INFO);
	if (tls_new(kit_sign, &ring, &tls, &err) < 0 ||
		tls_chain_read(tls, slice_str(ring.keys[0].pem), slice_lit("key"), &chain, &err) <
			0 ||
		pool_new(&(struct pool_config){.threads = 8, .connections_max = 2000}, &pool,
			&err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	tls_use(tls, &(struct tls_use){.chain = chain, .is_default = true}, 1);
	tls_chain_release(chain);
	clear = kit_listen_with(
		pool, &(struct pool_listener){.protocol = &http_protocol, .context = &site});
	secure = kit_listen_with(pool, &(struct pool_listener){.protocol = &http_protocol,
					       .context = &site,
					       .tls = tls,
					       .is_implicit_tls = true});
	if (pool_start(pool, &err) < 0)
		return 1;
	printf("%u %u\n", clear, secure);
	fflush(stdout);
	while (getchar() != EOF) /* a line: drain */
		pool_drain(pool, 0);
	pool_stop(&pool);
	tls_free(&tls);
	kit_key_done(&ring.keys[0]);
	return 0;
}
