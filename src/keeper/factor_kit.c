/* factor_kit.c - see factor_kit.h. */
#include "keeper/factor_kit.h"

#include <setjmp.h> /* cmocka wants these three first */
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "db/vfs.h"

int factor_kit_set_up(void **state)
{
	static const unsigned char root[FACTORS_KEY_LEN] = {1, 2, 3};
	const struct factors_config config = {slice_lit("example.org"), 443, root, false};
	struct factor_kit *w = mem_new(struct factor_kit);
	struct err err;
	int rc;

	*w = (struct factor_kit){0};
	assert_true(sodium_init() >= 0);
	assert_non_null(mkdtemp(temp_path(w->dir, "keeper-kit-XXXXXX")));
	assert_int_equal(chdir(w->dir), 0);
	db_vfs_register();
	assert_int_equal(secrets_open("secrets.db", &w->secrets, &err), 0);
	assert_int_equal(factors_new(&config, &w->factors, &err), 0);
	rc = db_do(factor_kit_change(w), &err, "INSERT INTO account (id) VALUES (7), (8)");
	assert_int_equal(secrets_change_end(w->secrets, rc, &err), 0);
	*state = w;
	return 0;
}

int factor_kit_tear_down(void **state)
{
	struct factor_kit *w = *state;

	factors_free(&w->factors);
	secrets_close(&w->secrets);
	unlink("secrets.db");
	unlink("secrets.db-wal");
	unlink("secrets.db-shm");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

struct db *factor_kit_change(struct factor_kit *w)
{
	struct db *db;
	struct err err;

	assert_int_equal(secrets_change(w->secrets, &db, &err), 0);
	return db;
}
