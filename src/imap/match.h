/*
 * match.h - does a message match a search key (RFC 9051 6.4.4).
 *
 * What the mailbox's index holds is answered from it; the other keys read what was prepared, then
 * the message. Keys are put in that order once, so that cheap ones spare the dear ones.
 */
#ifndef IMAP_MATCH_H
#define IMAP_MATCH_H

#include "imap/session.h"
#include "wire/imap/search.h"

struct match {
	struct command *cmd;
	struct imap_key *key;
	bool needs_reader; /* some key reads */
	int64_t now_s;
	struct account_reader *reader; /* set by the caller while matching */
	uint64_t read;                 /* bytes read, for the caller's measure */
	/* of the message being looked at */
	struct view_entry entry;
	bool has_row;
	struct message_row row;
	struct buf prepared; /* a copy: the row's is gone with the next read */
	struct buf chunk, text;
};

/* match_init - resolve sets, keywords and ids, order the keys. */
void match_init(struct match *m, struct command *cmd, struct imap_key *key);
/* match_entry - 1: yes, 0: no, or a negative error (-ERR_NOTFOUND: the message is gone). */
MUST_CHECK int match_entry(struct match *m, const struct view_entry *entry, struct err *err);
void match_done(struct match *m);

/* content.c: the keys that read; 1, 0 or a negative error. */
MUST_CHECK int match_content(struct match *m, const struct imap_key *key, struct err *err);

#endif
