/*
 * sync.c - telling a session what changed in its mailbox: EXPUNGE, EXISTS, RECENT, FETCH of flags.
 *
 * A few changes are written at once; many are a source, so that memory stays flat.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "imap/session.h"
#include "wire/imap/write.h"

static_assert(FLAG_SEEN == (int)IMAP_SEEN && FLAG_ANSWERED == (int)IMAP_ANSWERED &&
		      FLAG_FLAGGED == (int)IMAP_FLAGGED && FLAG_DELETED == (int)IMAP_DELETED &&
		      FLAG_DRAFT == (int)IMAP_DRAFT,
	"the store's flags are those of the wire");

enum {
	INLINE_MAX = 1000, /* changes written without a source */
	PULL_BYTES = 48 * 1024,
	CHANGES_BYTES_MAX = 64 << 20, /* arrays of what changed in one mailbox */
};

struct changes {
	struct source source;
	struct session *s;
	struct arena arena;
	struct view_changes list;
	size_t expunged_at, changed_at;
	bool has_counts; /* EXISTS was written */
};

void session_flags(const struct session *s, uint64_t flags, bool is_recent, struct buf *out)
{
	bool has_any = imap_write_flags(out, flags & FLAG_SYSTEM, is_recent && !s->is_rev2);
	uint64_t bits = flags >> KEYWORD_BIT;

	for (size_t i = 0; bits && i < s->keywords_n; i++, bits >>= 1) {
		if (!(bits & 1))
			continue;
		if (has_any)
			buf_byte(out, ' ');
		buf_append(out, s->keywords[i]);
		has_any = true;
	}
}

static void write_all_flags(const struct session *s, struct buf *out)
{
	buf_lit(out, "\\Answered \\Flagged \\Deleted \\Seen \\Draft");
	for (size_t i = 0; i < s->keywords_n; i++) {
		buf_byte(out, ' ');
		buf_append(out, s->keywords[i]);
	}
}

void session_flags_line(const struct session *s, struct buf *out)
{
	buf_lit(out, "* FLAGS (");
	write_all_flags(s, out);
	buf_lit(out, ")\r\n");
}

void session_keywords(struct session *s, uint64_t flags, struct buf *out)
{
	const uint64_t bits = flags >> KEYWORD_BIT;
	struct err err;

	if (s->keywords_n >= KEYWORD_COUNT_MAX || !(bits >> s->keywords_n))
		return;
	arena_reset(&s->keywords_arena);
	s->keywords_n = 0;
	if (account_keywords(s->account, &s->keywords_arena, &s->keywords, &s->keywords_n, &err) <
		0)
		s->keywords_n = 0;
	if (out)
		session_flags_line(s, out);
}

/* "* n FETCH (FLAGS (...))" of one message that changed. */
static void write_changed(struct changes *ch, uint32_t seq, struct buf *out)
{
	struct session *s = ch->s;
	struct view_entry entry;

	if (!view_entry(s->view, seq, &entry))
		return;
	session_keywords(s, entry.flags, out);
	buf_lit(out, "* ");
	buf_u64(out, seq);
	buf_lit(out, " FETCH (UID ");
	buf_u64(out, entry.uid);
	if (s->has_condstore) {
		buf_lit(out, " MODSEQ (");
		buf_u64(out, entry.modseq);
		buf_byte(out, ')');
	}
	buf_lit(out, " FLAGS (");
	session_flags(s, entry.flags, entry.is_recent, out);
	buf_lit(out, "))\r\n");
}

static void write_counts(struct changes *ch, struct buf *out)
{
	ch->has_counts = true;
	if (!ch->list.is_grown)
		return;
	buf_lit(out, "* ");
	buf_u64(out, ch->list.exists);
	buf_lit(out, " EXISTS\r\n");
	if (ch->s->is_rev2)
		return;
	buf_lit(out, "* ");
	buf_u64(out, ch->list.recent);
	buf_lit(out, " RECENT\r\n");
}

/* Writes up to about max bytes more; true when all is written. */
static bool write_changes(struct changes *ch, struct buf *out, size_t max)
{
	const size_t start = out->len;

	while (ch->expunged_at < ch->list.expunged_n && out->len - start < max) {
		buf_lit(out, "* ");
		buf_u64(out, ch->list.expunged[ch->expunged_at++]);
		buf_lit(out, " EXPUNGE\r\n");
	}
	if (ch->expunged_at < ch->list.expunged_n)
		return false;
	if (!ch->has_counts)
		write_counts(ch, out);
	while (ch->changed_at < ch->list.changed_n && out->len - start < max)
		write_changed(ch, ch->list.changed[ch->changed_at++], out);
	return ch->changed_at == ch->list.changed_n;
}

static int pull_changes(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	(void)c;
	(void)err;
	return write_changes((struct changes *)source, out, PULL_BYTES) ? SOURCE_DONE : SOURCE_MORE;
}

static void free_changes(struct source *source)
{
	struct changes *ch = (struct changes *)source;

	arena_done(&ch->arena);
	free(ch);
}

void session_sync(struct conn *c, bool may_expunge)
{
	struct session *s = conn_session(c);
	struct changes *ch;
	struct err err;

	if (!view_is_stale(s->view))
		return;
	ch = mem_new(struct changes);
	*ch = (struct changes){.source = {.pull = pull_changes, .free = free_changes}, .s = s};
	arena_init(&ch->arena, CHANGES_BYTES_MAX);
	if (view_sync(s->view, may_expunge, &ch->arena, &ch->list, &err) < 0) {
		log_error(conn_log(c), "sync-failed", log_e(&err));
		free_changes(&ch->source);
		return;
	}
	if (ch->list.expunged_n + ch->list.changed_n > INLINE_MAX) {
		conn_source(c, &ch->source);
		return;
	}
	write_changes(ch, conn_out(c), SIZE_MAX);
	free_changes(&ch->source);
}

void session_unselect(struct session *s)
{
	if (s->view)
		view_free(&s->view);
	free(s->saved);
	s->saved = NULL;
	s->saved_n = 0;
	if (s->state == STATE_SELECTED)
		s->state = STATE_INSIDE;
}
