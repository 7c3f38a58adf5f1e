/* orders.c - see orders.h for the contract: when an order is worked on, and what comes of it. */
#include "courier/orders.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "chain/chain.h"
#include "courier/ledger.h"
#include "courier/orders_internal.h"
#include "courier/process.h"
#include "keeper/order.h"

enum { DAY_S = 86400, HOUR_S = 3600, NAME_MAX_BYTES = 64, NANO = 1000000000 };

static const char system_ca[] = "/etc/ssl/certs/ca-certificates.crt";

/* ---- telling the servers ---- */

static void say(struct orders *o, const struct item *item)
{
	json_t *json = json_pack("{s:s, s:s, s:I}", "state", item->state, "error",
		item->ledger.error, "next", (json_int_t)item->due_s);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text)
		courier_say(o->courier, "acme-order %.*s %s", SLICE_ARG(item->name), text);
	free(text);
	json_decref(json);
}

static void set_state(struct orders *o, struct item *item, const char *state)
{
	item->state = state;
	say(o, item);
}

void orders_tell(struct orders *o)
{
	atomic_store(&o->must_tell, true);
}

static void tell_all(struct orders *o)
{
	const struct item *item;
	size_t at = 0;

	if (!atomic_exchange(&o->must_tell, false))
		return;
	while ((item = map_next(&o->items, &at)))
		say(o, item);
}

/* ---- is it due? ---- */

static bool has_all_hosts(const struct chain *chain, const struct order *order)
{
	for (size_t i = 0; i < order->n; i++) {
		if (!chain_has_host(chain, order->hosts[i]))
			return false;
	}
	return true;
}

static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* When the chain that is there should be replaced: 0 for now. */
static int64_t renewal_of(
	const struct chain *chain, const struct order *order, const struct ledger_order *ledger)
{
	const int64_t from = seconds(X509_get0_notBefore(chain->leaf));
	const int64_t until = seconds(X509_get0_notAfter(chain->leaf));
	const bool is_rsa = EVP_PKEY_is_a(X509_get0_pubkey(chain->leaf), "RSA");
	const bool is_own = X509_NAME_cmp(X509_get_issuer_name(chain->leaf),
				    X509_get_subject_name(chain->leaf)) == 0;

	if (is_own || is_rsa != order->is_rsa || !has_all_hosts(chain, order) ||
		ledger->made_s <= order->renew_s)
		return 0;
	return until - (until - from) / 3;
}

static int64_t due_at(struct orders *o, const struct item *item, const struct order *order)
{
	struct chain chain AUTO(chain_done) = {0};
	struct buf pem AUTO(buf_done);
	char path[NAME_MAX_BYTES + 8];
	struct err err;
	int64_t due = 0;

	buf_init(&pem, FRAME_DATA_MAX);
	snprintf(path, sizeof(path), "%.*s.pem", SLICE_ARG(item->name));
	if (io_read_file(o->tls_fd, path, &pem, &err) == 0 &&
		chain_read(NULL, buf_slice(&pem), &chain, &err) == 0)
		due = renewal_of(&chain, order, &item->ledger);
	return due > item->ledger.next_s ? due : item->ledger.next_s;
}

/* ---- what comes of it ---- */

static int64_t back_off(unsigned failures, int64_t wait, int64_t max)
{
	for (unsigned i = 1; i < failures && wait < max; i++)
		wait *= 2;
	wait = wait < max ? wait : max;
	/* Not all at the same second: CAs ask for that. */
	return wait - (int64_t)(random_u64() % (uint64_t)(wait / 4));
}

static void keep(struct orders *o, const struct item *item)
{
	struct err err;

	if (ledger_put_order(o->ledger, item->name, &item->ledger, &err) < 0)
		log_error(NULL, "ledger", log_s("name", item->name), log_e(&err));
}

static void failed(struct orders *o, struct item *item, const struct err *err)
{
	const bool is_news = strcmp(item->ledger.error, err->msg) != 0;
	int64_t wait;

	item->ledger.failures++;
	/* Who was away, CA or keeper, may be back soon. */
	if (err->code == ERR_BUSY)
		wait = back_off(item->ledger.failures, ORDERS_BUSY_FIRST_S, HOUR_S);
	else
		wait = back_off(item->ledger.failures, ORDERS_AGAIN_FIRST_S, ORDERS_AGAIN_MAX_S);
	if (wait < o->pause_s)
		wait = o->pause_s;
	if (err->code == ERR_QUOTA)
		o->not_before_s = clock_wall_s() + wait;
	snprintf(item->ledger.error, sizeof(item->ledger.error), "%s", err->msg);
	item->ledger.next_s = clock_wall_s() + wait;
	item->due_s = item->ledger.next_s;
	keep(o, item);
	LOG_AT(is_news ? LOG_WARN : LOG_INFO, NULL, "order-failed", log_s("name", item->name),
		log_n("failures", item->ledger.failures), log_n("again_s", wait), log_e(err));
	set_state(o, item, "failed");
}

static void succeeded(struct orders *o, struct item *item)
{
	item->ledger = (struct ledger_order){.made_s = clock_wall_s()};
	item->due_s = 0; /* looked at again, now with the new chain */
	keep(o, item);
	log_info(NULL, "certificate-issued", log_s("name", item->name));
	set_state(o, item, "done");
}

/* At most so many in an hour, all together; customers' leave some of them to the operator. */
static bool may_ask(struct orders *o, const struct order *order)
{
	const int64_t now = clock_wall_s();

	if (now < o->not_before_s)
		return false;
	if (now >= o->hour_s + HOUR_S || now < o->hour_s) {
		o->hour_s = now;
		o->asked = 0;
	}
	return o->asked < (order->is_customer ? ORDERS_CUSTOMERS_AN_HOUR : ORDERS_AN_HOUR);
}

static void work_on(struct orders *o, struct item *item, const struct order *order)
{
	struct err err;
	int rc = 0;

	if (!o->courier->settings->acme_directory.len) {
		set_state(o, item, "acme.directory is not set");
		item->due_s = clock_wall_s() + HOUR_S;
		return;
	}
	if (!may_ask(o, order)) {
		set_state(o, item, "waits its turn");
		return;
	}
	set_state(o, item, "under way");
	o->pause_s = 0;
	if (!o->ca_pem.len)
		rc = err_set(&err, ERR_IO, "acme.ca_file cannot be read");
	if (rc == 0)
		rc = order_check(o->courier, order, &err);
	if (rc == 0) {
		o->asked++; /* names that lead elsewhere cost nobody a turn */
		rc = order_get(o, item, order, &err);
	}
	if (rc < 0)
		failed(o, item, &err);
	else
		succeeded(o, item);
}

/* ---- the folder ---- */

static struct item *item_new(struct orders *o, struct slice name)
{
	struct item *item = mem_zalloc(sizeof(*item) + name.len);
	struct err err;

	memcpy(item->space, name.ptr, name.len);
	item->name = (struct slice){item->space, name.len};
	item->state = "new";
	if (ledger_get_order(o->ledger, name, &item->ledger, &err) < 0)
		log_error(NULL, "ledger", log_s("name", name), log_e(&err));
	map_put(&o->items, item->name, item);
	return item;
}

static int read_order(
	struct orders *o, struct item *item, struct buf *text, struct order *out, struct err *err)
{
	char path[NAME_MAX_BYTES + 8];
	int rc;

	snprintf(path, sizeof(path), "%.*s.order", SLICE_ARG(item->name));
	rc = io_read_file(o->tls_fd, path, text, err);
	return rc < 0 ? rc : order_read(buf_slice(text), out, err);
}

static void look_at(struct orders *o, struct item *item)
{
	const int64_t now = clock_wall_s();
	struct buf text AUTO(buf_done);
	struct order order;
	struct err err;
	int64_t due;

	buf_init(&text, ORDER_TEXT_MAX);
	if (now < item->due_s && now < item->look_s)
		return;
	item->look_s = now + ORDERS_LOOK_AT_CHAIN_S;
	if (read_order(o, item, &text, &order, &err) < 0) {
		log_error(NULL, "order", log_s("name", item->name), log_e(&err));
		return;
	}
	due = due_at(o, item, &order);
	if (due <= now) {
		work_on(o, item, &order);
		return;
	}
	item->due_s = due;
	if (!item->ledger.failures && strcmp(item->state, "done") != 0)
		set_state(o, item, "done");
}

/* A changed order is looked at now, whatever happened to it before. */
static void note_file(struct orders *o, const char *file)
{
	const struct slice name = slice_str(file), end = slice_lit(".order");
	struct item *item;
	struct stat st;
	int64_t changed;

	if (!slice_ends(name, end) || name.len - end.len > NAME_MAX_BYTES || name.ptr[0] == '.' ||
		fstatat(o->tls_fd, file, &st, 0) < 0)
		return;
	changed = (int64_t)st.st_mtim.tv_sec * NANO + st.st_mtim.tv_nsec;
	item = map_get(&o->items, slice_head(name, name.len - end.len));
	if (!item && o->items.count >= ORDERS_MAX)
		return;
	if (!item) {
		item = item_new(o, slice_head(name, name.len - end.len));
	} else if (item->changed_ns != changed) {
		item->due_s = item->look_s = 0;
		item->ledger.next_s = 0;
		item->ledger.failures = 0;
	}
	item->changed_ns = changed;
	item->is_seen = true;
}

static void forget(struct orders *o, struct item *item)
{
	struct err err;

	courier_say(o->courier, "acme-order %.*s", SLICE_ARG(item->name));
	if (ledger_drop_order(o->ledger, item->name, &err) < 0)
		log_error(NULL, "ledger", log_s("name", item->name), log_e(&err));
	map_del(&o->items, item->name);
	free(item);
}

static void read_folder(struct orders *o)
{
	const int fd = openat(o->tls_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct item *item;
	size_t at = 0;

	if (!folder)
		return;
	while ((item = map_next(&o->items, &at)))
		item->is_seen = false;
	while ((entry = readdir(folder)))
		note_file(o, entry->d_name);
	closedir(folder);
	for (at = 0; (item = map_next(&o->items, &at));) {
		if (!item->is_seen)
			forget(o, item);
	}
}

static void look(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));
	struct orders *o =
		(struct orders *)(void *)((char *)timer - offsetof(struct orders, timer));
	struct item *item;
	size_t at = 0;

	read_folder(o);
	tell_all(o);
	while (!atomic_load(&o->courier->must_stop) && (item = map_next(&o->items, &at)))
		look_at(o, item);
	pool_timer_set(o->courier->pool, timer, clock_mono_ms() + ORDERS_LOOK_MS);
}

/* ---- the whole ---- */

/* By whom the CA itself is known. Paths of the settings are relative to DIR. Mail does not wait for
 * a file that cannot be read: orders fail then, and say so. */
static void read_ca(struct orders *o)
{
	const struct slice set = o->courier->settings->acme_ca_file;
	struct err err;
	char path[512];

	if (set.len)
		snprintf(path, sizeof(path), "%s%.*s", set.ptr[0] == '/' ? "" : "../",
			SLICE_ARG(set));
	if (io_read_file(AT_FDCWD, set.len ? path : system_ca, &o->ca_pem, &err) < 0)
		log_error(NULL, "acme-ca-file", log_e(&err));
}

int orders_open(struct courier *courier, struct orders **out, struct err *err)
{
	struct orders *o AUTO(orders_close) = mem_new(struct orders);
	struct fetch_config fetch = {.dns = courier->dns, .must_stop = &courier->must_stop};
	int rc;

	o->courier = courier;
	buf_init(&o->ca_pem, CA_MAX);
	o->tls_fd = io_open(AT_FDCWD, "../tls", O_RDONLY | O_DIRECTORY, 0, err);
	if (o->tls_fd < 0)
		return o->tls_fd;
	rc = ledger_open("acme.db", &o->ledger, err);
	if (courier->settings->acme_directory.len)
		read_ca(o);
	fetch.ca_pem = buf_slice(&o->ca_pem);
	if (rc == 0)
		rc = fetch_new(&fetch, &o->fetch, err);
	if (rc < 0)
		return rc;
	*out = o;
	o = NULL;
	return 0;
}

void orders_start(struct orders *o)
{
	o->timer.job.run = look;
	o->timer.class = POOL_BULK;
	pool_timer_set(o->courier->pool, &o->timer, clock_mono_ms());
}

void orders_close(struct orders **orders)
{
	struct orders *o = *orders;
	struct item *item;
	size_t at = 0;

	if (!o)
		return;
	while ((item = map_next(&o->items, &at)))
		free(item);
	map_done(&o->items);
	fetch_free(&o->fetch);
	ledger_close(&o->ledger);
	io_close(&o->tls_fd);
	buf_done(&o->ca_pem);
	free(o);
	*orders = NULL;
}
