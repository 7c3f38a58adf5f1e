/*
 * gate.c - port 25: what is asked about strangers, parked, and what follows from the answers.
 *
 * smtp_session_ask() is how any part of a session asks the DNS: its function is run until it has
 * nothing more to ask or DOOR_NAMES_MS were waited for this message.
 */
#include "ask/ask.h"
#include "base/clock.h"
#include "door/door.h"
#include "mailauth/return_path.h"
#include "smtp/session.h"

/* ---- asking ---- */

static void on_names(struct conn *c, struct answer *answer);

static void go_on(struct conn *c)
{
	struct session_asking *asking = &session_of(c)->asking;

	for (;;) {
		asking->run(c);
		if (asking->view->pending == 0)
			break;
		if (asking->left_ms > 0) {
			asking->since_ms = clock_mono_ms();
			ask_resolve(session_service(c)->ask, c, asking->view, asking->left_ms,
				on_names);
			return;
		}
		dns_view_fail(asking->view);
	}
	asking->then(c);
}

static void on_names(struct conn *c, struct answer *answer)
{
	struct session_asking *asking = &session_of(c)->asking;

	asking->left_ms -= clock_mono_ms() - asking->since_ms;
	ask_take(asking->view, answer);
	go_on(c);
}

void smtp_session_ask(
	struct conn *c, struct dns_view *view, smtp_session_fn *run, smtp_session_fn *then)
{
	struct session_asking *asking = &session_of(c)->asking;

	asking->view = view;
	asking->run = run;
	asking->then = then;
	go_on(c);
}

/* ---- the greeting ---- */

static void on_patience(struct conn *c, struct answer *answer)
{
	(void)answer; /* nobody answers: time has passed */
	session_of(c)->visit->was_early = conn_is_early(c);
	smtp_session_greet(c);
}

void smtp_gate_open(struct conn *c)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);

	if (service->door)
		s->visit = door_visit_new(service->door, conn_peer_address(c));
	if (s->visit && door_greet_ms(service->door) > 0)
		conn_park(c, door_greet_ms(service->door), on_patience);
	else
		smtp_session_greet(c);
}

/* The proxy's own look-up counts, so that it and we think the same of a client. */
static void tell(struct door_visit *visit, const struct smtp_xclient *x)
{
	static const enum door_iprev results[] = {[SMTP_TOLD_VALUE] = IPREV_PASS,
		[SMTP_TOLD_NONE] = IPREV_PERMERROR,
		[SMTP_TOLD_UNKNOWN] = IPREV_TEMPERROR};
	const enum smtp_told told = x->told[XCLIENT_NAME];

	if (told == SMTP_TOLD_VALUE)
		door_visit_tell(visit, IPREV_PASS, x->values[XCLIENT_NAME]);
	else if (told != SMTP_TOLD_NOTHING && x->told[XCLIENT_REVERSE_NAME] == SMTP_TOLD_VALUE)
		door_visit_tell(visit, told == SMTP_TOLD_NONE ? IPREV_FAIL : results[told],
			x->values[XCLIENT_REVERSE_NAME]);
	else if (told != SMTP_TOLD_NOTHING)
		door_visit_tell(visit, results[told], (struct slice){0});
}

void smtp_gate_change(struct conn *c, const struct smtp_xclient *x)
{
	struct service *service = session_service(c);
	struct session *s = session_of(c);

	if (x->told[XCLIENT_ADDR] == SMTP_TOLD_VALUE) {
		conn_speak_for(c, &x->address);
		door_visit_free(&s->visit);
		if (service->door)
			s->visit = door_visit_new(service->door, conn_peer_address(c));
	}
	if (s->visit)
		tell(s->visit, x);
	smtp_session_greet(c);
}

/* ---- answers that come late ---- */

static void end_tarpit(struct conn *c)
{
	struct session *s = session_of(c);

	if (s->is_in_tarpit)
		door_tarpit_end(session_service(c)->door);
	s->is_in_tarpit = false;
}

static void on_late(struct conn *c, struct answer *answer)
{
	struct session *s = session_of(c);

	(void)answer;
	end_tarpit(c);
	if (s->late_text)
		smtp_session_fail(c, s->late_say, s->late_text);
	else
		smtp_session_rcpt_take(c);
}

/* The reply to this RCPT, now or after so long; text NULL: the recipient is taken. */
static void reply_late(struct conn *c, int64_t ms, enum smtp_say say, const char *text)
{
	struct session *s = session_of(c);

	s->late_say = say;
	s->late_text = text;
	if (ms > 0 && door_tarpit_begin(session_service(c)->door)) {
		s->is_in_tarpit = true;
		conn_park(c, ms, on_late);
		return;
	}
	on_late(c, NULL);
}

/* ---- a recipient ---- */

static void look(struct conn *c)
{
	struct session *s = session_of(c);

	s->visit->helo = slice_str(s->helo);
	/* Tags change; whoever they are of is the same. */
	s->visit->sender = prvs_strip(s->tx->env.sender);
	door_look(session_service(c)->door, s->visit);
}

static void judge(struct conn *c)
{
	static const enum smtp_say says[] = {
		[DOOR_DEFER] = SMTP_SAY_DEFERRED, [DOOR_REFUSE] = SMTP_SAY_REFUSED};
	static const char *const names[] = {
		[DOOR_PASS] = "pass", [DOOR_DEFER] = "defer", [DOOR_REFUSE] = "refuse"};
	struct session *s = session_of(c);
	struct session_tx *tx = s->tx;
	const struct slice address = tx->env.recipients[tx->env.recipients_n].address;
	const struct slice local = slice_head(address, slice_rchr(address, '@'));
	struct door_judgement j;
	const char *text;

	door_judge(session_service(c)->door, s->visit, address,
		slice_eq_nocase(local, slice_lit("postmaster")), &j);
	if (j.points || j.decision != DOOR_PASS)
		log_info(conn_log(c), "door", log_c("decision", names[j.decision]),
			log_n("points", j.points), log_c("why", j.why),
			log_s("from", tx->env.sender), log_s("to", address));
	if (j.decision != DOOR_PASS)
		smtp_session_track_refused(c, address, smtp_say_code(says[j.decision]), j.why);
	else if (j.points)
		track_event(session_service(c)->track, tx->id, "checked", log_n("points", j.points),
			log_c("why", j.why), log_s("to", address));
	text = j.decision == DOOR_PASS ? NULL : arena_str(&tx->arena, slice_str(j.text));
	if (j.decision != DOOR_PASS && !text)
		text = "";
	reply_late(c, j.tarpit_ms, says[j.decision], text);
}

void smtp_gate_rcpt(struct conn *c)
{
	struct session *s = session_of(c);

	if (s->visit)
		smtp_session_ask(c, &s->visit->view, look, judge);
	else
		smtp_session_rcpt_take(c);
}

bool smtp_gate_unknown(struct conn *c, enum smtp_say say)
{
	struct session *s = session_of(c);
	struct door *door = session_service(c)->door;
	int64_t late_ms;

	if (!s->visit)
		return false;
	late_ms = door_note_unknown(door, s->visit);
	if (late_ms == 0 || !door_tarpit_begin(door))
		return false;
	s->is_in_tarpit = true;
	s->late_say = say;
	s->late_text = "";
	conn_park(c, late_ms, on_late);
	return true;
}

/* ---- afterwards ---- */

struct slice smtp_gate_name(const struct session *s)
{
	return s->visit && s->visit->iprev == IPREV_PASS ? s->visit->name : (struct slice){0};
}

void smtp_gate_stored(struct conn *c)
{
	const struct session *s = session_of(c);

	if (s->visit)
		door_note_message(session_service(c)->door, s->visit);
}

void smtp_gate_close(struct conn *c)
{
	end_tarpit(c);
	door_visit_free(&session_of(c)->visit);
}
