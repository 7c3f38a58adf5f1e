/*
 * verbs.h - what the server may ask of the courier on run/courier-server.sock, in frames
 * (frame/frame.h). Each side's functions say what is in them.
 *
 * During an upgrade one of the two is older. Whatever is in a frame, asked or answered, is of the
 * form with the number that the server said first on this connection (ASK_FORMS). What changes it
 * (a field, a bit, a verb more) makes a new number, and the courier goes on reading, and answering,
 * the forms of a release before. A server that says a number which the courier does not know yet is
 * answered -ERR_BUSY, whatever it asks: it is an upgrade's, and a new courier follows at once.
 */
#ifndef ASK_VERBS_H
#define ASK_VERBS_H

enum ask_verb {
	/* resolve - milliseconds, then packed questions (wire/dns/pack.h) one after the other in
	 * one field. Answer: for each of them question and answer, packed, in one field. */
	ASK_RESOLVE = 1,

	/*
	 * enqueue - a letter for elsewhere: numbers delivery id, the message's number
	 * (track/track.h), bits of enum ask_letter, submitter, accepted_s, ret ('F', 'H', 0),
	 * not_before_s, by_s, enum ask_priority,
	 * the clock_mono_ms() after which it is not taken any more; sender, what MAIL says instead
	 * of it (or nothing), the destination of all (or nothing: each one's own), envid; numbers
	 * size and offset of the text; the text, or empty: it is in the descriptor that comes with
	 * the request; the number of recipients; for each of them address, recipient (as the sender
	 * named it; empty: the same), orcpt, notify, 1 if it is an account here. Answered, without
	 * fields, when it is on disk.
	 */
	ASK_ENQUEUE = 2,
	/* the same with a descriptor */
	ASK_ENQUEUE_FILE = 3,
	/* queue - an operator's wish as JSON; the answer is JSON, too: courier/queue_desk.c. */
	ASK_QUEUE = 4,
	/* ours - a host's name. Answered, without fields, when the DNS has addresses for it and all
	 * are ours. */
	ASK_OURS = 5,
	/* taken-text - numbers submitter, delivery id, offset; of a letter that was taken back
	 * (queue/own.h). Answer: the piece of its text that begins there, empty at the end. Offsets
	 * are multiples of ASK_TEXT_PIECE. */
	ASK_TAKEN_TEXT = 6,
	/* outcomes - what came of accounts' mail since somebody asked: for each account its number,
	 * recipients that were answered for, of these unknown, and refusing as spam. */
	ASK_OUTCOMES = 8,
	/* external-set - a user's SMTP server elsewhere: its number, host, port, 1 for STARTTLS,
	 * user name, password (empty: as it was, for the same server). external-test - the same
	 * without the password: log in there. external-drop - the number. Answered, without
	 * fields, when it is done. Nothing gives a password back. */
	ASK_EXTERNAL_SET = 10,
	ASK_EXTERNAL_TEST = 11,
	ASK_EXTERNAL_DROP = 12,
	/* bring-start - mail is brought from a mailbox elsewhere: the account, host, port, 1 for
	 * STARTTLS, user name, password. Answer: its number. */
	ASK_BRING_START = 13,
	/* bring - enum ask_bring, an account (0: any), the number of one of its mailboxes
	 * elsewhere (0: all). Answer: of ASK_BRING_LIST how they stand, as JSON
	 * (courier/bring_book.h). */
	ASK_BRING = 14,
	/* scan - with the message's descriptor; see ask/scan.h */
	ASK_SCAN = 16,
	/* forms - the number of the server's forms; answer: of the courier's newest. */
	ASK_FORMS = 17,

	ASK_VERB_END = 64,
};

/* Form 1 is that of servers which do not say a number; 2 is the same, with it; 3 has
 * ASK_BRING_START and ASK_BRING. */
enum { ASK_FORM_UNSAID = 1, ASK_FORM_NOW = 3 };

enum ask_letter {
	ASK_LETTER_SMTPUTF8 = 1,
	ASK_LETTER_8BIT = 2,
	ASK_LETTER_REPORT = 4,
	ASK_LETTER_REPEATED = 8, /* may be handed over twice, and shall be kept once */
	ASK_LETTER_BY_NOTIFY = 16,
	ASK_LETTER_BY_TRACED = 32,
	ASK_LETTER_REQUIRETLS = 64,
	ASK_LETTER_TLS_OPTIONAL = 128,
};

enum ask_bring { ASK_BRING_LIST, ASK_BRING_STOP, ASK_BRING_FORGET };

enum ask_priority { ASK_NORMAL, ASK_URGENT, ASK_BULK, ASK_PRIORITIES };

enum {
	ASK_REQUEST_MAX = 16 << 20,
	ASK_ANSWER_MAX = 1 << 20,
	ASK_TEXT_PIECE = 256 << 10,
	ASK_SENT_MAX = 4096, /* requests without an answer on one connection */
};

#endif
