/* test_dataset_masks.c - images with a class for every pixel. */
#include "core/rng.h"
#include "data/dataset.h"
#include "data/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"
#include "temp_dir.h"

enum { MAX_FILES = 20 };

/* The files of an archive; their bytes belong to it. */
struct files {
    struct made_entry entries[MAX_FILES];
    struct made_bytes made[MAX_FILES];
    size_t count;
};

static void add_bytes(struct files *files, const char *name, struct made_bytes bytes)
{
    assert_true(files->count < MAX_FILES);
    files->made[files->count] = bytes;
    files->entries[files->count++] =
        (struct made_entry){.name = name, .bytes = bytes.data, .size = bytes.size};
}

static void add_image(struct files *files, const char *name, int width, int height)
{
    add_bytes(files, name, make_png_of(width, height, 200, 100, 50));
}

/* A mask of one row, a class a letter: '.' is void. */
static void add_mask(struct files *files, const char *name, enum made_png type, const char *classes)
{
    const int width = (int)strlen(classes);
    uint8_t pixels[64];

    for (int i = 0; i < width; i++)
        pixels[i] = classes[i] == '.' ? FSN_MASK_VOID : (uint8_t)(classes[i] - '0');
    add_bytes(files, name, make_png(pixels, width, 1, type, 8, 0));
}

static void add_text(struct files *files, const char *name, const char *text)
{
    struct made_bytes bytes = {(unsigned char *)strdup(text), strlen(text)};

    add_bytes(files, name, bytes);
}

static void clear(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->made[i].data);
    files->count = 0;
}

/* Opens the files as an archive and forgets them. */
static struct fsn_dataset *open_as(struct files *files, const char *format, enum fsn_status want,
                                   struct fsn_error *err)
{
    struct made_bytes archive = make_archive(MADE_ZIP, files->entries, files->count);
    struct fsn_dataset *dataset = NULL;

    memset(err, 0, sizeof *err);
    if (fsn__dataset_open_memory(archive.data, archive.size, format, NULL, &dataset, err) != want)
        fail_msg("%s", err->status == FSN_OK ? "taken" : err->text);
    free(archive.data);
    clear(files);
    return dataset;
}

static void refuse(struct files *files, const char *what)
{
    struct fsn_error err;

    open_as(files, NULL, FSN_FORMAT, &err);
    if (!strstr(err.text, what))
        fail_msg("'%s' lacks '%s'", err.text, what);
}

static void masks_are_found_by_their_images_names_and_their_pixels_counted(void **state)
{
    struct files files = {.count = 0};
    struct fsn_dataset *dataset;
    struct fsn_dataset_info info;
    struct fsn_error err;

    (void)state;
    add_mask(&files, "set/masks/train/b.png", MADE_PALETTE, "0012");
    add_mask(&files, "set/masks/train/a.png", MADE_GREY, "10..");
    add_mask(&files, "set/masks/test/a.png", MADE_GREY, "2222");
    add_image(&files, "set/images/train/a.png", 4, 1);
    add_image(&files, "set/images/train/b.png", 4, 1);
    add_image(&files, "set/images/test/a.png", 4, 1);
    dataset = open_as(&files, NULL, FSN_OK, &err);
    fsn_dataset_info(dataset, &info);
    assert_string_equal(info.format, "masks");
    assert_true(info.segmentation);
    assert_int_equal(info.classes, 3);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.images[FSN_SPLIT_TRAIN], 2);
    assert_int_equal(info.images[FSN_SPLIT_TEST], 1);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][0], 3);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][1], 2);
    assert_int_equal(info.per_class[FSN_SPLIT_TRAIN][2], 1);
    assert_int_equal(info.per_class[FSN_SPLIT_TEST][2], 4);
    assert_int_equal(info.pixels[FSN_SPLIT_TRAIN].labelled, 6);
    assert_int_equal(info.pixels[FSN_SPLIT_TRAIN].none, 2);
    assert_int_equal(info.pixels[FSN_SPLIT_TEST].none, 0);
    assert_int_equal(info.unused_images, 0);
    fsn_dataset_destroy(dataset);
}

static void names_say_how_many_classes_there_are(void **state)
{
    struct files files = {.count = 0};
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    add_mask(&files, "masks/1.png", MADE_GREY, "01");
    add_mask(&files, "masks/2.png", MADE_GREY, "01");
    add_image(&files, "images/1.png", 2, 1);
    add_image(&files, "images/2.png", 2, 1);
    add_text(&files, "labels.txt", "\xef\xbb\xbfкот\r\ntree\r\n\r\nriver");
    dataset = open_as(&files, NULL, FSN_OK, &err);
    assert_int_equal(dataset->classes, 3);
    assert_string_equal(dataset->class_names[0], "кот");
    assert_string_equal(dataset->class_names[2], "river");
    assert_true(dataset->split_made);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 1);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].per_class[2], 0);
    fsn_dataset_destroy(dataset);
}

static void add_voc_without_lists(struct files *files)
{
    add_image(files, "VOC/JPEGImages/1.png", 2, 1);
    add_image(files, "VOC/JPEGImages/2.png", 2, 1);
    add_image(files, "VOC/JPEGImages/3.png", 2, 1);
    add_image(files, "VOC/JPEGImages/boxes_only.png", 2, 1);
    add_mask(files, "VOC/SegmentationClass/1.png", MADE_PALETTE, "01");
    add_mask(files, "VOC/SegmentationClass/2.png", MADE_PALETTE, "1.");
    add_mask(files, "VOC/SegmentationClass/3.png", MADE_PALETTE, "00");
    add_mask(files, "VOC/SegmentationObject/1.png", MADE_PALETTE, "07");
}

static void add_voc(struct files *files)
{
    add_voc_without_lists(files);
    add_text(files, "VOC/ImageSets/Segmentation/train.txt", "3\n1\n");
    add_text(files, "VOC/ImageSets/Segmentation/val.txt", "2\n");
}

static void pascal_voc_has_any_of_its_lists(void **state)
{
    static const struct {
        const char *name[2], *text[2];
        int train, test;
    } cases[] = {
        {{"trainval", "val"}, {"1 2 3", "2"}, 2, 1},  {{"trainval", "test"}, {"1", "2 3"}, 1, 2},
        {{"train", "train"}, {"1", "2 3"}, 2, 1}, /* of two years: one is split off */
        {{"trainval", "trainval"}, {"3", "1"}, 1, 1}, {{"test", "val"}, {"1 2", "3"}, 0, 2},
        {{"val", "val"}, {"1", "3"}, 0, 2},
    };
    struct files files = {.count = 0};
    struct fsn_dataset *dataset;
    struct fsn_error err;
    char names[2][64];

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        add_voc_without_lists(&files);
        for (int i = 0; i < 2; i++) {
            snprintf(names[i], sizeof names[i], "V%d/ImageSets/Segmentation/%s.txt", i,
                     cases[c].name[i]);
            add_text(&files, names[i], cases[c].text[i]);
        }
        dataset = open_as(&files, NULL, FSN_OK, &err);
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, cases[c].train);
        assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, cases[c].test);
        fsn_dataset_destroy(dataset);
    }
}

static const char annotation[] =
    "<annotation><size><width>2</width><height>1</height></size><object><name>a</name><bndbox>"
    "<xmin>0</xmin><ymin>0</ymin><xmax>2</xmax><ymax>1</ymax></bndbox></object></annotation>";

static void pascal_voc_lists_its_splits(void **state)
{
    struct files files = {.count = 0};
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    for (int named = 0; named < 2; named++) {
        add_voc(&files);
        dataset = open_as(&files, named ? "masks" : NULL, FSN_OK, &err);
        assert_string_equal(dataset->format, "masks");
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 2);
        assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].per_class[0], 3);
        assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 1);
        assert_int_equal(dataset->pixels[FSN_SPLIT_TEST].none, 1);
        assert_int_equal(dataset->unused_images, 1);
        fsn_dataset_destroy(dataset);
    }
    add_voc(&files);
    add_text(&files, "VOC/ImageSets/Segmentation/test.txt", "boxes_only\n");
    refuse(&files, "test.txt lists 'boxes_only', which is not one image with a mask");
}

static void the_whole_of_voc_is_a_detection_set_unless_masks_are_named(void **state)
{
    struct files files = {.count = 0};
    struct fsn_dataset *dataset;
    struct fsn_error err;

    (void)state;
    for (int named = 0; named < 2; named++) {
        add_voc(&files);
        add_text(&files, "VOC/Annotations/1.xml", annotation);
        add_text(&files, "VOC/Annotations/2.xml", annotation);
        dataset = open_as(&files, named ? "masks" : NULL, FSN_OK, &err);
        assert_string_equal(dataset->format, named ? "masks" : "voc");
        fsn_dataset_destroy(dataset);
    }
}

static void what_does_not_go_together_is_refused_by_name(void **state)
{
    struct files files = {.count = 0};

    (void)state;
    add_image(&files, "images/a.png", 2, 1);
    add_mask(&files, "masks/b.png", MADE_GREY, "01");
    refuse(&files, "the image images/a.png has no mask: expected one called 'a' in masks/");
    add_image(&files, "images/b.png", 2, 1);
    add_mask(&files, "masks/a.png", MADE_GREY, "01");
    add_mask(&files, "masks/b.png", MADE_GREY, "01");
    refuse(&files, "the mask masks/a.png has no image: expected one called 'a' in images/");
    add_image(&files, "images/a.png", 3, 1);
    add_mask(&files, "masks/a.png", MADE_GREY, "01");
    refuse(&files, "the mask masks/a.png has 2 x 1 pixels, its image images/a.png 3 x 1");
    add_image(&files, "images/a.png", 2, 1);
    add_mask(&files, "masks/a.png", MADE_GREY, "01");
    add_mask(&files, "masks/a.jpg", MADE_GREY, "01");
    refuse(&files, "are two masks of one name");
}

static void what_is_no_class_is_refused_by_name(void **state)
{
    struct files files = {.count = 0};

    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        add_image(&files, "images/a.png", 2, 1);
        add_image(&files, "images/b.png", 2, 1);
        add_mask(&files, "masks/a.png", MADE_GREY, "01");
        if (kind == 0) {
            add_mask(&files, "masks/b.png", MADE_GREY, "03");
            add_text(&files, "names.txt", "sky\ntree\n");
            refuse(&files, "masks/b.png: the pixel in row 0, column 1 is of class 3; names.txt has "
                           "2 classes, 0 to 1 (and 255 for none)");
        } else if (kind == 1) {
            add_bytes(&files, "masks/b.png", make_png_of(2, 1, 1, 1, 1));
            refuse(&files,
                   "masks/b.png: a mask is a PNG with a palette, or grey of at most 8 bits, "
                   "whose values are the classes; this one is colour of 8 bits");
        } else if (kind == 2) {
            add_bytes(&files, "masks/b.jpg", make_jpeg_of(2, 1, 1, 1, 1));
            refuse(&files, "masks/b.jpg: a mask is a PNG");
        } else {
            clear(&files);
            add_image(&files, "images/a.png", 2, 1);
            add_image(&files, "images/b.png", 2, 1);
            add_mask(&files, "masks/a.png", MADE_GREY, "0.");
            add_mask(&files, "masks/b.png", MADE_GREY, "0.");
            refuse(&files, "the masks have 1 class beside 255");
        }
    }
}

/* A mask of 4 x 1 brought to 2 x 1 shows its pixels 1 and 3, brought to 8 x 1 each twice: PIL's
 * NEAREST. Padding is void; a mirrored image has a mirrored mask. */
static void a_mask_is_resized_to_the_nearest_pixel_and_moves_with_its_image(void **state)
{
    struct files files = {.count = 0};
    struct fsn__transform transform = {.channels = 3, .height = 1, .width = 2};
    struct fsn_dataset *dataset;
    struct fsn_error err;
    const int64_t index[1] = {0};
    uint8_t mask[8], pixels[4 * 3];
    float x[3 * 8];
    bool seen[2] = {false, false};

    (void)state;
    for (int i = 0; i < 4; i++)
        memset(pixels + 3 * i, 10 * (i + 1), 3); /* grey levels 10, 20, 30, 40 */
    transform.preprocess.crop = FSN_CROP_NONE;
    transform.preprocess.scale = FSN_SCALE_BYTE;
    for (int i = 0; i < 2; i++) {
        add_bytes(&files, i ? "images/b.png" : "images/a.png",
                  make_png(pixels, 4, 1, MADE_RGB, 8, 0));
        add_mask(&files, i ? "masks/b.png" : "masks/a.png", MADE_PALETTE, "0123");
    }
    dataset = open_as(&files, NULL, FSN_OK, &err);
    assert_int_equal(fsn__load_mask_batch(dataset, FSN_SPLIT_TEST, index, 1, &transform, false, 0,
                                          NULL, x, mask, NULL),
                     FSN_OK);
    assert_memory_equal(mask, ((const uint8_t[]){1, 3}), 2);
    transform.width = 8;
    assert_int_equal(fsn__load_mask_batch(dataset, FSN_SPLIT_TEST, index, 1, &transform, false, 0,
                                          NULL, x, mask, NULL),
                     FSN_OK);
    assert_memory_equal(mask, ((const uint8_t[]){0, 0, 1, 1, 2, 2, 3, 3}), 8);
    transform.width = 4;
    transform.flip = true;
    transform.crop_padding = 1;
    for (uint64_t epoch = 0; epoch < 40; epoch++) {
        assert_int_equal(fsn__load_mask_batch(dataset, FSN_SPLIT_TRAIN, index, 1, &transform, true,
                                              epoch, NULL, x, mask, NULL),
                         FSN_OK);
        for (int i = 0; i < 4;
             i++) /* where there is a class, its pixel is seen; else the padding */
            assert_int_equal((int)x[i], mask[i] == FSN_MASK_VOID ? 0 : 10 * (mask[i] + 1));
        if (mask[1] != FSN_MASK_VOID && mask[2] != FSN_MASK_VOID)
            seen[mask[1] > mask[2]] = true;
    }
    assert_true(seen[0] && seen[1]);
    fsn_dataset_destroy(dataset);
}

static void a_drawn_segmentation_set_opens_with_five_classes_and_void_rims(void **state)
{
    struct fsn_dataset *dataset;
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    assert_int_equal(fsn_dataset_draw_masks(temp_dir_path(&dir, "set.tar.gz"), 20, 4, 7, NULL),
                     FSN_OK);
    assert_int_equal(
        fsn_dataset_open(temp_dir_path(&dir, "set.tar.gz"), NULL, NULL, &dataset, NULL), FSN_OK);
    assert_string_equal(dataset->format, "masks");
    assert_int_equal(dataset->classes, 5);
    assert_string_equal(dataset->class_names[0], "background");
    assert_string_equal(dataset->class_names[4], "plus");
    assert_int_equal(dataset->split[FSN_SPLIT_TRAIN].count, 20);
    assert_int_equal(dataset->split[FSN_SPLIT_TEST].count, 4);
    for (int c = 0; c < 5; c++)
        assert_true(dataset->split[FSN_SPLIT_TRAIN].per_class[c] > 1000);
    assert_in_range(dataset->pixels[FSN_SPLIT_TRAIN].none, 1000, 20 * 96 * 96 / 10);
    assert_int_equal(dataset->pixels[FSN_SPLIT_TEST].labelled +
                         dataset->pixels[FSN_SPLIT_TEST].none,
                     4 * 96 * 96);
    fsn_dataset_destroy(dataset);
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_found_by_their_images_names_and_their_pixels_counted),
        cmocka_unit_test(names_say_how_many_classes_there_are),
        cmocka_unit_test(pascal_voc_lists_its_splits),
        cmocka_unit_test(pascal_voc_has_any_of_its_lists),
        cmocka_unit_test(the_whole_of_voc_is_a_detection_set_unless_masks_are_named),
        cmocka_unit_test(what_does_not_go_together_is_refused_by_name),
        cmocka_unit_test(what_is_no_class_is_refused_by_name),
        cmocka_unit_test(a_mask_is_resized_to_the_nearest_pixel_and_moves_with_its_image),
        cmocka_unit_test(a_drawn_segmentation_set_opens_with_five_classes_and_void_rims),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
