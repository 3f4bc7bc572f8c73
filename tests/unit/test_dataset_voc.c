/* test_dataset_voc.c - detection sets: what is counted, and what is refused. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"
#include "shared_data.h"

#define OBJECT(name, difficult, x0, y0, x1, y1)                                       \
    "<object><name> " name " </name><truncated>true</truncated><difficult>" difficult \
    "</difficult>"                                                                    \
    "<bndbox><xmin>" x0 "</xmin><ymin>" y0 "</ymin><xmax>" x1 "</xmax><ymax>" y1      \
    "</ymax></bndbox></object>"
#define ANNOTATION(objects)                                                                  \
    "<annotation><folder>x</folder><size><width>12</width><height>0</height></size>" objects \
    "</annotation>"

enum { FILES = 9, FIRST_XML = 3, TRAIN_LIST = 6, VAL_LIST, TEST_LIST };

/* Three images of 12 x 8, their annotations, three lists of one name each. */
struct voc {
    struct made_bytes image;
    struct made_entry entries[FILES];
};

static void set_text(struct voc *voc, int file, const char *text)
{
    voc->entries[file].bytes = text;
    voc->entries[file].size = strlen(text);
}

static int set_up(void **state)
{
    static const char *const names[FILES] = {
        "V/JPEGImages/1.jpg",         "V/JPEGImages/2.jpg",       "V/JPEGImages/3.jpg",
        "V/Annotations/1.xml",        "V/Annotations/2.xml",      "V/Annotations/3.xml",
        "V/ImageSets/Main/train.txt", "V/ImageSets/Main/val.txt", "V/ImageSets/Main/test.txt",
    };
    struct voc *voc = calloc(1, sizeof *voc);

    assert_non_null(voc);
    voc->image = make_jpeg_of(12, 8, 1, 2, 3);
    for (int i = 0; i < FILES; i++)
        voc->entries[i] = (struct made_entry){
            .name = names[i], .bytes = voc->image.data, .size = voc->image.size};
    set_text(voc, 3,
             ANNOTATION(OBJECT("dog", "0", "1", "1", "12", "8")
                            OBJECT("cat", "1", "0", "0", "5.5", "7")));
    set_text(voc, 4, ANNOTATION(OBJECT("eel", "0", "3", "3", "3", "5")));
    set_text(voc, 5, ANNOTATION(OBJECT("dog", "True", "2", "2", "4", "4")));
    set_text(voc, TRAIN_LIST, "1\r\n");
    set_text(voc, VAL_LIST, "2");
    set_text(voc, TEST_LIST, "\n3\n\n");
    *state = voc;
    return 0;
}

static int tear_down(void **state)
{
    struct voc *voc = *state;

    free(voc->image.data);
    free(voc);
    return 0;
}

static void images_and_objects_are_counted(void **state)
{
    struct voc *voc = *state;
    struct fsn_error err;
    struct fsn_dataset *dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    struct fsn_dataset_info info;

    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "voc");
    assert_true(info.detection);
    assert_int_equal(info.classes, 2); /* no eel: it is in an image of no split */
    assert_string_equal(info.class_names[0], "cat");
    assert_string_equal(info.class_names[1], "dog");
    assert_true(info.images[FSN_SPLIT_TRAIN] == 1 && info.images[FSN_SPLIT_TEST] == 1);
    assert_int_equal(info.unused_images, 1);
    assert_int_equal(info.objects[FSN_SPLIT_TRAIN].count, 2);
    assert_int_equal(info.objects[FSN_SPLIT_TRAIN].difficult, 1);
    assert_int_equal(info.objects[FSN_SPLIT_TRAIN].truncated, 2);
    assert_int_equal(info.objects[FSN_SPLIT_TEST].difficult, 1);
    assert_int_equal(info.objects[FSN_SPLIT_TRAIN].empty, 0);
    assert_true(info.per_class[FSN_SPLIT_TRAIN][0] == 1 && info.per_class[FSN_SPLIT_TEST][1] == 1);
    fsn_dataset_destroy(dataset);
}

static void without_a_test_list_val_is_measured(void **state)
{
    struct voc *voc = *state;
    struct fsn_error err;
    struct fsn_dataset *dataset = open_entries(voc->entries, FILES - 1, FSN_OK, &err);

    assert_int_equal(dataset->objects[FSN_SPLIT_TEST].count, 0);
    assert_int_equal(dataset->objects[FSN_SPLIT_TEST].empty, 1);
    assert_int_equal(dataset->unused_images, 1);
    fsn_dataset_destroy(dataset);
    /* Without lists two are for training and one for testing. */
    dataset = open_entries(voc->entries, TRAIN_LIST, FSN_OK, &err);
    assert_true(dataset->split_made);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 2);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 1);
    fsn_dataset_destroy(dataset);
}

static void lists_must_name_what_is_there_once(void **state)
{
    struct voc *voc = *state;

    set_text(voc, TRAIN_LIST, "1 9");
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT,
                           "train.txt lists '9', which has no image");
    set_text(voc, TRAIN_LIST, "1 3");
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT,
                           "test.txt lists '3', which has been listed before");
    set_text(voc, TRAIN_LIST, " \n");
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT, "train.txt lists no image");
    set_text(voc, TRAIN_LIST, "1");
    voc->entries[FIRST_XML].name = "V/Annotations/other.xml";
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT,
                           "train.txt lists '1', which has no annotation");
    voc->entries[FIRST_XML].name = "W/Annotations/2.xml";
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT, "two annotations of the name '2'");
}

/* The images of a split, as digits of their names. */
static void assert_split(const struct fsn_dataset *dataset, enum fsn_split split, const char *want)
{
    const struct fsn__images *images = &dataset->split[split];

    assert_int_equal(images->count, strlen(want));
    for (int64_t i = 0; i < images->count; i++)
        assert_int_equal(strstr(dataset->store->images[images->file[i]].name, ".jpg")[-1], want[i]);
}

static void any_lists_say_the_splits(void **state)
{
    static const struct {
        const char *name[3], *text[3]; /* NULL: the file is no list */
        const char *train, *test;
        bool made;
    } cases[] = {
        {{"trainval", "test"}, {"1 2", "3"}, "12", "3", false},
        {{"trainval", "val"}, {"3 1 2", "2"}, "31", "2", false},
        {{"trainval", "val", "test"}, {"1 2", "2", "3"}, "12", "3", false},
        {{"train", "trainval", "val"}, {"1", "1 2 3", "2 3"}, "1", "23", false},
        {{"test"}, {"3"}, "", "3", false},
        {{"val"}, {"3 1"}, "", "31", false},
    };
    struct voc *voc = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char names[3][64];

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (int i = 0; i < 3; i++) {
            snprintf(names[i], sizeof names[i], "V/ImageSets/Main/%s.txt",
                     cases[c].name[i] ? cases[c].name[i] : "cat_train");
            voc->entries[TRAIN_LIST + i].name = names[i];
            set_text(voc, TRAIN_LIST + i, cases[c].text[i] ? cases[c].text[i] : "1 -1");
        }
        dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
        assert_split(dataset, FSN_SPLIT_TRAIN, cases[c].train);
        assert_split(dataset, FSN_SPLIT_TEST, cases[c].test);
        assert_true(dataset->split_made == cases[c].made);
        fsn_dataset_destroy(dataset);
    }
    voc->entries[TRAIN_LIST].name = "V/ImageSets/Main/trainval.txt";
    set_text(voc, TRAIN_LIST, "1 2");
    dataset = open_entries(voc->entries, TRAIN_LIST + 1, FSN_OK, &err);
    assert_true(dataset->split_made);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 1);
    fsn_dataset_destroy(dataset);
    voc->entries[VAL_LIST].name = "V/ImageSets/Main/val.txt";
    set_text(voc, VAL_LIST, "2 1");
    assert_entries_refused(voc->entries, VAL_LIST + 1, FSN_FORMAT,
                           "trainval.txt lists no image beside those of val.txt");
    voc->entries[VAL_LIST].bytes = "2\0";
    voc->entries[VAL_LIST].size = 2;
    assert_entries_refused(voc->entries, VAL_LIST + 1, FSN_FORMAT,
                           "V/ImageSets/Main/val.txt has bytes of value 0");
}

static void lists_of_several_years_are_one(void **state)
{
    struct voc *voc = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    voc->entries[VAL_LIST].name = "W/ImageSets/Main/train.txt";
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    assert_split(dataset, FSN_SPLIT_TRAIN, "12");
    assert_split(dataset, FSN_SPLIT_TEST, "3");
    fsn_dataset_destroy(dataset);
    set_text(voc, VAL_LIST, "1");
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT,
                           "train.txt lists '1', which has been listed before");
}

static void assert_box(const struct fsn__box *box, double x0, double y0, double x1, double y1)
{
    assert_float_equal(box->x0, x0, 1e-7);
    assert_float_equal(box->y0, y0, 1e-7);
    assert_float_equal(box->x1, x1, 1e-7);
    assert_float_equal(box->y1, y1, 1e-7);
}

static void boxes_are_fractions_whose_last_pixels_are_in_them(void **state)
{
    struct voc *voc = *state;
    const struct fsn__images *images;
    struct fsn_dataset_info info;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char *json = NULL;

    /* Counted from 1, as nothing is below: columns 4..6 of 12 end at the edges 3 and 6. */
    set_text(voc, FIRST_XML,
             ANNOTATION(OBJECT("dog", "0", "1", "1", "12", "8")
                            OBJECT("cat", "1", "4", "2", "6", "2.5")));
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    images = &dataset->split[FSN_SPLIT_TRAIN];
    assert_true(images->first_object[0] == 0 && images->first_object[1] == 2);
    assert_box(&images->objects[0].box, 0, 0, 1, 1);
    assert_box(&images->objects[1].box, 3 / 12.0, 1 / 8.0, 6 / 12.0, 2.5 / 8);
    assert_true(images->objects[0].label == 1 && !images->objects[0].difficult);
    assert_true(images->objects[1].label == 0 && images->objects[1].difficult);
    fsn_dataset_info(dataset, &info);
    assert_true(info.first_pixel == 1 && !info.first_pixel_file);
    fsn_dataset_destroy(dataset);
    /* A 0 in an image of no split says nothing. */
    set_text(voc, FIRST_XML + 1, ANNOTATION(OBJECT("eel", "0", "0", "0", "3", "5")));
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->first_pixel, 1);
    fsn_dataset_destroy(dataset);
    /* One in another split does: edges, as they are. */
    set_text(voc, FIRST_XML + 2, ANNOTATION(OBJECT("dog", "1", "2", "0", "4", "4")));
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    images = &dataset->split[FSN_SPLIT_TRAIN];
    assert_box(&images->objects[1].box, 4 / 12.0, 2 / 8.0, 6 / 12.0, 2.5 / 8);
    assert_box(&dataset->split[FSN_SPLIT_TEST].objects[0].box, 2 / 12.0, 0, 4 / 12.0, 4 / 8.0);
    fsn_dataset_info(dataset, &info);
    assert_int_equal(info.first_pixel, 0);
    assert_string_equal(info.first_pixel_file, "V/Annotations/3.xml");
    assert_int_equal(fsn_dataset_summary_json(dataset, &json, NULL), FSN_OK);
    assert_non_null(strstr(json, "\"annotation\": \"V/Annotations/3.xml\""));
    free(json);
    fsn_dataset_destroy(dataset);
}

static void bad_boxes_are_left_out_and_named(void **state)
{
    static const struct {
        const char *text;
        enum fsn_box_fault fault;
        double last; /* of what the file has */
    } bad[] = {
        {ANNOTATION(OBJECT("dog", "0", "1", "1", "13", "8")), FSN_BOX_OUTSIDE, 8},
        {ANNOTATION(OBJECT("dog", "0", "-1", "1", "3", "7")), FSN_BOX_OUTSIDE, 7},
        {ANNOTATION(OBJECT("dog", "0", "5", "1", "4", "8")), FSN_BOX_EMPTY, 8},
        {ANNOTATION(OBJECT("dog", "0", "1", "7", "12", "9")), FSN_BOX_OUTSIDE, 9},
        {ANNOTATION(OBJECT("dog", "0", "1", "6", "12", "6")), FSN_BOX_EMPTY, 6},
    };
    struct voc *voc = *state;
    struct fsn_error err;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct fsn_dataset *dataset;
        struct fsn_dataset_info info;

        set_text(voc, FIRST_XML, bad[i].text);
        dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
        fsn_dataset_info(dataset, &info);
        assert_int_equal(info.objects[FSN_SPLIT_TRAIN].count, 0);
        assert_int_equal(info.objects[FSN_SPLIT_TEST].count, 1);
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].first_object[1], 0);
        assert_int_equal(info.bad_boxes.count, 1);
        assert_int_equal(info.bad_boxes.listed[0].fault, bad[i].fault);
        assert_string_equal(info.bad_boxes.listed[0].image, "V/JPEGImages/1.jpg");
        assert_string_equal(info.bad_boxes.listed[0].class_name, "dog");
        assert_true(info.bad_boxes.listed[0].given[3] == bad[i].last);
        fsn_dataset_destroy(dataset);
    }
    set_text(voc, FIRST_XML + 2, bad[1].text);
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT,
                           "the first of 2 bad ones: V/JPEGImages/1.jpg: box of a 'dog' (1, 6, 12, "
                           "6): empty");
}

static void bad_boxes_are_all_counted_and_a_hundred_named(void **state)
{
    enum { BAD = 130 };
    static const char one[] = OBJECT("dog", "0", "3", "3", "3", "5");
    static char text[BAD * sizeof one + 100];
    struct voc *voc = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;
    size_t length = 12;
    char *json = NULL;

    memcpy(text, "<annotation>", length);
    for (int i = 0; i < BAD; i++, length += sizeof one - 1)
        memcpy(text + length, one, sizeof one - 1);
    memcpy(text + length, "</annotation>", 14);
    set_text(voc, FIRST_XML, text);
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->bad_boxes.count, BAD);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].empty, BAD);
    assert_int_equal(fsn_dataset_summary_json(dataset, &json, NULL), FSN_OK);
    assert_non_null(strstr(json, "\"count\": 130"));
    length = 0;
    for (const char *at = json; (at = strstr(at, "\"fault\": \"empty\"")) != NULL; at++)
        length++;
    assert_int_equal(length, FSN_MAX_BAD_BOXES);
    free(json);
    fsn_dataset_destroy(dataset);
}

static void bad_annotations_are_refused_with_the_line(void **state)
{
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"<annotation>\n<object>", "1.xml: line 2: no element found"},
        {"<html></html>", "1.xml: line 1: not an annotation"},
        {"", "1.xml: line 1: no element found"},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "has a document type"},
        {ANNOTATION("<object><name>dog</name></object>"), "object 1 has no xmin in a bndbox"},
        {ANNOTATION("<object><bndbox/></object>"), "object 1 has no name"},
        {ANNOTATION(OBJECT("dog", "0", "one", "1", "2", "2")),
         "1.xml: line 1: xmin of object 1 is 'one', expected a number"},
        {ANNOTATION(OBJECT("dog", "0", "1", "1", "2", "nan")), "ymax of object 1 is 'nan'"},
        {ANNOTATION(OBJECT("dog", "maybe", "1", "1", "2", "2")),
         "difficult of object 1 is 'maybe', expected 0 or 1"},
        {ANNOTATION("<object><name>dog</name><truncated>2</truncated></object>"),
         "truncated of object 1 is '2', expected 0 or 1"},
        {"<annotation><size><width>8</width><height>12</height></size></annotation>",
         "V/Annotations/1.xml: the image is said to have 8 x 12 pixels, but V/JPEGImages/1.jpg has "
         "12 x 8"},
        {ANNOTATION(OBJECT("", "0", "1", "1", "2", "2")), "the name '' of an object is empty"},
        {ANNOTATION(OBJECT("a\nb", "0", "1", "1", "2", "2")),
         "the name 'a\\x0ab' of an object has a control character"},
        {ANNOTATION(OBJECT("a&#x9b;b", "0", "1", "1", "2", "2")),
         "the name 'a\\xc2\\x9bb' of an object has a control character"},
        {ANNOTATION(OBJECT("a&#x202e;b", "0", "1", "1", "2", "2")),
         "'a\\xe2\\x80\\xaeb' of an object has a character that turns the direction of text"},
    };
    struct voc *voc = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_text(voc, FIRST_XML, cases[i].text);
        assert_entries_refused(voc->entries, FILES, FSN_FORMAT, cases[i].part);
    }
    for (int i = FIRST_XML; i < TRAIN_LIST; i++)
        set_text(voc, i, "<annotation/>");
    assert_entries_refused(voc->entries, FILES, FSN_FORMAT, "no object in any annotation");
}

static void names_declare_the_classes(void **state)
{
    struct voc *voc = *state;
    struct made_entry entries[FILES + 2];
    struct fsn_dataset *dataset;
    struct fsn_error err;

    memcpy(entries, voc->entries, sizeof voc->entries);
    entries[FILES] =
        (struct made_entry){.name = "V/names.txt", .bytes = "кот\ndog\ncat\n", .size = 15};
    dataset = open_entries(entries, FILES + 1, FSN_OK, &err);
    assert_int_equal(dataset->classes, 3); /* whether they occur or not, in this order */
    assert_string_equal(dataset->class_names[0], "кот");
    assert_string_equal(dataset->class_names[2], "cat");
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].objects[0].label, 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[2], 1);
    fsn_dataset_destroy(dataset);
    entries[FILES + 1] = entries[FILES];
    assert_entries_refused(entries, FILES + 2, FSN_FORMAT, "V/names.txt is one of 2 files");
    entries[FILES].name = "labels.txt";
    entries[FILES].bytes = "dog\nbee";
    entries[FILES].size = 7;
    assert_entries_refused(entries, FILES + 1, FSN_FORMAT,
                           "V/Annotations/1.xml: an object is a 'cat', which labels.txt does not");
    entries[FILES].bytes = "dog\ndog";
    assert_entries_refused(entries, FILES + 1, FSN_FORMAT, "two classes of the name 'dog'");
    entries[FILES].bytes = "\n";
    entries[FILES].size = 1;
    assert_entries_refused(entries, FILES + 1, FSN_FORMAT, "labels.txt: 0 class names, expected 1");
}

static void elements_that_never_end_are_refused(void **state)
{
    struct voc *voc = *state;
    char deep[200] = "";

    for (int i = 0; i < 20; i++)
        strcat(deep, i == 0 ? "<annotation>" : "<part>");
    set_text(voc, FIRST_XML, deep);
    assert_entries_refused(voc->entries, FILES, FSN_LIMIT,
                           "elements lie deeper than 16 in each other");
}

static void boxes_of_parts_are_not_objects(void **state)
{
    struct voc *voc = *state;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    set_text(voc, FIRST_XML,
             ANNOTATION("<object><name>man</name><part><name>head</name><bndbox><xmin>99</xmin>"
                        "</bndbox></part><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>"
                        "<ymax>2</ymax></bndbox></object>"));
    dataset = open_entries(voc->entries, FILES, FSN_OK, &err);
    assert_int_equal(dataset->objects[FSN_SPLIT_TRAIN].count, 1);
    assert_string_equal(dataset->class_names[1], "man"); /* dog, man: no head */
    fsn_dataset_destroy(dataset);
}

static void a_public_set_has_the_counts_of_its_description(void **state)
{
    const char *path = shared_data("data/bccd/bccd-voc.tar.gz");
    /* Of 2382 RBC in the description one is the box of zero size in BloodImage_00343. */
    static const int64_t train[] = {209, 2382 - 1, 214}, test[] = {69, 805, 71};
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;

    (void)state;
    assert_int_equal(fsn_dataset_open(path, NULL, NULL, &dataset, NULL), FSN_OK);
    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.class_names[0], "Platelets");
    assert_memory_equal(info.per_class[FSN_SPLIT_TRAIN], train, sizeof train);
    assert_memory_equal(info.per_class[FSN_SPLIT_TEST], test, sizeof test);
    assert_int_equal(info.bad_boxes.count, 1);
    assert_non_null(strstr(info.bad_boxes.listed[0].image, "BloodImage_00343"));
    fsn_dataset_destroy(dataset);
}

int main(void)
{
#define VOC_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        VOC_TEST(images_and_objects_are_counted),
        VOC_TEST(without_a_test_list_val_is_measured),
        VOC_TEST(lists_must_name_what_is_there_once),
        VOC_TEST(any_lists_say_the_splits),
        VOC_TEST(lists_of_several_years_are_one),
        VOC_TEST(boxes_are_fractions_whose_last_pixels_are_in_them),
        VOC_TEST(bad_boxes_are_left_out_and_named),
        VOC_TEST(bad_boxes_are_all_counted_and_a_hundred_named),
        VOC_TEST(bad_annotations_are_refused_with_the_line),
        VOC_TEST(names_declare_the_classes),
        VOC_TEST(elements_that_never_end_are_refused),
        VOC_TEST(boxes_of_parts_are_not_objects),
        cmocka_unit_test(a_public_set_has_the_counts_of_its_description),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
