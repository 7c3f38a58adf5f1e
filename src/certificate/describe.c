/* describe.c - a chain of certificates in words: see certificates_describe(). */
#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "base/encode.h"
#include "certificate/internal.h"

enum { SUBJECT_MAX = 300, PARTS_MAX = 12, ROOTS_MAX = 4 << 20 };

static void x509_auto(X509 **x)
{
	X509_free(*x);
}

static void bio_auto(BIO **bio)
{
	BIO_free(*bio);
}

static json_t *name_json(const X509_NAME *name)
{
	char text[SUBJECT_MAX] = "";
	BIO *bio AUTO(bio_auto) = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_read(bio, text, sizeof(text) - 1);
	return json_stringn(text, n > 0 ? (size_t)n : 0); /* NULL (left out) if it is no UTF-8 */
}

static json_int_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (json_int_t)timegm(&tm) : 0;
}

static json_t *fingerprint(const X509 *cert)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	struct buf text AUTO(buf_done);
	unsigned n = 0;

	buf_init(&text, 2 * EVP_MAX_MD_SIZE);
	X509_digest(cert, EVP_sha256(), hash, &n);
	hex_encode(&text, (struct slice){(char *)hash, n});
	return json_stringn(text.ptr, text.len);
}

static json_t *pem_json(X509 *cert)
{
	BIO *bio AUTO(bio_auto) = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (!bio || PEM_write_bio_X509(bio, cert) != 1)
		return json_string("");
	n = BIO_get_mem_data(bio, &text);
	return json_stringn(text, (size_t)n);
}

static bool is_own_issuer(X509 *cert)
{
	return X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(cert)) == 0;
}

static json_t *part_json(X509 *cert, bool is_leaf)
{
	const char *kind = "intermediate";
	json_t *part = json_object();

	if (is_leaf)
		kind = "leaf";
	else if (is_own_issuer(cert))
		kind = "root";
	json_object_set_new(part, "kind", json_string(kind));
	json_object_set_new(part, "subject", name_json(X509_get_subject_name(cert)));
	json_object_set_new(part, "until", json_integer(seconds(X509_get0_notAfter(cert))));
	json_object_set_new(part, "sha256", fingerprint(cert));
	json_object_set_new(part, "pem", pem_json(cert));
	return part;
}

static void add_address(json_t *list, const ASN1_OCTET_STRING *bytes)
{
	const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if ((family == AF_INET || ASN1_STRING_length(bytes) == 16) &&
		inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof(text)))
		json_array_append_new(list, json_string(text));
}

static json_t *hosts_json(X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	json_t *list = json_array();

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			json_array_append_new(list,
				json_stringn((const char *)ASN1_STRING_get0_data(name->d.dNSName),
					(size_t)ASN1_STRING_length(name->d.dNSName)));
		else if (name->type == GEN_IPADD)
			add_address(list, name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
	return list;
}

static void add_leaf(json_t *row, X509 *leaf)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	char text[32] = "";

	if (key)
		snprintf(text, sizeof(text), "%s %d", EVP_PKEY_is_a(key, "RSA") ? "RSA" : "EC",
			EVP_PKEY_get_bits(key));
	json_object_set_new(row, "key", json_string(text));
	json_object_set_new(row, "hosts", hosts_json(leaf));
	json_object_set_new(row, "issuer", name_json(X509_get_issuer_name(leaf)));
	json_object_set_new(row, "from", json_integer(seconds(X509_get0_notBefore(leaf))));
	json_object_set_new(row, "until", json_integer(seconds(X509_get0_notAfter(leaf))));
	json_object_set_new(row, "sha256", fingerprint(leaf));
}

/* Who signed the last certificate of the chain, if the system knows it. */
static X509 *find_root(X509 *last, BIO *roots)
{
	X509 *root;

	while ((root = PEM_read_bio_X509(roots, NULL, NULL, (void *)""))) {
		if (X509_NAME_cmp(X509_get_subject_name(root), X509_get_issuer_name(last)) == 0 &&
			X509_verify(last, X509_get0_pubkey(root)) == 1)
			return root;
		X509_free(root);
	}
	return NULL;
}

static void add_root(json_t *parts, X509 *last, int roots_fd)
{
	X509 *root AUTO(x509_auto) = NULL;
	BIO *bio AUTO(bio_auto) = NULL;
	struct stat st;
	void *text;

	if (is_own_issuer(last) || roots_fd < 0 || fstat(roots_fd, &st) < 0 || st.st_size <= 0 ||
		st.st_size > ROOTS_MAX)
		return;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, roots_fd, 0);
	if (text == MAP_FAILED)
		return;
	bio = BIO_new_mem_buf(text, (int)st.st_size);
	root = bio ? find_root(last, bio) : NULL;
	if (root)
		json_array_append_new(parts, part_json(root, false));
	munmap(text, (size_t)st.st_size);
}

json_t *certificate_describe(struct slice pem, int roots_fd)
{
	BIO *bio AUTO(bio_auto) = BIO_new_mem_buf(pem.ptr, pem.len < INT_MAX ? (int)pem.len : 0);
	json_t *row = json_object(), *parts = json_array();
	X509 *last AUTO(x509_auto) = NULL;
	X509 *cert;

	while (bio && json_array_size(parts) < PARTS_MAX &&
		(cert = PEM_read_bio_X509(bio, NULL, NULL, (void *)""))) {
		if (!last)
			add_leaf(row, cert);
		json_array_append_new(parts, part_json(cert, !last));
		X509_free(last);
		last = cert;
	}
	if (last)
		add_root(parts, last, roots_fd);
	json_object_set_new(row, "parts", parts);
	ERR_clear_error(); /* the end of the text is one */
	return row;
}
