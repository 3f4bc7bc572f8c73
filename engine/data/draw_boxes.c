/*
 * draw_boxes.c - draws a detection set: pictures of shapes (draw_picture.h) and an annotation for
 * each, as a Pascal VOC archive. A box holds the pixels whose centre its shape covers, counted from
 * 1 as VOC does.
 */
#include "core/mem.h"
#include "data/draw_picture.h"
#include "data/tar_writer.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = FSN__PICTURE_SIDE, MAX_IMAGES = 100000, MAX_XML = 4096 };

static enum fsn_status write_xml(struct archive *archive, const char *name,
                                 const struct fsn__drawn_picture *picture, struct fsn_error *err)
{
    char text[MAX_XML];
    int length = snprintf(text, sizeof text,
                          "<annotation><size><width>%d</width><height>%d</height><depth>3</depth>"
                          "</size>\n",
                          SIDE, SIDE);

    for (int s = 0; s < picture->count; s++) {
        const struct fsn__drawn_shape *shape = &picture->shapes[s];

        length += snprintf(text + length, sizeof text - (size_t)length,
                           "<object><name>%s</name><difficult>0</difficult><bndbox><xmin>%d</xmin>"
                           "<ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox></object>\n",
                           fsn__draw_class_name(shape->label), shape->left + 1, shape->top + 1,
                           shape->right + 1, shape->bottom + 1);
    }
    length += snprintf(text + length, sizeof text - (size_t)length, "</annotation>\n");
    return fsn__tar_add(archive, name, text, (size_t)length, err);
}

static enum fsn_status write_split(struct archive *archive, enum fsn_split split, int64_t count,
                                   uint64_t seed, struct fsn_error *err)
{
    const char *split_name = split == FSN_SPLIT_TRAIN ? "train" : "test";
    struct fsn__buf list = {.max = SIZE_MAX / 2};
    enum fsn_status status = FSN_OK;
    struct fsn__drawn_picture picture;
    char name[64];

    for (int64_t i = 0; i < count && status == FSN_OK; i++) {
        fsn__draw_picture(seed, split, i, &picture);
        snprintf(name, sizeof name, "shapes/JPEGImages/%s-%06lld.png", split_name, (long long)i);
        status = fsn__picture_write(archive, name, &picture, err);
        snprintf(name, sizeof name, "shapes/Annotations/%s-%06lld.xml", split_name, (long long)i);
        if (status == FSN_OK)
            status = write_xml(archive, name, &picture, err);
        snprintf(name, sizeof name, "%s-%06lld\n", split_name, (long long)i);
        if (status == FSN_OK && !fsn__buf_append(&list, name, strlen(name)))
            status = FSN__NOMEM(err);
    }
    snprintf(name, sizeof name, "shapes/ImageSets/Main/%s.txt", split_name);
    if (status == FSN_OK)
        status = fsn__tar_add(archive, name, list.data, list.size, err);
    fsn__buf_free(&list);
    return status;
}

static enum fsn_status write_splits(struct archive *archive, const void *user,
                                    struct fsn_error *err)
{
    const struct fsn__drawing *drawing = user;
    enum fsn_status status = FSN_OK;

    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = write_split(archive, (enum fsn_split)s, drawing->count[s], drawing->seed, err);
    return status;
}

enum fsn_status fsn_dataset_draw_boxes(const char *path, int64_t train_images, int64_t test_images,
                                       uint64_t seed, struct fsn_error *err)
{
    const struct fsn__drawing drawing = {{train_images, test_images}, seed};
    enum fsn_status status = fsn__drawing_check(&drawing, 1, MAX_IMAGES, err);

    return status == FSN_OK ? fsn__tar_write(path, write_splits, &drawing, err) : status;
}
