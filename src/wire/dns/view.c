/* view.c - names in normal form and the view: see dns.h for the contract. */
#include <assert.h>

#include "wire/dns/dns.h"

struct dns_view_item {
	struct dns_question question;
	struct dns_answer answer; /* DNS_UNKNOWN: pending */
};

/* RFC 1035 2.3.1 allows less, but service names, selectors and SPF macros hold other bytes. */
static bool is_name_byte(unsigned char c)
{
	return c > 0x20 && c < 0x7f && c != '\\';
}

static bool is_name(struct slice name)
{
	size_t label = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '.' && label == 0)
			return false;
		if (!is_name_byte((unsigned char)name.ptr[i]))
			return false;
		label = name.ptr[i] == '.' ? 0 : label + 1;
		if (label > DNS_LABEL_MAX)
			return false;
	}
	return (label > 0 || name.len == 0) && name.len <= DNS_NAME_MAX;
}

bool dns_name_parse(struct slice name, struct arena *arena, struct slice *out)
{
	char *copy;

	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	if (!is_name(name))
		return false;
	copy = arena_alloc(arena, name.len + 1);
	if (!copy)
		return false;
	for (size_t i = 0; i < name.len; i++)
		copy[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	*out = (struct slice){copy, name.len};
	return true;
}

void dns_view_init(struct dns_view *view, struct arena *arena)
{
	*view = (struct dns_view){.arena = arena};
}

static struct slice without_dot(struct slice name)
{
	if (name.len && name.ptr[name.len - 1] == '.')
		name.len--;
	return name;
}

static struct dns_view_item *find(
	const struct dns_view *view, struct slice name, enum dns_type type)
{
	for (size_t i = 0; i < view->n; i++) {
		struct dns_view_item *item = view->items[i];

		if (item->question.type == type &&
			slice_eq_nocase(item->question.name, without_dot(name)))
			return item;
	}
	return NULL;
}

/* A new question, or NULL with the reason why it cannot be asked. */
static struct dns_view_item *note(
	struct dns_view *view, struct slice name, enum dns_type type, enum dns_status *why_out)
{
	struct dns_view_item *item;

	*why_out = DNS_NXDOMAIN;
	if (!is_name(without_dot(name)))
		return NULL;
	*why_out = DNS_FAILED;
	if (view->n == DNS_QUESTIONS_MAX)
		return NULL;
	item = arena_alloc(view->arena, sizeof(*item));
	if (!item || !dns_name_parse(name, view->arena, &item->question.name))
		return NULL;
	item->question.type = type;
	view->items[view->n++] = item;
	view->pending++;
	return item;
}

enum dns_status dns_view_get(
	struct dns_view *view, struct slice name, enum dns_type type, struct dns_answer *answer_out)
{
	struct dns_view_item *item = find(view, name, type);
	enum dns_status why;

	if (!item)
		item = note(view, name, type, &why);
	*answer_out = item ? item->answer : (struct dns_answer){.status = why, .canonical = name};
	return answer_out->status;
}

bool dns_view_next(const struct dns_view *view, size_t *at, struct dns_question *question_out,
	struct dns_answer *answer_out)
{
	if (*at >= view->n)
		return false;
	*question_out = view->items[*at]->question;
	*answer_out = view->items[(*at)++]->answer;
	return true;
}

bool dns_view_next_pending(
	const struct dns_view *view, size_t *at, struct dns_question *question_out)
{
	struct dns_answer answer;

	while (dns_view_next(view, at, question_out, &answer)) {
		if (answer.status == DNS_UNKNOWN)
			return true;
	}
	return false;
}

static bool copy_answer(
	struct arena *arena, const struct dns_answer *answer, struct dns_answer *out)
{
	struct slice *rdata = arena_array(arena, struct slice, answer->n + 1);
	size_t total = 0;

	*out = *answer;
	out->rdata = rdata;
	out->canonical = arena_dup(arena, answer->canonical);
	if (!rdata || !out->canonical.ptr || answer->n > DNS_RECORDS_MAX)
		return false;
	for (size_t i = 0; i < answer->n; i++) {
		total += answer->rdata[i].len;
		if (total > DNS_RDATA_MAX)
			return false;
		rdata[i] = arena_dup(arena, answer->rdata[i]);
		if (!rdata[i].ptr)
			return false;
	}
	return true;
}

static void settle(
	struct dns_view *view, struct dns_view_item *item, const struct dns_answer *answer)
{
	assert(answer->status != DNS_UNKNOWN);
	if (item->answer.status != DNS_UNKNOWN)
		return;
	view->pending--;
	if (!copy_answer(view->arena, answer, &item->answer))
		item->answer = (struct dns_answer){.status = DNS_FAILED};
	if (item->answer.canonical.len == 0)
		item->answer.canonical = item->question.name;
}

void dns_view_put(struct dns_view *view, struct slice name, enum dns_type type,
	const struct dns_answer *answer)
{
	struct dns_view_item *item = find(view, name, type);
	enum dns_status why;

	if (!item)
		item = note(view, name, type, &why);
	if (item)
		settle(view, item, answer);
}

void dns_view_fail(struct dns_view *view)
{
	const struct dns_answer failed = {.status = DNS_FAILED};

	for (size_t i = 0; i < view->n; i++)
		settle(view, view->items[i], &failed);
}
