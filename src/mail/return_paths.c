/* return_paths.c - see return_paths.h for the contract. */
#include "mail/return_paths.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/random.h"

enum {
	KEPT = 3,
	KEY_IDS = 10,
	ROLL_S = 30 * 86400,
	KNOWN_S = 3600,     /* a new key signs when all servers have read it */
	LOOK_S = 60,        /* how often the file is read */
	SEEN_S = 86400,     /* how often it is noted that addresses are signed */
	GAP_S = 7 * SEEN_S, /* so old a note at the start: somebody else may have sent since */
	FILE_MAX_BYTES = 4096,
};

static const char file_name[] = "return-path.keys", lock_name[] = "return-path.lock";

struct ring {
	struct {
		unsigned id;
		int64_t made_s;
		unsigned char bytes[RETURN_KEY_LEN];
	} keys[KEPT]; /* newest first */
	size_t n;
	int64_t since_s, seen_s; /* 0: addresses are not signed */
};

struct return_paths {
	bool is_tagged;
	pthread_mutex_t lock; /* guards all below */
	struct ring ring;
	int64_t looked_s;
};

/* ---- the file: "since SECONDS SEEN", and "key ID HEX SECONDS" for each ---- */

static bool read_line(struct ring *ring, struct slice line)
{
	const struct slice word = slice_next_word(&line), first = slice_next_word(&line),
			   second = slice_next_word(&line), third = slice_next_word(&line);
	uint64_t a, b;

	if (slice_eq(word, slice_lit("since"))) {
		if (!slice_to_u64(first, INT64_MAX, &a) || !slice_to_u64(second, INT64_MAX, &b))
			return false;
		ring->since_s = (int64_t)a;
		ring->seen_s = (int64_t)b;
		return true;
	}
	if (!slice_eq(word, slice_lit("key")) || ring->n == KEPT ||
		!slice_to_u64(first, KEY_IDS - 1, &a) || !slice_to_u64(third, INT64_MAX, &b) ||
		!hex_decode(second, ring->keys[ring->n].bytes, RETURN_KEY_LEN))
		return false;
	ring->keys[ring->n].id = (unsigned)a;
	ring->keys[ring->n++].made_s = (int64_t)b;
	return true;
}

static int load(struct ring *out, struct err *err)
{
	struct ring ring = {.n = 0};
	struct buf text AUTO(buf_done);
	struct slice rest;
	int rc;

	buf_init(&text, FILE_MAX_BYTES);
	rc = io_read_file(AT_FDCWD, file_name, &text, err);
	if (rc < 0)
		return rc;
	rest = buf_slice(&text);
	while (rest.len) {
		const struct slice line = slice_cut(rest, '\n', &rest);

		if (line.len && !read_line(&ring, line))
			return err_set(err, ERR_CORRUPT, "%s makes no sense", file_name);
	}
	*out = ring;
	return 0;
}

static int store(const struct ring *ring, struct err *err)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, FILE_MAX_BYTES);
	if (ring->since_s)
		buf_printf(&text, "since %lld %lld\n", (long long)ring->since_s,
			(long long)ring->seen_s);
	for (size_t i = 0; i < ring->n; i++) {
		buf_printf(&text, "key %u ", ring->keys[i].id);
		hex_encode(
			&text, (struct slice){(const char *)ring->keys[i].bytes, RETURN_KEY_LEN});
		buf_printf(&text, " %lld\n", (long long)ring->keys[i].made_s);
	}
	return io_replace_file(AT_FDCWD, file_name, buf_slice(&text), 0600, err);
}

static bool needs_change(const struct return_paths *paths, const struct ring *ring, int64_t now)
{
	if (ring->n == 0 || now - ring->keys[0].made_s > ROLL_S)
		return true;
	return paths->is_tagged ? !ring->since_s || now - ring->seen_s > SEEN_S
				: ring->since_s != 0;
}

static void change(
	const struct return_paths *paths, struct ring *ring, int64_t now, bool is_opening)
{
	const bool was_away = is_opening && now - ring->seen_s > GAP_S;
	const bool is_new = ring->n == 0;

	if (is_new || now - ring->keys[0].made_s > ROLL_S) {
		const unsigned id = is_new ? 0 : (ring->keys[0].id + 1) % KEY_IDS;

		ring->n = ring->n < KEPT ? ring->n + 1 : KEPT;
		memmove(&ring->keys[1], &ring->keys[0], (ring->n - 1) * sizeof(ring->keys[0]));
		ring->keys[0].id = id;
		ring->keys[0].made_s = now;
		random_bytes(ring->keys[0].bytes, RETURN_KEY_LEN);
	}
	if (!paths->is_tagged)
		ring->since_s = ring->seen_s = 0;
	else if (!ring->since_s || was_away)
		ring->since_s = ring->seen_s = now;
	else if (now - ring->seen_s > SEEN_S)
		ring->seen_s = now;
}

/* Reads the file; what is due is changed under a lock that the servers share. A file that cannot be
 * read is never written over: what was signed by its keys is on its way. */
static int refresh(struct return_paths *paths, bool is_opening, struct err *err)
{
	const int64_t now = clock_wall_s();
	struct ring ring = {.n = 0};
	int lock_fd AUTO(io_close) = -1;
	int rc = load(&ring, err);

	if (rc == -ERR_NOTFOUND || (rc == 0 && needs_change(paths, &ring, now))) {
		lock_fd = io_open(AT_FDCWD, lock_name, O_RDWR | O_CREAT, 0600, err);
		if (lock_fd < 0)
			return lock_fd;
		if (flock(lock_fd, LOCK_EX) < 0)
			return err_errno(err, "cannot lock %s", lock_name);
		rc = load(&ring, err);
		if (rc == -ERR_NOTFOUND || rc == 0) {
			change(paths, &ring, now, is_opening);
			rc = store(&ring, err);
		}
	}
	if (rc == 0)
		paths->ring = ring;
	return rc;
}

static void look(struct return_paths *paths)
{
	const int64_t now = clock_wall_s();
	struct err err;

	if (now - paths->looked_s < LOOK_S && now >= paths->looked_s)
		return;
	paths->looked_s = now;
	if (refresh(paths, false, &err) < 0)
		log_error(NULL, "return-paths", log_e(&err));
}

int return_paths_open(struct service *service, bool is_tagged, struct err *err)
{
	struct return_paths *paths = mem_new(struct return_paths);

	paths->is_tagged = is_tagged;
	pthread_mutex_init(&paths->lock, NULL);
	service->return_paths = paths;
	paths->looked_s = clock_wall_s();
	return refresh(paths, true, err);
}

void return_paths_close(struct service *service)
{
	struct return_paths *paths = service->return_paths;

	service->return_paths = NULL;
	if (!paths)
		return;
	pthread_mutex_destroy(&paths->lock);
	free(paths);
}

/* The newest one that all know signs; the others are read. */
void return_paths_keys(struct service *service, struct return_keys *out)
{
	struct return_paths *paths = service->return_paths;
	const int64_t now = clock_wall_s();
	size_t first = 0;

	out->n = 0;
	if (!paths)
		return;
	pthread_mutex_lock(&paths->lock);
	look(paths);
	while (first + 1 < paths->ring.n && now - paths->ring.keys[first].made_s < KNOWN_S)
		first++;
	for (size_t i = 0; i < paths->ring.n; i++) {
		const size_t from = i == 0 ? first : i <= first ? i - 1 : i;

		out->list[i].id = paths->ring.keys[from].id;
		memcpy(out->list[i].bytes, paths->ring.keys[from].bytes, RETURN_KEY_LEN);
		out->n++;
	}
	pthread_mutex_unlock(&paths->lock);
}

bool return_paths_is_sure(struct service *service)
{
	struct return_paths *paths = service->return_paths;
	bool is_sure;

	if (!paths || !paths->is_tagged)
		return false;
	pthread_mutex_lock(&paths->lock);
	look(paths);
	is_sure = paths->ring.since_s && clock_wall_s() - paths->ring.since_s > RETURN_SURE_S;
	pthread_mutex_unlock(&paths->lock);
	return is_sure;
}

/* ---- letters ---- */

/* The domain through which it goes elsewhere: bounces come back to it. */
static struct slice forwarder_of(const struct letter *letter)
{
	for (size_t i = 0; i < letter->targets_n; i++) {
		const struct slice address = letter->targets[i].recipient;

		if (!letter->targets[i].account && !slice_eq(address, letter->targets[i].address))
			return slice_from(address, slice_rchr(address, '@') + 1);
	}
	return (struct slice){0};
}

int return_paths_put(
	struct service *service, const struct letter *letter, struct buf *out, struct err *err)
{
	const struct slice forwarder = forwarder_of(letter);
	struct return_keys keys;
	int64_t leaves_s = clock_wall_s();
	bool ours = false;
	int rc;

	if (!service->return_paths || letter->sender.len == 0)
		return 0;
	rc = mail_serves_domain(service->directory,
		slice_from(letter->sender, slice_rchr(letter->sender, '@') + 1), &ours, err);
	if (rc < 0)
		return rc;
	return_paths_keys(service, &keys);
	/* Its bounces come when it has been sent. */
	if (letter->wishes.not_before_s > leaves_s)
		leaves_s = letter->wishes.not_before_s;
	if (ours && letter->submitter && service->return_paths->is_tagged)
		(void)prvs_put(&keys, letter->sender, leaves_s, out);
	else if (!ours && forwarder.len)
		(void)srs_put(&keys, letter->sender, forwarder, clock_wall_s(), out);
	if (out->failed)
		return err_set(err, ERR_TOOBIG, "the return path is too long");
	return 0;
}
