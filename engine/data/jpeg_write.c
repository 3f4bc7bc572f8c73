/* jpeg_write.c - images as JPEG files. libjpeg reports a fatal fault by a function that must not
 * return, so it jumps back. */
#include "data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

struct writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf back;
    unsigned char *bytes;
    unsigned long size;
    bool done;
};

static _Noreturn void give_up(j_common_ptr common)
{
    struct writer *writer = common->client_data;

    longjmp(writer->back, 1);
}

static void encode(struct writer *w, const struct fsn__image *image, int quality)
{
    struct jpeg_compress_struct *jpeg = &w->jpeg;
    const size_t stride = (size_t)image->width * (size_t)image->channels;

    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &w->bytes, &w->size);
    jpeg->image_width = (JDIMENSION)image->width;
    jpeg->image_height = (JDIMENSION)image->height;
    jpeg->input_components = image->channels;
    jpeg->in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = image->pixels + jpeg->next_scanline * stride;

        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
}

/* Nothing but memory can be wanting for an image that is in memory. */
static enum fsn_status finish(struct writer *w, uint8_t **bytes, size_t *size,
                              struct fsn_error *err)
{
    const bool done = w->done;

    if (done) {
        *bytes = w->bytes;
        *size = w->size;
    } else {
        free(w->bytes);
    }
    free(w);
    return done ? FSN_OK : FSN__NOMEM(err);
}

enum fsn_status fsn__jpeg_encode(const struct fsn__image *image, int quality, uint8_t **bytes,
                                 size_t *size, struct fsn_error *err)
{
    struct writer *w;

    if ((image->channels != 1 && image->channels != 3) || image->height < 1 || image->width < 1)
        return FSN__FAIL(err, FSN_INVALID,
                         "a JPEG has 1 or 3 channels and at least a pixel, got %d channels of "
                         "%d x %d",
                         image->channels, image->width, image->height);
    w = calloc(1, sizeof *w);
    if (!w)
        return FSN__NOMEM(err);
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->jpeg.client_data = w;
    w->errors.error_exit = give_up;
    if (setjmp(w->back) == 0) {
        encode(w, image, quality);
        w->done = true;
    }
    jpeg_destroy_compress(&w->jpeg);
    return finish(w, bytes, size, err);
}
