/* flood_look.c - what a message is, by its header; see flood.h. */
#include "base/encode.h"
#include "mail/flood.h"
#include "mail/scan.h"

/* All in lower case as scan_fold() makes it ("ß" is "ss"), each the shortest that is clear. */

/* Enrolments, whatever else the subject says. */
static const char *const sure[] = {"login details", "username and password info", "mailing list",
	"confirm your subscription", "subscription confirm", "confirm subscription", NULL};

/* What nobody may hide: accounts, money, orders. */
static const char *const security[] = {"password", "passcode", "passwort", "kennwort",
	"mot de passe", "contrase", "senha", "wachtwoord", "hasło", "пароль", "парол", "security",
	"sicherheit", "sécurité", "seguridad", "sicurezza", "segurança", "безопасност", "sign-in",
	"signed in", "sign in from", "log-in", "login", "neue anmeldung", "anmeldung von",
	"new device", "neues gerät", "nouvel appareil", "suspicious", "verdächtig", "unusual",
	"two-factor", "2-step", "2fa", "verification code", "security code", "sicherheitscode",
	"payment", "zahlung", "paiement", "pago", "pagamento", "оплат", "your order",
	"order confirm", "order #", "bestell", "auftrag", "booking", "buchung", "reservation",
	"reservierung", "appointment", "termin", "ticket", "flight", "commande", "pedido", "ordine",
	"заказ", "invoice", "rechnung", "facture", "factura", "fattura", "transfer", "überweisung",
	"virement", "transaction", "transaktion", "withdraw", "auszahlung", "purchase", "receipt",
	"quittung", "refund", "recovery", "your card", "ihre karte", "shipped", "versandt", NULL};

/* Enrolments by the subject alone. */
static const char *const strong[] = {"confirm your registration", "confirm registration",
	"confirm your e", "confirm your account", "confirm your sign", "confirm sign",
	"verify your", "activate your", "account activation", "complete your registration",
	"complete your sign", "registration confirm", "thank you for registering",
	"thanks for registering", "thank you for subscribing", "thanks for subscribing",
	"thank you for signing up", "thanks for signing up", "are now subscribed",
	"you're subscribed", "you have subscribed", "been subscribed", "subscription request",
	"request to subscribe", "opt-in", "newsletter", "bestätigen sie ihre", "bestätige deine",
	"bestätigen sie bitte", "anmeldung bestätigen", "registrierung", "konto aktivieren",
	"kontoaktivierung", "für ihre anmeldung", "für deine anmeldung", "confirmez votre",
	"confirmer votre", "votre inscription", "activez votre", "activation de votre",
	"confirma tu", "confirme su", "confirma su", "activa tu", "active su", "tu registro",
	"su registro", "conferma la tua", "conferma iscrizione", "conferma la registrazione",
	"attiva il tuo", "confirme sua", "confirme seu", "confirme o seu", "ative sua",
	"bevestig je", "bevestig uw", "potwierdź", "aktywacja", "подтвердите",
	"подтверждение подписки", "подтверждение регистрации", "активация", "登録確認", "会員登録",
	"メールマガジン", "订阅", "激活", NULL};

/* Enrolments if a machine says so too. */
static const char *const weak[] = {"welcome", "willkommen", "bienvenue", "bienvenid", "benvenut",
	"bem-vind", "bem vind", "welkom", "witamy", "добро пожаловать", "confirm", "bestätig",
	"subscri", "regist", "sign up", "signing up", "sign-up", "activat", "aktivier", "inscri",
	"iscrizion", "suscripci", "abonn", "your account", "your new account", "ihr konto",
	"thank you for joining", "thanks for joining", "регистрац", NULL};

/* Parts of addresses that only machines have. */
static const char *const machines[] = {"noreply", "no-reply", "no_reply", "donotreply",
	"do-not-reply", "newsletter", "-request", "-confirm", "wordpress", "subscri", "welcome",
	"mailer", "notification", "nicht-antworten", "nepasrepondre", NULL};

static bool has_any(struct slice text, const char *const *list)
{
	for (; *list; list++) {
		if (slice_find(text, slice_str(*list)) != SIZE_MAX)
			return true;
	}
	return false;
}

struct header {
	struct buf subject; /* folded */
	struct buf from;    /* local part and domain of the first address, folded */
	size_t at;          /* where the domain begins in it */
	bool is_machine, is_reply;
};

static void take_subject(struct header *h, struct slice value)
{
	struct buf text AUTO(buf_done);

	buf_init(&text, 3 * FLOOD_SUBJECT_MAX);
	mime_header_decode(slice_head(value, FLOOD_SUBJECT_MAX), &text);
	scan_fold(buf_slice(&text), &h->subject);
}

static void take_from(struct header *h, struct slice value)
{
	struct arena arena AUTO(arena_done);
	const struct mime_address *first;

	arena_init(&arena, 2 * FLOOD_SUBJECT_MAX);
	first = mime_address_parse(slice_head(value, FLOOD_SUBJECT_MAX), 1, &arena);
	if (!first || h->from.len)
		return;
	scan_fold(first->mailbox, &h->from);
	h->at = h->from.len;
	scan_fold(first->domain, &h->from);
	h->is_machine = h->is_machine || has_any(slice_head(buf_slice(&h->from), h->at), machines);
}

static void take(struct header *h, const struct mime_field *field)
{
	if (slice_eq_nocase(field->name, slice_lit("subject")))
		take_subject(h, field->value);
	else if (slice_eq_nocase(field->name, slice_lit("from")))
		take_from(h, field->value);
	else if (slice_eq_nocase(field->name, slice_lit("list-id")) ||
		 slice_eq_nocase(field->name, slice_lit("list-unsubscribe")))
		h->is_machine = true;
	else if (slice_eq_nocase(field->name, slice_lit("auto-submitted")))
		h->is_machine =
			h->is_machine || !slice_starts_nocase(field->value, slice_lit("no"));
	else if (slice_eq_nocase(field->name, slice_lit("in-reply-to")))
		h->is_reply = true;
}

static enum flood_kind kind_of(const struct header *h)
{
	const struct slice subject = buf_slice(&h->subject);

	if (h->is_reply || slice_starts(subject, slice_lit("re:")))
		return FLOOD_NOTHING;
	if (has_any(subject, sure))
		return FLOOD_ENROLMENT;
	if (has_any(subject, security))
		return FLOOD_SECURITY;
	if (has_any(subject, strong) || (h->is_machine && has_any(subject, weak)))
		return FLOOD_ENROLMENT;
	return FLOOD_NOTHING;
}

struct flood_look flood_look(struct slice prepared)
{
	struct header h = {0};
	struct flood_look look = {0};
	struct mime_prepared p;
	struct mime_field field;
	unsigned char digest[SHA256_LEN];
	struct err err;

	if (mime_prepared_open(prepared, &p, &err) < 0)
		return look;
	buf_init(&h.subject, 9 * FLOOD_SUBJECT_MAX);
	buf_init(&h.from, 9 * FLOOD_SUBJECT_MAX);
	while (mime_header_next(&p.fields, &field))
		take(&h, &field);
	look.kind = kind_of(&h);
	if (look.kind == FLOOD_ENROLMENT) {
		sha256(slice_from(buf_slice(&h.from), h.at), digest);
		look.sender = be64_get(digest);
	}
	buf_done(&h.subject);
	buf_done(&h.from);
	return look;
}
