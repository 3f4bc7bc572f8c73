/* test_srv_webhook.c - webhooks: signatures as Standard Webhooks has them, addresses that a client
 * may not send the server to, and the outbox. */
#include "base/address.h"
#include "jobs/courier.h"
#include "jobs/hooks.h"
#include "jobs/queue.h"
#include "srv_fixture.h"
#include "store/webhooks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

/* ---- signatures ------------------------------------------------------------------------------ */

static void a_signature_is_that_of_the_published_example(void **state)
{
    char signature[SRV_WEBHOOK_SIGNATURE_SIZE];

    (void)state;
    assert_int_equal(srv_webhook_sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                      "{\"test\": 2432232314}", signature, NULL),
                     FSN_OK);
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void a_secret_has_its_prefix_and_24_to_64_bytes(void **state)
{
    static const char *const wrong[] = {
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==", /* 22 and a half bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLQ==", /* 22 */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS?",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        /* 66 */
        ("whsec_QUFBQUFB"
         "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"),
    };
    char fresh[SRV_WEBHOOK_SECRET_SIZE], other[SRV_WEBHOOK_SECRET_SIZE];
    char signature[SRV_WEBHOOK_SIGNATURE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (srv_webhook_secret_valid(wrong[i]))
            fail_msg("'%s' is taken for a secret", wrong[i]);
    assert_true(srv_webhook_secret_valid(SECRET));
    assert_int_equal(srv_webhook_secret_new(fresh, NULL), FSN_OK);
    assert_int_equal(srv_webhook_secret_new(other, NULL), FSN_OK);
    assert_true(srv_webhook_secret_valid(fresh));
    assert_string_not_equal(fresh, other);
    assert_int_equal(srv_webhook_sign("whsec_", "msg", 1, "", signature, NULL), FSN_INVALID);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void addresses_are_told_apart(void **state)
{
    /* From the registries of IANA: the first and last address of blocks, and their neighbours. */
    static const struct {
        const char *address, *kind; /* NULL: public */
    } cases[] = {
        {"0.0.0.0", "unspecified"},
        {"0.255.255.255", "unspecified"},
        {"1.0.0.0", NULL},
        {"9.255.255.255", NULL},
        {"10.0.0.0", "private"},
        {"10.255.255.255", "private"},
        {"11.0.0.0", NULL},
        {"100.63.255.255", NULL},
        {"100.64.0.0", "carrier-grade NAT"},
        {"100.127.255.255", "carrier-grade NAT"},
        {"100.128.0.0", NULL},
        {"127.0.0.1", "loopback"},
        {"127.255.255.255", "loopback"},
        {"128.0.0.0", NULL},
        {"169.254.169.254", "link-local"}, /* where clouds keep credentials */
        {"169.255.0.0", NULL},
        {"172.15.255.255", NULL},
        {"172.16.0.0", "private"},
        {"172.31.255.255", "private"},
        {"172.32.0.0", NULL},
        {"192.0.0.8", "reserved"},
        {"192.0.2.1", "documentation"},
        {"192.167.255.255", NULL},
        {"192.168.0.0", "private"},
        {"192.168.255.255", "private"},
        {"192.169.0.0", NULL},
        {"198.17.255.255", NULL},
        {"198.18.0.0", "benchmarking"},
        {"198.19.255.255", "benchmarking"},
        {"198.20.0.0", NULL},
        {"223.255.255.255", NULL},
        {"224.0.0.1", "multicast"},
        {"239.255.255.255", "multicast"},
        {"240.0.0.0", "reserved"},
        {"255.255.255.255", "reserved"},
        {"93.184.216.34", NULL},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::2", "reserved"},
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:10.1.2.3", "private"},
        {"::ffff:93.184.216.34", NULL},
        {"::127.0.0.1", "reserved"}, /* IPv4-compatible, given up long ago */
        {"64:ff9b::10.0.0.1", "private"},
        {"64:ff9b::93.184.216.34", NULL},
        {"64:ff9b:1::1", "reserved"},
        {"2002:7f00:1::1", "loopback"}, /* 6to4 of 127.0.0.1 */
        {"2002:5db8:d822::1", NULL},
        {"2001:0:1::1", "reserved"}, /* Teredo */
        {"2001:db8::1", "documentation"},
        {"2606:2800:220:1:248:1893:25c8:1946", NULL},
        {"3fff::1", "documentation"},
        {"4000::1", "reserved"},
        {"fbff::1", "reserved"},
        {"fc00::1", "private"},
        {"fdff::1", "private"},
        {"fe80::1", "link-local"},
        {"febf::1", "link-local"},
        {"fec0::1", "private"},
        {"ff02::1", "multicast"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *kind = srv_address_text_not_public(cases[i].address);

        if ((kind == NULL) != (cases[i].kind == NULL) || (kind && strcmp(kind, cases[i].kind) != 0))
            fail_msg("%s: expected %s, got %s", cases[i].address,
                     cases[i].kind ? cases[i].kind : "public", kind ? kind : "public");
    }
    assert_string_equal(srv_address_text_not_public("example.com"), "");
}

static void sockets_of_both_families_and_no_other_are_judged(void **state)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &ipv4.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET6, "fe80::1", &ipv6.sin6_addr), 1);
    assert_string_equal(srv_address_not_public((void *)&ipv4), "loopback");
    assert_string_equal(srv_address_not_public((void *)&ipv6), "link-local");
    assert_non_null(srv_address_not_public(&other));
    assert_int_equal(inet_pton(AF_INET, "93.184.216.34", &ipv4.sin_addr), 1);
    assert_null(srv_address_not_public((void *)&ipv4));
}

static void addresses_are_written_as_what_they_are(void **state)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(443)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct srv_address address;
    char text[SRV_ADDRESS_SIZE];

    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &ipv4.sin_addr), 1);
    assert_true(srv_address_of((void *)&ipv4, &address));
    srv_address_write(&address, text);
    assert_string_equal(text, "192.0.2.7");
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &ipv6.sin6_addr), 1);
    assert_true(srv_address_of((void *)&ipv6, &address));
    srv_address_write(&address, text);
    assert_string_equal(text, "2001:db8::7");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.8", &ipv6.sin6_addr), 1);
    assert_true(srv_address_of((void *)&ipv6, &address));
    srv_address_write(&address, text);
    assert_string_equal(text, "192.0.2.8");
    assert_false(srv_address_of(&other, &address));
}

static void urls_that_lead_astray_are_refused_whatever_their_spelling(void **state)
{
    static const char *const refused[] = {
        "",
        "example.com/hook",
        "/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://",
        "http://exa mple.com/",
        "http://user:password@example.com/",
        "http://user@example.com/",
    };
    static const char *const private[] = {
        "http://localhost/",
        "http://LOCALHOST:8080/x",
        "http://hooks.localhost/",
        "http://localhost./",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1:8443/",
    };
    static const char *const taken[] = {
        "http://example.com",     "https://example.com:8443/hook?key=value",
        "https://93.184.216.34/", "https://[2606:2800:220:1:248:1893:25c8:1946]/",
        "https://notlocalhost/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!srv_courier_refuses(refused[i], true))
            fail_msg("'%s' is taken", refused[i]);
    for (size_t i = 0; i < sizeof private / sizeof *private; i++) {
        if (!srv_courier_refuses(private[i], false))
            fail_msg("'%s' is taken", private[i]);
        if (srv_courier_refuses(private[i], true))
            fail_msg("'%s' is refused where private ones are allowed", private[i]);
    }
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (srv_courier_refuses(taken[i], false))
            fail_msg("'%s' is refused", taken[i]);
}

/* ---- the outbox ------------------------------------------------------------------------------ */

static int set_up(void **state)
{
    srv_fixture_set_up(state);
    srv_fixture_add(*state, SRV_UPLOAD_MODEL, "mdl_1", "model");
    srv_fixture_add(*state, SRV_UPLOAD_DATASET, "dst_1", "data");
    return 0;
}

/* A job that tells of these events; NULL: it has no webhook. */
static void insert(struct srv_fixture *f, const char *id, const char *events)
{
    struct srv_webhook webhook = {
        .url = (char *)"https://example.com/", .secret = SECRET, .events = (char *)events};
    struct srv_job job = {.name = (char *)"n",
                          .spec = (char *)"{}",
                          .plan = (char *)"{}",
                          .model_id = "mdl_1",
                          .dataset_id = "dst_1",
                          .created_at_ms = 1,
                          .webhook = events ? &webhook : NULL};
    enum srv_job_insert outcome = SRV_JOB_QUEUE_FULL;

    snprintf(job.id, sizeof job.id, "%s", id);
    assert_int_equal(srv_jobs_insert(f->db, &job, &(struct srv_key){0}, 10, &outcome, NULL),
                     FSN_OK);
    assert_int_equal(outcome, SRV_JOB_INSERTED);
}

static struct srv_job claim(struct srv_fixture *f, int64_t now_ms)
{
    struct srv_job job;
    bool found = false;

    assert_int_equal(srv_jobs_claim(f->db, now_ms, now_ms + 1000, &job, &found, NULL), FSN_OK);
    assert_true(found);
    return job;
}

static void apply(struct srv_fixture *f, struct srv_job *job, enum srv_job_event event)
{
    bool moved = false;

    assert_int_equal(srv_queue_apply(f->db, job, event, NULL, NULL, &moved, NULL), FSN_OK);
    assert_true(moved);
    srv_job_clear(job);
}

static bool take(struct srv_fixture *f, int64_t now_ms, struct srv_delivery *out)
{
    bool found = false;

    assert_int_equal(srv_deliveries_take(f->db, now_ms, now_ms + 100, out, &found, NULL), FSN_OK);
    return found;
}

static void a_change_of_status_and_what_is_told_of_it_are_one_write(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_delivery rows[SRV_MAX_DELIVERIES];
    struct srv_job job;
    size_t count = 0;

    insert(f, "job_1", "[\"job.started\",\"job.succeeded\"]");
    insert(f, "job_2", NULL);
    job = claim(f, 1000);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM deliveries"), 1);
    apply(f, &job, SRV_JOB_EVENT_RETRY); /* a job has started once, however often it is tried */
    job = claim(f, 2000);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM deliveries"), 1);
    /* What is undone is not told. */
    assert_int_equal(srv_db_begin(f->db, NULL), FSN_OK);
    assert_int_equal(srv_db_exec(f->db,
                                 "UPDATE jobs SET status = 'succeeded', lease_until = NULL,"
                                 " finished_at = 1 WHERE id = 'job_1'",
                                 NULL),
                     FSN_OK);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM deliveries"), 2);
    assert_int_equal(srv_db_end(f->db, FSN_CANCELLED, NULL), FSN_CANCELLED);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM deliveries"), 1);
    apply(f, &job, SRV_JOB_EVENT_SUCCEED);
    job = claim(f, 3000);
    assert_string_equal(job.id, "job_2");
    apply(f, &job, SRV_JOB_EVENT_FAIL);

    assert_int_equal(srv_deliveries_list(f->db, "job_1", rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].event, "job.started");
    assert_int_equal(rows[0].happened_at_ms, 1000);
    assert_string_equal(rows[1].event, "job.succeeded");
    assert_int_equal(rows[1].status, SRV_DELIVERY_PENDING);
    srv_delivery_clear(&rows[0]);
    srv_delivery_clear(&rows[1]);
    assert_int_equal(srv_deliveries_list(f->db, "job_2", rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 0);
}

static void only_events_that_were_asked_for_are_told(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_delivery row;
    struct srv_job job;

    insert(f, "job_1", "[\"job.cancelled\"]");
    job = claim(f, 1000);
    assert_false(take(f, INT64_MAX / 2, &row));
    apply(f, &job, SRV_JOB_EVENT_CANCEL);
    assert_true(take(f, INT64_MAX / 2, &row));
    assert_string_equal(row.event, "job.cancelled");
    assert_null(row.body);
    srv_delivery_clear(&row);
}

static void an_attempt_that_nobody_noted_is_made_again(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_delivery row;
    struct srv_job job;

    insert(f, "job_1", "[\"job.started\"]");
    job = claim(f, 1000);
    srv_job_clear(&job);
    assert_false(take(f, 999, &row));
    assert_true(take(f, 1000, &row));
    assert_int_equal(row.attempts, 1);
    assert_int_equal(srv_deliveries_set_body(f->db, row.id, "{}", NULL), FSN_OK);
    srv_delivery_clear(&row);
    assert_false(take(f, 1099, &row)); /* its lease */
    assert_true(take(f, 1100, &row));
    assert_int_equal(row.attempts, 2);
    assert_string_equal(row.body, "{}");
    assert_int_equal(srv_deliveries_give_back(f->db, row.id, 1150, NULL), FSN_OK);
    srv_delivery_clear(&row);
    assert_true(take(f, 1150, &row));
    assert_int_equal(row.attempts, 2);
    row.status = SRV_DELIVERY_DELIVERED;
    row.response_status = 204;
    assert_int_equal(srv_deliveries_note(f->db, &row, NULL), FSN_OK);
    srv_delivery_clear(&row);
    assert_false(take(f, INT64_MAX / 2, &row));
}

static void a_receiver_that_is_gone_is_told_nothing_more(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_delivery rows[SRV_MAX_DELIVERIES];
    struct srv_job job;
    size_t count = 0;

    insert(f, "job_1", "[\"job.started\",\"job.failed\"]");
    job = claim(f, 1000);
    assert_int_equal(srv_webhooks_end(f->db, "job_1", "gone", NULL), FSN_OK);
    apply(f, &job, SRV_JOB_EVENT_FAIL);
    assert_int_equal(srv_deliveries_list(f->db, "job_1", rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].status, SRV_DELIVERY_FAILED);
    assert_string_equal(rows[0].error, "gone");
    srv_delivery_clear(&rows[0]);
}

static void delays_grow_to_half_a_day(void **state)
{
    static const int64_t seconds[] = {1, 4, 16, 64, 256, 1024, 4096, 16384, 43200, 43200};

    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        assert_int_equal(srv_hooks_delay_ms((int64_t)i + 1, 0), seconds[i] * 1000);
    assert_int_equal(srv_hooks_delay_ms(100, 0), 43200 * 1000);
}

static void a_receiver_may_ask_for_longer_delays_and_not_for_shorter(void **state)
{
    (void)state;
    assert_int_equal(srv_hooks_delay_ms(1, 30), 30 * 1000);
    assert_int_equal(srv_hooks_delay_ms(4, 30), 64 * 1000);
    assert_int_equal(srv_hooks_delay_ms(1, 43200), 43200 * 1000);
    assert_int_equal(srv_hooks_delay_ms(1, 43201), 43200 * 1000);
    assert_int_equal(srv_hooks_delay_ms(1, INT64_MAX), 43200 * 1000);
    assert_int_equal(srv_hooks_delay_ms(1, -5), 1000);
}

int main(void)
{
#define STORED(test) cmocka_unit_test_setup_teardown(test, set_up, srv_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_that_of_the_published_example),
        cmocka_unit_test(a_secret_has_its_prefix_and_24_to_64_bytes),
        cmocka_unit_test(addresses_are_told_apart),
        cmocka_unit_test(sockets_of_both_families_and_no_other_are_judged),
        cmocka_unit_test(addresses_are_written_as_what_they_are),
        cmocka_unit_test(urls_that_lead_astray_are_refused_whatever_their_spelling),
        STORED(a_change_of_status_and_what_is_told_of_it_are_one_write),
        STORED(only_events_that_were_asked_for_are_told),
        STORED(an_attempt_that_nobody_noted_is_made_again),
        STORED(a_receiver_that_is_gone_is_told_nothing_more),
        cmocka_unit_test(delays_grow_to_half_a_day),
        cmocka_unit_test(a_receiver_may_ask_for_longer_delays_and_not_for_shorter),
    };
#undef STORED

    return cmocka_run_group_tests(tests, NULL, NULL);
}
