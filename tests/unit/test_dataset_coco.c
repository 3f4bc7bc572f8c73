/* test_dataset_coco.c - detection sets in COCO's form: what is read, named and refused. */
#include "data/dataset.h"

#include <setjmp.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "dataset_maker.h"
#include "image_maker.h"

#define CATEGORIES "\"categories\":[{\"id\":9,\"name\":\"dog\"},{\"id\":3,\"name\":\"cat\"}]"
#define IMAGE(id, file) "{\"id\":" id ",\"file_name\":\"" file "\"}"
#define BOX(image, category, box, crowd) \
    "{\"image_id\":" image ",\"category_id\":" category ",\"bbox\":" box ",\"iscrowd\":" crowd "}"
#define SET(images, boxes) "{" CATEGORIES ",\"images\":[" images "],\"annotations\":[" boxes "]}"

enum { FILES = 5, TRAIN_JSON = 3, VAL_JSON };

/* Images of 12 x 8, two called 1.jpg in two folders. */
struct coco {
    struct made_bytes image;
    struct made_entry entries[FILES];
};

static void set_text(struct coco *coco, int file, const char *text)
{
    coco->entries[file].bytes = text;
    coco->entries[file].size = strlen(text);
}

static int set_up(void **state)
{
    static const char *const names[FILES] = {
        "c/train2017/1.jpg",
        "c/train2017/2.jpg",
        "c/val2017/1.jpg",
        "c/annotations/instances_train2017.json",
        "c/annotations/instances_val2017.json",
    };
    struct coco *coco = calloc(1, sizeof *coco);

    assert_non_null(coco);
    coco->image = make_jpeg_of(12, 8, 1, 2, 3);
    for (int i = 0; i < FILES; i++)
        coco->entries[i] = (struct made_entry){
            .name = names[i], .bytes = coco->image.data, .size = coco->image.size};
    set_text(coco, TRAIN_JSON,
             SET(IMAGE("70", "2.jpg") "," IMAGE("5", "1.jpg"),
                 BOX("70", "9", "[3, 2, 6, 4]", "0") "," BOX(
                     "5", "3", "[0, 0, 12.4, 8]", "1") "," BOX("70", "3", "[0, 0, 1.5, 1]", "0")));
    set_text(coco, VAL_JSON, SET(IMAGE("5", "1.jpg"), BOX("5", "9", "[6, 0, 6, 8]", "0")));
    *state = coco;
    return 0;
}

static int tear_down(void **state)
{
    struct coco *coco = *state;

    free(coco->image.data);
    free(coco);
    return 0;
}

static void assert_object(const struct fsn__object *object, int label, bool difficult, double x0,
                          double y0, double x1, double y1)
{
    assert_int_equal(object->label, label);
    assert_true(object->difficult == difficult);
    assert_float_equal(object->box.x0, x0, 1e-7);
    assert_float_equal(object->box.y0, y0, 1e-7);
    assert_float_equal(object->box.x1, x1, 1e-7);
    assert_float_equal(object->box.y1, y1, 1e-7);
}

static void boxes_and_classes_are_read(void **state)
{
    struct coco *coco = *state;
    struct fsn_error err;
    struct fsn_dataset *dataset = open_entries(coco->entries, FILES, FSN_OK, &err);
    const struct fsn__images *train = &dataset->split[FSN_SPLIT_TRAIN];
    const struct fsn__images *test = &dataset->split[FSN_SPLIT_TEST];

    assert_string_equal(dataset->format, "coco");
    assert_true(dataset->detection);
    assert_int_equal(dataset->classes, 2); /* in the order of ids: 3, 9 */
    assert_string_equal(dataset->class_names[0], "cat");
    assert_string_equal(dataset->class_names[1], "dog");
    assert_true(train->count == 2 && test->count == 1 && dataset->unused_images == 0);
    assert_string_equal(dataset->store->images[train->file[0]].name, "c/train2017/1.jpg");
    assert_string_equal(dataset->store->images[test->file[0]].name, "c/val2017/1.jpg");
    assert_true(train->first_object[0] == 0 && train->first_object[1] == 1 &&
                train->first_object[2] == 3);
    assert_object(&train->objects[0], 0, true, 0, 0, 1, 1); /* 12.4 of 12: rounding */
    assert_object(&train->objects[1], 1, false, 0.25, 0.25, 0.75, 0.75);
    assert_object(&train->objects[2], 0, false, 0, 0, 0.125, 0.125);
    assert_object(&test->objects[0], 1, false, 0.5, 0, 1, 1);
    assert_true(train->per_class[0] == 2 && train->per_class[1] == 1 && test->per_class[1] == 1);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].difficult, 1);
    fsn_dataset_destroy(dataset);
}

static void one_file_beside_the_images_is_split(void **state)
{
    struct coco *coco = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    coco->entries[TRAIN_JSON].name = "annotations.json";
    set_text(coco, TRAIN_JSON,
             SET(IMAGE("1", "train2017/1.jpg") "," IMAGE("2", "2.jpg"),
                 BOX("1", "3", "[0, 0, 1, 1]", "0") "," BOX("2", "3", "[0, 0, 1, 1]", "0")));
    dataset = open_entries(coco->entries, FILES - 1, FSN_OK, &err);
    assert_true(dataset->split_made);
    assert_true(dataset->split[FSN_SPLIT_TRAIN].count == 1 &&
                dataset->split[FSN_SPLIT_TEST].count == 1 && dataset->unused_images == 1);
    assert_true(dataset->objects[0].count == 1 && dataset->objects[1].count == 1);
    fsn_dataset_destroy(dataset);
}

static void bad_boxes_are_left_out_and_named(void **state)
{
    static const enum fsn_box_fault faults[] = {FSN_BOX_EMPTY, FSN_BOX_OUTSIDE,
                                                FSN_BOX_UNKNOWN_CLASS, FSN_BOX_OUTSIDE};
    struct coco *coco = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    set_text(
        coco, TRAIN_JSON,
        SET(IMAGE("5", "1.jpg"),
            BOX("5", "9", "[3, 2, 6, 0]", "0") "," BOX("5", "9", "[3, 2, 10, 1]", "0") "," BOX(
                "5", "4", "[3, 2, 1, 1]", "0") "," BOX("5", "9", "[1e308, 2, 1e308, 1]", "0")));
    dataset = open_entries(coco->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].count, 0);
    assert_int_equal(dataset->bad_boxes.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(dataset->bad_boxes.listed[i].fault, faults[i]);
    assert_string_equal(dataset->bad_boxes.listed[2].class_name, "category 4");
    assert_string_equal(dataset->bad_boxes.listed[0].image, "c/train2017/1.jpg");
    assert_true(dataset->bad_boxes.listed[1].given[2] == 10);
    fsn_dataset_destroy(dataset);
}

static void what_is_no_coco_is_refused_with_the_place(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"{", "instances_train2017.json: line 1: "},
        {"[]", "line 1: expected '{', an object, not '['"},
        {"{}", "there is no array 'categories'"},
        {"{" CATEGORIES ",\n" CATEGORIES "}", "line 2: a second array 'categories'"},
        {"{\"images\":{}}", "line 1: 'images' is no array"},
        {"{\"images\":[\n{\"id\": 1", "line 2: expected the end of a bracket, not the end"},
        {"{\"images\":[\n{\"id\":\n tru}]}", "line 3: invalid token near 'tru'"},
        {"{\"images\":[] \"annotations\":[]}", "line 1: expected ',' or '}', not '\"'"},
        {SET("", "") "x", "line 1: expected nothing more, not 'x'"},
        {"{" CATEGORIES ",\"images\":[]}", "there is no array 'annotations'"},
        {SET("3", ""), "images[0]: id is no integer but nothing"},
        {SET("{\"id\":1}", ""), "images[0]: file_name is no text but nothing"},
        {SET(IMAGE("1", "9.jpg"), ""), "lists '9.jpg', which is no image"},
        {SET(IMAGE("1", "1.jpg") "," IMAGE("1", "2.jpg"), ""), "two images have the id 1"},
        {SET(IMAGE("1", "1.jpg") "," IMAGE("2", "1.jpg"), ""), "'1.jpg', which has been listed"},
        {SET(IMAGE("1", "1.jpg"), BOX("2", "9", "[0,0,1,1]", "0")),
         "annotations[0] is of image 2, which is not listed"},
        {SET(IMAGE("1", "1.jpg"), BOX("1", "9", "[0,0,1]", "0")),
         "annotations[0]: bbox is not [x, y, width, height], four numbers, but [0,0,1]"},
        {SET(IMAGE("1", "1.jpg"), BOX("1", "9", "[0,0,1,\"1\"]", "0")),
         "four numbers, but [0,0,1,\"1\"]"},
        {SET(IMAGE("1", "1.jpg"), BOX("1", "\"x\\u001b\"", "[0,0,1,1]", "0")),
         "annotations[0]: category_id is no integer but \"x\\u001B\""},
        {SET(IMAGE("1", "1.jpg"), BOX("1", "9", "[0,0,1,1]", "\"1\"")),
         "annotations[0]: iscrowd is neither 0 nor 1 but \"1\""},
        {SET("{\"id\":1,\"file_name\":\"1.jpg\",\"width\":8,\"height\":12}", ""),
         "the image is said to have 8 x 12 pixels, but c/train2017/1.jpg has 12 x 8"},
        {SET("{\"id\":1,\"file_name\":\"1.jpg\",\"width\":\"12\"}", ""),
         "images[0]: width is no number of pixels but \"12\""},
        {"{\"categories\":[{\"id\":3,\"name\":\"cat\"},{\"id\":4,\"name\":\"cat\"}],"
         "\"images\":[],\"annotations\":[]}",
         "the categories 3 and 4 are both called 'cat'"},
        {"{\"categories\":[{\"id\":3,\"name\":\"a\\u001b[2J\\u0007\"}]}",
         "categories[0]: the class name 'a\\x1b[2J\\x07' has a control character"},
        {"{\"categories\":[{\"id\":3,\"name\":\"cow\"}],\"images\":[" IMAGE(
             "1", "1.jpg") "],\"annotations\":[]}",
         "category 3 is called 'c"},
    };
    struct coco *coco = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_text(coco, TRAIN_JSON, cases[i].text);
        assert_entries_refused(coco->entries, FILES, FSN_FORMAT, cases[i].part);
    }
    set_text(coco, TRAIN_JSON, SET("", ""));
    assert_entries_refused(coco->entries, FILES, FSN_FORMAT, "there are no train images");
    assert_entries_refused(coco->entries + TRAIN_JSON, 1, FSN_FORMAT, "has no images in folders");
}

/* What jansson holds, and the most that it held. */
static size_t held, most_held;

static void *count_malloc(size_t size)
{
    void *memory = malloc(size);

    held += memory ? malloc_usable_size(memory) : 0;
    most_held = held > most_held ? held : most_held;
    return memory;
}

static void count_free(void *memory)
{
    held -= memory ? malloc_usable_size(memory) : 0;
    free(memory);
}

/* {"KEY":[{},{}, ..], REST of this many bytes; its own memory. */
static char *make_long(const char *key, size_t size, const char *rest)
{
    char *text = malloc(size + strlen(key) + strlen(rest) + 64);
    size_t length = (size_t)sprintf(text, "{\"%s\":[{}", key);

    while (length < size)
        length += (size_t)sprintf(text + length, ",{}");
    sprintf(text + length, "]%s}", rest);
    return text;
}

static void a_file_takes_no_more_memory_than_its_size(void **state)
{
    static const char good[] = "," CATEGORIES ",\"images\":[" IMAGE(
        "5", "1.jpg") "],\"annotations\":[" BOX("5", "9", "[0, 0, 1, 1]", "0") "]";
    enum { LONG = 8 << 20 };
    struct coco *coco = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char *text;

    json_set_alloc_funcs(count_malloc, count_free);
    text = make_long("annotations", LONG, "");
    set_text(coco, TRAIN_JSON, text);
    assert_entries_refused(coco->entries, FILES, FSN_FORMAT,
                           "annotations[0]: image_id is no integer but nothing");
    free(text);
    text = make_long("licenses", LONG, good);
    set_text(coco, TRAIN_JSON, text);
    dataset = open_entries(coco->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].count, 1);
    fsn_dataset_destroy(dataset);
    free(text);
    text = make_long("annotations\":[{\"segmentation", 2 << 20, "}]");
    set_text(coco, TRAIN_JSON, text);
    assert_entries_refused(coco->entries, FILES, FSN_LIMIT,
                           " bytes of text, at most 1048576 are taken");
    free(text);
    json_set_alloc_funcs(malloc, free);
    assert_true(most_held > 0 && most_held < 1 << 20);
}

static void a_name_in_two_folders_is_ambiguous(void **state)
{
    struct coco *coco = *state;

    coco->entries[TRAIN_JSON].name = "c/annotations/instances_default.json";
    assert_entries_refused(coco->entries, FILES, FSN_FORMAT,
                           "instances_default.json lists '1.jpg', and several images");
}

static void annotations_may_lie_beside_their_images(void **state)
{
    static const char *const names[FILES] = {"b/train/1.jpg", "b/train/2.jpg", "b/valid/1.jpg",
                                             "b/train/_annotations.coco.json",
                                             "b/valid/_annotations.coco.json"};
    struct coco *coco = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    for (int i = 0; i < FILES; i++)
        coco->entries[i].name = names[i];
    dataset = open_entries(coco->entries, FILES, FSN_OK, &err);
    assert_string_equal(dataset->format, "coco");
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 2);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].count, 3);
    assert_int_equal(dataset->objects[FSN_SPLIT_TEST].count, 1);
    assert_false(dataset->split_made);
    fsn_dataset_destroy(dataset);
}

/* As Roboflow writes them: 0 is what the others are of. */
static void a_category_above_the_others_is_no_class(void **state)
{
    static const char with[] =
        "{\"categories\":[{\"id\":0,\"name\":\"cell\",\"supercategory\":\"none\"},"
        "{\"id\":3,\"name\":\"cell\",\"supercategory\":\"cell\"}],\"images\":[" IMAGE(
            "70", "2.jpg") "," IMAGE("5", "1.jpg") "],\"annotations\":[" BOX("70", "%s",
                                                                             "[3, 2, 6, 4]",
                                                                             "0") "]}";
    struct coco *coco = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char text[2][512];

    snprintf(text[0], sizeof text[0], with, "3");
    snprintf(text[1], sizeof text[1], with, "0");
    set_text(coco, TRAIN_JSON, text[0]);
    set_text(coco, VAL_JSON, "{\"categories\":[],\"images\":[],\"annotations\":[]}");
    dataset = open_entries(coco->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->classes, 1);
    assert_string_equal(dataset->class_names[0], "cell");
    fsn_dataset_destroy(dataset);
    set_text(coco, TRAIN_JSON, text[1]);
    assert_entries_refused(coco->entries, FILES, FSN_FORMAT,
                           "the categories 0 and 3 are both called 'cell'");
}

static void the_format_can_be_asked_for(void **state)
{
    struct coco *coco = *state;
    struct made_bytes made = make_archive(MADE_TAR, coco->entries, FILES);
    struct made_bytes images = make_archive(MADE_TAR, coco->entries, TRAIN_JSON);
    struct fsn_dataset *dataset = NULL;
    struct fsn_error err = {0};

    assert_int_equal(fsn__dataset_open_memory(made.data, made.size, "coco", NULL, &dataset, NULL),
                     FSN_OK);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].count, 3);
    fsn_dataset_destroy(dataset);
    assert_int_equal(
        fsn__dataset_open_memory(images.data, images.size, "coco", NULL, &dataset, &err),
        FSN_FORMAT);
    assert_non_null(strstr(err.text, "no data set recognised"));
    free(made.data);
    free(images.data);
}

int main(void)
{
#define COCO_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        COCO_TEST(boxes_and_classes_are_read),
        COCO_TEST(one_file_beside_the_images_is_split),
        COCO_TEST(bad_boxes_are_left_out_and_named),
        COCO_TEST(what_is_no_coco_is_refused_with_the_place),
        COCO_TEST(a_file_takes_no_more_memory_than_its_size),
        COCO_TEST(a_name_in_two_folders_is_ambiguous),
        COCO_TEST(annotations_may_lie_beside_their_images),
        COCO_TEST(a_category_above_the_others_is_no_class),
        COCO_TEST(the_format_can_be_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
