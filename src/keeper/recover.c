/* recover.c - see recover.h for the contract. */
#include "keeper/recover.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static struct slice mac_slice(const unsigned char mac[MINT_MAC_LEN])
{
	return (struct slice){(const char *)mac, MINT_MAC_LEN};
}

/* ---- the address ---- */

static void copy_text(char out[RECOVER_ADDRESS_MAX + 1], struct slice s)
{
	s = slice_head(s, RECOVER_ADDRESS_MAX);
	if (s.len)
		memcpy(out, s.ptr, s.len);
	out[s.len] = '\0';
}

int recover_get(struct db *db, uint64_t account, struct recovery *out, struct err *err)
{
	struct db_stmt *row AUTO(db_stmt_auto) = NULL;
	const int64_t now = clock_wall_s();
	int rc = db_row(db, &row, err,
		"SELECT address, iif(confirm_until_s >= ?2, next, ''),"
		" iif(cancel_until_s >= ?2, former, ''), by_mail FROM recovery WHERE account = ?1",
		db_i((int64_t)account), db_i(now));

	if (rc < 0)
		return rc;
	*out = (struct recovery){.may_reset = true};
	if (rc == 0)
		return 0;
	copy_text(out->address, db_text(row, 0));
	copy_text(out->next, db_text(row, 1));
	copy_text(out->former, db_text(row, 2));
	out->may_reset = db_int(row, 3) != 0;
	return 0;
}

/* One "@" with something on both sides, and nothing that could become a second header's line. */
static bool is_address(struct slice s)
{
	const size_t at = slice_rchr(s, '@');

	if (at == SIZE_MAX || at == 0 || at + 1 == s.len || s.len > RECOVER_ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		if (c <= ' ' || c == 0x7f || strchr("<>,;:\"\\()", c))
			return false;
	}
	return true;
}

static int add_row(struct db *change, uint64_t account, struct err *err)
{
	return db_do(change, err,
		"INSERT INTO recovery (account) VALUES (?) ON CONFLICT DO NOTHING",
		db_i((int64_t)account));
}

static int make_link(struct factors *f, char text[KEEPER_SECRET_MAX],
	unsigned char mac[MINT_MAC_LEN], struct err *err)
{
	mint_make(MINT_LINK, text);
	return factors_mac(f, MINT_LINK, slice_str(text), mac, err);
}

/* A link to take it back goes to the address that was in use before; and while such a link is still
 * good, another goes to the same address: who changes it twice does not shake off the owner. */
static int arm_cancel(struct factors *f, struct db *change, uint64_t account,
	const struct recovery *before, struct keeper_recovery_sent *out, struct err *err)
{
	const char *owner = before->former[0] ? before->former : before->address;
	unsigned char mac[MINT_MAC_LEN];
	int rc;

	if (!owner[0])
		return 0;
	copy_text(out->old_address, slice_str(owner));
	rc = make_link(f, out->cancel, mac, err);
	return rc < 0 ? rc
		      : db_do(change, err,
				"UPDATE recovery SET former = ?, cancel = ?, cancel_until_s = ?"
				" WHERE account = ?",
				db_t(slice_str(owner)), db_b(mac_slice(mac)),
				db_i(clock_wall_s() + RECOVER_CANCEL_S), db_i((int64_t)account));
}

int recover_set(struct factors *f, struct db *change, uint64_t account, struct slice address,
	struct keeper_recovery_sent *out, struct err *err)
{
	unsigned char confirm[MINT_MAC_LEN];
	struct recovery before;
	int rc;

	*out = (struct keeper_recovery_sent){.confirm = ""};
	if (address.len && !is_address(address))
		return err_set(err, ERR_SYNTAX, "this is not a mail address");
	rc = recover_get(change, account, &before, err);
	if (rc == 0)
		rc = add_row(change, account, err);
	if (rc == 0)
		rc = arm_cancel(f, change, account, &before, out, err);
	if (rc == 0 && address.len == 0)
		return db_do(change, err,
			"UPDATE recovery SET address = '', next = '', confirm = NULL"
			" WHERE account = ?",
			db_i((int64_t)account));
	if (rc == 0)
		rc = make_link(f, out->confirm, confirm, err);
	return rc < 0 ? rc
		      : db_do(change, err,
				"UPDATE recovery SET next = ?, confirm = ?, confirm_until_s = ?"
				" WHERE account = ?",
				db_t(address), db_b(mac_slice(confirm)),
				db_i(clock_wall_s() + RECOVER_CONFIRM_S), db_i((int64_t)account));
}

int recover_confirm(
	struct factors *f, struct db *change, uint64_t account, struct slice code, struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int rc = factors_mac(f, MINT_LINK, code, mac, err);

	if (rc == 0)
		rc = db_do(change, err,
			"UPDATE recovery SET address = next, next = '', confirm = NULL"
			" WHERE account = ? AND confirm = ? AND confirm_until_s >= ?",
			db_i((int64_t)account), db_b(mac_slice(mac)), db_i(clock_wall_s()));
	if (rc == 0 && db_changes(change) == 0)
		rc = err_set(err, ERR_DENIED, "this link is not for this account, or too old");
	return rc;
}

int recover_cancel(struct factors *f, struct db *change, struct slice code, uint64_t *account_out,
	struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	int64_t account = 0;
	int rc = factors_mac(f, MINT_LINK, code, mac, err);

	if (rc == 0)
		rc = db_get_int(change, &account, err,
			"SELECT account FROM recovery WHERE cancel = ? AND cancel_until_s >= ?",
			db_b(mac_slice(mac)), db_i(clock_wall_s()));
	if (rc == -ERR_NOTFOUND)
		rc = err_set(err, ERR_DENIED, "this link is not good, or too old");
	if (rc == 0)
		rc = db_do(change, err,
			"UPDATE recovery SET address = former, next = '', confirm = NULL,"
			" former = '', cancel = NULL WHERE account = ?",
			db_i(account));
	if (rc == 0)
		*account_out = (uint64_t)account;
	return rc;
}

int recover_allow_mail(struct db *change, uint64_t account, bool may_reset, struct err *err)
{
	int rc = add_row(change, account, err);

	return rc < 0 ? rc
		      : db_do(change, err, "UPDATE recovery SET by_mail = ? WHERE account = ?",
				db_i(may_reset), db_i((int64_t)account));
}

/* ---- the reset ---- */

/* Counts the question; true if it was one too many. */
static bool is_too_often(struct factors *f, uint64_t account, struct slice network)
{
	const struct slice key = map_key_u64(&account);
	const int64_t now = clock_mono_ms();
	bool is_over;

	pthread_mutex_lock(&f->lock);
	is_over = tally_get(&f->asked, network, now) >= RECOVER_OF_NETWORK ||
		  (account && tally_get(&f->asked, key, now) >= RECOVER_OF_ACCOUNT);
	if (!is_over) {
		tally_add(&f->asked, network, now);
		tally_add(&f->asked, key, now);
	}
	pthread_mutex_unlock(&f->lock);
	return is_over;
}

static int store_reset(struct db *change, uint64_t account, const unsigned char mac[MINT_MAC_LEN],
	int64_t seconds, struct err *err)
{
	int rc = db_do(change, err, "DELETE FROM reset WHERE until_s < ?", db_i(clock_wall_s()));

	if (rc == 0)
		rc = db_do(change, err, "DELETE FROM flag WHERE at_s < ?",
			db_i(clock_wall_s() - RECOVER_FLAG_S));
	return rc < 0 ? rc
		      : db_do(change, err,
				"INSERT INTO reset (mac, account, until_s, tries)"
				" VALUES (?, ?, ?, 0)",
				db_b(mac_slice(mac)), db_i((int64_t)account),
				db_i(clock_wall_s() + seconds));
}

/* 1: a mail may be sent. */
static int may_send(struct factors *f, struct db *change, uint64_t account, struct slice network,
	struct recovery *out, struct err *err)
{
	int rc;

	*out = (struct recovery){.may_reset = false};
	if (is_too_often(f, account, network) || account == 0)
		return 0;
	rc = recover_get(change, account, out, err);
	return rc < 0 ? rc : out->may_reset && out->address[0];
}

/* Where no mail is sent a row that nobody has the code of is written: it takes as long. */
int recover_reset(struct factors *f, struct db *change, uint64_t account, struct slice network,
	struct keeper_reset *out, struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	struct recovery recovery;
	int rc = may_send(f, change, account, network, &recovery, err);
	const bool is_sent = rc > 0;

	*out = (struct keeper_reset){.to = ""};
	if (rc >= 0)
		rc = make_link(f, out->code, mac, err);
	if (rc == 0)
		rc = store_reset(change, is_sent ? account : 0, mac, RECOVER_RESET_S, err);
	if (rc == 0 && is_sent)
		copy_text(out->to, slice_str(recovery.address));
	return rc;
}

int recover_issue(struct factors *f, struct db *change, uint64_t account, char out[MINT_TEXT],
	struct err *err)
{
	unsigned char mac[MINT_MAC_LEN];
	char text[KEEPER_SECRET_MAX];
	int rc = make_link(f, text, mac, err);

	if (rc == 0)
		rc = store_reset(change, account, mac, RECOVER_CONFIRM_S, err);
	memcpy(out, text, MINT_TEXT);
	mem_wipe(text, sizeof(text));
	return rc;
}

int recover_open(struct factors *f, struct db *change, struct slice code, struct recover_link *out,
	struct err *err)
{
	struct recover_link link;
	int64_t account = 0;
	int rc = factors_mac(f, MINT_LINK, code, link.mac, err);

	if (rc == 0)
		rc = db_get_int(change, &account, err,
			"SELECT account FROM reset WHERE mac = ? AND until_s >= ? AND tries < ?"
			" AND account <> 0",
			db_b(mac_slice(link.mac)), db_i(clock_wall_s()), db_i(RECOVER_RESET_TRIES));
	if (rc == -ERR_NOTFOUND)
		rc = err_set(err, ERR_DENIED, "this link is not good, or too old");
	if (rc == 0)
		rc = db_do(change, err, "UPDATE reset SET tries = tries + 1 WHERE mac = ?",
			db_b(mac_slice(link.mac)));
	link.account = (uint64_t)account;
	if (rc == 0)
		*out = link;
	return rc;
}

int recover_use(struct db *change, const struct recover_link *link, struct err *err)
{
	int rc = db_do(change, err, "DELETE FROM reset WHERE mac = ?", db_b(mac_slice(link->mac)));

	if (rc == 0 && db_changes(change) == 0)
		return err_set(err, ERR_DENIED, "this link was used already");
	/* Others that were asked for are of no more use. */
	return rc < 0 ? rc
		      : db_do(change, err, "DELETE FROM reset WHERE account = ?",
				db_i((int64_t)link->account));
}

int recover_flag(struct db *change, uint64_t account, struct slice peer, struct err *err)
{
	return db_do(change, err, "INSERT INTO flag (account, peer, at_s) VALUES (?, ?, ?)",
		db_i((int64_t)account), db_t(peer), db_i(clock_wall_s()));
}
