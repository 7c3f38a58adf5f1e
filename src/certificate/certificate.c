/* certificate.c - see certificate.h for the contract. */
#include "certificate/certificate.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "certificate/answers.h"
#include "certificate/internal.h"

enum { NAME_MAX_BYTES = 128, DAY_S = 86400, NANO = 1000000000 };

static const char roots_path[] = "/etc/ssl/certs/ca-certificates.crt";
static const unsigned warn_days[] = {1, 3, 7, 14, 30};

struct certificates {
	struct certificates_config config;
	pthread_mutex_t lock; /* guards all below */
	char *default_name;
	struct map files;
	struct map orders; /* by name: struct order_state */
	struct answers answers;
	int folder_fd, roots_fd;
	struct pool_timer timer;
	bool is_started; /* before that nobody can be told */
	atomic_flag is_signing;
};

static void certificate_free(struct certificate *file)
{
	tls_chain_release(file->chain);
	buf_done(&file->pem);
	free(file);
}

static struct certificate *certificate_new(struct certificates *c, struct slice name)
{
	struct certificate *file = mem_zalloc(sizeof(*file) + name.len);

	memcpy(file->space, name.ptr, name.len);
	file->name = (struct slice){file->space, name.len};
	file->is_old = slice_ends(name, slice_lit("-old"));
	file->warned_days = UINT_MAX;
	buf_init(&file->pem, CERTIFICATE_FILE_MAX);
	map_put(&c->files, file->name, file);
	return file;
}

/* ---- one file ---- */

static void tell(struct certificates *c, const struct certificate_news *news)
{
	if (c->config.news && c->is_started)
		c->config.news(c->config.context, news);
}

/* Says it once, until it is another error. */
static void refuse(struct certificates *c, struct certificate *file, const struct err *err)
{
	if (strcmp(file->error, err->msg) == 0)
		return;
	snprintf(file->error, sizeof(file->error), "%s", err->msg);
	log_error(NULL, "certificate", log_s("name", file->name), log_e(err),
		log_c("instead", file->chain ? "the one before" : "none"));
	tell(c, &(struct certificate_news){.name = file->name, .error = file->error});
}

static int read_chain(struct certificates *c, struct certificate *file, struct buf *pem,
	struct tls_chain **out, struct err *err)
{
	struct tls_chain *chain = NULL;
	char path[NAME_MAX_BYTES + 8];
	int rc;

	snprintf(path, sizeof(path), "%.*s.pem", SLICE_ARG(file->name));
	rc = io_read_file(c->folder_fd, path, pem, err);
	if (rc == 0)
		rc = tls_chain_read(c->config.tls, buf_slice(pem), (struct slice){0}, &chain, err);
	/* What was refused for its dates or its key may be good later as it is. */
	file->must_retry = rc == -ERR_CONFLICT;
	if (rc < 0)
		return rc;
	rc = c->config.has_key(c->config.context, tls_chain_key_name(chain), err);
	file->must_retry = rc < 0;
	if (rc == -ERR_NOTFOUND)
		rc = err_set(err, ERR_NOTFOUND, "the keeper has no key that belongs to it");
	else if (rc == -ERR_BUSY && !file->chain)
		rc = 0; /* unchecked is better than no service; the next look asks again */
	if (rc == 0)
		*out = chain;
	else
		tls_chain_release(chain);
	return rc;
}

/* True if the file's chain is another one now. */
static bool load(struct certificates *c, struct certificate *file)
{
	struct tls_chain *chain = NULL;
	struct buf pem AUTO(buf_done);
	struct buf before = file->pem;
	struct err err;

	buf_init(&pem, CERTIFICATE_FILE_MAX);
	if (read_chain(c, file, &pem, &chain, &err) < 0) {
		if (err.code != ERR_BUSY)
			refuse(c, file, &err);
		return false;
	}
	file->error[0] = '\0';
	if (file->chain && slice_eq(buf_slice(&before), buf_slice(&pem))) {
		tls_chain_release(chain); /* what was looked at again is what we have */
		return false;
	}
	tls_chain_release(file->chain);
	file->chain = chain;
	file->pem = pem;
	pem = before;
	file->warned_days = UINT_MAX;
	log_info(NULL, "certificate", log_s("name", file->name),
		log_n("days", (tls_chain_until(chain) - clock_wall_s()) / DAY_S));
	return true;
}

/* Within the last of the named days that is near; 0 when it has expired, UINT_MAX: far from it. */
static unsigned days_left(int64_t until_s)
{
	const int64_t left = until_s - clock_wall_s();

	if (left <= 0)
		return 0;
	for (size_t i = 0; i < sizeof(warn_days) / sizeof(warn_days[0]); i++) {
		if (left <= (int64_t)warn_days[i] * DAY_S)
			return warn_days[i];
	}
	return UINT_MAX;
}

static void warn_of_expiry(struct certificates *c, struct certificate *file)
{
	const int64_t until = tls_chain_until(file->chain);
	const unsigned days = days_left(until);

	if (days >= file->warned_days)
		return;
	file->warned_days = days;
	log_warn(NULL, days ? "certificate-expires" : "certificate-expired",
		log_s("name", file->name), log_n("days", days));
	tell(c, &(struct certificate_news){.name = file->name, .days = days, .until_s = until});
}

/* ---- the folder ---- */

static struct slice name_of(const struct dirent *entry)
{
	const struct slice name = slice_str(entry->d_name);

	if (!slice_ends(name, slice_lit(".pem")) || name.ptr[0] == '.' || name.len > NAME_MAX_BYTES)
		return (struct slice){0};
	return slice_head(name, name.len - 4);
}

/* True if something is to be used in another way. */
static bool look_at(struct certificates *c, const struct dirent *entry)
{
	const struct slice name = name_of(entry);
	struct certificate *file = map_get(&c->files, name);
	struct file_mark mark;
	struct stat st;

	if (!name.len || fstatat(c->folder_fd, entry->d_name, &st, 0) < 0 ||
		(!file && c->files.count >= CERTIFICATE_FILES_MAX))
		return false;
	mark = (struct file_mark){st.st_ino, (uint64_t)st.st_size,
		(int64_t)st.st_mtim.tv_sec * NANO + st.st_mtim.tv_nsec};
	if (!file)
		file = certificate_new(c, name);
	file->is_seen = true;
	if (!file->must_retry && file->mark.inode == mark.inode && file->mark.size == mark.size &&
		file->mark.changed_ns == mark.changed_ns)
		return false;
	file->mark = mark;
	return load(c, file);
}

/* Forgets what is no more there. */
static bool sweep(struct certificates *c)
{
	struct certificate *file;
	bool has_changed = false;
	size_t at = 0;

	while ((file = map_next(&c->files, &at))) {
		if (file->is_seen)
			continue;
		log_info(NULL, "certificate-removed", log_s("name", file->name));
		map_del(&c->files, file->name);
		certificate_free(file);
		has_changed = true;
	}
	return has_changed;
}

/* The first of a kind for a name counts: the default, then by name. */
static int by_rank(const void *a, const void *b)
{
	const struct certificate *x = *(struct certificate *const *)a,
				 *y = *(struct certificate *const *)b;

	return slice_cmp(x->name, y->name);
}

static struct certificate **sorted(struct certificates *c)
{
	struct certificate **list = mem_zalloc_array(c->files.count + 1, sizeof(*list));
	struct certificate *file;
	size_t n = 0, at = 0;

	while ((file = map_next(&c->files, &at)))
		list[n++] = file;
	if (n)
		qsort(list, n, sizeof(*list), by_rank);
	return list;
}

/* NAME, and with it the other kinds of the same: NAME-rsa, NAME-old. */
static bool is_default(const struct certificates *c, const struct certificate *file)
{
	const struct slice name = slice_str(c->default_name);
	const struct slice kind = slice_from(file->name, name.len);

	return slice_starts(file->name, name) &&
	       (kind.len == 0 || slice_eq(kind, slice_lit("-rsa")) ||
		       slice_eq(kind, slice_lit("-old")));
}

/* Hands all that can be used to the handshakes. */
static size_t use(struct certificates *c)
{
	struct certificate **list = sorted(c);
	struct tls_use *uses = mem_zalloc_array(c->files.count + 1, sizeof(*uses));
	size_t n = 0;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; list[i]; i++) {
			if (list[i]->chain && is_default(c, list[i]) == (round == 0))
				uses[n++] = (struct tls_use){
					list[i]->chain, round == 0, list[i]->is_old};
		}
	}
	if (n)
		tls_use(c->config.tls, uses, n);
	free(uses);
	free(list);
	return n;
}

static void warn_all(struct certificates *c)
{
	struct certificate *file;
	size_t at = 0;

	while ((file = map_next(&c->files, &at))) {
		if (file->chain)
			warn_of_expiry(c, file);
	}
}

/* The caller holds the lock. */
static int look(struct certificates *c, bool must_use, struct err *err)
{
	const int fd = openat(c->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	struct certificate *file;
	size_t at = 0;

	if (!folder)
		return err_errno(err, "cannot read tls/");
	while ((file = map_next(&c->files, &at)))
		file->is_seen = false;
	while ((entry = readdir(folder)))
		must_use |= look_at(c, entry);
	closedir(folder);
	must_use |= sweep(c);
	if (must_use && use(c) == 0)
		return err_set(err, ERR_NOTFOUND, "no certificate in tls/ can be used");
	if (c->is_started)
		warn_all(c);
	return 0;
}

static void look_again(struct pool_job *job)
{
	struct pool_timer *timer =
		(struct pool_timer *)(void *)((char *)job - offsetof(struct pool_timer, job));
	struct certificates *c =
		(struct certificates *)(void *)((char *)timer -
						offsetof(struct certificates, timer));
	struct err err;

	pthread_mutex_lock(&c->lock);
	if (look(c, false, &err) < 0)
		log_error(NULL, "certificates", log_e(&err));
	pthread_mutex_unlock(&c->lock);
	pool_timer_set(c->config.pool, timer, clock_mono_ms() + CERTIFICATE_LOOK_MS);
}

/* ---- what the courier says ---- */

struct order_state {
	json_t *json;
	struct slice name; /* in space */
	char space[];
};

static void order_free(struct order_state *order)
{
	if (order)
		json_decref(order->json);
	free(order);
}

static void orders_done(struct certificates *c)
{
	struct order_state *order;
	size_t at = 0;

	while ((order = map_next(&c->orders, &at)))
		order_free(order);
	map_done(&c->orders);
}

void certificates_set_order(struct certificates *c, struct slice name, json_t *json)
{
	struct order_state *order = NULL;

	if (json) {
		order = mem_zalloc(sizeof(*order) + name.len);
		memcpy(order->space, name.ptr, name.len);
		order->name = (struct slice){order->space, name.len};
		order->json = json;
	}
	pthread_mutex_lock(&c->lock);
	order_free(map_del(&c->orders, name));
	if (order && c->orders.count < CERTIFICATE_FILES_MAX)
		map_put(&c->orders, order->name, order);
	else
		order_free(order);
	pthread_mutex_unlock(&c->lock);
}

void certificates_add_answer(
	struct certificates *c, struct slice host, struct slice token, struct slice text)
{
	pthread_mutex_lock(&c->lock);
	answers_add(&c->answers, host, token, text);
	pthread_mutex_unlock(&c->lock);
}

static void use_tls_answers(struct certificates *c)
{
	struct tls_use *uses = mem_zalloc_array(ANSWERS_MAX, sizeof(*uses));

	tls_use_challenges(c->config.tls, uses, answers_list(&c->answers, uses));
	free(uses);
}

int certificates_add_tls_answer(
	struct certificates *c, struct slice host, struct slice pem, struct err *err)
{
	struct tls_chain *chain = NULL;
	const int rc = tls_chain_read(c->config.tls, pem, (struct slice){0}, &chain, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&c->lock);
	answers_add_chain(&c->answers, host, chain);
	use_tls_answers(c);
	pthread_mutex_unlock(&c->lock);
	tls_chain_release(chain);
	return 0;
}

void certificates_drop_answers(struct certificates *c, struct slice host)
{
	pthread_mutex_lock(&c->lock);
	answers_drop(&c->answers, host);
	use_tls_answers(c);
	pthread_mutex_unlock(&c->lock);
}

bool certificates_answer(
	struct certificates *c, struct slice host, struct slice path, struct buf *out)
{
	bool is_answered;

	pthread_mutex_lock(&c->lock);
	is_answered = answers_find(&c->answers, host, path, out);
	pthread_mutex_unlock(&c->lock);
	return is_answered;
}

/* ---- the whole ---- */

int certificates_open(
	const struct certificates_config *config, struct certificates **out, struct err *err)
{
	struct certificates *c AUTO(certificates_close) = mem_new(struct certificates);
	int rc;

	pthread_mutex_init(&c->lock, NULL);
	c->config = *config;
	c->default_name = mem_str(config->is_default);
	/* Both are opened while we may: see process/sandbox.h. */
	c->roots_fd = open(roots_path, O_RDONLY | O_CLOEXEC);
	c->folder_fd = io_open(AT_FDCWD, config->folder, O_RDONLY | O_DIRECTORY, 0, err);
	if (c->folder_fd < 0)
		return c->folder_fd;
	rc = look(c, true, err);
	if (rc < 0)
		return rc;
	*out = c;
	c = NULL;
	return 0;
}

void certificates_start(struct certificates *c)
{
	const struct certificate *file;
	size_t at = 0;

	pthread_mutex_lock(&c->lock);
	c->is_started = true;
	while ((file = map_next(&c->files, &at))) {
		if (file->error[0])
			tell(c, &(struct certificate_news){
					.name = file->name, .error = file->error});
	}
	pthread_mutex_unlock(&c->lock);
	c->timer.job.run = look_again;
	c->timer.class = POOL_BULK;
	pool_timer_set(c->config.pool, &c->timer, clock_mono_ms());
}

int certificates_sign(struct certificates *c, struct slice host, struct slice text, struct buf *out,
	struct err *err)
{
	int rc;

	if (atomic_flag_test_and_set(&c->is_signing))
		return err_set(err, ERR_BUSY, "something else is being signed");
	rc = tls_sign_cms(c->config.tls, host, text, out, err);
	atomic_flag_clear(&c->is_signing);
	return rc;
}

void certificates_set_default(struct certificates *c, struct slice name)
{
	struct err err;

	pthread_mutex_lock(&c->lock);
	free(c->default_name);
	c->default_name = mem_str(name);
	if (look(c, true, &err) < 0)
		log_error(NULL, "certificates", log_e(&err));
	pthread_mutex_unlock(&c->lock);
}

void certificates_close(struct certificates **certificates)
{
	struct certificates *c = *certificates;
	struct certificate *file;
	size_t at = 0;

	if (!c)
		return;
	while ((file = map_next(&c->files, &at)))
		certificate_free(file);
	map_done(&c->files);
	orders_done(c);
	answers_done(&c->answers);
	io_close(&c->folder_fd);
	io_close(&c->roots_fd);
	pthread_mutex_destroy(&c->lock);
	free(c->default_name);
	free(c);
	*certificates = NULL;
}

/* ---- for people ---- */

static json_t *describe(const struct certificates *c, const struct certificate *file)
{
	json_t *row = file->chain ? certificate_describe(buf_slice(&file->pem), c->roots_fd)
				  : json_object();
	const struct order_state *order = map_get(&c->orders, file->name);

	json_object_set_new(row, "name", json_stringn(file->name.ptr, file->name.len));
	json_object_set_new(row, "error", json_string(file->error));
	json_object_set_new(row, "is_used", json_boolean(file->chain));
	json_object_set_new(row, "is_default", json_boolean(is_default(c, file)));
	json_object_set_new(row, "is_old", json_boolean(file->is_old));
	if (order)
		json_object_set(row, "order", order->json);
	return row;
}

/* One that has no certificate yet. */
static json_t *describe_order(const struct order_state *order)
{
	return json_pack("{s:s%, s:b, s:s, s:O}", "name", order->name.ptr, order->name.len,
		"is_used", 0, "error", "", "order", order->json);
}

json_t *certificates_describe(struct certificates *c)
{
	json_t *rows = json_array();
	const struct order_state *order;
	struct certificate **list;
	size_t at = 0;

	pthread_mutex_lock(&c->lock);
	list = sorted(c);
	for (size_t i = 0; list[i]; i++)
		json_array_append_new(rows, describe(c, list[i]));
	while ((order = map_next(&c->orders, &at))) {
		if (!map_get(&c->files, order->name))
			json_array_append_new(rows, describe_order(order));
	}
	pthread_mutex_unlock(&c->lock);
	free(list);
	return rows;
}
