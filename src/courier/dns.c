/*
 * dns.c - see dns.h for the contract.
 *
 * libunbound resolves in threads of its own; a thread of ours takes its answers, keeps the
 * deadlines and calls who asked. A question that nobody waits for any more is answered all the same
 * and then freed: libunbound gives up by itself.
 */
#include "courier/dns.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier/resolver.h"
#include "wire/dns/rdata.h"

enum { TICK_MS = 100, ARENA_MAX = 1 << 17, PROBE_MS = 60000 };

struct item {
	struct dns_batch *batch;
	struct dns_question question; /* the name has a NUL byte behind it */
	bool is_answered;
	int rc; /* of libunbound */
	struct ub_result *result;
};

struct dns_batch {
	struct dns *dns;
	struct dns_batch *next, **at;         /* in dns->batches, until it is over */
	struct dns_batch *all_next, **all_at; /* in dns->all */
	int64_t deadline_ms;
	size_t left; /* items without an answer */
	bool is_over;
	unsigned refs; /* one for each of these, and one until done() has returned */
	dns_done_fn *done;
	void *context;
	struct arena arena; /* the names */
	size_t n;
	struct item items[];
};

struct dns {
	struct ub_ctx *plain, *validating; /* either may be NULL */
	atomic_bool validates;
	struct slice
		anchor; /* the first one's name: whoever passes its signatures on can be used */
	struct arena arena;
	pthread_t thread;
	bool has_thread;
	int event_fd; /* something changed for the thread */
	atomic_size_t open;
	pthread_mutex_t lock; /* guards all below, and the batches */
	bool is_ending, is_stopped;
	struct dns_batch *batches; /* whose time is not over */
	struct dns_batch *all;     /* and those that libunbound has not done with */
};

/* ---- set up ---- */

int dns_new(const struct config *settings, struct dns **out, struct err *err)
{
	struct dns *dns AUTO(dns_free) = mem_new(struct dns);
	const bool is_auto = slice_eq(settings->dnssec_validate, slice_lit("auto"));
	const bool is_off = slice_eq(settings->dnssec_validate, slice_lit("off"));
	struct buf anchors AUTO(buf_done);
	int rc = 0;

	dns->event_fd = -1;
	pthread_mutex_init(&dns->lock, NULL);
	arena_init(&dns->arena, ARENA_MAX);
	buf_init(&anchors, RESOLVER_ANCHORS_MAX);
	if (!is_auto && !is_off && !slice_eq(settings->dnssec_validate, slice_lit("on")))
		return err_set(err, ERR_SYNTAX, "dnssec.validate is \"auto\", \"on\" or \"off\"");
	if (!is_off)
		rc = resolver_read_anchors(settings->dnssec_anchors, &anchors, err);
	if (rc == -ERR_NOTFOUND && is_auto)
		log_warn(NULL, "dnssec_off", log_s("anchors", settings->dnssec_anchors));
	else if (rc < 0)
		return rc;
	if (!is_off && !is_auto && !resolver_anchor_name(buf_slice(&anchors)).len)
		return err_set(err, ERR_SYNTAX, "dnssec.anchors has no record in it");
	rc = 0;
	if (anchors.len)
		rc = resolver_new(settings->resolver, buf_slice(&anchors), &dns->validating, err);
	if (rc == 0 && (is_auto || is_off))
		rc = resolver_new(settings->resolver, slice_lit(""), &dns->plain, err);
	if (rc < 0)
		return rc;
	dns->anchor = arena_dup(&dns->arena, resolver_anchor_name(buf_slice(&anchors)));
	atomic_init(&dns->validates, dns->plain == NULL);
	dns->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dns->event_fd < 0)
		return err_errno(err, "cannot make an event");
	*out = dns;
	dns = NULL;
	return 0;
}

static void wake(struct dns *dns)
{
	const uint64_t one = 1;

	while (write(dns->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

/* ---- batches ---- */

/* The caller holds the lock. */
static void batch_unref(struct dns_batch *b)
{
	if (--b->refs > 0)
		return;
	*b->all_at = b->all_next;
	if (b->all_next)
		b->all_next->all_at = b->all_at;
	for (size_t i = 0; i < b->n; i++)
		ub_resolve_free(b->items[i].result);
	arena_done(&b->arena);
	free(b);
}

/* Nobody waits any more; true for the one who must call done(). The caller holds the lock. */
static bool batch_end(struct dns_batch *b)
{
	if (b->is_over)
		return false;
	b->is_over = true;
	*b->at = b->next;
	if (b->next)
		b->next->at = b->at;
	return true;
}

static void batch_finish(struct dns_batch *b)
{
	struct dns *dns = b->dns;

	b->done(b->context, b);
	pthread_mutex_lock(&dns->lock);
	batch_unref(b);
	pthread_mutex_unlock(&dns->lock);
}

static void on_answer(void *context, int rc, struct ub_result *result)
{
	struct item *item = context;
	struct dns_batch *b = item->batch;
	struct dns *dns = b->dns;
	bool is_last;

	atomic_fetch_sub(&dns->open, 1);
	pthread_mutex_lock(&dns->lock);
	if (b->is_over) {
		ub_resolve_free(result);
	} else {
		item->is_answered = true;
		item->rc = rc;
		item->result = result;
	}
	is_last = --b->left == 0 && batch_end(b);
	batch_unref(b);
	pthread_mutex_unlock(&dns->lock);
	if (is_last)
		batch_finish(b);
}

static struct dns_batch *batch_new(struct dns *dns, const struct dns_view *view, int64_t wait_ms,
	dns_done_fn *done, void *context)
{
	struct dns_batch *b = mem_zalloc(sizeof(*b) + view->pending * sizeof(struct item));
	struct dns_question question;
	size_t at = 0;

	b->dns = dns;
	b->deadline_ms = clock_mono_ms() + wait_ms;
	b->done = done;
	b->context = context;
	b->refs = 1;
	arena_init(&b->arena, ARENA_MAX);
	while (b->n < view->pending && dns_view_next_pending(view, &at, &question)) {
		const char *name = arena_str(&b->arena, question.name);

		if (!name)
			break;
		b->items[b->n++] = (struct item){
			.batch = b, .question = {{name, question.name.len}, question.type}};
	}
	b->left = b->n;
	b->refs += (unsigned)b->n;
	return b;
}

static void ask_item(struct dns *dns, struct ub_ctx *ctx, struct item *item)
{
	const char *name = item->question.name.len ? item->question.name.ptr : ".";

	if (atomic_fetch_add(&dns->open, 1) < DNS_OPEN_MAX &&
		ub_resolve_async(ctx, name, (int)item->question.type, RESOLVER_CLASS_IN, item,
			on_answer, NULL) == 0)
		return;
	on_answer(item, -1, NULL);
}

static struct ub_ctx *context_of(struct dns *dns)
{
	return atomic_load(&dns->validates) ? dns->validating : dns->plain;
}

static void ask_with(struct dns *dns, struct ub_ctx *ctx, struct dns_batch *b)
{
	const size_t n = b->n;
	bool is_first, is_over;

	pthread_mutex_lock(&dns->lock);
	is_over = dns->is_stopped || n == 0;
	is_first = !dns->batches;
	b->next = dns->batches;
	b->at = &dns->batches;
	if (b->next)
		b->next->at = &b->next;
	dns->batches = b;
	b->all_next = dns->all;
	b->all_at = &dns->all;
	if (b->all_next)
		b->all_next->all_at = &b->all_next;
	dns->all = b;
	if (is_over) {
		batch_end(b);
		b->refs = 1;
	}
	pthread_mutex_unlock(&dns->lock);
	if (is_over) {
		batch_finish(b);
		return;
	}
	if (is_first)
		wake(dns);
	for (size_t i = 0; i < n; i++) /* n: the last answer may free the batch */
		ask_item(dns, ctx, &b->items[i]);
}

void dns_ask(struct dns *dns, const struct dns_view *view, int64_t wait_ms, dns_done_fn *done,
	void *context)
{
	ask_with(dns, context_of(dns), batch_new(dns, view, wait_ms, done, context));
}

void dns_batch_take(const struct dns_batch *b, struct dns_view *view)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct item *item = &b->items[i];
		struct arena arena AUTO(arena_done);
		struct dns_answer answer = {.status = DNS_FAILED};

		arena_init(&arena, ARENA_MAX);
		if (item->is_answered && item->rc == 0 && item->result)
			resolver_read(item->result, &arena, &answer);
		dns_view_put(view, item->question.name, item->question.type, &answer);
	}
	dns_view_fail(view);
}

/* ---- the thread ---- */

/* One batch whose time is over, taken out; NULL: there is none. */
static struct dns_batch *take_late(struct dns *dns)
{
	const int64_t now = clock_mono_ms();
	struct dns_batch *b;

	pthread_mutex_lock(&dns->lock);
	for (b = dns->batches; b; b = b->next) {
		if (dns->is_stopped || b->deadline_ms <= now)
			break;
	}
	if (b)
		batch_end(b);
	pthread_mutex_unlock(&dns->lock);
	return b;
}

static void on_probed(void *context, const struct dns_batch *batch)
{
	const struct item *item = &batch->items[0];
	struct dns *dns = context;

	if (!item->is_answered || !item->result || !item->result->secure)
		return;
	atomic_store(&dns->validates, true);
	log_info(NULL, "dnssec_on");
}

/* Does the resolver pass the signatures on? It is asked again until it does. */
static void probe(struct dns *dns)
{
	struct dns_answer answer;
	struct arena arena AUTO(arena_done);
	struct dns_view view;

	arena_init(&arena, ARENA_MAX);
	dns_view_init(&view, &arena);
	dns_view_get(&view, dns->anchor, DNS_SOA, &answer);
	ask_with(dns, dns->validating, batch_new(dns, &view, DNS_WAIT_MS, on_probed, dns));
}

static int wait_ms(struct dns *dns, int64_t probe_ms)
{
	int64_t wait;

	pthread_mutex_lock(&dns->lock);
	wait = dns->batches ? TICK_MS : probe_ms - clock_mono_ms();
	pthread_mutex_unlock(&dns->lock);
	if (wait < 0)
		return 0;
	return wait > PROBE_MS ? PROBE_MS : (int)wait;
}

static bool must_end(struct dns *dns)
{
	bool ends;

	pthread_mutex_lock(&dns->lock);
	ends = dns->is_ending;
	pthread_mutex_unlock(&dns->lock);
	return ends;
}

static void *take_answers(void *context)
{
	struct dns *dns = context;
	struct pollfd fds[] = {{.fd = dns->event_fd, .events = POLLIN},
		{.fd = dns->plain ? ub_fd(dns->plain) : -1, .events = POLLIN},
		{.fd = dns->validating ? ub_fd(dns->validating) : -1, .events = POLLIN}};
	int64_t probe_ms = dns->validating ? clock_mono_ms() : INT64_MAX;
	struct dns_batch *late;
	uint64_t count;

	while (!must_end(dns)) {
		if (!atomic_load(&dns->validates) && clock_mono_ms() >= probe_ms) {
			probe(dns);
			probe_ms = clock_mono_ms() + PROBE_MS;
		}
		if (poll(fds, 3,
			    wait_ms(dns, atomic_load(&dns->validates) ? INT64_MAX : probe_ms)) >
			0) {
			if (fds[0].revents && read(dns->event_fd, &count, sizeof(count)) < 0)
				continue;
			if (fds[1].revents)
				ub_process(dns->plain);
			if (fds[2].revents)
				ub_process(dns->validating);
		}
		while ((late = take_late(dns)))
			batch_finish(late);
	}
	return NULL;
}

int dns_start(struct dns *dns, struct err *err)
{
	dns->has_thread = pthread_create(&dns->thread, NULL, take_answers, dns) == 0;
	return dns->has_thread ? 0 : err_set(err, ERR_IO, "cannot start a thread");
}

void dns_stop(struct dns *dns)
{
	struct dns_batch *late;

	if (!dns)
		return;
	pthread_mutex_lock(&dns->lock);
	dns->is_stopped = true;
	pthread_mutex_unlock(&dns->lock);
	while ((late = take_late(dns)))
		batch_finish(late);
}

void dns_free(struct dns **dns_at)
{
	struct dns *dns = *dns_at;

	if (!dns)
		return;
	dns_stop(dns);
	pthread_mutex_lock(&dns->lock);
	dns->is_ending = true;
	pthread_mutex_unlock(&dns->lock);
	if (dns->has_thread) {
		wake(dns);
		pthread_join(dns->thread, NULL);
	}
	resolver_free(dns->plain);
	resolver_free(dns->validating);
	while (dns->all) { /* what libunbound had not answered */
		dns->all->refs = 1;
		batch_unref(dns->all);
	}
	io_close(&dns->event_fd);
	arena_done(&dns->arena);
	pthread_mutex_destroy(&dns->lock);
	free(dns);
	*dns_at = NULL;
}

/* ---- waiting ---- */

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool is_done;
	struct dns_view *view;
};

static void on_filled(void *context, const struct dns_batch *batch)
{
	struct waiting *w = context;

	pthread_mutex_lock(&w->lock);
	dns_batch_take(batch, w->view);
	w->is_done = true;
	pthread_cond_signal(&w->done);
	pthread_mutex_unlock(&w->lock);
}

void dns_fill(struct dns *dns, struct dns_view *view, int64_t wait)
{
	struct waiting w = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

	w.view = view;
	dns_ask(dns, view, wait, on_filled, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.is_done)
		pthread_cond_wait(&w.done, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.done);
	pthread_mutex_destroy(&w.lock);
}

/* That one kind cannot be told now matters only if there is nothing else. */
int dns_addresses(struct dns *dns, const char *host, char (*out)[DNS_ADDRESS_MAX], size_t max,
	size_t *n_out, struct err *err)
{
	static const enum dns_type types[] = {DNS_AAAA, DNS_A};
	struct arena arena AUTO(arena_done);
	struct dns_answer answers[2];
	struct dns_view view;
	size_t n = 0;

	arena_init(&arena, ARENA_MAX);
	dns_view_init(&view, &arena);
	for (size_t k = 0; k < 2; k++)
		dns_view_get(&view, slice_str(host), types[k], &answers[k]);
	dns_fill(dns, &view, DNS_WAIT_MS);
	for (size_t k = 0; k < 2; k++) {
		struct ip ip;

		dns_view_get(&view, slice_str(host), types[k], &answers[k]);
		for (size_t i = 0; i < answers[k].n && n < max; i++) {
			if (dns_read_address(answers[k].rdata[i], &ip))
				ip_write(&ip, out[n++]);
		}
	}
	if (n == 0 && (answers[0].status == DNS_FAILED || answers[1].status == DNS_FAILED))
		return err_set(err, ERR_BUSY, "%.80s cannot be looked up now", host);
	if (n == 0)
		return err_set(err, ERR_NOTFOUND, "%.80s is not in the DNS", host);
	*n_out = n;
	return 0;
}
