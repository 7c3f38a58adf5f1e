/*
 * imap.h - the IMAP server: IMAP4rev2 (RFC 9051) and IMAP4rev1 (RFC 3501) with the extensions that
 * the table in commands.c names. On implicit TLS; its conn_context() is a struct service.
 */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include "net/conn.h"

extern const struct protocol imap_protocol;

#endif
