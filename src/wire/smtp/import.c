/* import.c - see import.h for the contract. */
#include "wire/smtp/import.h"

#include "base/encode.h"
#include "wire/smtp/cmd_internal.h"

enum { FLAGS_ALL = 31, ZONE_MAX = 24 * 60, KEYWORD_MAX = 200 };

static const char *const roles[SMTP_IMPORT_ROLES] = {
	[SMTP_IMPORT_NONE] = "none",
	[SMTP_IMPORT_BY_NAME] = "by-name",
	[SMTP_IMPORT_INBOX] = "inbox",
	[SMTP_IMPORT_DRAFTS] = "drafts",
	[SMTP_IMPORT_SENT] = "sent",
	[SMTP_IMPORT_JUNK] = "junk",
	[SMTP_IMPORT_TRASH] = "trash",
	[SMTP_IMPORT_ARCHIVE] = "archive",
};

void smtp_import_put_folder(const struct smtp_import_folder *f, struct buf *out)
{
	buf_printf(out, "XIMPORT %llu ", (unsigned long long)f->account);
	base64url_encode(out, f->path);
	buf_printf(out, " %s %s\r\n", roles[f->role], f->is_by_content ? "content" : "all");
}

void smtp_import_put_message(const struct smtp_import_message *m, struct buf *out)
{
	buf_printf(out, "XMESSAGE %llu %llu %u %lld %d", (unsigned long long)m->size,
		(unsigned long long)m->once, m->flags, (long long)m->received_s, (int)m->zone_min);
	for (size_t i = 0; i < m->keywords_n && i < SMTP_IMPORT_KEYWORDS; i++) {
		buf_byte(out, ' ');
		base64url_encode(out, m->keywords[i]);
	}
	buf_lit(out, "\r\n");
}

static int bad(struct smtp_cmd *cmd, struct err *err)
{
	return refuse(cmd, err, SMTP_SAY_BAD_ARG, ERR_SYNTAX, "Bad import");
}

static bool take_u64(struct slice *args, uint64_t max, uint64_t *out)
{
	return slice_to_u64(slice_cut(*args, ' ', args), max, out);
}

static bool take_signed(struct slice *args, uint64_t max, int64_t *out)
{
	struct slice word = slice_cut(*args, ' ', args);
	const bool is_negative = slice_starts(word, slice_lit("-"));
	uint64_t n;

	if (!slice_to_u64(slice_from(word, is_negative), max, &n))
		return false;
	*out = is_negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static int decode(
	struct smtp_cmd *cmd, struct slice word, size_t max, struct slice *out, struct err *err)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, max);
	if (word.len == 0 || base64url_decode(&text, word, err) < 0 || text.failed)
		return bad(cmd, err);
	*out = arena_dup(cmd->arena, buf_slice(&text));
	return out->ptr ? 0 : bad(cmd, err);
}

int smtp_import_folder_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_import_folder *out, struct err *err)
{
	struct smtp_import_folder f = {.role = SMTP_IMPORT_ROLES};
	struct slice role;
	int rc;

	if (!take_u64(&args, INT64_MAX, &f.account))
		return bad(cmd, err);
	rc = decode(cmd, slice_cut(args, ' ', &args), SMTP_IMPORT_PATH_MAX, &f.path, err);
	if (rc < 0)
		return rc;
	role = slice_cut(args, ' ', &args);
	f.is_by_content = slice_eq(args, slice_lit("content"));
	for (unsigned i = 0; i < SMTP_IMPORT_ROLES; i++) {
		if (slice_eq(role, slice_str(roles[i])))
			f.role = (enum smtp_import_role)i;
	}
	if (f.role == SMTP_IMPORT_ROLES)
		return bad(cmd, err);
	*out = f;
	return 0;
}

int smtp_import_message_parse(
	struct smtp_cmd *cmd, struct slice args, struct smtp_import_message *out, struct err *err)
{
	struct smtp_import_message m = {.size = 0};
	uint64_t flags = 0;
	int64_t zone = 0;
	int rc = 0;

	m.keywords = arena_array(cmd->arena, struct slice, SMTP_IMPORT_KEYWORDS);
	if (!m.keywords || !take_u64(&args, INT64_MAX, &m.size) ||
		!take_u64(&args, INT64_MAX, &m.once) || !take_u64(&args, FLAGS_ALL, &flags) ||
		!take_signed(&args, INT64_MAX, &m.received_s) ||
		!take_signed(&args, ZONE_MAX, &zone))
		return bad(cmd, err);
	m.flags = (unsigned)flags;
	m.zone_min = (int32_t)zone;
	while (rc == 0 && args.len) {
		if (m.keywords_n == SMTP_IMPORT_KEYWORDS)
			return bad(cmd, err);
		rc = decode(cmd, slice_cut(args, ' ', &args), KEYWORD_MAX,
			&m.keywords[m.keywords_n++], err);
	}
	if (rc == 0)
		*out = m;
	return rc;
}
