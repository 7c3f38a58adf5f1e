/* fetch.c - see fetch.h for the contract. */
#include "courier/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "base/mem.h"

enum { ADDRESSES_MAX = 8, RESOLVE_MAX = 1024 };

struct fetch {
	struct fetch_config config;
	CURL *curl;
};

int fetch_new(const struct fetch_config *config, struct fetch **out, struct err *err)
{
	struct fetch *f = mem_new(struct fetch);

	f->config = *config;
	f->curl = curl_easy_init();
	if (!f->curl) {
		free(f);
		return err_set(err, ERR_IO, "libcurl cannot be set up");
	}
	*out = f;
	return 0;
}

void fetch_free(struct fetch **fetch)
{
	if (*fetch)
		curl_easy_cleanup((*fetch)->curl);
	free(*fetch);
	*fetch = NULL;
}

void fetch_reply_init(struct fetch_reply *reply)
{
	*reply = (struct fetch_reply){0};
	buf_init(&reply->head, FETCH_HEAD_MAX);
}

void fetch_reply_done(struct fetch_reply *reply)
{
	buf_done(&reply->head);
	buf_done(&reply->body);
}

static void list_auto(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static void url_auto(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void text_auto(char **text)
{
	curl_free(*text);
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return host[0] == '[' || inet_pton(AF_INET, host, bytes) == 1;
}

/* "+HOST:PORT:ADDRESS,ADDRESS" for CURLOPT_RESOLVE: libcurl asks nobody. */
static int resolve(struct fetch *f, const char *url_text, struct curl_slist **list, struct err *err)
{
	CURLU *url AUTO(url_auto) = curl_url();
	char *host AUTO(text_auto) = NULL, *port AUTO(text_auto) = NULL;
	char addresses[ADDRESSES_MAX][DNS_ADDRESS_MAX], line[RESOLVE_MAX];
	size_t n = 0, len;
	int rc;

	if (!url || curl_url_set(url, CURLUPART_URL, url_text, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return err_set(err, ERR_SYNTAX, "not a URL: %.100s", url_text);
	if (is_address(host))
		return 0;
	rc = dns_addresses(f->config.dns, host, addresses, ADDRESSES_MAX, &n, err);
	if (rc < 0)
		return rc;
	len = (size_t)snprintf(line, sizeof(line), "+%s:%s:", host, port);
	for (size_t i = 0; i < n && len < sizeof(line); i++)
		len += (size_t)snprintf(
			line + len, sizeof(line) - len, "%s%s", i ? "," : "", addresses[i]);
	if (len >= sizeof(line))
		return err_set(err, ERR_SYNTAX, "not a URL: %.100s", url_text);
	*list = curl_slist_append(NULL, line);
	return 0;
}

static size_t take(char *bytes, size_t size, size_t n, void *context)
{
	struct buf *out = context;

	buf_append(out, (struct slice){bytes, size * n});
	return out->failed ? 0 : size * n;
}

static int on_progress(
	void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	const struct fetch *f = context;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return atomic_load(f->config.must_stop);
}

static bool is_private(const struct sockaddr *address)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct slice bytes = address->sa_family == AF_INET
					   ? (struct slice){(const char *)&four->sin_addr, IP_V4}
					   : (struct slice){(const char *)&six->sin6_addr, IP_V6};
	struct ip ip;

	return !ip_from_bytes(bytes, &ip) || ip_is_private(&ip);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct fetch *f = context;

	(void)purpose;
	if (f->config.is_public_only && is_private(&to->addr))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static void set_safety(struct fetch *f)
{
	CURL *c = f->curl;
	struct curl_blob ca = {
		(void *)(uintptr_t)f->config.ca_pem.ptr, f->config.ca_pem.len, CURL_BLOB_NOCOPY};

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, f);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, f);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "Posthouse");
}

static void set_request(struct fetch *f, const struct fetch_request *request,
	const struct curl_slist *fields, struct fetch_reply *reply)
{
	CURL *c = f->curl;

	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(
		c, CURLOPT_NOBODY, (long)slice_eq(slice_str(request->method), slice_lit("HEAD")));
	if (request->body.len) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, request->body.ptr);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	}
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &reply->body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &reply->head);
}

static int failure(CURLcode code, const char *url, struct err *err)
{
	enum err_code mapped = ERR_BUSY;

	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		mapped = ERR_DENIED;
	else if (code == CURLE_WRITE_ERROR)
		mapped = ERR_TOOBIG;
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
		mapped = ERR_SYNTAX;
	return err_set(err, mapped, "%.80s: %s", url, curl_easy_strerror(code));
}

int fetch_do(struct fetch *f, const struct fetch_request *request, struct fetch_reply *reply,
	struct err *err)
{
	struct curl_slist *fields AUTO(list_auto) = NULL, *hosts AUTO(list_auto) = NULL;
	char url[FETCH_URL_MAX + 1];
	curl_off_t retry_after_s = 0;
	long status = 0;
	CURLcode code;
	int rc;

	if (request->url.len > FETCH_URL_MAX)
		return err_set(err, ERR_SYNTAX, "a URL of %zu bytes", request->url.len);
	snprintf(url, sizeof(url), "%.*s", SLICE_ARG(request->url));
	rc = resolve(f, url, &hosts, err);
	if (rc < 0)
		return rc;
	buf_clear(&reply->head);
	buf_done(&reply->body);
	buf_init(&reply->body, request->body_max);
	for (size_t i = 0; request->fields && request->fields[i]; i++)
		fields = curl_slist_append(fields, request->fields[i]);
	curl_easy_reset(f->curl); /* connections stay */
	set_safety(f);
	curl_easy_setopt(f->curl, CURLOPT_URL, url);
	curl_easy_setopt(f->curl, CURLOPT_RESOLVE, hosts);
	set_request(f, request, fields, reply);
	code = curl_easy_perform(f->curl);
	if (code != CURLE_OK)
		return failure(code, url, err);
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	reply->status = (unsigned)status;
	curl_easy_getinfo(f->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
	reply->retry_after_s =
		retry_after_s > 0 ? (int64_t)retry_after_s : 0; /* a date may be past */
	return 0;
}

struct slice fetch_header(const struct fetch_reply *reply, const char *name)
{
	struct slice rest = buf_slice(&reply->head);

	while (rest.len) {
		struct slice value, line = slice_cut(rest, '\n', &rest);
		const struct slice field = slice_cut(line, ':', &value);

		if (value.ptr && slice_eq_nocase(field, slice_str(name)))
			return slice_trim(value);
	}
	return (struct slice){0};
}
