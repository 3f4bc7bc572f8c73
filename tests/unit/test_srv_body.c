/* test_srv_body.c - what becomes of a body's file when the body is discarded: its name goes at
 * once, large ones are closed by another thread, appended ones cut back. */
#include "http/body.h"
#include "http/closer.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <cmocka.h>

enum { LARGE = SRV_CLOSER_LARGE, SMALL = 1000 };

struct bench {
    struct temp_dir dir;
    struct srv_offload *closer;
    uv_sem_t held; /* its thread waits for it */
};

static void wait_for_test(void *user)
{
    uv_sem_wait(user);
}

/* The closer's thread is busy until let_close. */
static void begin(struct bench *bench)
{
    struct fsn_error err;

    temp_dir_create(&bench->dir);
    assert_int_equal(uv_sem_init(&bench->held, 0), 0);
    assert_int_equal(srv_offload_create(1, &bench->closer, &err), FSN_OK);
    assert_int_equal(srv_offload_submit(bench->closer, wait_for_test, NULL, &bench->held), FSN_OK);
}

static void let_close(struct bench *bench)
{
    uv_sem_post(&bench->held);
    srv_offload_stop(bench->closer);
}

static void end(struct bench *bench)
{
    srv_offload_destroy(bench->closer);
    uv_sem_destroy(&bench->held);
    temp_dir_remove(&bench->dir);
}

static void add(struct srv_body *body, int64_t size)
{
    char *bytes = calloc(1, (size_t)size);

    assert_non_null(bytes);
    srv_body_add(body, bytes, (size_t)size);
    free(bytes);
}

static void receive(struct bench *bench, struct srv_body *body, int64_t limit, int64_t size)
{
    struct fsn_error err;

    assert_int_equal(srv_body_begin(body, SRV_BODY_FILE, limit, bench->dir.path, NULL, &err),
                     FSN_OK);
    body->closer = bench->closer;
    add(body, size);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static int open_files(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += is_open(fd);
    return count;
}

static void a_large_file_is_closed_elsewhere(void **state)
{
    struct srv_body body;
    struct bench bench;
    int fd;

    (void)state;
    begin(&bench);
    receive(&bench, &body, LARGE, LARGE);
    fd = body.fd;
    assert_int_equal(temp_dir_count(&bench.dir), 1);
    srv_body_abandon(&body);
    assert_int_equal(temp_dir_count(&bench.dir), 0);
    assert_true(is_open(fd));
    let_close(&bench);
    assert_false(is_open(fd));
    end(&bench);
}

static void a_small_one_is_closed_here(void **state)
{
    struct srv_body body;
    struct bench bench;
    int fd;

    (void)state;
    begin(&bench);
    receive(&bench, &body, LARGE, LARGE - 1);
    fd = body.fd;
    srv_body_abandon(&body);
    assert_int_equal(temp_dir_count(&bench.dir), 0);
    assert_false(is_open(fd));
    let_close(&bench);
    end(&bench);
}

static void without_the_other_thread_it_is_closed_here(void **state)
{
    struct srv_body body;
    struct bench bench;
    int fd;

    (void)state;
    begin(&bench);
    let_close(&bench);
    for (int i = 0; i < 2; i++) {
        receive(&bench, &body, LARGE, LARGE);
        fd = body.fd;
        if (i == 1)
            body.closer = NULL;
        srv_body_abandon(&body);
        assert_false(is_open(fd));
        assert_int_equal(temp_dir_count(&bench.dir), 0);
    }
    end(&bench);
}

static void what_is_too_large_goes_elsewhere_too(void **state)
{
    struct srv_body body;
    struct bench bench;
    int fd;

    (void)state;
    begin(&bench);
    receive(&bench, &body, LARGE, LARGE);
    fd = body.fd;
    add(&body, 1);
    assert_int_equal(body.status, FSN_LIMIT);
    assert_int_equal(body.size_bytes, LARGE + 1);
    assert_int_equal(temp_dir_count(&bench.dir), 0);
    assert_true(is_open(fd));
    srv_body_abandon(&body);
    let_close(&bench);
    assert_false(is_open(fd));
    end(&bench);
}

/* It is not open any more when it is removed. */
static void so_does_a_whole_one(void **state)
{
    struct srv_body body;
    struct bench bench;
    int open_before;

    (void)state;
    begin(&bench);
    open_before = open_files();
    receive(&bench, &body, LARGE, LARGE);
    srv_body_end(&body);
    assert_int_equal(open_files(), open_before);
    srv_body_abandon(&body);
    assert_int_equal(temp_dir_count(&bench.dir), 0);
    assert_int_equal(open_files(), open_before + 1);
    let_close(&bench);
    assert_int_equal(open_files(), open_before);
    end(&bench);
}

static void a_file_that_was_moved_away_stays_whole(void **state)
{
    const char *path;
    struct srv_body body;
    struct bench bench;
    struct stat info;

    (void)state;
    begin(&bench);
    receive(&bench, &body, LARGE, LARGE);
    srv_body_end(&body);
    path = temp_dir_path(&bench.dir, "kept");
    assert_int_equal(rename(body.path, path), 0);
    srv_body_abandon(&body);
    let_close(&bench);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, LARGE);
    assert_int_equal(unlink(path), 0);
    end(&bench);
}

/* Of an appended part that nobody has compared nothing stays; who discards it finds the file
 * unlocked, who abandons it leaves that to the other thread. */
static void an_unchecked_part_is_cut_off(void **state)
{
    (void)state;
    for (int abandons = 0; abandons < 2; abandons++) {
        struct srv_checksum checksum;
        const char *path;
        struct srv_body body;
        struct bench bench;
        struct stat info;
        int fd, other;

        begin(&bench);
        path = temp_dir_path(&bench.dir, "part");
        fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, "12345", 5), 5);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
        assert_true(srv_checksum_begin(&checksum, "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="));
        srv_body_append(&body, fd, 5, LARGE, &checksum, "upl_1", NULL);
        body.closer = bench.closer;
        add(&body, LARGE);
        if (abandons)
            srv_body_abandon(&body);
        else
            srv_body_discard(&body);
        other = open(path, O_RDWR | O_CLOEXEC);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), abandons ? -1 : 0);
        let_close(&bench);
        assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
        assert_int_equal(fstat(other, &info), 0);
        assert_int_equal(info.st_size, 5);
        close(other);
        assert_int_equal(unlink(path), 0);
        end(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_file_is_closed_elsewhere),
        cmocka_unit_test(a_small_one_is_closed_here),
        cmocka_unit_test(without_the_other_thread_it_is_closed_here),
        cmocka_unit_test(what_is_too_large_goes_elsewhere_too),
        cmocka_unit_test(so_does_a_whole_one),
        cmocka_unit_test(a_file_that_was_moved_away_stays_whole),
        cmocka_unit_test(an_unchecked_part_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
