/*
 * list.c - LIST and LSUB (RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 6.3.9).
 *
 * All mailboxes of an account (10,000 at most) are put into a map by name, and each tells its
 * parents what is below them; then one pass writes what matches.
 */
#include "base/map.h"
#include "imap/mailbox.h"
#include "wire/imap/name.h"

struct node {
	struct slice name;
	const struct mailbox_info *info; /* NULL: only a level above a subscribed name */
	bool has_children, has_subscribed_below;
	struct node *next; /* in the order found */
};

struct listing {
	struct command *cmd;
	struct imap_list args;
	bool is_lsub;
	struct map nodes;
	struct node *first, **last;
};

static struct node *get_node(struct listing *l, struct slice name)
{
	struct node *node = map_get(&l->nodes, name);

	if (node)
		return node;
	node = arena_alloc(conn_arena(l->cmd->c), sizeof(*node));
	if (!node)
		return NULL;
	node->name = name;
	map_put(&l->nodes, node->name, node);
	*l->last = node;
	l->last = &node->next;
	return node;
}

static bool add_mailbox(struct listing *l, const struct mailbox_info *info)
{
	struct node *node = get_node(l, info->name);
	struct slice name = info->name;
	size_t slash;

	if (!node)
		return false;
	node->info = info;
	while ((slash = slice_rchr(name, '/')) != SIZE_MAX) {
		name = slice_head(name, slash);
		node = get_node(l, name);
		if (!node)
			return false;
		node->has_children |= info->id != 0;
		node->has_subscribed_below |= info->is_subscribed;
	}
	return true;
}

/* The patterns with the reference in front of them. */
static bool join_reference(struct listing *l)
{
	for (size_t i = 0; i < l->args.patterns_n; i++) {
		struct buf joined AUTO(buf_done);

		buf_init(&joined, 2 * IMAP_NAME_MAX);
		buf_append(&joined, l->args.reference);
		buf_append(&joined, l->args.patterns[i]);
		if (l->args.is_extended && l->args.patterns[i].len == 0)
			buf_clear(&joined); /* an empty one means nothing here */
		if (joined.len)
			imap_name_capitalise(joined.ptr, joined.len);
		l->args.patterns[i] = arena_dup(conn_arena(l->cmd->c), buf_slice(&joined));
		if (!l->args.patterns[i].ptr)
			return false;
	}
	return true;
}

static bool is_ascii_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.ptr[i] >= 0x80 || name.ptr[i] == '&')
			return false;
	}
	return true;
}

static bool match_any(const struct listing *l, struct slice name, bool *ends_in_percent)
{
	for (size_t i = 0; i < l->args.patterns_n; i++) {
		const struct slice pattern = l->args.patterns[i];

		if (pattern.len && imap_pattern_match(pattern, name)) {
			*ends_in_percent = pattern.ptr[pattern.len - 1] == '%';
			return true;
		}
	}
	return false;
}

/* A pattern is matched with the name as this client sees it: in modified UTF-7, or in UTF-8. */
static bool matches(const struct listing *l, struct slice name, bool *ends_in_percent)
{
	struct buf encoded AUTO(buf_done);

	buf_init(&encoded, 4 * IMAP_NAME_MAX);
	if (l->cmd->s->is_rev2 || is_ascii_name(name))
		return match_any(l, name, ends_in_percent);
	imap_name_encode(&encoded, name);
	return match_any(l, buf_slice(&encoded), ends_in_percent);
}

static void add_attribute(struct buf *out, const char *name)
{
	if (out->ptr[out->len - 1] != '(')
		buf_byte(out, ' ');
	buf_str(out, name);
}

static void write_attributes(const struct listing *l, const struct node *node, struct buf *out)
{
	const struct mailbox_info *info = node->info;
	const bool exists = info && info->id;

	if (!exists)
		add_attribute(out, l->is_lsub ? "\\Noselect" : "\\NonExistent");
	else if (info->is_noselect)
		add_attribute(out, "\\Noselect");
	if (!l->is_lsub)
		add_attribute(out, node->has_children ? "\\HasChildren" : "\\HasNoChildren");
	if (info && info->is_subscribed &&
		((l->args.select | l->args.returns) & IMAP_LIST_SUBSCRIBED))
		add_attribute(out, "\\Subscribed");
	if (exists && !l->is_lsub && mailbox_use(info->role))
		add_attribute(out, mailbox_use(info->role));
}

static void write_node(
	const struct listing *l, const struct node *node, bool has_childinfo, struct buf *out)
{
	buf_str(out, l->is_lsub ? "* LSUB (" : "* LIST (");
	write_attributes(l, node, out);
	buf_lit(out, ") \"/\" ");
	imap_name_write(out, node->name, l->cmd->s->is_rev2);
	if (has_childinfo)
		buf_lit(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	buf_lit(out, "\r\n");
	if ((l->args.returns & IMAP_LIST_STATUS) && node->info && node->info->id &&
		!node->info->is_noselect)
		mailbox_status(l->cmd, node->info, l->args.status, out);
}

/* LSUB (RFC 3501 6.3.9): a level above a subscribed name is told where "%" stops at it. */
static void list_lsub(const struct listing *l, const struct node *node, bool is_percent)
{
	const bool is_subscribed = node->info && node->info->is_subscribed;
	const struct node level = {.name = node->name};

	if (is_subscribed)
		write_node(l, node, false, conn_out(l->cmd->c));
	else if (node->has_subscribed_below && is_percent)
		write_node(l, &level, false, conn_out(l->cmd->c));
}

static bool is_selected(const struct listing *l, const struct mailbox_info *info)
{
	if (!info)
		return false;
	if ((l->args.select & IMAP_LIST_SPECIAL_USE) && (!info->id || !mailbox_use(info->role)))
		return false;
	return l->args.select & IMAP_LIST_SUBSCRIBED ? info->is_subscribed : info->id != 0;
}

static void list_node(const struct listing *l, const struct node *node)
{
	const bool has_childinfo =
		(l->args.select & IMAP_LIST_RECURSIVE) && node->has_subscribed_below;
	bool is_percent;

	if (!matches(l, node->name, &is_percent))
		return;
	if (l->is_lsub)
		list_lsub(l, node, is_percent);
	else if (is_selected(l, node->info) || has_childinfo)
		write_node(l, node, has_childinfo, conn_out(l->cmd->c));
}

static void list_all(struct listing *l, const struct mailbox_info *list, size_t n)
{
	l->last = &l->first;
	for (size_t i = 0; i < n; i++) {
		if (!add_mailbox(l, &list[i])) {
			map_done(&l->nodes);
			reply_no(l->cmd, "LIMIT", "There are too many mailboxes");
			return;
		}
	}
	for (const struct node *node = l->first; node; node = node->next)
		list_node(l, node);
	map_done(&l->nodes);
	reply_ok(l->cmd, "Done");
}

static void run_list(struct command *cmd, bool is_lsub)
{
	struct listing l = {.cmd = cmd, .is_lsub = is_lsub};
	struct mailbox_info *list;
	struct err err;
	size_t n;

	if (imap_list_parse(&cmd->lex, &l.args, &err) < 0) {
		reply_err(cmd, &err);
		return;
	}
	if (is_lsub && l.args.is_extended) {
		reply_bad(cmd, "LSUB takes a reference and a pattern");
		return;
	}
	if (!l.args.is_extended && l.args.patterns[0].len == 0) {
		buf_str(conn_out(cmd->c), is_lsub ? "* LSUB" : "* LIST");
		buf_lit(conn_out(cmd->c), " (\\Noselect) \"/\" \"\"\r\n");
		reply_ok(cmd, "Done");
		return;
	}
	if (!join_reference(&l))
		reply_no(cmd, "LIMIT", "There are too many patterns");
	else if (account_mailboxes(cmd->s->account, conn_arena(cmd->c), &list, &n, &err) < 0)
		reply_err(cmd, &err);
	else
		list_all(&l, list, n);
}

void cmd_list(struct command *cmd)
{
	run_list(cmd, false);
}

void cmd_lsub(struct command *cmd)
{
	run_list(cmd, true);
}

void list_select(struct command *cmd, const struct mailbox_info *info, struct buf *out)
{
	buf_lit(out, "* LIST (");
	if (mailbox_use(info->role))
		add_attribute(out, mailbox_use(info->role));
	buf_lit(out, ") \"/\" ");
	imap_name_write(out, info->name, cmd->s->is_rev2);
	buf_lit(out, "\r\n");
}
