/* verb_case.h - what staff can ask about recovery cases; the work is case.h's. */
#ifndef KEEPER_VERB_CASE_H
#define KEEPER_VERB_CASE_H

#include "keeper/desk.h"

task_fn verb_case_open, verb_case_evidence, verb_case_approve, verb_case_close, verb_case_list,
	verb_case_show, verb_case_flags;

#endif
