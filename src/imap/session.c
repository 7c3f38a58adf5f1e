/*
 * session.c - the protocol's callbacks: greeting, cutting the input into lines and literals,
 * gathering a command, goodbye.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imap/imap.h"
#include "imap/session.h"

static void greet(struct conn *c)
{
	struct session *s = conn_session(c);
	struct buf *out = conn_out(c);

	s->state = STATE_START;
	buf_init(&s->gathered, IMAP_COMMAND_MAX);
	arena_init(&s->keywords_arena, 64 * 1024);
	conn_set_timeout(c, session_service(c)->limits.login_ms);
	buf_lit(out, "* OK [CAPABILITY ");
	command_capabilities(c, out);
	buf_lit(out, "] ");
	buf_append(out, session_service(c)->host_name);
	buf_lit(out, " Posthouse is ready\r\n");
}

static size_t min_size(size_t a, uint64_t b)
{
	return a < b ? a : (size_t)b;
}

static size_t frame(struct conn *c, struct slice in, bool is_full)
{
	const struct session *s = conn_session(c);
	size_t end;

	switch (s->input) {
	case INPUT_LITERAL:
	case INPUT_SKIP_LITERAL:
	case INPUT_APPEND:
		return min_size(in.len, s->input_left);
	default:
		end = slice_chr(in, '\n');
		if (end != SIZE_MAX)
			return end + 1;
		return is_full || s->input == INPUT_SKIP_LINE ? in.len : 0;
	}
}

static struct slice without_line_end(struct slice line)
{
	if (line.len && line.ptr[line.len - 1] == '\n')
		line.len--;
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

void session_continue(struct conn *c, struct slice text)
{
	struct buf *out = conn_out(c);

	buf_lit(out, "+ ");
	buf_append(out, text);
	buf_lit(out, "\r\n");
}

void session_hold_tag(struct session *s, struct slice tag)
{
	free(s->held_tag);
	s->held_tag = mem_str(tag);
}

void session_drop_tag(struct session *s)
{
	free(s->held_tag);
	s->held_tag = NULL;
}

static const struct command_row *row_named(const char *name)
{
	const struct command_row *row;
	size_t i = 0;

	while ((row = command_row(i++)) && strcmp(row->name, name) != 0)
		;
	return row;
}

struct command *session_held(struct conn *c, const char *name)
{
	struct session *s = conn_session(c);
	struct command *cmd = arena_alloc(conn_arena(c), sizeof(*cmd));

	assert(cmd); /* the arena was emptied before this unit */
	*cmd = (struct command){.c = c, .s = s, .row = row_named(name)};
	cmd->tag = arena_dup(conn_arena(c), slice_str(s->held_tag ? s->held_tag : ""));
	session_drop_tag(s);
	s->input = INPUT_LINE;
	s->command = cmd;
	return cmd;
}

static void drop_gathered(struct session *s)
{
	mem_wipe(s->gathered.ptr, s->gathered.len); /* it may hold a password */
	buf_done(&s->gathered);
}

/* Answers a command that is not going to be read to its end. */
static void refuse_literal(struct conn *c, const struct imap_literal *literal)
{
	struct session *s = conn_session(c);
	struct buf *out = conn_out(c);
	struct slice rest, tag = slice_cut(buf_slice(&s->gathered), ' ', &rest);

	buf_append(out, tag.len ? tag : slice_lit("*"));
	buf_lit(out, " BAD [TOOBIG] The literal is too large\r\n");
	drop_gathered(s);
	s->input = INPUT_LINE;
	if (literal->nonsync) { /* it comes whether we like it or not, and then a line's end */
		s->input = INPUT_SKIP_LITERAL;
		s->input_left = literal->size;
	}
}

static size_t command_max(const struct session *s)
{
	return s->state == STATE_START ? IMAP_START_COMMAND_MAX : IMAP_COMMAND_MAX;
}

/* The line just gathered announces a literal. */
static void begin_literal(struct conn *c, const struct imap_literal *literal)
{
	struct session *s = conn_session(c);

	if (s->gathered.failed || literal->size > command_max(s) ||
		s->gathered.len + literal->size + 2 > command_max(s) ||
		(literal->nonsync && literal->size > IMAP_NONSYNC_MAX)) {
		refuse_literal(c, literal);
		return;
	}
	buf_lit(&s->gathered, "\r\n");
	if (!literal->nonsync)
		session_continue(c, slice_lit("Go on"));
	s->input = literal->size ? INPUT_LITERAL : INPUT_LINE;
	s->input_left = literal->size;
}

static void end_command(struct conn *c)
{
	struct session *s = conn_session(c);

	if (s->gathered.failed)
		session_bad(c, "Command is too large");
	else
		command_run(c, buf_slice(&s->gathered));
	drop_gathered(s);
}

static void take_line(struct conn *c, struct slice unit)
{
	struct session *s = conn_session(c);
	const struct slice line = without_line_end(unit);
	struct imap_literal literal;

	if (unit.ptr[unit.len - 1] != '\n') {
		s->input = INPUT_SKIP_LINE;
		drop_gathered(s);
		session_bad(c, "Line is too long");
		return;
	}
	if (!imap_line_literal(line, &literal)) {
		if (s->gathered.len == 0) {
			command_run(c, line);
			return;
		}
		buf_append(&s->gathered, line);
		end_command(c);
		return;
	}
	buf_append(&s->gathered, line);
	if (append_begin(c, buf_slice(&s->gathered), &literal))
		drop_gathered(s);
	else
		begin_literal(c, &literal);
}

static void take_bytes(struct conn *c, struct slice unit)
{
	struct session *s = conn_session(c);

	s->input_left -= unit.len;
	switch (s->input) {
	case INPUT_LITERAL:
		buf_append(&s->gathered, unit);
		if (s->input_left == 0)
			s->input = INPUT_LINE;
		break;
	case INPUT_APPEND:
		append_bytes(c, unit);
		if (s->input_left == 0)
			s->input = INPUT_APPEND_END;
		break;
	default:
		if (s->input_left == 0)
			s->input = INPUT_SKIP_LINE;
		break;
	}
}

static void execute(struct conn *c, struct slice unit)
{
	struct session *s = conn_session(c);

	switch (s->input) {
	case INPUT_LINE:
		take_line(c, unit);
		break;
	case INPUT_LITERAL:
	case INPUT_SKIP_LITERAL:
	case INPUT_APPEND:
		take_bytes(c, unit);
		break;
	case INPUT_SKIP_LINE:
		if (unit.ptr[unit.len - 1] == '\n')
			s->input = INPUT_LINE;
		break;
	case INPUT_APPEND_END:
		append_end(c, without_line_end(unit));
		break;
	case INPUT_IDLE:
		idle_line(c, without_line_end(unit));
		break;
	case INPUT_SASL:
		auth_response(c, without_line_end(unit));
		break;
	}
}

/* Somebody changed the mailbox; who is in IDLE wants to know now, the others at their next command.
 */
static void notify(struct conn *c)
{
	const struct session *s = conn_session(c);

	if (s->input != INPUT_IDLE || !s->view)
		return;
	if (view_is_deleted(s->view))
		session_mailbox_deleted(c);
	else
		session_sync(c, true);
}

static void goodbye(struct conn *c, enum conn_goodbye why)
{
	static const char *const texts[] = {
		[GOODBYE_IDLE] = "* BYE Nothing was said for too long\r\n",
		[GOODBYE_SHUTDOWN] = "* BYE The server is going down\r\n",
		[GOODBYE_REVOKED] = "* BYE This login is no longer valid\r\n",
		[GOODBYE_OVERLOAD] = "* BYE [UNAVAILABLE] Too many connections\r\n",
	};

	buf_str(conn_out(c), texts[why]);
}

static void done(struct conn *c)
{
	struct session *s = conn_session(c);

	login_done(c);
	append_free(&s->append);
	session_unselect(s);
	if (s->account)
		account_free(&s->account);
	if (s->gathered.ptr)
		drop_gathered(s);
	session_drop_tag(s);
	arena_done(&s->keywords_arena);
}

/* Who offers another protocol's name was led here by somebody who means harm (ALPACA). */
static const char *const alpn[] = {"imap", NULL};

const struct protocol imap_protocol = {
	.name = "imap",
	.alpn = alpn,
	.session_size = sizeof(struct session),
	.unit_max = IMAP_LINE_MAX,
	.greet = greet,
	.frame = frame,
	.execute = execute,
	.notify = notify,
	.goodbye = goodbye,
	.done = done,
};
