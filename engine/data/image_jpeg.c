/*
 * image_jpeg.c - JPEG through libjpeg-turbo, with its defaults, which are those of PIL and
 * torchvision.
 *
 * libjpeg reports a fatal fault by a function that must not return, so it jumps back into read().
 * Of its warnings one counts: data that ends too early, which libjpeg would fill up with grey.
 * Stray bytes between markers, found in many a public set, change nothing and are let pass. A
 * progressive file may repeat scans without end; MAX_SCANS bounds what a small file can cost.
 *
 * Files of four components (CMYK, or YCCK that libjpeg turns into it) are shown by
 * R = (1 - C)(1 - K); Adobe's programs store them inverted, and say so by their marker.
 */
#include "data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum { MAX_SCANS = 100, MAX_MEMORY = 512 << 20 };

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    char reason[JMSG_LENGTH_MAX];
    bool out_of_memory;
    uint8_t *row; /* of a CMYK file; NULL otherwise */
};

static _Noreturn void give_up(j_common_ptr common)
{
    struct reader *reader = common->client_data;

    if (!reader->reason[0])
        common->err->format_message(common, reader->reason);
    reader->out_of_memory = common->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(reader->back, 1);
}

static void take_message(j_common_ptr common, int level)
{
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        give_up(common);
}

/* libjpeg calls this again and again while it reads scans. */
static void check_scans(j_common_ptr common)
{
    struct reader *reader = common->client_data;

    if (reader->jpeg.input_scan_number > MAX_SCANS) {
        snprintf(reader->reason, sizeof reader->reason, "more than %d scans", MAX_SCANS);
        give_up(common);
    }
}

static bool is_jpeg(const struct fsn__image_file *file)
{
    return file->size >= 3 && memcmp(file->bytes, "\xff\xd8\xff", 3) == 0;
}

/* row: width pixels of C, M, Y, K. */
static void show_cmyk(const uint8_t *row, int width, bool inverted, uint8_t *pixels)
{
    for (int i = 0; i < width; i++, row += 4, pixels += 3) {
        const unsigned light = inverted ? row[3] : 255u - row[3];

        for (int c = 0; c < 3; c++) {
            const unsigned ink_free = inverted ? row[c] : 255u - row[c];

            pixels[c] = (uint8_t)((ink_free * light + 127) / 255);
        }
    }
}

static void decode(struct reader *reader, uint8_t *pixels)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    const size_t stride = (size_t)jpeg->image_width * (jpeg->num_components == 1 ? 1 : 3);
    const bool cmyk = jpeg->num_components == 4;

    jpeg->out_color_space = cmyk ? JCS_CMYK : jpeg->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    if (cmyk) {
        reader->row = malloc((size_t)jpeg->image_width * 4);
        if (!reader->row) {
            reader->out_of_memory = true;
            longjmp(reader->back, 1);
        }
    }
    jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = pixels + jpeg->output_scanline * stride;
        JSAMPROW row = cmyk ? reader->row : to;

        jpeg_read_scanlines(jpeg, &row, 1);
        if (cmyk)
            show_cmyk(row, (int)jpeg->image_width, jpeg->saw_Adobe_marker, to);
    }
    jpeg_finish_decompress(jpeg);
}

static enum fsn_status check_header(const struct fsn__image_file *file,
                                    const struct jpeg_decompress_struct *jpeg,
                                    struct fsn__image_info *info, struct fsn_error *err)
{
    enum fsn_status status =
        fsn__image_check_size(file, jpeg->image_width, jpeg->image_height, err);

    if (status != FSN_OK)
        return status;
    if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "%s: JPEG of %d components, expected 1, 3 or 4",
                         file->name, jpeg->num_components);
    *info = (struct fsn__image_info){(int)jpeg->image_width, (int)jpeg->image_height,
                                     jpeg->num_components == 1 ? 1 : 3};
    return FSN_OK;
}

static enum fsn_status read_jpeg(const struct fsn__image_file *file, struct fsn__image_info *info,
                                 uint8_t *pixels, struct fsn_error *err)
{
    struct reader reader = {0};
    enum fsn_status status;

    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.jpeg.client_data = &reader;
    reader.errors.error_exit = give_up;
    reader.errors.emit_message = take_message;
    reader.progress.progress_monitor = check_scans;
    if (setjmp(reader.back) != 0) {
        status = reader.out_of_memory ? FSN__NOMEM(err)
                                      : FSN__FAIL(err, FSN_FORMAT, "%s: damaged JPEG: %s",
                                                  file->name, reader.reason);
        goto out;
    }
    jpeg_create_decompress(&reader.jpeg);
    reader.jpeg.progress = &reader.progress;
    reader.jpeg.mem->max_memory_to_use = MAX_MEMORY;
    jpeg_mem_src(&reader.jpeg, file->bytes, (unsigned long)file->size);
    jpeg_read_header(&reader.jpeg, TRUE);
    status = check_header(file, &reader.jpeg, info, err);
    if (status == FSN_OK && pixels)
        decode(&reader, pixels);
out:
    free(reader.row);
    jpeg_destroy_decompress(&reader.jpeg);
    return status;
}

const struct fsn__codec fsn__codec_jpeg = {is_jpeg, read_jpeg};
