/* verbs.c - see verbs.h for the contract. */
#include "keeper/verbs.h"

#include "keeper/account.h"
#include "keeper/certify.h"
#include "keeper/clerk.h"
#include "keeper/dkim.h"
#include "keeper/process.h"
#include "keeper/revoke.h"
#include "keeper/scram_login.h"
#include "keeper/verb_case.h"
#include "keeper/verb_factor.h"
#include "keeper/verb_grant.h"
#include "keeper/verb_recover.h"

const struct verb verbs[FRAME_VERB_END] = {
	[FRAME_SIGN] = {"sign", VERB_SERVER, .handle = process_sign},
	[FRAME_ENTER] = {"enter", VERB_SERVER, NULL, "npnttn", TASK_READER, verb_enter},
	[FRAME_TICKET_KEYS] = {"ticket-keys", VERB_SERVER, .handle = process_ticket_keys},
	[FRAME_SET_PASSWORDS] = {"set-passwords", VERB_CLI, NULL, NULL, TASK_CLERK,
		clerk_set_passwords},
	[FRAME_DELETE_ACCOUNT] = {"delete-account", VERB_CLI, NULL, "i", TASK_CLERK,
		clerk_delete_account},

	[FRAME_SUBSCRIBE] = {"subscribe", VERB_SERVER, .handle = process_subscribe},
	[FRAME_CLOSED] = {"closed", VERB_SERVER, .handle = process_closed},
	[FRAME_SMS_TAKE] = {"sms-take", VERB_COURIER, .handle = process_sms_take},
	[FRAME_LIVE] = {"live", VERB_SERVER, NULL, "d", TASK_READER, revoker_live},

	[FRAME_WEB_BEGIN] = {"web-begin", VERB_SERVER, NULL, "npnttnb", TASK_READER,
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
	[FRAME_APP_CERTIFICATE] = {"app-certificate", VERB_SERVER, NULL, "ttnd", TASK_CLERK,
		verb_app_certificate}, /* cookie, name, scopes, hash of the key */
	[FRAME_OPERATOR_APP_CERTIFICATE] = {"operator-app-certificate", VERB_CLI, NULL, "itnd",
		TASK_CLERK, verb_operator_app_certificate}, /* account, name, scopes, hash */
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
	[FRAME_CERTIFICATE_MAKE] = {"certificate-make", VERB_CLI, NULL, NULL, TASK_CLERK,
		certify_make},
	[FRAME_CERTIFICATE_IMPORT] = {"certificate-import", VERB_CLI, NULL, "tdd", TASK_CLERK,
		certify_import},
	[FRAME_CERTIFICATE_ORDER] = {"certificate-order", VERB_CLI, NULL, NULL, TASK_CLERK,
		certify_order},
	[FRAME_CERTIFICATE_DROP] = {"certificate-drop", VERB_CLI, NULL, "t", TASK_CLERK,
		certify_drop},
	[FRAME_CERTIFICATE_BIND] = {"certificate-bind", VERB_CLI, NULL, "td", TASK_CLERK,
		certify_bind},
	[FRAME_CERTIFICATE_WANT] = {"certificate-want", VERB_SERVER, NULL, NULL, TASK_CLERK,
		certify_want},
	[FRAME_CERTIFICATE_UNWANT] = {"certificate-unwant", VERB_SERVER, NULL, "t", TASK_CLERK,
		certify_unwant},
	[FRAME_HAS_KEY] = {"has-key", VERB_SERVER, NULL, "t", TASK_READER, certify_has_key},
	[FRAME_ACME_KEY] = {"acme-key", VERB_COURIER, NULL, "t", TASK_CLERK, certify_acme_key},
	[FRAME_ACME_SIGN] = {"acme-sign", VERB_COURIER, NULL, "tdddd", TASK_READER,
		certify_acme_sign},
	[FRAME_ACME_BIND] = {"acme-bind", VERB_COURIER, NULL, "td", TASK_READER, certify_acme_bind},
	[FRAME_ACME_ROLL] = {"acme-roll", VERB_COURIER, NULL, "ttddd", TASK_READER,
		certify_acme_roll},
	[FRAME_ACME_REQUEST] = {"acme-request", VERB_COURIER, NULL, "tt", TASK_CLERK,
		certify_request},
	[FRAME_ACME_ANSWER] = {"acme-answer", VERB_COURIER, NULL, "tttt", TASK_READER,
		certify_answer},
	[FRAME_ACME_STORE] = {"acme-store", VERB_COURIER, NULL, "td", TASK_CLERK, certify_store},

	[FRAME_DKIM_ADD] = {"dkim-add", VERB_CLI, NULL, "tnb", TASK_CLERK,
		dkim_add}, /* domain, seconds until it signs, there are others */
	[FRAME_DKIM_LIST] = {"dkim-list", VERB_CLI, NULL, "t", TASK_READER, dkim_list},
	[FRAME_DKIM_REMOVE] = {"dkim-remove", VERB_CLI, NULL, "tt", TASK_CLERK,
		dkim_remove}, /* domain, selector or nothing */
	[FRAME_DKIM_KEYS] = {"dkim-keys", VERB_SERVER, NULL, "t", TASK_READER, dkim_keys},

	[FRAME_FACTOR_BEGIN] = {"factor-begin", VERB_SERVER, NULL, "tntt", TASK_READER,
		verb_factor_begin}, /* cookie, factor, number, address */
	[FRAME_FACTOR_CONFIRM] = {"factor-confirm", VERB_SERVER, NULL, "tntd", TASK_CLERK,
		verb_factor_confirm}, /* cookie, factor, name, data */
	[FRAME_FACTOR_REMOVE] = {"factor-remove", VERB_SERVER, NULL, "ti", TASK_CLERK,
		verb_factor_remove}, /* cookie, id */
	[FRAME_RECOVERY_CODES] = {"recovery-codes", VERB_SERVER, NULL, "t", TASK_CLERK,
		verb_recovery_codes}, /* cookie */
	[FRAME_LIST_FACTORS] = {"list-factors", VERB_SERVER, NULL, "tn", TASK_READER,
		verb_list_factors}, /* cookie, account */
	[FRAME_WEB_CHALLENGE] = {"web-challenge", VERB_SERVER, NULL, "tn", TASK_READER,
		verb_web_challenge}, /* cookie, factor */
	[FRAME_WEB_PASSKEY] = {"web-passkey", VERB_SERVER, NULL, "tdtt", TASK_READER,
		verb_web_passkey}, /* challenge's id, data, peer, program */
	[FRAME_SCRAM_BEGIN] = {"scram-begin", VERB_SERVER, NULL, "nnttpp", TASK_READER,
		verb_scram_begin}, /* account, scope, peer, program, client-first, binding */
	[FRAME_SCRAM_END] = {"scram-end", VERB_SERVER, NULL, "nd", TASK_READER,
		verb_scram_end}, /* exchange, client-final */

	[FRAME_GRANT_CODE] = {"grant-code", VERB_SERVER, NULL, "ttdnt", TASK_READER,
		verb_grant_code}, /* cookie, client, redirect, scopes, challenge */
	[FRAME_GRANT_EXCHANGE] = {"grant-exchange", VERB_SERVER, NULL, "tdtt", TASK_CLERK,
		verb_grant_exchange}, /* client, redirect, code, verifier */
	[FRAME_GRANT_REFRESH] = {"grant-refresh", VERB_SERVER, NULL, "tt", TASK_CLERK,
		verb_grant_refresh}, /* client, token */
	[FRAME_DEVICE_BEGIN] = {"device-begin", VERB_SERVER, NULL, "tn", TASK_READER,
		verb_device_begin}, /* client, scopes */
	[FRAME_DEVICE_FIND] = {"device-find", VERB_SERVER, NULL, "tt", TASK_READER,
		verb_device_find}, /* cookie, user code */
	[FRAME_DEVICE_DECIDE] = {"device-decide", VERB_SERVER, NULL, "ttb", TASK_READER,
		verb_device_decide}, /* cookie, user code, yes */
	[FRAME_DEVICE_POLL] = {"device-poll", VERB_SERVER, NULL, "tt", TASK_CLERK,
		verb_device_poll}, /* client, device code */
	[FRAME_TOKEN_REVOKE] = {"token-revoke", VERB_SERVER, NULL, "t", TASK_CLERK,
		verb_token_revoke}, /* token */
	[FRAME_TOKEN_REMOVE] = {"token-remove", VERB_SERVER, NULL, "ti", TASK_CLERK,
		verb_token_remove}, /* cookie, id */
	[FRAME_LIST_TOKENS] = {"list-tokens", VERB_SERVER, NULL, "tn", TASK_READER,
		verb_list_tokens}, /* cookie, account */

	[FRAME_RECOVERY_SET] = {"recovery-set", VERB_SERVER, NULL, "tt", TASK_CLERK,
		verb_recovery_set}, /* cookie, address */
	[FRAME_RECOVERY_CONFIRM] = {"recovery-confirm", VERB_SERVER, NULL, "tt", TASK_CLERK,
		verb_recovery_confirm}, /* cookie, code */
	[FRAME_RECOVERY_CANCEL] = {"recovery-cancel", VERB_SERVER, NULL, "t", TASK_CLERK,
		verb_recovery_cancel}, /* code */
	[FRAME_RECOVERY_BY_MAIL] = {"recovery-by-mail", VERB_SERVER, NULL, "tb", TASK_CLERK,
		verb_recovery_by_mail}, /* cookie, on */
	[FRAME_RECOVERY_ADDRESS] = {"recovery-address", VERB_SERVER, NULL, "n", TASK_READER,
		verb_recovery_address}, /* account */
	[FRAME_RESET_BEGIN] = {"reset-begin", VERB_SERVER, NULL, "nt", TASK_CLERK,
		verb_reset_begin}, /* account, peer */
	[FRAME_RESET_CHALLENGE] = {"reset-challenge", VERB_SERVER, NULL, "tn", TASK_CLERK,
		verb_reset_challenge}, /* code, factor */
	[FRAME_RESET_END] = {"reset-end", VERB_SERVER, NULL, "ttpndt", TASK_CLERK,
		verb_reset_end}, /* code, address, password, factor, data, peer */

	[FRAME_CASE_OPEN] = {"case-open", VERB_CLI, NULL, "itibp", TASK_CLERK, verb_case_open},
	[FRAME_CASE_EVIDENCE] = {"case-evidence", VERB_CLI, NULL, "ititp", TASK_CLERK,
		verb_case_evidence},
	[FRAME_CASE_APPROVE] = {"case-approve", VERB_CLI, NULL, "iti", TASK_CLERK,
		verb_case_approve},
	[FRAME_CASE_CLOSE] = {"case-close", VERB_CLI, NULL, "itibp", TASK_CLERK, verb_case_close},
	[FRAME_CASE_LIST] = {"case-list", VERB_CLI, NULL, "b", TASK_READER, verb_case_list},
	[FRAME_CASE_FLAGS] = {"case-flags", VERB_CLI, NULL, "", TASK_READER, verb_case_flags},
	[FRAME_CASE_SHOW] = {"case-show", VERB_CLI, NULL, "i", TASK_READER, verb_case_show},
};
