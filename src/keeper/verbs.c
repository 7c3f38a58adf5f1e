/* verbs.c - see verbs.h for the contract. */
#include "keeper/verbs.h"

#include "keeper/account.h"
#include "keeper/clerk.h"
#include "keeper/process.h"
#include "keeper/revoke.h"

const struct verb verbs[FRAME_VERB_END] = {
	[FRAME_SIGN] = {"sign", VERB_SERVER, .handle = process_sign},
	[FRAME_ENTER] = {"enter", VERB_SERVER, NULL, "npnttb", TASK_READER, verb_enter},
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

	[FRAME_WEB_BEGIN] = {"web-begin", VERB_SERVER, NULL, "npnttbb", TASK_READER,
		verb_web_begin},
	[FRAME_WEB_CHECK] = {"web-check", VERB_SERVER, NULL, "tt", TASK_READER, verb_web_check},
	[FRAME_WEB_FACTOR] = {"web-factor", VERB_SERVER, NULL, "tndt", TASK_READER,
		verb_web_factor},
	[FRAME_WEB_END] = {"web-end", VERB_SERVER, NULL, "tn", TASK_CLERK, verb_web_end},
	[FRAME_WEB_END_ALL] = {"web-end-all", VERB_SERVER, NULL, "t", TASK_CLERK, verb_web_end_all},
	[FRAME_LIST_SESSIONS] = {"list-sessions", VERB_SERVER, NULL, "tn", TASK_READER,
		verb_list_sessions},
	[FRAME_LIST_APPS] = {"list-apps", VERB_SERVER, NULL, "tn", TASK_READER, verb_list_apps},
	[FRAME_APP_ADD] = {"app-add", VERB_SERVER, NULL, "ttnb", TASK_CLERK, verb_app_add},
	[FRAME_APP_REMOVE] = {"app-remove", VERB_SERVER, NULL, "ti", TASK_CLERK, verb_app_remove},
	[FRAME_SET_SCOPES] = {"set-scopes", VERB_SERVER, NULL, "tn", TASK_CLERK, verb_set_scopes},
	[FRAME_GET_SETTINGS] = {"get-settings", VERB_SERVER, NULL, "t", TASK_READER,
		verb_get_settings},
	[FRAME_CHANGE_PASSWORD] = {"change-password", VERB_SERVER, NULL, "ttpp", TASK_READER,
		verb_change_password},
	[FRAME_RESET_PASSWORD] = {"reset-password", VERB_SERVER, NULL, "titp", TASK_READER,
		verb_reset_password},
	[FRAME_ACCOUNT_NEW] = {"account-new", VERB_SERVER, NULL, "tintp", TASK_READER,
		verb_account_new},
	[FRAME_ACCOUNT_GONE] = {"account-gone", VERB_SERVER, NULL, "ti", TASK_CLERK,
		verb_account_gone},

	[FRAME_SET_ROLE] = {"set-role", VERB_CLI, NULL, "inn", TASK_CLERK, verb_set_role},
	[FRAME_LOG_OUT] = {"log-out", VERB_CLI, NULL, "l", TASK_CLERK, verb_log_out},
	[FRAME_ASK_PASSWORD] = {"ask-password", VERB_CLI, NULL, "nl", TASK_CLERK,
		verb_ask_password},
	[FRAME_LIST_PENDING] = {"list-pending", VERB_CLI, NULL, "n", TASK_READER,
		verb_list_pending},
	[FRAME_OPERATOR_APPS] = {"operator-apps", VERB_CLI, NULL, "i", TASK_READER,
		verb_operator_apps},
	[FRAME_OPERATOR_APP_REMOVE] = {"operator-app-remove", VERB_CLI, NULL, "ii", TASK_CLERK,
		verb_operator_app_remove},
	[FRAME_OPERATOR_SCOPES] = {"operator-scopes", VERB_CLI, NULL, "inb", TASK_CLERK,
		verb_operator_scopes},
};
