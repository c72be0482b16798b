/*
 * Migrations: numbered, immutable, each applied once in a transaction of its own together with its row in
 * schema_migrations.  An advisory lock makes starting replicas take turns.
 */
#include "core/db/internal.h"

#include <sodium.h>
#include <string.h>

#include "core/base/mem.h"

#define CHECKSUM_TEXT_SIZE (2 * crypto_hash_sha256_BYTES + 1)

/* Any number, as long as it is always this one. */
#define LOCK_SQL   "SELECT pg_advisory_lock(7091981)"
#define UNLOCK_SQL "SELECT pg_advisory_unlock(7091981)"

static const char create_table[] = "CREATE TABLE IF NOT EXISTS schema_migrations (component text NOT NULL, "
				   "version int NOT NULL, name text NOT NULL, checksum text NOT NULL, "
				   "applied_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
				   "PRIMARY KEY (component, version))";

static void checksum(const char *text, char ret[CHECKSUM_TEXT_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(ret, CHECKSUM_TEXT_SIZE, hash, sizeof(hash));
}

static const struct db_migration *find(const struct db_migration *migrations, int n, int64_t version)
{
	for (int i = 0; i < n; i++)
		if (migrations[i].version == version)
			return &migrations[i];
	return NULL;
}

/* Compares what is recorded with what this program has; done[i] tells which are applied. */
static int compare(const struct db_result *recorded, const struct db_migration *migrations, int n, bool *done,
		   struct error *err)
{
	for (int row = 0; row < db_rows(recorded); row++) {
		const struct db_migration *m = find(migrations, n, db_int(recorded, row, 0));
		char sum[CHECKSUM_TEXT_SIZE];

		if (m == NULL) {
			error_set(err, ERR_REFUSED, "migrate the database",
				  "%s was applied, but this program does not know it",
				  db_text(recorded, row, 1));
			error_hint(err, "run the program that this database belongs to, or a newer one");
			return ERR_REFUSED;
		}
		checksum(m->sql, sum);
		if (strcmp(sum, db_text(recorded, row, 2)) != 0) {
			error_set(err, ERR_REFUSED, "migrate the database",
				  "%s was changed after it had been applied", m->name);
			error_hint(err, "restore its text and put the change into a new migration");
			return ERR_REFUSED;
		}
		done[m - migrations] = true;
	}
	return 0;
}

static int record(struct db_conn *c, const char *component, const struct db_migration *m, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	char sum[CHECKSUM_TEXT_SIZE];

	checksum(m->sql, sum);
	db_param_text(&p, component);
	db_param_int(&p, m->version);
	db_param_text(&p, m->name);
	db_param_text(&p, sum);
	return db_query(
	    c, "INSERT INTO schema_migrations (component, version, name, checksum) VALUES ($1, $2, $3, $4)",
	    &p, NULL, err);
}

static int apply(struct db_conn *c, const char *component, const struct db_migration *m, struct error *err)
{
	int rc = db_begin(c, err);

	if (rc == 0)
		rc = db_run(c, m->sql, err);
	if (rc == 0)
		rc = record(c, component, m, err);
	if (rc == 0)
		rc = db_commit(c, err);
	if (rc < 0)
		db_rollback(c);
	if (rc < 0 && err != NULL) {
		struct error cause = *err;

		error_set(err, rc, "migrate the database", "%s: %s", m->name, cause.why);
	}
	return rc;
}

static int migrate_locked(struct db_conn *c, const char *component, const struct db_migration *migrations,
			  int n, struct error *err)
{
	CLEANUP(db_params_done) struct db_params p = {0};
	CLEANUP(db_result_auto) struct db_result *recorded = NULL;
	AUTO_FREE bool *done = xcalloc((size_t)n + 1, sizeof(*done));
	int rc = db_run(c, create_table, err);

	db_param_text(&p, component);
	if (rc == 0)
		rc = db_query(c,
			      "SELECT version, name, checksum FROM schema_migrations WHERE component = $1 "
			      "ORDER BY version",
			      &p, &recorded, err);
	if (rc == 0)
		rc = compare(recorded, migrations, n, done, err);
	for (int i = 0; rc == 0 && i < n; i++)
		if (!done[i])
			rc = apply(c, component, &migrations[i], err);
	return rc;
}

int db_migrate(struct db_conn *c, const char *component, const struct db_migration *migrations, int n,
	       struct error *err)
{
	struct error ignored;
	int rc = db_run(c, LOCK_SQL, err);

	if (rc < 0)
		return rc;
	rc = migrate_locked(c, component, migrations, n, err);
	if (db_run(c, UNLOCK_SQL, &ignored) < 0)
		c->broken = true;
	return rc;
}
