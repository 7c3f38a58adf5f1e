/* submitted.c - see submitted.h for the contract. */
#include "mail/submitted.h"

#include "base/clock.h"

enum {
	DAY_S = 86400,
	SINCE_DAYS = 365,   /* what is kept is less */
	ACCOUNTS_MAX = 8,   /* that write as one address, and are looked through */
	SENT_TO_MAX = 1000, /* messages of one recipient that are */
	KEY_MAX = 2048,
	ARENA_BYTES = 4 << 20,
};

static struct track_span all_time(void)
{
	const int64_t now = clock_wall_s();

	return (struct track_span){now - (int64_t)SINCE_DAYS * DAY_S, now + DAY_S};
}

static int find_number(struct service *service, uint64_t account, struct slice header,
	struct arena *arena, uint64_t *out, struct err *err)
{
	struct buf key AUTO(buf_done);
	uint64_t *numbers;
	size_t n = 0;
	int rc = 0;

	buf_init(&key, KEY_MAX);
	if (service->track && mail_track_key(account, header, &key))
		rc = track_find(
			service->track, buf_slice(&key), all_time(), 1, arena, &numbers, &n, err);
	if (rc == 0 && n)
		*out = numbers[0];
	return rc;
}

int mail_submitted_find(struct service *service, struct slice header, struct slice author,
	struct mail_submitted *out, struct err *err)
{
	struct mail_submitted found = {.number = 0};
	struct arena arena AUTO(arena_done);
	struct mail_resolved who;
	int rc;

	arena_init(&arena, ARENA_BYTES);
	rc = mail_resolve(service->directory, author, &arena, &who, err);
	if (rc == -ERR_DENIED || rc == -ERR_CONFLICT || rc == -ERR_TOOBIG)
		return err_set(err, ERR_NOTFOUND, "nobody here writes as the author");
	for (size_t i = 0; rc == 0 && i < who.n && i < ACCOUNTS_MAX && !found.number; i++) {
		found.account = who.targets[i].account;
		if (found.account)
			rc = find_number(
				service, found.account, header, &arena, &found.number, err);
	}
	if (rc < 0)
		return rc;
	if (!found.account || (who.n > 1 && !found.number))
		return err_set(err, ERR_NOTFOUND, "nobody is known to have sent that message");
	*out = found;
	return 0;
}

bool mail_submitted_went_to(struct service *service, uint64_t number, struct slice address)
{
	struct arena arena AUTO(arena_done);
	uint64_t *numbers;
	struct err err;
	size_t n = 0;

	arena_init(&arena, ARENA_BYTES);
	if (!service->track || !number || !address.len ||
		track_find(service->track, address, all_time(), SENT_TO_MAX, &arena, &numbers, &n,
			&err) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] == number)
			return true;
	}
	return false;
}
