/* manifest.c - see manifest.h for the contract. */
#include "transfer/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

struct box {
	struct slice folder;
	const json_t *json;
};

struct manifest {
	json_t *root;
	struct box *boxes;
	struct map by_folder;
};

static struct slice text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return (struct slice){json_string_value(value), json_string_length(value)};
}

static int check(const json_t *root, struct err *err)
{
	const char *format = json_string_value(json_object_get(root, "format"));
	const json_int_t version = json_integer_value(json_object_get(root, "version"));

	if (!format || strcmp(format, MANIFEST_FORMAT) != 0)
		return err_set(err, ERR_SYNTAX, MANIFEST_FILE " is not the head of an archive");
	if (version != MANIFEST_VERSION)
		return err_set(err, ERR_SYNTAX, "the archive is of version %lld, not %d",
			(long long)version, MANIFEST_VERSION);
	return 0;
}

static void gather(struct manifest *manifest)
{
	const json_t *list = json_object_get(manifest->root, "mailboxes");
	const size_t n = json_array_size(list);

	manifest->boxes = mem_zalloc_array(n + 1, sizeof(*manifest->boxes));
	for (size_t i = 0; i < n; i++) {
		struct box *box = &manifest->boxes[i];

		box->json = json_array_get(list, i);
		box->folder = text_of(box->json, "folder");
		if (json_is_string(json_object_get(box->json, "folder")))
			map_put(&manifest->by_folder, box->folder, box);
	}
}

int manifest_read(struct slice text, struct manifest **out, struct err *err)
{
	struct manifest *manifest;
	json_t *root;
	int rc;

	if (text.len > MANIFEST_MAX)
		return err_set(err, ERR_TOOBIG, MANIFEST_FILE " is too large");
	root = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_SYNTAX, MANIFEST_FILE " is not JSON");
	}
	rc = check(root, err);
	if (rc < 0) {
		json_decref(root);
		return rc;
	}
	manifest = mem_new(struct manifest);
	manifest->root = root;
	gather(manifest);
	*out = manifest;
	return 0;
}

void manifest_free(struct manifest **manifest)
{
	struct manifest *m = *manifest;

	*manifest = NULL;
	if (!m)
		return;
	map_done(&m->by_folder);
	json_decref(m->root);
	free(m->boxes);
	free(m);
}

const json_t *manifest_json(const struct manifest *manifest)
{
	return manifest->root;
}

bool manifest_mailbox(
	const struct manifest *manifest, struct slice folder, struct manifest_mailbox *out)
{
	const struct box *box = map_get(&manifest->by_folder, folder);

	if (!box)
		return false;
	*out = (struct manifest_mailbox){.name = text_of(box->json, "name"),
		.role = text_of(box->json, "role"),
		.is_subscribed = json_is_true(json_object_get(box->json, "subscribed"))};
	return out->name.len > 0;
}

struct slice manifest_keyword(const struct manifest *manifest, unsigned number)
{
	const json_t *value = json_array_get(json_object_get(manifest->root, "keywords"), number);

	return (struct slice){json_string_value(value), json_string_length(value)};
}
