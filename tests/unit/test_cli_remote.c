/* test_cli_remote.c - what fsnet remote reads and what it takes for an address; events as the HTML
 * Living Standard has them (9.2.6). */
#include "cli/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- events ------------------------------------------------------------------------------------
 */

struct heard {
    char text[512]; /* "name=data;" of each */
    struct remote_events events;
};

static void hear(void *user, const char *name, const char *data)
{
    struct heard *heard = user;
    size_t size = strlen(heard->text);

    snprintf(heard->text + size, sizeof heard->text - size, "%s=%s;", name, data);
}

static void begin(struct heard *heard)
{
    memset(heard, 0, sizeof *heard);
    heard->events.take = hear;
    heard->events.user = heard;
}

static bool add(struct heard *heard, const char *text)
{
    return remote_events_add(&heard->events, text, strlen(text));
}

static const char stream[] = ": alive\n\nevent: epoch\nid: 0.1\ndata: {\"a\": 1}\n\n"
                             "data:two\r\ndata: lines\r\n\r\nid: 7\n\nevent: job\nid:end\ndata\n\n";
static const char in_stream[] = "epoch={\"a\": 1};=two\nlines;job=;";

static void a_stream_is_read_in_whatever_pieces_it_comes(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof stream; piece++) {
        struct heard heard;

        begin(&heard);
        for (size_t at = 0; at < sizeof stream - 1; at += piece) {
            size_t left = sizeof stream - 1 - at;

            assert_true(remote_events_add(&heard.events, stream + at, left < piece ? left : piece));
        }
        assert_string_equal(heard.text, in_stream);
        assert_string_equal(heard.events.id, "end");
        remote_events_cut(&heard.events);
    }
}

static void an_id_counts_when_its_event_is_whole(void **state)
{
    struct heard heard;

    (void)state;
    begin(&heard);
    assert_true(add(&heard, "id: 0.1\ndata: one\n\nevent: epoch\nid: 0.2\ndata: tw"));
    assert_string_equal(heard.events.id, "0.1");
    remote_events_cut(&heard.events);
    assert_true(add(&heard, "data: two\n\n")); /* of a new stream */
    assert_string_equal(heard.text, "=one;=two;");
    assert_string_equal(heard.events.id, "0.1");
    remote_events_cut(&heard.events);
}

static void an_id_that_could_be_another_header_is_none(void **state)
{
    struct heard heard;

    (void)state;
    begin(&heard);
    assert_true(add(&heard, "id: 1\rX-Evil: 1\ndata: one\n\nid: a b\ndata: two\n\n"));
    assert_string_equal(heard.events.id, "");
    assert_string_equal(heard.text, "=one;=two;");
    remote_events_cut(&heard.events);
}

static void an_event_has_an_end(void **state)
{
    char line[1000];
    struct heard heard;
    int lines = 0;

    (void)state;
    memset(line, 'x', sizeof line);
    begin(&heard);
    while (lines < 2000 && remote_events_add(&heard.events, line, sizeof line))
        lines++;
    assert_in_range(lines, 500, 1048);
    remote_events_cut(&heard.events);
    memcpy(line, "data: ", 6);
    line[sizeof line - 1] = '\n';
    for (lines = 0; lines < 2000 && remote_events_add(&heard.events, line, sizeof line);)
        lines++;
    assert_in_range(lines, 1000, 1056); /* a megabyte of 994 bytes each */
    remote_events_cut(&heard.events);
}

/* ---- addresses and texts -----------------------------------------------------------------------
 */

static void an_address_has_one_form(void **state)
{
    static const char *const cases[][2] = {
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"HTTP://127.0.0.1:8080//", "http://127.0.0.1:8080"},
        {"https://a.example:443/", "https://a.example"},
        {"https://a.example/fsnet/", "https://a.example/fsnet"},
        {"http://[::1]:80", "http://[::1]"},
    };
    static const char *const refused[] = {
        "",           "127.0.0.1:8080", "ftp://a.example",    "file:///etc/passwd", "https://",
        "http://u@a", "http://u:p@a",   "http://a.example?x", "http://a.example#x", "http://a b"};
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *url = remote_url(cases[i][0], &why);

        assert_non_null(url);
        assert_string_equal(url, cases[i][1]);
        free(url);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        why = NULL;
        assert_null(remote_url(refused[i], &why));
        assert_non_null(why);
    }
}

static void a_token_can_stand_in_a_header(void **state)
{
    char longest[1002];

    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[1001] = '\0';
    assert_false(remote_is_token(longest));
    longest[1000] = '\0';
    assert_true(remote_is_token(longest));
    assert_true(remote_is_token("fsn_0_a"));
    assert_false(remote_is_token(""));
    assert_false(remote_is_token("a b"));
    assert_false(remote_is_token("a\r\nb"));
    assert_false(remote_is_token("\xc3\xa9"));
}

static void what_a_server_says_cannot_move_the_cursor(void **state)
{
    static const char text[] = "{\"a\": [\"x\\u001b[2Jy\", \"\\u007f\", \"\xc2\x9b"
                               "2J\"], \"b\": \"n\xc3\xa4me \xc2\xa0\xe2\x82\xac\"}";
    json_t *value = remote_parse(text, sizeof text - 1), *items;

    (void)state;
    assert_non_null(value);
    items = json_object_get(value, "a");
    assert_string_equal(json_string_value(json_array_get(items, 0)), "x [2Jy");
    assert_string_equal(json_string_value(json_array_get(items, 1)), " ");
    assert_string_equal(json_string_value(json_array_get(items, 2)), "  2J");
    assert_string_equal(remote_text(value, "b"), "n\xc3\xa4me \xc2\xa0\xe2\x82\xac");
    assert_string_equal(remote_text(value, "c"), "");
    assert_null(remote_parse("{\"a\": ", 6));
    assert_null(remote_parse(NULL, 0));
    assert_null(remote_parse("{\"a\": {\"\\u009b\": 1}}", 20));
    json_decref(value);
}

static void an_id_stays_in_its_place_of_the_path(void **state)
{
    static const char *const refused[] = {"", "..", "a/b", "a?b", "a%2e", "a b", "\xc3\xa4"};
    const struct cli_command command = {.name = "test"};
    char path[REMOTE_PATH_SIZE];

    (void)state;
    assert_true(remote_path(&command, REMOTE_JOB, "job_0-A", "/report", path));
    assert_string_equal(path, "/v1/jobs/job_0-A/report");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_false(remote_path(&command, REMOTE_JOB, refused[i], "", path));
    assert_true(remote_path(&command, remote_kind_of("mdl_1"), "mdl_1", "/predict", path));
    assert_string_equal(path, "/v1/models/mdl_1/predict");
    assert_true(remote_path(&command, remote_kind_of("dst_1"), "dst_1", "", path));
    assert_string_equal(path, "/v1/datasets/dst_1");
    assert_int_equal(remote_kind_of("anything"), REMOTE_JOB);
}

static void a_query_holds_any_text(void **state)
{
    static struct remote_query query;
    char longest[REMOTE_QUERY_SIZE];

    (void)state;
    remote_query_begin(&query, "/v1/jobs");
    remote_query_add(&query, "name", NULL);
    assert_string_equal(query.path, "/v1/jobs");
    remote_query_add(&query, "name", "a b&c=%\xc3\xa4~");
    remote_query_add(&query, "limit", "");
    assert_string_equal(query.path, "/v1/jobs?name=a%20b%26c%3D%25%C3%A4~&limit=");
    assert_false(query.full);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    remote_query_add(&query, "label", longest);
    assert_true(query.full);
}

/* ---- uploads that were begun -------------------------------------------------------------------
 */

static const char here[] = "http://127.0.0.1:1", kind[] = "kind bW9kZWw=", sum[] = "00ff";

/* What is known of an upload to that server, of this metadata and content, and forgets nothing. */
static const char *known(const char *server, const char *metadata, const char *sha256)
{
    static struct remote_begun begun;

    remote_begun_open(&begun, server, metadata, sha256);
    remote_begun_close(&begun, false);
    return begun.upload;
}

static void what_was_begun_is_known_until_it_is_done(void **state)
{
    static const char upload[] = "/v1/uploads/upl_1";
    char folder[] = "/tmp/test_cli_remote_XXXXXX";
    struct remote_begun begun, second;
    struct stat info;
    FILE *cut;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_STATE_HOME", folder, 1), 0);
    remote_begun_open(&begun, here, kind, sum);
    assert_string_equal(begun.upload, "");
    remote_begun_keep(&begun, here, sum, upload);
    assert_int_equal(stat(begun.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    remote_begun_open(&second, here, kind, sum); /* the first is still at it */
    assert_int_equal(second.file, -1);
    assert_string_equal(second.upload, "");
    remote_begun_close(&begun, false);

    assert_string_equal(known(here, kind, sum), upload);
    assert_string_equal(known("http://127.0.0.1:2", kind, sum), "");
    assert_string_equal(known(here, "kind bW9kZWw=,name eA==", sum), "");
    assert_string_equal(known(here, kind, "00fe"), "");

    cut = fopen(begun.path, "w");
    assert_non_null(cut);
    assert_true(fputs("{\"server\": \"http://127.0.0.1:1\", \"sha256\": \"00ff\", "
                      "\"upload\": \"/v1/uploads/../jobs\"}",
                      cut) > 0);
    assert_int_equal(fclose(cut), 0);
    assert_string_equal(known(here, kind, sum), "");

    remote_begun_open(&begun, here, kind, sum);
    remote_begun_keep(&begun, here, sum, upload);
    remote_begun_close(&begun, true);
    for (int i = 0; i < 3; i++) { /* .../fsnet/uploads: nothing else is left there */
        *strrchr(begun.path, '/') = '\0';
        assert_int_equal(rmdir(begun.path), 0);
    }
}

static void without_a_place_nothing_is_kept(void **state)
{
    struct remote_begun begun;

    (void)state;
    assert_int_equal(unsetenv("XDG_STATE_HOME") | unsetenv("HOME"), 0);
    remote_begun_open(&begun, here, kind, sum);
    assert_int_equal(begun.file, -1);
    remote_begun_keep(&begun, here, sum, "/v1/uploads/upl_1");
    remote_begun_close(&begun, true);
}

/* FIPS 180-2, appendix B.1. */
static void a_text_has_its_sha256(void **state)
{
    char hex[REMOTE_SHA256_SIZE];

    (void)state;
    remote_digest_text("abc", hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_read_in_whatever_pieces_it_comes),
        cmocka_unit_test(an_id_counts_when_its_event_is_whole),
        cmocka_unit_test(an_id_that_could_be_another_header_is_none),
        cmocka_unit_test(an_event_has_an_end),
        cmocka_unit_test(an_address_has_one_form),
        cmocka_unit_test(a_token_can_stand_in_a_header),
        cmocka_unit_test(what_a_server_says_cannot_move_the_cursor),
        cmocka_unit_test(an_id_stays_in_its_place_of_the_path),
        cmocka_unit_test(a_query_holds_any_text),
        cmocka_unit_test(what_was_begun_is_known_until_it_is_done),
        cmocka_unit_test(without_a_place_nothing_is_kept),
        cmocka_unit_test(a_text_has_its_sha256),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
