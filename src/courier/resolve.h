/* resolve.h - the verb `resolve` (ask/verbs.h): a row of desk.c's table. */
#ifndef COURIER_RESOLVE_H
#define COURIER_RESOLVE_H

#include "courier/desk.h"

desk_fn desk_resolve;

#endif
