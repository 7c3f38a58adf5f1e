/* fields.c - see fields.h. */
#include "mailauth/fields.h"

/* Names longer than this are nobody's; mime_header_next() has no field with one either. */
enum { NAME_MAX_LEN = MIME_FIELD_NAME_MAX };

static struct field_group *find(const struct fields *fields, struct slice name)
{
	char low[NAME_MAX_LEN];

	if (name.len > sizeof(low))
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		low[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	return map_get(&fields->groups, (struct slice){low, name.len});
}

static struct field_group *group_new(struct fields *fields, struct slice name)
{
	struct field_group *group = arena_alloc(fields->arena, sizeof(*group));
	char *low = arena_alloc(fields->arena, name.len);

	if (!group || !low)
		return NULL;
	for (size_t i = 0; i < name.len; i++)
		low[i] = (char)ascii_lower((unsigned char)name.ptr[i]);
	group->name = (struct slice){low, name.len};
	map_put(&fields->groups, group->name, group);
	return group;
}

int fields_read(struct fields *fields, struct slice block, struct arena *arena, struct err *err)
{
	struct mime_field text;
	struct slice rest = block;
	size_t n = 0;

	*fields = (struct fields){.arena = arena};
	while (n <= FIELDS_MAX && mime_header_next(&rest, &text))
		n++;
	if (n > FIELDS_MAX || block.len > FIELDS_BLOCK_MAX)
		return err_set(err, ERR_TOOBIG, "the header is too large");
	fields->list = arena_array(arena, struct field, n + 1);
	if (!fields->list)
		return err_set(err, ERR_TOOBIG, "the header needs too much memory");
	for (rest = block; mime_header_next(&rest, &text); fields->n++) {
		struct field_group *group = find(fields, text.name);
		struct field *field = &fields->list[fields->n];

		if (!group)
			group = group_new(fields, text.name);
		if (!group)
			return err_set(err, ERR_TOOBIG, "the header needs too much memory");
		*field = (struct field){text, group->lowest};
		group->lowest = field;
		group->count++;
	}
	return 0;
}

void fields_done(struct fields *fields)
{
	map_done(&fields->groups);
}

const struct field *fields_lowest(const struct fields *fields, struct slice name)
{
	const struct field_group *group = find(fields, name);

	return group ? group->lowest : NULL;
}

unsigned fields_count(const struct fields *fields, struct slice name)
{
	const struct field_group *group = find(fields, name);

	return group ? group->count : 0;
}

void fields_begin(struct fields *fields)
{
	fields->round++;
}

const struct field *fields_take(struct fields *fields, struct slice name)
{
	struct field_group *group = find(fields, name);
	struct field *field;

	if (!group)
		return NULL;
	if (group->round != fields->round) {
		group->round = fields->round;
		group->next = group->lowest;
	}
	field = group->next;
	if (field)
		group->next = field->above;
	return field;
}
