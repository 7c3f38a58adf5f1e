/*
 * search.c - SEARCH (RFC 9051 6.4.4, 7.3.4; RFC 3501 7.2.5; RFC 7162 3.1.5): a source that looks at
 * some messages each time it is pulled, and answers when it has seen them all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/match.h"
#include "wire/imap/write.h"

enum {
	PULL_MESSAGES = 20000,  /* looked at in one pull */
	PULL_READ = 512 * 1024, /* bytes read in one pull, about */
	HITS_MAX = 256 << 20,   /* bytes of results */
};

struct search {
	struct source source;
	struct command *cmd;
	struct imap_search args;
	struct match match;
	struct view_snap *snap;
	uint32_t seq, count;
	struct buf hits; /* sequence numbers */
	uint64_t modseq; /* the highest of them */
};

static uint32_t hit(const struct search *f, size_t i)
{
	uint32_t seq;

	memcpy(&seq, f->hits.ptr + i * sizeof(seq), sizeof(seq));
	return seq;
}

static size_t hits_count(const struct search *f)
{
	return f->hits.len / sizeof(uint32_t);
}

static uint32_t uid_of(const struct search *f, uint32_t seq)
{
	struct view_entry entry;

	return snap_entry(f->snap, seq, &entry) ? entry.uid : 0;
}

/* What the client is told of a hit: its number or its UID. */
static uint32_t told(const struct search *f, size_t i)
{
	return f->cmd->is_uid ? uid_of(f, hit(f, i)) : hit(f, i);
}

static void write_search(const struct search *f, struct buf *out)
{
	buf_lit(out, "* SEARCH");
	for (size_t i = 0; i < hits_count(f); i++) {
		buf_byte(out, ' ');
		buf_u64(out, told(f, i));
	}
	if (f->args.has_modseq && hits_count(f)) {
		buf_lit(out, " (MODSEQ ");
		buf_u64(out, f->modseq);
		buf_byte(out, ')');
	}
	buf_lit(out, "\r\n");
}

static void write_pair(struct buf *out, const char *name, uint64_t value)
{
	buf_byte(out, ' ');
	buf_str(out, name);
	buf_byte(out, ' ');
	buf_u64(out, value);
}

static void write_all(const struct search *f, struct buf *out)
{
	struct imap_set_writer set;

	buf_lit(out, " ALL ");
	imap_set_writer_init(&set, out);
	for (size_t i = 0; i < hits_count(f); i++)
		imap_set_writer_add(&set, told(f, i));
	imap_set_writer_end(&set);
}

static void write_esearch(const struct search *f, unsigned returns, struct buf *out)
{
	const size_t n = hits_count(f);

	buf_lit(out, "* ESEARCH (TAG ");
	imap_write_string(out, f->cmd->tag, false);
	buf_byte(out, ')');
	if (f->cmd->is_uid)
		buf_lit(out, " UID");
	if (n && (returns & IMAP_RETURN_MIN))
		write_pair(out, "MIN", told(f, 0));
	if (n && (returns & IMAP_RETURN_MAX))
		write_pair(out, "MAX", told(f, n - 1));
	if (n && (returns & IMAP_RETURN_ALL))
		write_all(f, out);
	if (returns & IMAP_RETURN_COUNT)
		write_pair(out, "COUNT", n);
	if (n && f->args.has_modseq)
		write_pair(out, "MODSEQ", f->modseq);
	buf_lit(out, "\r\n");
}

static void forget_saved(struct session *s)
{
	free(s->saved);
	s->saved = NULL;
	s->saved_n = 0;
}

/* SAVE keeps what is returned of MIN and MAX, if only these are asked for, else all (RFC 5182
 * 2.4). */
static void save_hits(const struct search *f)
{
	const unsigned returns = f->args.returns;
	const bool is_all = (returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT)) ||
			    !(returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX));
	struct session *s = f->cmd->s;
	const size_t n = hits_count(f);

	forget_saved(s);
	s->saved = mem_zalloc_array(n + 1, sizeof(*s->saved));
	for (size_t i = 0; i < n; i++) {
		const uint32_t uid = uid_of(f, hit(f, i));
		const bool is_end = (i == 0 && (returns & IMAP_RETURN_MIN)) ||
				    (i == n - 1 && (returns & IMAP_RETURN_MAX));

		if (!is_all && !is_end)
			continue;
		if (s->saved_n && s->saved[s->saved_n - 1].last + 1 == uid)
			s->saved[s->saved_n - 1].last = uid;
		else
			s->saved[s->saved_n++] = (struct imap_range){uid, uid};
	}
}

static void end_search(struct search *f)
{
	struct command *cmd = f->cmd;
	const unsigned told_of = f->args.returns & ~(unsigned)IMAP_RETURN_SAVE;

	if (!f->args.has_return && !cmd->s->is_rev2)
		write_search(f, conn_out(cmd->c));
	else if (!f->args.has_return)
		write_esearch(f, IMAP_RETURN_ALL, conn_out(cmd->c));
	else if (told_of)
		write_esearch(f, told_of, conn_out(cmd->c));
	if (f->args.returns & IMAP_RETURN_SAVE)
		save_hits(f);
	reply_ok(cmd, "Searched");
}

static int look_at(struct search *f, struct err *err)
{
	struct view_entry entry;
	int rc;

	if (!snap_entry(f->snap, f->seq, &entry) || entry.is_gone)
		return 0;
	rc = match_entry(&f->match, &entry, err);
	if (rc == -ERR_NOTFOUND)
		return 0; /* expunged meanwhile */
	if (rc <= 0)
		return rc;
	buf_append(&f->hits, (struct slice){(const char *)&f->seq, sizeof(f->seq)});
	if (entry.modseq > f->modseq)
		f->modseq = entry.modseq;
	return buf_check(&f->hits, "search result", err);
}

/* 1 at the end, 0 for more, or an error. */
static int look_at_some(struct search *f, struct err *err)
{
	f->match.read = 0;
	for (int i = 0; i < PULL_MESSAGES && f->match.read < PULL_READ; i++) {
		int rc;

		if (++f->seq > f->count)
			return 1;
		rc = look_at(f, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int pull(struct source *source, struct conn *c, struct buf *out, struct err *err)
{
	struct search *f = (struct search *)source;
	int rc = 0;

	(void)out;
	if (f->match.needs_reader)
		rc = account_reader(f->cmd->s->account, conn_ref(c), &f->match.reader, err);
	if (rc == -ERR_BUSY)
		return SOURCE_WAIT;
	if (rc == 0)
		rc = look_at_some(f, err);
	if (f->match.reader)
		account_reader_free(&f->match.reader);
	if (rc == 0)
		return SOURCE_MORE;
	if (rc < 0) {
		if (f->args.returns & IMAP_RETURN_SAVE)
			forget_saved(f->cmd->s);
		reply_err(f->cmd, err);
	} else {
		end_search(f);
	}
	return SOURCE_DONE;
}

static void free_search(struct source *source)
{
	struct search *f = (struct search *)source;

	match_done(&f->match);
	view_snap_free(&f->snap);
	buf_done(&f->hits);
	free(f);
}

void cmd_search(struct command *cmd)
{
	struct imap_search args;
	struct search *f;
	struct err err;

	if (imap_search_parse(&cmd->lex, &args, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (args.is_bad_charset) {
		reply_no(cmd, "BADCHARSET (UTF-8 US-ASCII)", "This charset is not known");
		return;
	}
	cmd->s->has_condstore |= args.has_modseq;
	f = mem_new(struct search);
	f->source = (struct source){.pull = pull, .free = free_search};
	f->cmd = cmd;
	f->args = args;
	f->snap = view_snap(cmd->s->view);
	f->count = snap_count(f->snap);
	buf_init(&f->hits, HITS_MAX);
	match_init(&f->match, cmd, args.key);
	conn_source(cmd->c, &f->source);
}
