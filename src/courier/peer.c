/* peer.c - see peer.h for the contract. */
#include "courier/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"

enum { READ_BYTES = 16 << 10 };

struct peer {
	int fd, stop_fd;
	SSL *ssl;
	bool is_secure; /* TLS has come about */
	struct buf in;
};

struct peer_tls {
	SSL_CTX *ctx;
};

/* ---- TLS for all ---- */

static int load_cas(SSL_CTX *ctx, struct slice pem, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(store, cert);
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the list is one */
	return bio ? 0 : err_set(err, ERR_IO, "the list of CAs cannot be read");
}

int peer_tls_new(struct slice ca_pem, struct peer_tls **out, struct err *err)
{
	struct peer_tls *tls AUTO(peer_tls_free) = mem_new(struct peer_tls);
	int rc = 0;

	tls->ctx = SSL_CTX_new(TLS_client_method());
	if (!tls->ctx || SSL_CTX_dane_enable(tls->ctx) <= 0)
		return err_set(err, ERR_IO, "TLS cannot be set up");
	SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					   SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_NONE, NULL);
	if (ca_pem.len)
		rc = load_cas(tls->ctx, ca_pem, err);
	if (rc < 0)
		return rc;
	*out = tls;
	tls = NULL;
	return 0;
}

void peer_tls_free(struct peer_tls **tls)
{
	if (*tls)
		SSL_CTX_free((*tls)->ctx);
	free(*tls);
	*tls = NULL;
}

/* ---- waiting ---- */

/* 1: ready; 0: the time is over; negative: the process ends. */
static int wait_for(int fd, int stop_fd, short events, int64_t deadline_ms, struct err *err)
{
	struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = stop_fd, .events = POLLIN}};
	int64_t left;

	while ((left = deadline_ms - clock_mono_ms()) > 0) {
		const int n = poll(fds, 2, left < INT32_MAX ? (int)left : INT32_MAX);

		if (n < 0 && errno != EINTR)
			return err_errno(err, "cannot wait");
		if (n > 0 && fds[1].revents)
			return err_set(err, ERR_BUSY, "the courier is stopped");
		if (n > 0)
			return 1;
	}
	return 0;
}

static int wait_ready(struct peer *p, short events, int64_t deadline_ms, struct err *err)
{
	const int rc = wait_for(p->fd, p->stop_fd, events, deadline_ms, err);

	return rc < 0 ? rc : rc ? 0 : err_set(err, ERR_BUSY, "no answer in time");
}

/* ---- connecting ---- */

struct peer *peer_new(int fd, int stop_fd)
{
	struct peer *p = mem_new(struct peer);

	p->fd = fd;
	p->stop_fd = stop_fd;
	buf_init(&p->in, PEER_IN_MAX);
	return p;
}

/* A socket that connects, or has failed at once: -1. */
static int begin_connect(const struct ip *ip, unsigned port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	const bool is_four = ip->len == IP_V4;
	const int one = 1;
	int fd;

	memcpy(is_four ? (void *)&four.sin_addr : (void *)&six.sin6_addr, ip->bytes, ip->len);
	fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, is_four ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
		    is_four ? sizeof(four) : sizeof(six)) < 0 &&
		errno != EINPROGRESS) {
		const int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

struct race {
	struct pollfd fds[PEER_ADDRESSES_MAX + 1]; /* the last one: stop_fd */
	size_t started, n, open;
	int why; /* errno of the last one that failed */
};

static void start_next(struct race *r, const struct ip *addresses, unsigned port)
{
	const int fd = begin_connect(&addresses[r->started], port);

	r->fds[r->started++] = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (fd < 0)
		r->why = errno;
	else
		r->open++;
}

/* The place of one that is connected, or SIZE_MAX. Those that failed are closed. */
static size_t find_connected(struct race *r)
{
	for (size_t i = 0; i < r->started; i++) {
		int why = 0;
		socklen_t len = sizeof(why);

		if (r->fds[i].fd < 0 || !r->fds[i].revents)
			continue;
		if (getsockopt(r->fds[i].fd, SOL_SOCKET, SO_ERROR, &why, &len) == 0 && why == 0)
			return i;
		r->why = why;
		io_close(&r->fds[i].fd);
		r->open--;
	}
	return SIZE_MAX;
}

static size_t run_race(
	struct race *r, const struct ip *addresses, unsigned port, int64_t deadline_ms, int stop_fd)
{
	int64_t next_ms = 0;
	size_t found = SIZE_MAX;

	r->why = ETIMEDOUT;
	while (found == SIZE_MAX && (r->started < r->n || r->open)) {
		int64_t now = clock_mono_ms(), until = deadline_ms;

		if (now >= deadline_ms)
			return SIZE_MAX;
		if (r->started < r->n && (now >= next_ms || !r->open)) {
			start_next(r, addresses, port);
			next_ms = now + PEER_NEXT_MS;
		}
		if (!r->open)
			continue;
		if (r->started < r->n && next_ms < until)
			until = next_ms;
		r->fds[r->started] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
		if (poll(r->fds, r->started + 1, (int)(until - now)) > 0 &&
			r->fds[r->started].revents)
			return SIZE_MAX;
		found = find_connected(r);
	}
	return found;
}

int peer_connect(const struct ip *addresses, size_t n, unsigned port, int64_t wait_ms, int stop_fd,
	struct peer **out, size_t *at_out, struct err *err)
{
	struct race race = {.n = n < PEER_ADDRESSES_MAX ? n : PEER_ADDRESSES_MAX};
	const size_t found = run_race(&race, addresses, port, clock_mono_ms() + wait_ms, stop_fd);

	for (size_t i = 0; i < race.started; i++) {
		if (i != found)
			io_close(&race.fds[i].fd);
	}
	if (found == SIZE_MAX)
		return err_set(err, ERR_BUSY, "no connection: %s", strerror(race.why));
	*out = peer_new(race.fds[found].fd, stop_fd);
	*at_out = found;
	return 0;
}

int peer_connect_unix(const char *path, int stop_fd, struct peer **out, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd AUTO(io_close) = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_set(err, ERR_BUSY, "no connection: %s", strerror(errno));
	*out = peer_new(fd, stop_fd);
	fd = -1;
	return 0;
}

void peer_our_address(const struct peer *p, char out[IP_TEXT_MAX])
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	socklen_t len = sizeof(six);
	struct slice bytes = {0};
	struct ip ip;

	out[0] = 0;
	if (getsockname(p->fd, (struct sockaddr *)&six, &len) < 0)
		return;
	memcpy(&four, &six, sizeof(four));
	if (six.sin6_family == AF_INET6)
		bytes = (struct slice){(const char *)&six.sin6_addr, IP_V6};
	else if (six.sin6_family == AF_INET)
		bytes = (struct slice){(const char *)&four.sin_addr, IP_V4};
	if (ip_from_bytes(bytes, &ip))
		ip_write(&ip, out);
}

void peer_close(struct peer **peer)
{
	struct peer *p = *peer;

	if (!p)
		return;
	if (p->ssl && SSL_is_init_finished(p->ssl))
		SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	ERR_clear_error();
	io_close(&p->fd);
	buf_done(&p->in);
	free(p);
	*peer = NULL;
}

/* ---- TLS ---- */

static int tls_error(enum err_code code, const char *what, struct err *err)
{
	const unsigned long found = ERR_peek_last_error();
	const char *reason = found ? ERR_reason_error_string(found) : NULL;

	ERR_clear_error();
	return err_set(err, code, "%s: %s", what, reason ? reason : "the connection broke");
}

/* Waits for what OpenSSL wants; 0: try again. A connection that breaks once TLS has come about says
 * nothing about TLS. */
static int tls_wait(struct peer *p, int rc, int64_t deadline_ms, struct err *err)
{
	switch (SSL_get_error(p->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return wait_ready(p, POLLIN, deadline_ms, err);
	case SSL_ERROR_WANT_WRITE:
		return wait_ready(p, POLLOUT, deadline_ms, err);
	default:
		return p->is_secure ? tls_error(ERR_IO, "lost", err)
				    : tls_error(ERR_DENIED, "TLS", err);
	}
}

/* How many of the records OpenSSL can use. */
static size_t add_tlsa(SSL *ssl, const struct peer_wish *wish)
{
	size_t used = 0;

	if (wish->tlsa_n == 0 || SSL_dane_enable(ssl, wish->name) <= 0)
		return 0;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672 3.1.1 */
	if (wish->other)
		SSL_add1_host(ssl, wish->other); /* 3.2.2 */
	for (size_t i = 0; i < wish->tlsa_n; i++) {
		const struct dns_tlsa *tlsa = &wish->tlsa[i];

		used += SSL_dane_tlsa_add(ssl, (uint8_t)tlsa->usage, (uint8_t)tlsa->selector,
				(uint8_t)tlsa->matching, (const unsigned char *)tlsa->data.ptr,
				tlsa->data.len) > 0;
	}
	ERR_clear_error();
	return used;
}

static enum peer_trust trust_of(SSL *ssl, size_t tlsa_used)
{
	if (SSL_get_verify_result(ssl) != X509_V_OK || !SSL_get0_peer_certificate(ssl))
		return PEER_UNKNOWN;
	return tlsa_used ? PEER_DANE : PEER_VERIFIED;
}

int peer_start_tls(struct peer *p, struct peer_tls *tls, const struct peer_wish *wish,
	int64_t wait_ms, enum peer_trust *trust_out, struct err *err)
{
	const int64_t deadline_ms = clock_mono_ms() + wait_ms;
	size_t used;
	int rc = 0, did;

	/* What came in clear behind the answer to STARTTLS is none of the server's words. */
	if (p->in.len)
		return err_set(err, ERR_DENIED, "the server says more than it was asked");
	p->ssl = SSL_new(tls->ctx);
	if (!p->ssl || SSL_set_fd(p->ssl, p->fd) != 1)
		return tls_error(ERR_DENIED, "TLS", err);
	used = add_tlsa(p->ssl, wish);
	SSL_set_hostflags(p->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (wish->ip) { /* RFC 6066 3: an address is not asked for */
		X509_VERIFY_PARAM_set1_ip(SSL_get0_param(p->ssl), wish->ip->bytes, wish->ip->len);
	} else {
		SSL_set_tlsext_host_name(p->ssl, wish->name);
		if (!used)
			SSL_set1_host(p->ssl, wish->name);
	}
	while (rc == 0 && (did = SSL_connect(p->ssl)) != 1)
		rc = tls_wait(p, did, deadline_ms, err);
	p->is_secure = rc == 0;
	if (rc == 0)
		*trust_out = trust_of(p->ssl, used);
	return rc;
}

enum tls_result peer_tls_result(const struct peer *p, const char **reason_out)
{
	const long code = p->ssl ? SSL_get_verify_result(p->ssl) : X509_V_ERR_UNSPECIFIED;

	*reason_out = X509_verify_cert_error_string(code);
	switch (code) {
	case X509_V_OK:
		return TLS_RESULT_GOOD;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return TLS_RESULT_HOST_MISMATCH;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_RESULT_EXPIRED;
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_RESULT_TLSA_INVALID;
	default:
		return TLS_RESULT_NOT_TRUSTED;
	}
}

/* ---- bytes ---- */

static int write_tls(struct peer *p, struct slice bytes, int64_t deadline_ms, struct err *err)
{
	int rc = 0;

	while (rc == 0 && bytes.len) {
		size_t did = 0;
		const int ok = SSL_write_ex(p->ssl, bytes.ptr, bytes.len, &did);

		if (ok == 1)
			bytes = slice_from(bytes, did);
		else
			rc = tls_wait(p, ok, deadline_ms, err);
	}
	return rc;
}

int peer_write(struct peer *p, struct slice bytes, int64_t wait_ms, struct err *err)
{
	const int64_t deadline_ms = clock_mono_ms() + wait_ms;
	int rc = 0;

	if (p->ssl)
		return write_tls(p, bytes, deadline_ms, err);
	while (rc == 0 && bytes.len) {
		const ssize_t did = send(p->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (did >= 0)
			bytes = slice_from(bytes, (size_t)did);
		else if (errno == EAGAIN)
			rc = wait_ready(p, POLLOUT, deadline_ms, err);
		else if (errno != EINTR)
			rc = err_errno(err, "lost");
	}
	return rc;
}

static int fill_tls(struct peer *p, char *to, int64_t deadline_ms, struct err *err)
{
	size_t did = 0;
	int rc = 0, ok;

	while (rc == 0 && (ok = SSL_read_ex(p->ssl, to, READ_BYTES, &did)) != 1)
		rc = tls_wait(p, ok, deadline_ms, err);
	p->in.len += did;
	return rc;
}

int peer_fill(struct peer *p, int64_t wait_ms, struct err *err)
{
	const int64_t deadline_ms = clock_mono_ms() + wait_ms;
	char *to = buf_reserve(&p->in, READ_BYTES);
	int rc = 0;

	if (!to)
		return err_set(err, ERR_TOOBIG, "the server says too much");
	if (p->ssl)
		return fill_tls(p, to, deadline_ms, err);
	while (rc == 0) {
		const ssize_t did = recv(p->fd, to, READ_BYTES, 0);

		if (did > 0) {
			p->in.len += (size_t)did;
			return 0;
		}
		if (did == 0)
			return err_set(err, ERR_IO, "the server has closed the connection");
		if (errno == EAGAIN)
			rc = wait_ready(p, POLLIN, deadline_ms, err);
		else if (errno != EINTR)
			rc = err_errno(err, "lost");
	}
	return rc;
}

struct slice peer_in(const struct peer *p)
{
	return buf_slice(&p->in);
}

void peer_take(struct peer *p, size_t n)
{
	buf_consume(&p->in, n);
}

/* What TLS itself says meanwhile (session tickets) is nobody's word. */
static bool is_tls_quiet(SSL *ssl)
{
	size_t n;
	char byte;
	const int rc = SSL_peek_ex(ssl, &byte, 1, &n);
	const bool is_quiet = rc != 1 && SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ;

	ERR_clear_error();
	return is_quiet;
}

bool peer_is_quiet(struct peer *p)
{
	struct pollfd fd = {.fd = p->fd, .events = POLLIN};

	if (p->in.len)
		return false;
	return p->ssl ? is_tls_quiet(p->ssl) : poll(&fd, 1, 0) == 0;
}
