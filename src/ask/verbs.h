/*
 * verbs.h - what the server may ask of the courier on run/courier-server.sock, in frames
 * (frame/frame.h). Each side's functions say what is in them.
 */
#ifndef ASK_VERBS_H
#define ASK_VERBS_H

enum ask_verb {
	/* resolve - milliseconds, then packed questions (wire/dns/pack.h) one after the other in
	 * one field. Answer: for each of them question and answer, packed, in one field. */
	ASK_RESOLVE = 1,

	ASK_VERB_END = 64,
};

enum {
	ASK_REQUEST_MAX = 1 << 17,
	ASK_ANSWER_MAX = 1 << 20,
	ASK_SENT_MAX = 4096, /* requests without an answer on one connection */
};

#endif
