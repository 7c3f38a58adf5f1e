/* verb_certificate.c - `certificate-list`: what this server uses, and what it does not. */
#include "admin/verb.h"
#include "certificate/certificate.h"

void verb_certificate_list(struct conn *c, const json_t *args)
{
	json_t *rows = certificates_describe(verb_service(c)->certificates);

	(void)args;
	for (size_t i = 0; i < json_array_size(rows); i++)
		verb_row(conn_out(c), json_incref(json_array_get(rows, i)));
	json_decref(rows);
	verb_done(conn_out(c), NULL);
}
