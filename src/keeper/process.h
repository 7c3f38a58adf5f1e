/* process.h - the verbs that the keeper's process answers without a task; for verbs.c alone. */
#ifndef KEEPER_PROCESS_H
#define KEEPER_PROCESS_H

#include "keeper/loop.h"

bool process_sign(void *process, struct caller caller, struct frame *f);
bool process_ticket_keys(void *process, struct caller caller, struct frame *f);
bool process_subscribe(void *process, struct caller caller, struct frame *f);
bool process_closed(void *process, struct caller caller, struct frame *f);
bool process_sms_take(void *process, struct caller caller, struct frame *f);

#endif
