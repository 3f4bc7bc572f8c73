/* test_srv_spool.c - bodies are written piece by piece, and hashed by another thread, in order. */
#include "http/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { WRITES = SRV_SPOOL_PIECE / SRV_SPOOL_WRITE }; /* of a piece */

struct taker {
    unsigned char *bytes, *hashed;
    size_t size, hashed_size, room;
    int writes, fails_at; /* the write that fails; 0: none */
    pthread_t thread;     /* that hashed last */
    useconds_t delay;
};

static struct taker taker_of(size_t room)
{
    return (struct taker){.room = room, .bytes = malloc(room + 1), .hashed = malloc(room + 1)};
}

static void free_taker(struct taker *taker)
{
    free(taker->bytes);
    free(taker->hashed);
}

static bool write_some(void *arg, const void *bytes, size_t size)
{
    struct taker *taker = arg;

    assert_in_range(size, 1, SRV_SPOOL_WRITE);
    if (++taker->writes == taker->fails_at)
        return false;
    assert_true(size <= taker->room - taker->size);
    memcpy(taker->bytes + taker->size, bytes, size);
    taker->size += size;
    return true;
}

static void hash_piece(void *arg, const void *bytes, size_t size)
{
    struct taker *taker = arg;

    usleep(taker->delay);
    taker->thread = pthread_self();
    assert_true(size <= taker->room - taker->hashed_size);
    memcpy(taker->hashed + taker->hashed_size, bytes, size);
    taker->hashed_size += size;
}

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 13);
}

/* Sends so many bytes in parts of that size; whether the spool took them all. */
static bool deliver(struct srv_spool *spool, size_t total, size_t part)
{
    unsigned char *bytes = malloc(part);
    bool taken = true;

    for (size_t at = 0; taken && at < total; at += part) {
        const size_t size = total - at < part ? total - at : part;

        for (size_t i = 0; i < size; i++)
            bytes[i] = byte_at(at + i);
        taken = srv_spool_add(spool, bytes, size);
    }
    free(bytes);
    return srv_spool_end(spool) && taken;
}

static void holds_what_was_sent(const struct taker *taker, size_t total)
{
    assert_int_equal(taker->size, total);
    assert_int_equal(taker->hashed_size, total);
    for (size_t i = 0; i < total; i++)
        assert_int_equal(taker->bytes[i], byte_at(i));
    assert_memory_equal(taker->hashed, taker->bytes, total);
}

static struct srv_offload *hasher_of(bool other_thread)
{
    struct srv_offload *hasher = NULL;
    struct fsn_error err;

    if (other_thread)
        assert_int_equal(srv_offload_create(1, &hasher, &err), FSN_OK);
    return hasher;
}

static void end(struct srv_offload *hasher)
{
    if (!hasher)
        return;
    srv_offload_stop(hasher);
    srv_offload_destroy(hasher);
}

static void all_arrives_in_order(void **state)
{
    const size_t totals[] = {1, SRV_SPOOL_PIECE - 1, SRV_SPOOL_PIECE, SRV_SPOOL_PIECE + 1,
                             (2 * SRV_SPOOL_PIECES + 3) * SRV_SPOOL_PIECE + 777};
    const size_t parts[] = {1000, 16384, 3 * SRV_SPOOL_PIECE};

    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        struct srv_offload *hasher = hasher_of(threads);

        for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
            for (size_t j = 0; j < sizeof parts / sizeof *parts; j++) {
                struct taker taker = taker_of(totals[i]);
                struct srv_spool spool;

                taker.delay = 200;
                srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
                assert_true(deliver(&spool, totals[i], parts[j]));
                holds_what_was_sent(&taker, totals[i]);
                free_taker(&taker);
            }
        end(hasher);
    }
}

static void nothing_is_written_of_an_empty_body(void **state)
{
    struct taker taker = taker_of(1);
    struct srv_spool spool;

    (void)state;
    srv_spool_begin(&spool, NULL, write_some, hash_piece, &taker);
    assert_true(srv_spool_end(&spool));
    assert_int_equal(taker.writes, 0);
    free_taker(&taker);
}

static void whole_pieces_are_hashed_by_the_other_thread(void **state)
{
    struct taker taker = taker_of(SRV_SPOOL_PIECE);
    struct srv_offload *hasher = hasher_of(true);
    struct srv_spool spool;

    (void)state;
    srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
    assert_true(deliver(&spool, SRV_SPOOL_PIECE, 4096));
    assert_int_equal(taker.writes, WRITES);
    assert_false(pthread_equal(taker.thread, pthread_self()));
    free_taker(&taker);
    end(hasher);
}

static int pieces_held(const struct srv_spool *spool)
{
    int held = 0;

    for (int i = 0; i < SRV_SPOOL_PIECES; i++)
        held += spool->piece[i].bytes != NULL;
    return held;
}

static void takes_more_pieces_only_where_the_hasher_lags(void **state)
{
    const size_t total = (size_t)2 * SRV_SPOOL_PIECES * SRV_SPOOL_PIECE;
    char *bytes = calloc(1, SRV_SPOOL_PIECE);

    (void)state;
    for (int lags = 0; lags < 2; lags++) {
        struct taker taker = taker_of(total);
        struct srv_offload *hasher = hasher_of(true);
        struct srv_spool spool;

        taker.delay = lags ? 20000 : 0;
        srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
        for (size_t at = 0; at < total; at += SRV_SPOOL_PIECE) {
            assert_true(srv_spool_add(&spool, bytes, SRV_SPOOL_PIECE));
            if (!lags) /* this sender is slower than any hasher */
                while (atomic_load(&spool.piece[0].away))
                    usleep(100);
        }
        assert_int_equal(pieces_held(&spool), lags ? SRV_SPOOL_PIECES : 1);
        assert_true(srv_spool_end(&spool));
        assert_int_equal(taker.hashed_size, total);
        assert_int_equal(pieces_held(&spool), 0);
        free_taker(&taker);
        end(hasher);
    }
    free(bytes);
}

static void a_failure_is_told_and_nothing_follows_it(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++)
        for (int at = 1; at <= 3 * WRITES; at++) {
            struct taker taker = taker_of(3 * SRV_SPOOL_PIECE);
            struct srv_offload *hasher = hasher_of(threads);
            struct srv_spool spool;

            taker.fails_at = at;
            srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
            assert_false(deliver(&spool, 3 * SRV_SPOOL_PIECE - 5, 50000));
            assert_int_equal(taker.writes, at);
            assert_int_equal(taker.size, (size_t)(at - 1) * SRV_SPOOL_WRITE);
            assert_false(srv_spool_end(&spool));
            free_taker(&taker);
            end(hasher);
        }
}

static void what_is_dropped_is_not_written(void **state)
{
    struct taker taker = taker_of(SRV_SPOOL_PIECE);
    struct srv_offload *hasher = hasher_of(true);
    struct srv_spool spool = {0};
    char *bytes = calloc(1, SRV_SPOOL_PIECE);

    (void)state;
    srv_spool_drop(&spool);
    taker.delay = 1000;
    srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
    assert_true(srv_spool_add(&spool, bytes, SRV_SPOOL_PIECE));
    assert_true(srv_spool_add(&spool, bytes, 100));
    srv_spool_drop(&spool);
    assert_int_equal(taker.writes, WRITES);
    assert_int_equal(taker.hashed_size, SRV_SPOOL_PIECE);
    assert_true(srv_spool_end(&spool));
    assert_int_equal(taker.writes, WRITES);
    free(bytes);
    free_taker(&taker);
    end(hasher);
}

/* A server that stops takes no more calls. */
static void without_the_other_thread_pieces_are_hashed_here(void **state)
{
    struct taker taker = taker_of(3 * SRV_SPOOL_PIECE);
    struct srv_offload *hasher = hasher_of(true);
    struct srv_spool spool;

    (void)state;
    srv_offload_stop(hasher);
    srv_spool_begin(&spool, hasher, write_some, hash_piece, &taker);
    assert_true(deliver(&spool, 3 * SRV_SPOOL_PIECE, 9999));
    holds_what_was_sent(&taker, 3 * SRV_SPOOL_PIECE);
    assert_true(pthread_equal(taker.thread, pthread_self()));
    free_taker(&taker);
    srv_offload_destroy(hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_arrives_in_order),
        cmocka_unit_test(nothing_is_written_of_an_empty_body),
        cmocka_unit_test(whole_pieces_are_hashed_by_the_other_thread),
        cmocka_unit_test(takes_more_pieces_only_where_the_hasher_lags),
        cmocka_unit_test(a_failure_is_told_and_nothing_follows_it),
        cmocka_unit_test(what_is_dropped_is_not_written),
        cmocka_unit_test(without_the_other_thread_pieces_are_hashed_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
