/*
 * dns.c - see dns.h for the contract.
 *
 * libunbound resolves in a thread of its own; a second thread, ours, takes its answers and wakes
 * who asked. A question that nobody waits for any more is answered all the same and then freed.
 */
#include "courier/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

enum { CLASS_IN = 1, RCODE_NXDOMAIN = 3, NANO = 1000000000, MS = 1000000 };

struct question {
	struct question *next, **at; /* in dns->questions */
	struct dns *dns;
	pthread_cond_t done_cond;
	bool is_done, is_left; /* answered; nobody waits */
	int rc;                /* of libunbound */
	struct ub_result *result;
};

struct dns {
	struct ub_ctx *ctx;
	pthread_t thread;
	bool has_thread;
	int end_fd;
	pthread_mutex_t lock; /* guards the questions */
	struct question *questions;
};

static int set_resolver(struct ub_ctx *ctx, struct slice resolver, struct err *err)
{
	const size_t colon = slice_rchr(resolver, ':');
	struct slice host = resolver, port = slice_lit("53");
	char text[80];

	if (slice_starts(resolver, slice_lit("["))) {
		const size_t end = slice_chr(resolver, ']');

		host = slice_from(slice_head(resolver, end == SIZE_MAX ? 0 : end), 1);
		if (colon != SIZE_MAX && end != SIZE_MAX && colon > end)
			port = slice_from(resolver, colon + 1);
	} else if (colon != SIZE_MAX && slice_chr(resolver, ':') == colon) {
		host = slice_head(resolver, colon);
		port = slice_from(resolver, colon + 1);
	}
	snprintf(text, sizeof(text), "%.*s@%.*s", SLICE_ARG(host), SLICE_ARG(port));
	if (ub_ctx_set_fwd(ctx, text) != 0)
		return err_set(err, ERR_SYNTAX, "resolver %.*s is not ADDRESS or ADDRESS:PORT",
			SLICE_ARG(slice_head(resolver, 60)));
	return 0;
}

int dns_new(struct slice resolver, struct dns **out, struct err *err)
{
	struct dns *dns AUTO(dns_free) = mem_new(struct dns);
	int rc = 0;

	dns->end_fd = -1;
	pthread_mutex_init(&dns->lock, NULL);
	dns->ctx = ub_ctx_create();
	if (!dns->ctx || ub_ctx_async(dns->ctx, 1) != 0 ||
		ub_ctx_set_option(dns->ctx, "do-not-query-localhost:", "no") != 0)
		return err_set(err, ERR_IO, "libunbound cannot be set up");
	if (resolver.len)
		rc = set_resolver(dns->ctx, resolver, err);
	else if (ub_ctx_resolvconf(dns->ctx, NULL) != 0)
		rc = err_set(err, ERR_IO, "/etc/resolv.conf names no resolver: set resolver");
	if (rc == 0 && !resolver.len)
		ub_ctx_hosts(dns->ctx, NULL); /* where there is none, nothing is lost */
	dns->end_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rc == 0 && dns->end_fd < 0)
		rc = err_errno(err, "cannot make an event");
	if (rc < 0)
		return rc;
	*out = dns;
	dns = NULL;
	return 0;
}

static void question_free(struct question *q)
{
	*q->at = q->next;
	if (q->next)
		q->next->at = q->at;
	ub_resolve_free(q->result);
	pthread_cond_destroy(&q->done_cond);
	free(q);
}

static void on_answer(void *context, int rc, struct ub_result *result)
{
	struct question *q = context;
	struct dns *dns = q->dns;

	pthread_mutex_lock(&dns->lock);
	q->is_done = true;
	q->rc = rc;
	q->result = result;
	if (q->is_left)
		question_free(q);
	else
		pthread_cond_signal(&q->done_cond);
	pthread_mutex_unlock(&dns->lock);
}

static void *take_answers(void *context)
{
	struct dns *dns = context;
	struct pollfd fds[] = {
		{.fd = ub_fd(dns->ctx), .events = POLLIN}, {.fd = dns->end_fd, .events = POLLIN}};

	while (!fds[1].revents) {
		if (poll(fds, 2, -1) > 0 && fds[0].revents)
			ub_process(dns->ctx);
	}
	return NULL;
}

int dns_start(struct dns *dns, struct err *err)
{
	dns->has_thread = pthread_create(&dns->thread, NULL, take_answers, dns) == 0;
	return dns->has_thread ? 0 : err_set(err, ERR_IO, "cannot start a thread");
}

void dns_free(struct dns **dns_at)
{
	struct dns *dns = *dns_at;
	const uint64_t one = 1;

	if (!dns)
		return;
	if (dns->has_thread) {
		while (write(dns->end_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(dns->thread, NULL);
	}
	ub_ctx_delete(dns->ctx);
	while (dns->questions)
		question_free(dns->questions);
	io_close(&dns->end_fd);
	pthread_mutex_destroy(&dns->lock);
	free(dns);
	*dns_at = NULL;
}

static struct question *question_new(struct dns *dns)
{
	struct question *q = mem_new(struct question);
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->done_cond, &attr);
	pthread_condattr_destroy(&attr);
	q->dns = dns;
	pthread_mutex_lock(&dns->lock);
	q->next = dns->questions;
	q->at = &dns->questions;
	if (q->next)
		q->next->at = &q->next;
	dns->questions = q;
	pthread_mutex_unlock(&dns->lock);
	return q;
}

static void wait_for(struct question *q, int64_t wait_ms)
{
	struct timespec end;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &end);
	ns = end.tv_nsec + wait_ms % 1000 * MS;
	end.tv_sec += wait_ms / 1000 + ns / NANO;
	end.tv_nsec = ns % NANO;
	while (!q->is_done &&
		pthread_cond_timedwait(&q->done_cond, &q->dns->lock, &end) != ETIMEDOUT)
		;
}

static int read_result(
	const struct question *q, const char *name, struct dns_answer *out, struct err *err)
{
	const struct ub_result *r = q->result;

	if (q->rc != 0 || !r || r->bogus || (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN))
		return err_set(err, ERR_BUSY, "%.80s cannot be looked up now", name);
	if (!r->havedata)
		return err_set(err, ERR_NOTFOUND, "%.80s is not in the DNS", name);
	out->n = 0;
	for (size_t i = 0; r->data[i] && out->n < DNS_ANSWERS_MAX; i++) {
		if (r->len[i] < 0 || r->len[i] > DNS_DATA_MAX)
			continue;
		out->data[out->n].len = (size_t)r->len[i];
		memcpy(out->data[out->n++].bytes, r->data[i], (size_t)r->len[i]);
	}
	return 0;
}

int dns_ask(struct dns *dns, const char *name, enum dns_type type, int64_t wait_ms,
	struct dns_answer *out, struct err *err)
{
	struct question *q = question_new(dns);
	const int asked = ub_resolve_async(dns->ctx, name, (int)type, CLASS_IN, q, on_answer, NULL);
	int rc;

	pthread_mutex_lock(&dns->lock);
	if (asked != 0) {
		q->is_done = true;
		q->rc = asked;
	}
	wait_for(q, wait_ms);
	if (q->is_done) {
		rc = read_result(q, name, out, err);
		question_free(q);
	} else {
		q->is_left = true;
		rc = err_set(err, ERR_BUSY, "no answer in time about %.80s", name);
	}
	pthread_mutex_unlock(&dns->lock);
	return rc;
}

int dns_addresses(struct dns *dns, const char *host, char (*out)[DNS_ADDRESS_MAX], size_t max,
	size_t *n_out, struct err *err)
{
	static const struct {
		enum dns_type type;
		int family;
		size_t len;
	} kinds[] = {{DNS_A, AF_INET, 4}, {DNS_AAAA, AF_INET6, 16}};
	struct dns_answer *answer = mem_new(struct dns_answer);
	int rc = -ERR_NOTFOUND;
	size_t n = 0;

	for (size_t k = 0; k < 2; k++) {
		const int asked = dns_ask(dns, host, kinds[k].type, DNS_WAIT_MS, answer, err);

		/* That one kind cannot be told now matters only if there is nothing else. */
		if (asked < 0 && (rc == -ERR_NOTFOUND || rc == 0))
			rc = rc == 0 ? 0 : asked;
		for (size_t i = 0; asked == 0 && i < answer->n && n < max; i++) {
			if (answer->data[i].len == kinds[k].len &&
				inet_ntop(kinds[k].family, answer->data[i].bytes, out[n],
					DNS_ADDRESS_MAX))
				n++;
		}
		rc = n ? 0 : rc;
	}
	free(answer);
	if (rc == 0)
		*n_out = n;
	return rc;
}
