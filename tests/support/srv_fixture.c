/* srv_fixture.c - see srv_fixture.h. */
#include "srv_fixture.h"

#include "store/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

int srv_fixture_set_up(void **state)
{
    struct srv_fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    temp_dir_create(&f->dir);
    assert_int_equal(srv_db_open(temp_dir_path(&f->dir, "test.db"), &f->db, NULL), FSN_OK);
    assert_int_equal(srv_migrate(f->db, srv_migrations, NULL, NULL), FSN_OK);
    assert_int_equal(srv_blobs_create(temp_dir_path(&f->dir, "blobs"), &f->blobs, NULL), FSN_OK);
    *state = f;
    return 0;
}

int srv_fixture_tear_down(void **state)
{
    struct srv_fixture *f = *state;

    srv_blobs_destroy(f->blobs);
    srv_db_close(f->db);
    temp_dir_remove(&f->dir);
    free(f);
    return 0;
}

static void digest(const char *text, char out[SRV_SHA256_SIZE])
{
    struct srv_digest context;

    srv_digest_begin(&context);
    srv_digest_add(&context, text, strlen(text));
    srv_digest_end(&context, out);
}

void srv_fixture_add(struct srv_fixture *f, enum srv_upload_kind kind, const char *id,
                     const char *text)
{
    struct srv_upload upload = {
        .kind = kind,
        .name = (char *)"name",
        .format = "idx",
        .size_bytes = (int64_t)strlen(text),
        .summary = (char *)"{}",
        .created_at_ms = 1,
    };

    enum srv_upload_insert outcome = SRV_UPLOAD_QUOTA;

    snprintf(upload.id, sizeof upload.id, "%s", id);
    digest(text, upload.sha256);
    temp_dir_write(&f->dir, "upload", text, strlen(text));
    assert_int_equal(srv_uploads_insert(f->blobs, f->db, &upload, temp_dir_path(&f->dir, "upload"),
                                        NULL, &outcome, NULL),
                     FSN_OK);
    assert_int_equal(outcome, SRV_UPLOAD_INSERTED);
}

bool srv_fixture_has_blob(struct srv_fixture *f, const char *text)
{
    char sha256[SRV_SHA256_SIZE], path[SRV_PATH_SIZE];

    digest(text, sha256);
    assert_int_equal(srv_blobs_path(f->blobs, sha256, path, NULL), FSN_OK);
    return access(path, F_OK) == 0;
}

int64_t srv_fixture_number(struct srv_fixture *f, const char *sql)
{
    struct srv_query q;
    int64_t number = 0;

    srv_query_begin(&q, f->db, sql);
    assert_true(srv_query_row(&q));
    number = srv_column_int(&q, 0);
    assert_int_equal(srv_query_end(&q, NULL), FSN_OK);
    return number;
}
