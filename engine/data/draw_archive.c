/*
 * draw_archive.c - writes drawn images as a CIFAR-10 binary archive (see cifar.c for the layout),
 * so that a demo or a test takes the very way that a downloaded data set takes.
 */
#include "data/draw.h"
#include "data/tar_writer.h"

#include <stdio.h>
#include <string.h>

#define FOLDER "cifar-10-batches-bin/"

enum { RECORD = 1 + FSN__DRAW_PIXELS, TRAIN_FILES = 5, MAX_IMAGES = 1000000 };

static enum fsn_status write_names(struct archive *archive, struct fsn_error *err)
{
    char text[512];
    int length = 0;

    for (int i = 0; i < FSN__DRAW_CLASSES; i++)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "%s\n", fsn__draw_class_name(i));
    return fsn__tar_add(archive, FOLDER "batches.meta.txt", text, (size_t)length, err);
}

/* Writes images first..last-1 of a split as one file. */
static enum fsn_status write_batch(struct archive *archive, const char *name, uint64_t seed,
                                   enum fsn_split split, int64_t first, int64_t last,
                                   struct fsn_error *err)
{
    enum fsn_status status = fsn__tar_begin_file(archive, name, (last - first) * RECORD, err);
    uint8_t record[RECORD];

    for (int64_t i = first; status == FSN_OK && i < last; i++) {
        record[0] = (uint8_t)fsn__draw_image(seed, split, i, record + 1);
        if (archive_write_data(archive, record, RECORD) != RECORD)
            status = fsn__tar_fault(archive, err);
    }
    return status;
}

static enum fsn_status write_all(struct archive *archive, const void *user, struct fsn_error *err)
{
    const struct fsn__drawing *drawing = user;
    const int64_t train = drawing->count[FSN_SPLIT_TRAIN], test = drawing->count[FSN_SPLIT_TEST];
    enum fsn_status status = write_names(archive, err);

    for (int64_t i = 0; status == FSN_OK && i < TRAIN_FILES; i++) {
        char name[64];

        snprintf(name, sizeof name, FOLDER "data_batch_%d.bin", (int)i + 1);
        status = write_batch(archive, name, drawing->seed, FSN_SPLIT_TRAIN, train * i / TRAIN_FILES,
                             train * (i + 1) / TRAIN_FILES, err);
    }
    if (status == FSN_OK)
        status = write_batch(archive, FOLDER "test_batch.bin", drawing->seed, FSN_SPLIT_TEST, 0,
                             test, err);
    return status;
}

enum fsn_status fsn_dataset_draw(const char *path, int64_t train_images, int64_t test_images,
                                 uint64_t seed, struct fsn_error *err)
{
    const struct fsn__drawing drawing = {{train_images, test_images}, seed};
    enum fsn_status status = fsn__drawing_check(&drawing, FSN__DRAW_CLASSES, MAX_IMAGES, err);

    return status == FSN_OK ? fsn__tar_write(path, write_all, &drawing, err) : status;
}
