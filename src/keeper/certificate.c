/* certificate.c - see certificate.h for the contract. */
#include "keeper/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/random.h"

enum { NAME_BYTES = 254, COMMON_NAME_MAX = 64, SERIAL_BYTES = 16, SKEW_S = 3600, ANSWER_DAYS = 7 };

static void x509_auto(X509 **x)
{
	X509_free(*x);
}

static void bio_auto(BIO **bio)
{
	BIO_free(*bio);
}

static void names_auto(GENERAL_NAMES **names)
{
	GENERAL_NAMES_free(*names);
}

/* One name of the certificate: an address if it reads as one, else a DNS name. */
static bool add_name(GENERAL_NAMES *names, struct slice name)
{
	char text[NAME_BYTES] = "";
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *value;
	bool is_ip, ok;

	memcpy(text, name.ptr, name.len < sizeof(text) ? name.len : sizeof(text) - 1);
	value = a2i_IPADDRESS(text);
	is_ip = value != NULL;
	if (!is_ip) {
		value = ASN1_IA5STRING_new();
		ok = value && ASN1_STRING_set(value, name.ptr, (int)name.len) == 1;
	} else {
		ok = true;
	}
	if (!gn || !ok || sk_GENERAL_NAME_push(names, gn) <= 0) {
		GENERAL_NAME_free(gn);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(gn, is_ip ? GEN_IPADD : GEN_DNS, value);
	return true;
}

static GENERAL_NAMES *make_names(const struct slice *list, size_t n)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (size_t i = 0; i < n; i++) {
		if (names && !add_name(names, list[i])) {
			GENERAL_NAMES_free(names);
			return NULL;
		}
	}
	return names;
}

static bool add_names(X509 *x, const struct slice *list, size_t n)
{
	GENERAL_NAMES *names AUTO(names_auto) = make_names(list, n);

	return names &&
	       X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *bn;
	bool ok;

	random_bytes(bytes, sizeof(bytes));
	bytes[0] &= 0x7f; /* RFC 5280 4.1.2.2: positive */
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

static bool set_subject(X509 *x, struct slice name)
{
	X509_NAME *subject = X509_get_subject_name(x);

	name = slice_head(name, COMMON_NAME_MAX);
	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		       (const unsigned char *)name.ptr, (int)name.len, -1, 0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1;
}

static bool fill(X509 *x, EVP_PKEY *pkey, const struct slice *names, size_t n, unsigned days)
{
	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	       /* Clocks differ: it is good a little before it is made. */
	       X509_gmtime_adj(X509_getm_notBefore(x), -SKEW_S) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), (int)days, 0, NULL) &&
	       X509_set_pubkey(x, pkey) == 1 && set_subject(x, names[0]) &&
	       add_names(x, names, n) &&
	       add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, NID_ext_key_usage, "serverAuth") &&
	       add_extension(x, NID_subject_key_identifier, "hash");
}

static int sign_and_write(X509 *x, EVP_PKEY *pkey, struct buf *out, struct err *err)
{
	BIO *bio AUTO(bio_auto) = BIO_new(BIO_s_mem());
	char *pem = NULL;
	long len;

	if (!bio || X509_sign(x, pkey, EVP_sha256()) <= 0 || PEM_write_bio_X509(bio, x) != 1)
		return err_set(err, ERR_IO, "cannot make a certificate");
	len = BIO_get_mem_data(bio, &pem);
	buf_append(out, (struct slice){pem, (size_t)len});
	return buf_check(out, "a certificate", err);
}

static int check_names(const struct slice *names, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i].len >= NAME_BYTES)
			return err_set(err, ERR_SYNTAX, "a name is too long for a certificate");
	}
	return 0;
}

int certificate_make(EVP_PKEY *pkey, const struct slice *names, size_t n, unsigned days,
	struct buf *out, struct err *err)
{
	X509 *x AUTO(x509_auto) = X509_new();
	const int rc = check_names(names, n, err);

	if (rc < 0)
		return rc;
	if (!x || !fill(x, pkey, names, n, days))
		return err_set(err, ERR_IO, "cannot make a certificate");
	return sign_and_write(x, pkey, out, err);
}

/* id-pe-acmeIdentifier of RFC 8737 6.1: critical, the digest as an OCTET STRING. */
static bool add_digest(X509 *x, const unsigned char digest[CERTIFICATE_DIGEST_LEN])
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	unsigned char der[2 + CERTIFICATE_DIGEST_LEN] = {
		V_ASN1_OCTET_STRING, CERTIFICATE_DIGEST_LEN};
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool ok;

	memcpy(der + 2, digest, CERTIFICATE_DIGEST_LEN);
	ok = oid && value && ASN1_OCTET_STRING_set(value, der, sizeof(der)) == 1 &&
	     (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value)) != NULL &&
	     X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ok;
}

int certificate_answer(EVP_PKEY *pkey, struct slice host,
	const unsigned char digest[CERTIFICATE_DIGEST_LEN], struct buf *out, struct err *err)
{
	X509 *x AUTO(x509_auto) = X509_new();
	const int rc = check_names(&host, 1, err);

	if (rc < 0)
		return rc;
	if (!x || !fill(x, pkey, &host, 1, ANSWER_DAYS) || !add_digest(x, digest))
		return err_set(err, ERR_IO, "cannot make a certificate");
	return sign_and_write(x, pkey, out, err);
}

static void request_auto(X509_REQ **request)
{
	X509_REQ_free(*request);
}

static bool add_requested_names(X509_REQ *request, const struct slice *list, size_t n)
{
	GENERAL_NAMES *names AUTO(names_auto) = make_names(list, n);
	X509_EXTENSION *ext = names ? X509V3_EXT_i2d(NID_subject_alt_name, 0, names) : NULL;
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	bool ok = ext && extensions && sk_X509_EXTENSION_push(extensions, ext) > 0;

	if (!ok)
		X509_EXTENSION_free(ext);
	ok = ok && X509_REQ_add_extensions(request, extensions) == 1;
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return ok;
}

int certificate_request(
	EVP_PKEY *pkey, const struct slice *names, size_t n, struct buf *out, struct err *err)
{
	X509_REQ *request AUTO(request_auto) = X509_REQ_new();
	unsigned char *der = NULL;
	int len, rc = check_names(names, n, err);

	if (rc < 0)
		return rc;
	if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
		X509_REQ_set_pubkey(request, pkey) != 1 ||
		!add_requested_names(request, names, n) ||
		X509_REQ_sign(request, pkey, EVP_sha256()) <= 0 ||
		(len = i2d_X509_REQ(request, &der)) <= 0)
		return err_set(err, ERR_IO, "cannot make a certificate request");
	buf_append(out, (struct slice){(char *)der, (size_t)len});
	OPENSSL_free(der);
	return buf_check(out, "a certificate request", err);
}
