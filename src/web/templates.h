/* templates.h - what the build embeds: the templates, and the files under /static/. */
#ifndef WEB_TEMPLATES_H
#define WEB_TEMPLATES_H

#include "http/http.h"
#include "page/page.h"

extern const struct page_set web_templates;
extern const struct http_static web_static[];
extern const size_t web_static_n;

#endif
