/*
 * mta_sts.h - what we tell other hosts about TLS to ours, by domain (RFC 8461 3): the policy that
 * they fetch, and the id by which they see in the DNS that it is another one. Pure.
 */
#ifndef MAIL_MTA_STS_H
#define MAIL_MTA_STS_H

#include "base/buf.h"
#include "directory/directory.h"

enum { MTA_STS_POLICY_MAX = 4096, MTA_STS_ID_MAX = 33 };

/* mta_sts_name - "testing"; mta_sts_mode - back, false for what is no mode. */
const char *mta_sts_name(enum directory_mta_sts mode);
bool mta_sts_mode(struct slice name, enum directory_mta_sts *out);

/* mta_sts_policy - append it. hosts: those that take the domain's mail, with blanks between them;
 * "*.example.org" stands for all of one label there. Nothing for MTA_STS_OFF. */
void mta_sts_policy(enum directory_mta_sts mode, struct slice hosts, struct buf *out);
/* mta_sts_id - for the record _mta-sts.DOMAIN: another policy has another id. */
void mta_sts_id(struct slice policy, char out[MTA_STS_ID_MAX]);

#endif
