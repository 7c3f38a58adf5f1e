/* session.c - see session.h for the contract. */
#include "keeper/session.h"

#include "keeper/revoke.h"

int session_end_all(struct db *change, const struct frame_session *what, struct err *err)
{
	int rc = db_do(
		change, err, "DELETE FROM web WHERE account = ?", db_i((int64_t)what->account));

	return rc < 0 ? rc : revoke_note(change, what, err);
}
