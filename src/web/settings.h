/* settings.h - what the settings pages share; for this room only. */
#ifndef WEB_SETTINGS_H
#define WEB_SETTINGS_H

#include "web/visit.h"

/* settings_values - with the page marked in the settings' navigation. */
json_t *settings_values(const char *page, const char *title);
/* settings_trouble - what a refused change is told to its user; settings_status - and by HTTP. */
const char *settings_trouble(const struct answer *answer);
unsigned settings_status(int rc);

/* Services by name: checkboxes `scope`, and a line that names them. */
void settings_put_scopes(json_t *values, unsigned scopes);
unsigned settings_take_scopes(struct http *x);
void settings_put_scope_names(json_t *row, unsigned scopes);

#endif
