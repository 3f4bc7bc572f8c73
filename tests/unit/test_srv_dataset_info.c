/* test_srv_dataset_info.c - what a job needs to know of a data set is kept with it, and read again.
 */
#include "handlers/dataset_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static const int64_t train[] = {7, 0, 5}, test[] = {3, 2, 1};

/* In a set with boxes counts are of objects: three images may have twelve of them. */
static void images_are_no_objects(void **state)
{
    const struct fsn_dataset_info info = {.format = "voc",
                                          .detection = true,
                                          .channels = 3,
                                          .classes = 3,
                                          .images = {3, 20},
                                          .per_class = {train, test}};
    char *text = srv_dataset_info_write(&info);
    struct fsn_dataset_info read = {0};
    int64_t *storage = NULL;

    (void)state;
    assert_non_null(text);
    assert_int_equal(srv_dataset_info_read(text, &read, &storage, NULL), FSN_OK);
    assert_string_equal(read.format, "voc");
    assert_true(read.detection);
    assert_int_equal(read.images[FSN_SPLIT_TRAIN], 3);
    assert_int_equal(read.images[FSN_SPLIT_TEST], 20);
    assert_int_equal(read.per_class[FSN_SPLIT_TRAIN][0], 7);
    assert_int_equal(read.per_class[FSN_SPLIT_TEST][2], 1);
    free(storage);
    free(text);
}

/* In one with masks they are of pixels. */
static void a_set_of_masks_is_kept_as_one(void **state)
{
    const struct fsn_dataset_info info = {.format = "masks",
                                          .segmentation = true,
                                          .channels = 3,
                                          .classes = 3,
                                          .images = {3, 20},
                                          .per_class = {train, test}};
    char *text = srv_dataset_info_write(&info);
    struct fsn_dataset_info read = {0};
    int64_t *storage = NULL;

    (void)state;
    assert_int_equal(srv_dataset_info_read(text, &read, &storage, NULL), FSN_OK);
    assert_string_equal(read.format, "masks");
    assert_true(read.segmentation && !read.detection);
    assert_int_equal(read.images[FSN_SPLIT_TEST], 20);
    free(storage);
    free(text);
}

static void a_description_of_before_is_read(void **state)
{
    static const char text[] = "{\"format\":\"idx\",\"channels\":1,\"height\":28,\"width\":28,"
                               "\"classes\":3,\"train\":[7,0,5],\"test\":[3,2,1]}";
    struct fsn_dataset_info read = {0};
    int64_t *storage = NULL;

    (void)state;
    assert_int_equal(srv_dataset_info_read(text, &read, &storage, NULL), FSN_OK);
    assert_false(read.detection || read.segmentation);
    assert_int_equal(read.images[FSN_SPLIT_TRAIN], 12);
    assert_int_equal(read.images[FSN_SPLIT_TEST], 6);
    free(storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_no_objects),
        cmocka_unit_test(a_set_of_masks_is_kept_as_one),
        cmocka_unit_test(a_description_of_before_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
