/* password.c - see password.h for the contract. */
#include "keeper/password.h"

#include <string.h>

#include "base/mem.h"

enum {
	TEXT_MAX = 128,  /* a longer one is looked at up to here */
	AROUND_MIN = 5,  /* characters that it must have around the address */
	ROW_MIN = 4,     /* neighbours in a row that count as one */
	ADDRESS_MIN = 3, /* a shorter local part says nothing */
	KINDS_MIN = 4,   /* different characters */
	REPEAT_MAX = 6,  /* length of a piece that is repeated */

	/* What is no common word and no row, in bits of what it costs a guesser at the least. */
	OWN_BITS_MIN = 20,
	LETTER_BITS = 4, /* a letter or sign */
	DIGITS_FEW = 4,  /* so many digits together are a year or a date, and cost a bit each */
	DIGIT_BITS = 3,  /* those beyond */
	SWITCH_BITS = 2, /* from letters to digits or back, more often than people do it */
	SWITCHES_FREE = 2,
};

/* What people take, by the lists of what was found; with what they take it together with. */
static const char *const words[] = {"password", "passwort", "passord", "motdepasse", "contrasena",
	"senha", "parola", "wachtwoord", "haslo", "passwd", "pass", "secret", "geheim", "letmein",
	"welcome", "willkommen", "bienvenue", "admin", "administrator", "root", "user", "login",
	"master", "access", "test", "testing", "guest", "default", "changeme", "temp", "hello",
	"hallo", "salut", "iloveyou", "ichliebedich", "jetaime", "teamo", "love", "loveme",
	"lovely", "dragon", "monkey", "tiger", "lion", "eagle", "falcon", "phoenix", "butterfly",
	"dolphin", "flower", "sunshine", "summer", "sommer", "winter", "spring", "autumn",
	"january", "february", "march", "april", "june", "july", "august", "september", "october",
	"november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	"sunday", "montag", "freitag", "football", "fussball", "soccer", "baseball", "basketball",
	"hockey", "golf", "tennis", "liverpool", "arsenal", "chelsea", "barcelona", "juventus",
	"yankees", "lakers", "cowboys", "superman", "batman", "spiderman", "ironman", "pokemon",
	"pikachu", "starwars", "skywalker", "matrix", "shadow", "ninja", "samurai", "killer",
	"hunter", "ranger", "trustno", "trustnoone", "whatever", "nothing", "freedom", "forever",
	"princess", "prince", "angel", "babygirl", "baby", "sweety", "honey", "schatz", "cookie",
	"chocolate", "cheese", "banana", "orange", "apple", "cherry", "pepper", "ginger", "coffee",
	"michael", "jennifer", "jessica", "ashley", "daniel", "andrew", "thomas", "robert",
	"charlie", "george", "jordan", "joshua", "matthew", "anthony", "william", "christian",
	"nicole", "michelle", "amanda", "melissa", "samantha", "maggie", "buster", "harley",
	"mustang", "ferrari", "porsche", "mercedes", "corvette", "computer", "internet", "google",
	"facebook", "windows", "linux", "samsung", "iphone", "android", "server", "mail", "email",
	"webmail", "fastmail", "posthouse", "company", "office", "business", "money", "dollar",
	"diamond", "silver", "golden", "purple", "yellow", "blue", "black", "white", "green",
	"magic", "music", "guitar", "metallica", "nirvana", "jesus", "christ", "god", "heaven",
	"fuck", "fuckyou", "fucker", "asshole", "bitch", "pussy", "sexy", "sex", "thunder",
	"lightning", "jackson", "james", "john", "peter", "maria", "anna", "alex", "mike", "david",
	"martin", "correcthorsebatterystaple", "correct", "horse", "battery", "staple", "qwerty",
	"qwertz", "azerty", "asdf", "qazwsx", "zaq", "abc", "abcd", "xyz", "the", "my", "is", "you",
	"me", "and", "new", "old", "one", "two", "super", "big", "great", "good", "best", "number"};

/* Rows of keys and letters; read in both directions. */
static const char *const rows[] = {"abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl",
	"zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "01234567890",
	"qazwsxedcrfvtgb", "1qaz2wsx3edc4rfv5tgb", "1q2w3e4r5t6y7u8i9o0p", "!@#$%^&*()",
	"!\"$%&/()="};

static size_t count_chars(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.ptr[i] & 0xc0) != 0x80; /* UTF-8: where one begins */
	return n;
}

static char plain(char c)
{
	static const char from[] = "0134578@$!|", to[] = "oieastbasil";
	const char *at;

	c = (char)ascii_lower((unsigned char)c);
	at = c ? strchr(from, c) : NULL;
	return at ? to[at - from] : c;
}

static struct slice to_lower(struct slice in, char out[TEXT_MAX], bool is_plain)
{
	const struct slice s = slice_head(in, TEXT_MAX);

	for (size_t i = 0; i < s.len; i++)
		out[i] = is_plain ? plain(s.ptr[i]) : (char)ascii_lower((unsigned char)s.ptr[i]);
	return (struct slice){out, s.len};
}

static size_t longest_word(struct slice s)
{
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct slice word = slice_str(words[i]);

		if (word.len > longest && slice_starts(s, word))
			longest = word.len;
	}
	return longest;
}

/* How far s goes along the row from `at`, in steps of 1 or -1. */
static size_t along(struct slice s, struct slice row, size_t at, int step)
{
	size_t n = 0;

	while (n < s.len && at < row.len && s.ptr[n] == row.ptr[at]) {
		n++;
		at += (size_t)step; /* below 0 is past the end */
	}
	return n;
}

static size_t longest_row(struct slice s)
{
	size_t longest = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct slice row = slice_str(rows[i]);

		for (size_t at = 0; at < row.len; at++) {
			const size_t on = along(s, row, at, 1), back = along(s, row, at, -1);
			const size_t n = on > back ? on : back;

			longest = n > longest ? n : longest;
		}
	}
	return longest >= ROW_MIN ? longest : 0;
}

static bool is_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	}
	return true;
}

/* What remains when words and rows are taken out. */
struct own {
	size_t bits;
	size_t digits; /* of the run we are in */
	size_t switches;
	bool has_letter, has_any; /* the last one was a letter; there was one */
};

static void add_own(struct own *own, char c)
{
	const bool is_letter = c < '0' || c > '9';

	own->switches += own->has_any && is_letter != own->has_letter;
	own->digits = is_letter ? 0 : own->digits + 1;
	if (is_letter)
		own->bits += LETTER_BITS;
	else
		own->bits += own->digits > DIGITS_FEW ? DIGIT_BITS : 1;
	own->has_letter = is_letter;
	own->has_any = true;
}

static size_t own_bits(struct slice s)
{
	char lower[TEXT_MAX], likes[TEXT_MAX];
	struct slice rest = to_lower(s, lower, false), like = to_lower(s, likes, true);
	struct own own = {0};
	size_t gone;

	for (; rest.len; rest = slice_from(rest, gone), like = slice_from(like, gone)) {
		const size_t other = longest_word(rest), row = longest_row(rest);
		size_t word = longest_word(like);

		if (is_digits(slice_head(rest, word)))
			word = 0; /* nobody reads a word there */
		gone = word > other ? word : other;
		gone = row > gone ? row : gone;
		if (!gone) {
			gone = 1;
			add_own(&own, rest.ptr[0]);
		}
	}
	mem_wipe(lower, sizeof(lower));
	mem_wipe(likes, sizeof(likes));
	return own.bits +
	       (own.switches > SWITCHES_FREE ? SWITCH_BITS * (own.switches - SWITCHES_FREE) : 0);
}

static bool is_repeated(struct slice s)
{
	for (size_t n = 1; n <= REPEAT_MAX && 2 * n <= s.len; n++) {
		if (memcmp(s.ptr, s.ptr + n, s.len - n) == 0)
			return true;
	}
	return false;
}

static size_t count_kinds(struct slice s)
{
	bool seen[256] = {false};
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		const unsigned char c = (unsigned char)s.ptr[i];

		n += !seen[c];
		seen[c] = true;
	}
	return n;
}

/* Digits alone are guessed through up to a dozen of them. */
static bool is_number(struct slice s)
{
	return s.len < 16 && is_digits(s);
}

/* The address, or a part of it, with less than AROUND_MIN around it. */
static bool is_of_address(struct slice password, struct slice address)
{
	char a[TEXT_MAX], b[TEXT_MAX];
	const struct slice p = to_lower(password, a, true), whole = to_lower(address, b, true);
	const size_t at = slice_chr(address, '@');
	struct slice parts[3] = {whole};
	bool is_it = false;

	if (at == SIZE_MAX || at >= whole.len)
		return false;
	parts[1] = slice_head(whole, at);
	parts[2] = slice_from(whole, at + 1);
	for (size_t i = 0; i < 3; i++)
		is_it |= parts[i].len >= ADDRESS_MIN && p.len < parts[i].len + AROUND_MIN &&
			 slice_find(p, parts[i]) != SIZE_MAX;
	mem_wipe(a, sizeof(a));
	return is_it;
}

int password_check(struct slice password, struct slice address, struct err *err)
{
	if (count_chars(password) < PASSWORD_CHARS_MIN)
		return err_set(err, ERR_SYNTAX, "The password is too short: at least %d characters",
			PASSWORD_CHARS_MIN);
	if (is_of_address(password, address))
		return err_set(err, ERR_SYNTAX, "The password is made of the address");
	if (is_repeated(password) || is_number(password) || count_kinds(password) < KINDS_MIN ||
		(password.len <= TEXT_MAX && own_bits(password) < OWN_BITS_MIN &&
			count_chars(password) < 3 * PASSWORD_CHARS_MIN))
		return err_set(
			err, ERR_SYNTAX, "The password is too common: others would guess it early");
	return 0;
}
