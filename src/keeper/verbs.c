/* verbs.c - see verbs.h for the contract. */
#include "keeper/verbs.h"

#include "keeper/clerk.h"
#include "keeper/process.h"
#include "keeper/revoke.h"

const struct verb verbs[FRAME_VERB_END] = {
	[FRAME_SIGN] = {"sign", VERB_SERVER, .handle = process_sign},
	[FRAME_VERIFY] = {"verify", VERB_SERVER, .handle = process_verify},
	[FRAME_TICKET_KEYS] = {"ticket-keys", VERB_SERVER, .handle = process_ticket_keys},
	[FRAME_SET_PASSWORDS] = {"set-passwords", VERB_CLI, NULL, NULL, TASK_CLERK,
		clerk_set_passwords},
	[FRAME_DELETE_ACCOUNT] = {"delete-account", VERB_CLI, NULL, "i", TASK_CLERK,
		clerk_delete_account},
	[FRAME_MAKE_KEY] = {"make-key", VERB_CLI, NULL, NULL, TASK_CLERK, clerk_make_key},
	[FRAME_IMPORT_KEY] = {"import-key", VERB_CLI, NULL, NULL, TASK_CLERK, clerk_import_key},

	[FRAME_SUBSCRIBE] = {"subscribe", VERB_SERVER, .handle = process_subscribe},
	[FRAME_CLOSED] = {"closed", VERB_SERVER, .handle = process_closed},
	[FRAME_SMS_TAKE] = {"sms-take", VERB_COURIER, .handle = process_sms_take},
	[FRAME_LIVE] = {"live", VERB_SERVER, NULL, "d", TASK_READER, revoker_live},
};
