/* arc.c - the chain is read and verified; see arc.h. */
#include "mailauth/arc.h"

static void decide(struct arc *arc, enum auth_result result, const char *reason)
{
	if (arc->result != AUTH_PENDING)
		return;
	arc->result = result;
	arc->reason = reason;
}

/* The number at the front of a value, before its first ";" (RFC 8617 4.2.1); 0 if there is none. */
static size_t instance_of(const struct mime_field *field)
{
	struct slice rest, value, item = slice_cut(field->value, ';', &rest);
	uint64_t n;

	if (!slice_eq_nocase(slice_trim(slice_cut(item, '=', &value)), slice_lit("i")) ||
		!slice_to_u64(slice_trim(value), ARC_SETS_MAX, &n))
		return 0;
	return (size_t)n;
}

/* Tags may come in any order, so i need not be the first of a signature's. */
static size_t instance_of_tags(const struct mime_field *field)
{
	struct tags tags;
	struct err err;
	uint64_t n;

	if (tags_parse(field->value, &tags, &err) < 0 || !tags_number(tags_get(&tags, "i"), &n) ||
		n > ARC_SETS_MAX)
		return 0;
	return (size_t)n;
}

static const struct mime_field **place_of(struct arc_set *set, size_t kind)
{
	return kind == 0 ? &set->results : kind == 1 ? &set->message : &set->seal;
}

/* All sets of the message; false if they are not a chain from 1 to n. */
static bool collect(struct arc *arc, const struct fields *fields)
{
	static const char *const names[] = {
		"arc-authentication-results", "arc-message-signature", "arc-seal"};

	for (size_t kind = 0; kind < 3; kind++) {
		const struct field *field = fields_lowest(fields, slice_str(names[kind]));

		for (; field; field = field->above) {
			size_t i = kind == 0 ? instance_of(&field->text)
					     : instance_of_tags(&field->text);

			if (i == 0 || i > arc->room || *place_of(&arc->sets[i - 1], kind))
				return false;
			*place_of(&arc->sets[i - 1], kind) = &field->text;
			arc->n = i > arc->n ? i : arc->n;
		}
	}
	for (size_t i = 0; i < arc->n; i++)
		if (!arc->sets[i].results || !arc->sets[i].message || !arc->sets[i].seal)
			return false;
	return true;
}

/* RFC 8617 5.2, steps 2 and 3 C. */
static bool read_seals(struct arc *arc, struct arena *arena)
{
	for (size_t i = arc->n; i-- > 0;) {
		struct signature *sig = &arc->sets[i].seal_sig;
		struct slice status;

		signature_read(sig, arc->sets[i].seal, arena);
		status = tags_get(&sig->tags, "cv");
		if (i + 1 == arc->n)
			arc->is_sealed_as_failed = slice_eq_nocase(status, slice_lit("fail"));
		if (sig->result != AUTH_PENDING || tags_get(&sig->tags, "h").ptr ||
			!slice_eq_nocase(status, i == 0 ? slice_lit("none") : slice_lit("pass")))
			return false;
	}
	return true;
}

static bool hash_seals(struct arc *arc)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, ARC_CHAIN_MAX);
	for (size_t i = 0; i < arc->n; i++) {
		struct arc_set *set = &arc->sets[i];
		size_t own;

		canon_field(CANON_RELAXED, set->results, &text);
		canon_field(CANON_RELAXED, set->message, &text);
		own = text.len;
		canon_without_b(CANON_RELAXED, set->seal, &text);
		if (text.failed)
			return false;
		sha256(buf_slice(&text), set->seal_sig.digest);
		text.len = own;
		canon_field(CANON_RELAXED, set->seal, &text);
	}
	return true;
}

static void read_message(
	struct arc *arc, struct fields *fields, struct bodies *bodies, struct arena *arena)
{
	struct signature *sig = &arc->message_sig;
	struct slice names;

	signature_read(sig, arc->sets[arc->n - 1].message, arena);
	signature_read_body(sig, &arc->body, arena);
	names = tags_get(&sig->tags, "h");
	if (!tags_has(names, "from"))
		signature_decide(sig, AUTH_PERMERROR, "From is not signed");
	if (sig->result == AUTH_PENDING)
		signature_hash_fields(sig, fields, names, arc->body.header_canon);
	if (sig->result == AUTH_PENDING &&
		!bodies_add(bodies, arc->body.body_canon, arc->body.limit, &arc->hash))
		signature_decide(sig, AUTH_POLICY, "too many signatures");
	if (sig->result != AUTH_PENDING)
		decide(arc, AUTH_FAIL, sig->reason);
}

void arc_read(struct arc *arc, struct fields *fields, struct bodies *bodies, struct arena *arena)
{
	const unsigned seals = fields_count(fields, slice_lit("arc-seal"));

	*arc = (struct arc){.room = seals < ARC_SETS_MAX ? seals : ARC_SETS_MAX};
	arc->sets = arena_array(arena, struct arc_set, arc->room + 1);
	if (!arc->sets)
		decide(arc, AUTH_FAIL, "the chain is too long");
	else if (!collect(arc, fields))
		decide(arc, AUTH_FAIL, "the chain has gaps");
	else if (arc->n == 0)
		decide(arc, AUTH_NONE, NULL);
	else if (!read_seals(arc, arena) || !hash_seals(arc))
		decide(arc, AUTH_FAIL, "a seal is no good");
	else
		read_message(arc, fields, bodies, arena);
}

bool arc_verify(struct arc *arc, const struct bodies *bodies, struct dns_view *view)
{
	bool is_over;

	if (arc->result != AUTH_PENDING)
		return true;
	signature_check_body(&arc->message_sig, &arc->body, &bodies->list[arc->hash]);
	signature_verify(&arc->message_sig, view);
	is_over = arc->message_sig.result != AUTH_PENDING;
	for (size_t i = 0; i < arc->n; i++) {
		signature_verify(&arc->sets[i].seal_sig, view);
		is_over = is_over && arc->sets[i].seal_sig.result != AUTH_PENDING;
	}
	if (!is_over)
		return false;
	if (arc->message_sig.result != AUTH_PASS)
		decide(arc, AUTH_FAIL, arc->message_sig.reason);
	else if (bodies->list[arc->hash].size > arc->body.limit)
		decide(arc, AUTH_FAIL, "the body goes on after what was signed");
	for (size_t i = 0; i < arc->n; i++)
		if (arc->sets[i].seal_sig.result != AUTH_PASS)
			decide(arc, AUTH_FAIL, arc->sets[i].seal_sig.reason);
	decide(arc, AUTH_PASS, NULL);
	return true;
}
