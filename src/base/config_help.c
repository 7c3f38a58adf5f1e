/* config_help.c - the settings explained, for people and for the manual page. */
#include "base/config_value.h"

static const char *when_text(enum config_when when)
{
	switch (when) {
	case CONFIG_RELOAD:
		return "A reload applies it at once.";
	case CONFIG_SERVER:
		return "A reload starts a new server for it and drains the old one.";
	case CONFIG_KEEPER:
		return "A reload restarts the keeper for it.";
	case CONFIG_SERVER_KEEPER:
		return "A reload starts a new server for it and drains the old one, and restarts "
		       "the keeper.";
	case CONFIG_SERVER_COURIER:
		return "A reload starts a new server for it and drains the old one, and restarts "
		       "the courier.";
	case CONFIG_COURIER:
		return "A reload restarts the courier for it.";
	default:
		return "It needs a stop and a start.";
	}
}

/* The default as it would stand in the file; quote is how the output writes one. */
static void put_default(struct buf *out, const struct config_row *row, const char *quote)
{
	uint64_t number;
	const bool is_bare =
		row->type == TYPE_SWITCH || slice_to_u64(slice_str(row->def), UINT64_MAX, &number);

	buf_printf(out, "%s%s%s", is_bare ? "" : quote, row->def, is_bare ? "" : quote);
}

void config_help(struct buf *out)
{
	for (size_t i = 0; i < config_rows_n; i++) {
		buf_printf(out, "%s = ", config_rows[i].name);
		put_default(out, &config_rows[i], "\"");
		buf_printf(
			out, "\n    %s %s\n", config_rows[i].help, when_text(config_rows[i].when));
	}
}

/* mdoc wants each sentence on a line of its own. */
static void put_sentences(struct buf *out, const char *text)
{
	for (; *text; text++) {
		const bool is_end = (*text == '.' && text[1] == ' ');

		buf_byte(out, *text);
		if (is_end) {
			buf_byte(out, '\n');
			text++;
		}
	}
	buf_byte(out, '\n');
}

void config_manual(struct buf *out)
{
	for (size_t i = 0; i < config_rows_n; i++) {
		buf_printf(out, ".It Ic %s No = Ar ", config_rows[i].name);
		put_default(out, &config_rows[i], "\\(dq");
		buf_byte(out, '\n');
		put_sentences(out, config_rows[i].help);
		if (config_rows[i].max)
			buf_printf(out, "At least %llu, at most %llu.\n",
				(unsigned long long)config_rows[i].min,
				(unsigned long long)config_rows[i].max);
		put_sentences(out, when_text(config_rows[i].when));
	}
}
