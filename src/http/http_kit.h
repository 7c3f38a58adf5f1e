/*
 * http_kit.h - the site that the tests of this room are served: each row shows one thing that a
 * request or a reply can be.
 */
#ifndef HTTP_KIT_H
#define HTTP_KIT_H

#include "http/http.h"

extern const struct http_row kit_rows[];
extern const size_t kit_rows_n;

#endif
