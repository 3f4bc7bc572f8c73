/* srv_fixture.h - a migrated database, blobs and a model and a data set in a folder of the test's
 * own; for tests of the server's store and queue. */
#ifndef TESTS_SUPPORT_SRV_FIXTURE_H
#define TESTS_SUPPORT_SRV_FIXTURE_H

#include "store/uploads.h"
#include "temp_dir.h"

struct srv_fixture {
    struct temp_dir dir;
    struct srv_db *db;
    struct srv_blobs *blobs;
};

/* For cmocka: *state becomes the fixture. */
int srv_fixture_set_up(void **state);
int srv_fixture_tear_down(void **state);

/* Stores text as the content of an upload with this id. */
void srv_fixture_add(struct srv_fixture *fixture, enum srv_upload_kind kind, const char *id,
                     const char *text);
/* Whether the content of this text is stored as a file. */
bool srv_fixture_has_blob(struct srv_fixture *fixture, const char *text);
/* The number that a query gives. */
int64_t srv_fixture_number(struct srv_fixture *fixture, const char *sql);

#endif
