/* test_cli_report.c - what the command line says of a detector's job: its report
 * (tests/fixtures/report-detect.json, written by hand), its epochs, the files of its search. */
#include "cli/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is printed --------------------------------------------------------------------------
 */

struct caught {
    FILE *stream, *file;
    int before;
    char text[8192];
};

static void catch_begin(struct caught *caught, FILE *stream)
{
    caught->stream = stream;
    fflush(stream);
    caught->file = tmpfile();
    assert_non_null(caught->file);
    caught->before = dup(fileno(stream));
    dup2(fileno(caught->file), fileno(stream));
}

static void catch_end(struct caught *caught)
{
    size_t size;

    fflush(caught->stream);
    dup2(caught->before, fileno(caught->stream));
    close(caught->before);
    rewind(caught->file);
    size = fread(caught->text, 1, sizeof caught->text - 1, caught->file);
    caught->text[size] = 0;
    fclose(caught->file);
}

static void expect(const struct caught *caught, const char *part)
{
    if (!strstr(caught->text, part))
        fail_msg("'%s' is not in:\n%s", part, caught->text);
}

/* ---- the tests ------------------------------------------------------------------------------- */

static void print(struct caught *caught, json_t *report)
{
    assert_non_null(report);
    catch_begin(caught, stdout);
    cli_print_report(report);
    catch_end(caught);
    json_decref(report);
}

static void a_detectors_report_has_precision_and_its_classes(void **state)
{
    struct caught caught;

    (void)state;
    print(&caught, json_load_file("tests/fixtures/report-detect.json", 0, NULL));
    expect(&caught, "mAP@.5 %                        89.66          84.06\n");
    expect(&caught, "AP75 %                          63.67           56.2\n");
    expect(&caught, "detections                        764            777\n");
    expect(&caught, "plus                               52        81.00 %        63.50 %\n");
    expect(&caught, "4                                   0              -              -\n");
    expect(&caught, "in 8-bit integers: mAP@.5 83.50 %, file 220001 bytes\n");
    expect(&caught, "2                             231,456           5.38  front  chosen\n");
    expect(&caught, "3                             120,456       diverged\n");
    expect(&caught, "on 60 test images without a part in the choice: drop 5.25 points\n");
    expect(&caught, "nats alone");
    expect(&caught, "head.boxes                     0.3450          8,316\n");
    assert_null(strstr(caught.text, "top1"));
}

/* A report of before there were tasks. */
static void a_report_without_a_task_is_a_classifiers(void **state)
{
    struct caught caught;

    (void)state;
    print(&caught,
          json_pack("{s:{s:f}, s:{s:f}}", "baseline", "top1", 91.5, "compressed", "top1", 90.25));
    expect(&caught, "top1 %                           91.5          90.25\n");
    assert_null(strstr(caught.text, "mAP"));
    print(&caught, json_pack("{s:i, s:[n]}", "task", 5, "detection"));
    expect(&caught, "top1 %                              -              -\n");
}

static void what_a_service_tells_of_a_detector_is_shown(void **state)
{
    json_t *job =
        json_loads("{\"status\": \"running\", \"stage\": \"train\", \"epochs\": 3, \"search\": {"
                   " \"candidate\": 3, \"candidates\": 4, \"max_accuracy_drop\": 2, \"done\": ["
                   " {\"size_bytes\": 5000, \"top1\": null, \"map50\": 80.5, \"drop\": 1.5,"
                   "  \"drop_error\": null, \"holds\": true},"
                   " {\"size_bytes\": 4000, \"top1\": null, \"map50\": null, \"drop\": null,"
                   "  \"drop_error\": null, \"holds\": false}]}}",
                   0, NULL);
    json_t *row =
        json_loads("{\"epoch\": 2, \"lr\": 0.01, \"train_loss\": 3.25, \"train_top1\": null,"
                   " \"held_loss\": 2.5, \"matched\": 11.25, \"images_per_second\": 70,"
                   " \"seconds\": 3}",
                   0, NULL);
    struct remote_show show;
    struct caught caught;

    (void)state;
    assert_non_null(job);
    assert_non_null(row);
    catch_begin(&caught, stderr);
    remote_show_begin(&show);
    remote_show_step(&show, job, row);
    catch_end(&caught);
    json_decref(job);
    json_decref(row);
    expect(&caught, "candidate 1: 5,000 bytes, drop 1.50 points, holds\n");
    expect(&caught, "candidate 2: training diverged\n");
    expect(&caught, "epoch 2/3  lr 0.0100  loss 3.2500  matched 11.2 boxes/img  held back: loss "
                    "2.5000  70 img/s  3.0 s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_detectors_report_has_precision_and_its_classes),
        cmocka_unit_test(a_report_without_a_task_is_a_classifiers),
        cmocka_unit_test(what_a_service_tells_of_a_detector_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
