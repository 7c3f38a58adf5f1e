/* operator_dkim.c - the operator's calls about keys for DKIM; see keeper.h for the contract. */
#include "keeper/operator_internal.h"

int keeper_dkim_add(const char *socket_path, struct slice domain, uint64_t after_s,
	bool is_rotation, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	frame_begin(&request, 1, FRAME_DKIM_ADD);
	frame_put(&request, domain);
	frame_put_u64(&request, after_s);
	frame_put_u64(&request, is_rotation);
	return operator_ask(socket_path, &request, &reply, &f, err);
}

int keeper_dkim_list(const char *socket_path, struct slice domain, keeper_dkim_fn *each,
	void *context, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct keeper_dkim key;
	struct frame f;
	int rc;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_ANSWER_MAX);
	frame_begin(&request, 1, FRAME_DKIM_LIST);
	frame_put(&request, domain);
	rc = operator_ask(socket_path, &request, &reply, &f, err);
	if (rc < 0)
		return rc;
	while (f.rest.len && !f.is_bad) {
		key.domain = frame_bytes(&f);
		key.selector = frame_bytes(&f);
		key.is_rsa = frame_u64(&f) != 0;
		key.from_s = (int64_t)frame_u64(&f);
		key.until_s = (int64_t)frame_u64(&f);
		key.state = (enum keeper_dkim_state)frame_u64(&f);
		key.public_key = frame_bytes(&f);
		f.is_bad = f.is_bad || key.state > KEEPER_DKIM_FORMER;
		if (!f.is_bad)
			each(context, &key);
	}
	return frame_end(&f) ? 0 : err_set(err, ERR_IO, "the keeper's answer makes no sense");
}

int keeper_dkim_remove(
	const char *socket_path, struct slice domain, struct slice selector, struct err *err)
{
	struct buf request AUTO(buf_done), reply AUTO(buf_done);
	struct frame f;

	buf_init(&request, FRAME_CLI_MAX);
	buf_init(&reply, FRAME_CLI_MAX);
	frame_begin(&request, 1, FRAME_DKIM_REMOVE);
	frame_put(&request, domain);
	frame_put(&request, selector);
	return operator_ask(socket_path, &request, &reply, &f, err);
}
