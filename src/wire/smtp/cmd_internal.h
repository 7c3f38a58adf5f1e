/* cmd_internal.h - what cmd.c, wish.c and xclient.c share; for this room only. */
#ifndef WIRE_SMTP_CMD_INTERNAL_H
#define WIRE_SMTP_CMD_INTERNAL_H

#include "wire/smtp/cmd.h"

/* Ends a parse: keeps which reply to give. */
#define refuse(cmd, err, reply, code, ...)                                                         \
	((cmd)->say = (reply), err_set((err), (code), __VA_ARGS__))

/* smtp_xtext_decode - RFC 3461 4; in the command's arena. */
int smtp_xtext_decode(struct smtp_cmd *cmd, struct slice in, struct slice *out, struct err *err);

/* wish.c: parameters of MAIL that say how a message shall travel. */
int smtp_param_holdfor(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err);
int smtp_param_holduntil(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err);
int smtp_param_by(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err);
int smtp_param_priority(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err);
int smtp_param_requiretls(
	struct smtp_cmd *cmd, struct slice value, struct smtp_mail *mail, struct err *err);

#endif
