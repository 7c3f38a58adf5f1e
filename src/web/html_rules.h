/* html_rules.h - which elements, attributes, URLs and styles of HTML mail are kept; for html.c. */
#ifndef WEB_HTML_RULES_H
#define WEB_HTML_RULES_H

#include "base/buf.h"

enum { HTML_STYLE_MAX = 8192, HTML_ATTRIBUTES_MAX = 500 };

enum html_rule {
	HTML_UNWRAP, /* what is in it is shown, it is not */
	HTML_KEEP,
	HTML_DROP, /* with all that is in it */
};

enum html_rule html_element_rule(struct slice name);
bool html_element_is_empty(struct slice name);   /* has no end tag */
unsigned html_element_breaks(struct slice name); /* line ends around it, as text */
bool html_attribute_is_kept(struct slice name);
bool html_is_web_url(struct slice url);      /* http or https */
bool html_is_data_picture(struct slice url); /* data: of a picture type, in base64 */
void html_clean_style(struct slice style, struct buf *out);
/* html_readable - how many bytes come before a tag of more than HTML_ATTRIBUTES_MAX. */
size_t html_readable(struct slice html);
#endif
