/*
 * cmd_totp.c - commands: totp add, list, code, remove. For staff who keep second factors on a
 * server.
 *
 * The file is one line of what it takes to open it, and a sealed text of lines, "NAME<TAB>otpauth
 * URI". The key is argon2id of the passphrase; nothing of it, names included, can be read without.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "admin/cli.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "keeper/client.h"
#include "keeper/totp.h"

enum {
	FILE_MAX = 256 << 10,
	PATH_BYTES = 200,
	NAME_BYTES = 100,
	PASSES = 3,
	MEMORY_BYTES = 64 << 20,
	SALT = crypto_pwhash_SALTBYTES,
	NONCE = crypto_secretbox_NONCEBYTES,
	KEY = crypto_secretbox_KEYBYTES,
	TAG = crypto_secretbox_MACBYTES,
};

static const struct slice magic = {"posthouse-totp 1\n", 17};

/* The file, opened. Lives in memory that is wiped. */
struct chest {
	char path[PATH_BYTES];
	struct buf passphrase;
	struct buf text; /* the lines */
};

static void chest_done(struct chest *chest)
{
	struct buf *all[] = {&chest->passphrase, &chest->text};

	for (size_t i = 0; i < 2; i++) {
		if (all[i]->ptr)
			mem_wipe(all[i]->ptr, all[i]->cap);
		buf_done(all[i]);
	}
}

static int find_path(const struct cli *cli, char path[PATH_BYTES], struct err *err)
{
	const char *given = cli_option(cli, "--file"), *home = getenv("HOME");
	int n;

	if (given)
		n = snprintf(path, PATH_BYTES, "%s", given);
	else if (home)
		n = snprintf(path, PATH_BYTES, "%s/.posthouse-totp", home);
	else
		return err_set(err, ERR_SYNTAX, "which file? HOME is not set: give --file FILE");
	return n < PATH_BYTES ? 0 : err_set(err, ERR_TOOBIG, "the file's name is too long");
}

static int make_key(const struct buf *passphrase, const unsigned char *salt, unsigned char key[KEY],
	struct err *err)
{
	if (crypto_pwhash(key, KEY, passphrase->ptr, passphrase->len, salt, PASSES, MEMORY_BYTES,
		    crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(err, ERR_BUSY, "not enough memory to open the file");
	return 0;
}

static int unseal(struct chest *chest, struct slice sealed, struct err *err)
{
	const unsigned char *salt = (const unsigned char *)sealed.ptr + magic.len;
	const size_t head = magic.len + SALT + NONCE;
	unsigned char key[KEY];
	char *room;
	int rc;

	if (sealed.len < head + TAG || !slice_starts(sealed, magic))
		return err_set(err, ERR_CORRUPT, "%s was not written by totp add", chest->path);
	rc = make_key(&chest->passphrase, salt, key, err);
	room = buf_reserve(&chest->text, FILE_MAX);
	if (rc == 0 && crypto_secretbox_open_easy((unsigned char *)room, salt + SALT + NONCE,
			       sealed.len - head, salt + SALT, key) != 0)
		rc = err_set(err, ERR_DENIED, "wrong passphrase, or the file is damaged");
	mem_wipe(key, sizeof(key));
	if (rc == 0)
		chest->text.len = sealed.len - head - TAG;
	return rc;
}

static int check_mode(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "cannot look at %s", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, ERR_DENIED, "others may read %s: chmod 600 it", path);
	return 0;
}

/* Asks for the passphrase, of a new file twice. */
static int chest_open(const struct cli *cli, bool may_make, struct chest *chest, struct err *err)
{
	struct buf sealed AUTO(buf_done);
	int rc;

	*chest = (struct chest){.path = ""};
	buf_init(&sealed, FILE_MAX);
	buf_init(&chest->passphrase, KEEPER_PASSWORD_MAX);
	buf_init(&chest->text, 2 * FILE_MAX);
	if (sodium_init() < 0)
		return err_set(err, ERR_IO, "cannot set up the crypto library");
	rc = find_path(cli, chest->path, err);
	if (rc == 0)
		rc = io_read_file(AT_FDCWD, chest->path, &sealed, err);
	if (rc == -ERR_NOTFOUND && may_make) {
		fprintf(stderr, "posthouse: %s is new; choose the passphrase that seals it\n",
			chest->path);
		return cli_read_password(&chest->passphrase, err);
	}
	if (rc == 0)
		rc = check_mode(chest->path, err);
	if (rc == 0)
		rc = cli_read_secret("Passphrase: ", &chest->passphrase, err);
	return rc < 0 ? rc : unseal(chest, buf_slice(&sealed), err);
}

static int chest_write(struct chest *chest, struct err *err)
{
	struct buf sealed AUTO(buf_done);
	unsigned char head[SALT + NONCE], key[KEY];
	char *room;
	int rc;

	buf_init(&sealed, FILE_MAX);
	randombytes_buf(head, sizeof(head));
	buf_append(&sealed, magic);
	buf_append(&sealed, (struct slice){(const char *)head, sizeof(head)});
	room = buf_reserve(&sealed, chest->text.len + TAG);
	if (!room)
		return err_set(err, ERR_TOOBIG, "too many secrets for one file");
	rc = make_key(&chest->passphrase, head, key, err);
	if (rc == 0)
		crypto_secretbox_easy((unsigned char *)room, (const unsigned char *)chest->text.ptr,
			chest->text.len, head + SALT, key);
	mem_wipe(key, sizeof(key));
	sealed.len += chest->text.len + TAG;
	if (rc == 0)
		rc = io_replace_file(AT_FDCWD, chest->path, buf_slice(&sealed), 0600, err);
	return rc;
}

/* The line of that name and where it begins, or -ERR_NOTFOUND. */
static int find(const struct chest *chest, const char *name, struct slice *uri_out, size_t *at_out,
	struct err *err)
{
	struct slice rest = buf_slice(&chest->text);

	while (rest.len) {
		const size_t at = (size_t)(rest.ptr - chest->text.ptr);
		struct slice uri, line = slice_cut(rest, '\n', &rest);

		if (!slice_eq(slice_cut(line, '\t', &uri), slice_str(name)))
			continue;
		*uri_out = uri;
		*at_out = at;
		return 0;
	}
	return err_set(err, ERR_NOTFOUND, "there is no %s", name);
}

static int check_name(const char *name, struct err *err)
{
	const size_t n = strlen(name);

	if (n == 0 || n > NAME_BYTES)
		return err_set(err, ERR_SYNTAX, "a name has 1 to %d bytes", NAME_BYTES);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return err_set(err, ERR_SYNTAX, "no control characters in a name");
	}
	return 0;
}

/* base32 or a URI, from a file or without echo. */
static int read_totp(const struct cli *cli, struct totp *out, struct err *err)
{
	struct buf text AUTO(buf_done);
	struct slice given, label;
	int rc;

	buf_init(&text, FILE_MAX);
	if (cli->args_n > 1)
		rc = cli_read_file(cli, cli->args[1], &text, err);
	else
		rc = cli_read_secret("Secret: ", &text, err);
	given = slice_trim(buf_slice(&text));
	if (rc == 0 && slice_starts_nocase(given, slice_lit("otpauth:")))
		rc = totp_read_uri(given, out, &label, err);
	else if (rc == 0)
		rc = totp_read_secret(given, out, err);
	if (text.ptr)
		mem_wipe(text.ptr, text.cap);
	return rc;
}

int command_totp_add(struct cli *cli)
{
	struct chest chest AUTO(chest_done) = {.path = ""};
	struct totp totp = {0};
	struct slice uri;
	struct err err;
	size_t at;
	int rc = check_name(cli->args[0], &err);

	if (rc == 0)
		rc = chest_open(cli, true, &chest, &err);
	if (rc == 0 && find(&chest, cli->args[0], &uri, &at, &err) == 0)
		rc = err_set(&err, ERR_EXISTS, "there is a %s already", cli->args[0]);
	if (rc == 0)
		rc = read_totp(cli, &totp, &err);
	if (rc == 0) {
		/* All at once: growing would leave copies behind. */
		buf_reserve(&chest.text, NAME_BYTES + TOTP_URI_MAX);
		buf_printf(&chest.text, "%s\t", cli->args[0]);
		totp_write_uri(&totp, (struct slice){0}, slice_str(cli->args[0]), &chest.text);
		buf_lit(&chest.text, "\n");
		rc = chest_write(&chest, &err);
	}
	mem_wipe(&totp, sizeof(totp));
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int command_totp_list(struct cli *cli)
{
	static const struct table_column columns[] = {{"name", "NAME", TABLE_TEXT}};
	struct chest chest AUTO(chest_done) = {.path = ""};
	struct slice rest;
	struct table table;
	struct err err;

	if (chest_open(cli, false, &chest, &err) < 0)
		return cli_fail(cli, &err);
	table_init(&table, columns, 1, cli->is_json);
	rest = buf_slice(&chest.text);
	while (rest.len) {
		struct slice uri, name = slice_cut(slice_cut(rest, '\n', &rest), '\t', &uri);
		json_t *row = json_pack("{s:s%}", "name", name.ptr, name.len);

		table_row(&table, row);
		json_decref(row);
	}
	table_end(&table);
	return CLI_OK;
}

int command_totp_code(struct cli *cli)
{
	struct chest chest AUTO(chest_done) = {.path = ""};
	const int64_t now = clock_wall_s();
	char code[TOTP_DIGITS_MAX + 1];
	struct slice uri, label;
	struct totp totp = {0};
	struct err err;
	size_t at;
	int rc = chest_open(cli, false, &chest, &err);

	if (rc == 0)
		rc = find(&chest, cli->args[0], &uri, &at, &err);
	if (rc == 0)
		rc = totp_read_uri(uri, &totp, &label, &err);
	if (rc == 0)
		rc = totp_code(&totp, now, code, &err);
	if (rc == 0) {
		const int left = (int)(totp.step_s - now % totp.step_s);

		printf(cli->is_json ? "{\"code\":\"%s\",\"seconds\":%d}\n" : "%s  (%d s)\n", code,
			left);
	}
	mem_wipe(&totp, sizeof(totp));
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}

int command_totp_remove(struct cli *cli)
{
	struct chest chest AUTO(chest_done) = {.path = ""};
	struct slice uri;
	struct err err;
	size_t at, end;
	int rc = chest_open(cli, false, &chest, &err);

	if (rc == 0)
		rc = find(&chest, cli->args[0], &uri, &at, &err);
	if (rc == 0) {
		end = (size_t)(uri.ptr - chest.text.ptr) + uri.len + 1;
		memmove(chest.text.ptr + at, chest.text.ptr + end, chest.text.len - end);
		chest.text.len -= end - at;
		rc = chest_write(&chest, &err);
	}
	return rc < 0 ? cli_fail(cli, &err) : CLI_OK;
}
