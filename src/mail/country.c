/* country.c - see country.h for the contract. */
#include "mail/country.h"

#include <fcntl.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"

/* How the file was when we looked. */
struct mark {
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct country {
	char *path, *folder;
	struct mark mark;
	struct pool *pool;
	struct pool_timer timer;
	pthread_rwlock_t lock; /* guards what follows */
	MMDB_s db;
	bool is_there;
};

/* ---- the file ---- */

static int read_database(const struct country *c, MMDB_s *out, struct err *err)
{
	struct buf bytes AUTO(buf_done);
	int rc, code;

	buf_init(&bytes, COUNTRY_FILE_MAX);
	rc = io_read_file(AT_FDCWD, c->path, &bytes, err);
	if (rc == 0)
		rc = io_replace_file(AT_FDCWD, COUNTRY_COPY, buf_slice(&bytes), 0600, err);
	if (rc < 0)
		return rc;
	code = MMDB_open(COUNTRY_COPY, MMDB_MODE_MMAP, out);
	return code == MMDB_SUCCESS
		       ? 0
		       : err_set(err, ERR_CORRUPT, "%.80s: %s", c->path, MMDB_strerror(code));
}

static void load(struct country *c)
{
	MMDB_s fresh, before;
	struct err err;
	bool was_there;

	if (read_database(c, &fresh, &err) < 0) {
		log_error(NULL, "country-database", log_e(&err));
		return;
	}
	pthread_rwlock_wrlock(&c->lock);
	before = c->db;
	was_there = c->is_there;
	c->db = fresh;
	c->is_there = true;
	pthread_rwlock_unlock(&c->lock);
	if (was_there)
		MMDB_close(&before);
	log_info(NULL, "country-database", log_c("path", c->path),
		log_n("built", (int64_t)fresh.metadata.build_epoch));
}

static void look(struct country *c)
{
	struct stat st;

	if (stat(c->path, &st) < 0 || (st.st_ino == c->mark.inode && st.st_size == c->mark.size &&
					      st.st_mtim.tv_sec == c->mark.changed.tv_sec &&
					      st.st_mtim.tv_nsec == c->mark.changed.tv_nsec))
		return;
	/* Taken before it is read: what is written meanwhile is another change. */
	c->mark = (struct mark){st.st_ino, st.st_size, st.st_mtim};
	load(c);
}

static void on_timer(struct pool_job *job)
{
	struct country *c =
		(struct country *)(void *)((char *)job - offsetof(struct country, timer.job));

	look(c);
	pool_timer_set(c->pool, &c->timer, clock_mono_ms() + COUNTRY_LOOK_MS);
}

struct country *country_open(struct slice path)
{
	struct country *c = mem_new(struct country);
	const size_t slash = slice_rchr(path, '/');

	pthread_rwlock_init(&c->lock, NULL);
	c->path = mem_str(path);
	c->folder = mem_str(slash == SIZE_MAX ? slice_lit(".") : slice_head(path, slash + 1));
	look(c);
	if (!c->is_there)
		log_warn(NULL, "country-database", log_c("missing", c->path));
	return c;
}

const char *country_folder(const struct country *c)
{
	return access(c->folder, F_OK) == 0 ? c->folder : NULL;
}

void country_start(struct country *c, struct pool *pool)
{
	c->pool = pool;
	c->timer.job.run = on_timer;
	c->timer.class = POOL_BULK;
	pool_timer_set(pool, &c->timer, clock_mono_ms() + COUNTRY_LOOK_MS);
}

void country_close(struct country **country)
{
	struct country *c = *country;

	if (!c)
		return;
	if (c->is_there)
		MMDB_close(&c->db);
	pthread_rwlock_destroy(&c->lock);
	free(c->path);
	free(c->folder);
	free(c);
	*country = NULL;
}

/* ---- looking up ---- */

union any_address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool address_of(struct slice peer, union any_address *out)
{
	struct ip ip;

	if (!ip_parse(peer, &ip))
		return false;
	memset(out, 0, sizeof(*out));
	out->sa.sa_family = ip.len == IP_V4 ? AF_INET : AF_INET6;
	memcpy(ip.len == IP_V4 ? (void *)&out->v4.sin_addr : (void *)&out->v6.sin6_addr, ip.bytes,
		ip.len);
	return true;
}

static bool put_text(MMDB_entry_s *entry, const char *const *path, struct buf *out)
{
	MMDB_entry_data_s data;

	if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
		data.type != MMDB_DATA_TYPE_UTF8_STRING || data.data_size == 0 ||
		data.data_size > COUNTRY_NAME_MAX)
		return false;
	buf_append(out, (struct slice){data.utf8_string, data.data_size});
	return true;
}

static void put_name(MMDB_entry_s *entry, struct slice language, struct buf *out)
{
	char wanted[16] = "";
	const char *const own[] = {"country", "names", wanted, NULL};
	static const char *const english[] = {"country", "names", "en", NULL};
	static const char *const code[] = {"country", "iso_code", NULL};

	if (language.len && language.len < sizeof(wanted))
		memcpy(wanted, language.ptr, language.len);
	if (!put_text(entry, own, out) && !put_text(entry, english, out))
		(void)!put_text(entry, code, out);
}

void country_put(struct country *c, struct slice peer, struct slice language, struct buf *out)
{
	union any_address address;
	MMDB_lookup_result_s found;
	int code;

	if (!c || !address_of(peer, &address))
		return;
	pthread_rwlock_rdlock(&c->lock);
	if (c->is_there) {
		found = MMDB_lookup_sockaddr(&c->db, &address.sa, &code);
		if (code == MMDB_SUCCESS && found.found_entry)
			put_name(&found.entry, language, out);
	}
	pthread_rwlock_unlock(&c->lock);
}
