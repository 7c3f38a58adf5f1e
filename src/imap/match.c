/* match.c - see match.h for the contract. */
#include "imap/match.h"

#include "base/clock.h"
#include "base/encode.h"
#include "wire/mime/prepare.h"

enum { OBJECT_ID_LEN = 17 }; /* a letter and 16 hexadecimal digits, see mailbox_id() */

static bool is_cheap(const struct imap_key *key)
{
	if (key->kind >= IMAP_KEY_SENTBEFORE || key->kind == IMAP_KEY_THREADID)
		return false;
	for (const struct imap_key *k = key->first; k; k = k->next) {
		if (!is_cheap(k))
			return false;
	}
	return true;
}

/* Cheap children first; the order among them stays. */
static void order_children(struct imap_key *key)
{
	struct imap_key *cheap = NULL, *dear = NULL, **cheap_at = &cheap, **dear_at = &dear;

	for (struct imap_key *k = key->first; k; k = k->next) {
		if (is_cheap(k)) {
			*cheap_at = k;
			cheap_at = &k->next;
		} else {
			*dear_at = k;
			dear_at = &k->next;
		}
	}
	*dear_at = NULL;
	*cheap_at = dear;
	key->first = cheap;
}

static void resolve_set(struct match *m, struct imap_key *key)
{
	struct session *s = m->cmd->s;
	const uint32_t count = view_count(s->view);
	struct view_entry last = {0};

	if (key->set.is_saved) {
		key->kind = IMAP_KEY_UID;
		key->set = (struct imap_set){.ranges = s->saved, .n = s->saved_n};
		return;
	}
	if (count)
		view_entry(s->view, count, &last);
	imap_set_resolve(&key->set, key->kind == IMAP_KEY_UID ? last.uid : count);
}

/* key->number becomes the bit; 0 for a keyword nobody has ever used. */
static void resolve_keyword(struct match *m, struct imap_key *key)
{
	struct session *s = m->cmd->s;

	session_keywords(s, (uint64_t)1 << 63, NULL);
	for (size_t i = 0; i < s->keywords_n; i++) {
		if (slice_eq_nocase(s->keywords[i], key->text))
			key->number = (uint64_t)1 << (KEYWORD_BIT + i);
	}
}

static void resolve_id(struct imap_key *key)
{
	const char letter = key->kind == IMAP_KEY_EMAILID ? 'M' : 'T';
	unsigned char bytes[8];

	if (key->text.len == OBJECT_ID_LEN && key->text.ptr[0] == letter &&
		hex_decode(slice_from(key->text, 1), bytes, sizeof(bytes)))
		key->number = be64_get(bytes);
}

static void resolve(struct match *m, struct imap_key *key)
{
	switch (key->kind) {
	case IMAP_KEY_SEQ:
	case IMAP_KEY_UID:
		resolve_set(m, key);
		break;
	case IMAP_KEY_KEYWORD:
		resolve_keyword(m, key);
		break;
	case IMAP_KEY_EMAILID:
	case IMAP_KEY_THREADID:
		resolve_id(key);
		break;
	default:
		for (struct imap_key *k = key->first; k; k = k->next)
			resolve(m, k);
		order_children(key);
		break;
	}
}

void match_init(struct match *m, struct command *cmd, struct imap_key *key)
{
	*m = (struct match){.cmd = cmd, .key = key, .now_s = clock_wall_s()};
	buf_init(&m->prepared, MIME_PREPARED_MAX);
	buf_init(&m->chunk, 32 << 20);
	buf_init(&m->text, 32 << 20);
	resolve(m, key);
	m->needs_reader = !is_cheap(key);
}

void match_done(struct match *m)
{
	buf_done(&m->prepared);
	buf_done(&m->chunk);
	buf_done(&m->text);
}

static bool match_index(const struct match *m, const struct imap_key *key)
{
	const struct view_entry *e = &m->entry;

	switch (key->kind) {
	case IMAP_KEY_ALL:
		return true;
	case IMAP_KEY_SEQ:
		return imap_set_has(&key->set, e->seq);
	case IMAP_KEY_UID:
		return imap_set_has(&key->set, e->uid);
	case IMAP_KEY_FLAG:
		return e->flags & key->flag;
	case IMAP_KEY_KEYWORD:
		return e->flags & key->number;
	case IMAP_KEY_RECENT:
		return e->is_recent;
	case IMAP_KEY_BEFORE:
		return imap_day(e->received_s, e->zone_min) < key->day;
	case IMAP_KEY_ON:
		return imap_day(e->received_s, e->zone_min) == key->day;
	case IMAP_KEY_SINCE:
		return imap_day(e->received_s, e->zone_min) >= key->day;
	case IMAP_KEY_OLDER:
		return m->now_s - e->received_s >= (int64_t)key->number;
	case IMAP_KEY_YOUNGER:
		return m->now_s - e->received_s <= (int64_t)key->number;
	case IMAP_KEY_LARGER:
		return e->size > key->number;
	case IMAP_KEY_SMALLER:
		return e->size < key->number;
	case IMAP_KEY_MODSEQ:
		return e->modseq >= key->number;
	default: /* IMAP_KEY_EMAILID */
		return key->number && e->message == key->number;
	}
}

static int match_key(struct match *m, const struct imap_key *key, struct err *err)
{
	const bool is_or = key->kind == IMAP_KEY_OR;
	int rc;

	switch (key->kind) {
	case IMAP_KEY_NOT:
		rc = match_key(m, key->first, err);
		return rc < 0 ? rc : !rc;
	case IMAP_KEY_AND:
	case IMAP_KEY_OR:
		for (const struct imap_key *k = key->first; k; k = k->next) {
			rc = match_key(m, k, err);
			if (rc < 0 || (rc > 0) == is_or)
				return rc;
		}
		return !is_or;
	default:
		break;
	}
	if (key->kind == IMAP_KEY_THREADID || key->kind >= IMAP_KEY_SENTBEFORE)
		return match_content(m, key, err);
	return match_index(m, key);
}

int match_entry(struct match *m, const struct view_entry *entry, struct err *err)
{
	m->entry = *entry;
	m->has_row = false;
	return match_key(m, m->key, err);
}
