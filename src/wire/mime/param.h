/*
 * param.h - "token; name=value; ...": Content-Type and Content-Disposition; RFC 2045 5.1, 2183,
 * 2231. Private to this room.
 */
#ifndef WIRE_MIME_PARAM_H
#define WIRE_MIME_PARAM_H

#include "wire/mime/mime.h"

/* Parameters (and pieces of them) beyond these of one field are not read. */
enum { MIME_PARAMS_MAX = 100 };

/* mime_param_token - take the token or the type from the front of *value, without comments and
 * white space, in lower case; empty (ptr may be NULL) if there is none or the arena is full. */
struct slice mime_param_token(struct slice *value, struct arena *arena);

/* mime_params_parse - the parameters in what mime_param_token() has left; the ";" in front of the
 * first one may be missing. */
struct mime_params mime_params_parse(struct slice rest, struct arena *arena);

/* mime_param_line - a copy in one line, without white space at its ends; ptr NULL if full. */
struct slice mime_param_line(struct slice value, struct arena *arena);

#endif
