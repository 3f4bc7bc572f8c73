/* direct_pack.c - source rows as the register tiles read them (direct_plan.h): transformed, with
 * zeros around, columns sorted by remainder. */
#include "kernels/isa/direct.h"

#include <string.h>

enum mode { COPY, RELU, AFFINE, AFFINE_RELU, GRADIENT };

static enum mode mode_of(const struct fsn__reader *reader)
{
    if (reader->ds1)
        return GRADIENT;
    if (reader->a)
        return reader->relu ? AFFINE_RELU : AFFINE;
    return reader->relu ? RELU : COPY;
}

/* pixels blocks of 16 from src, `step` pixels apart, to dst, side by side; z beside src. */
FSN__INLINE void read_pixels(float *dst, const float *src, int64_t pixels, int64_t step,
                             const enum mode mode, const float *z, const float *a, const float *b,
                             const float *c)
{
    for (int v = 0; v < FSN__PARTS; v++) {
        const fsn__vec scale = mode >= AFFINE ? fsn__vec_load(a + v * FSN__VL) : fsn__vec_zero();
        const fsn__vec shift = mode >= AFFINE ? fsn__vec_load(b + v * FSN__VL) : fsn__vec_zero();
        const fsn__vec times = c ? fsn__vec_load(c + v * FSN__VL) : fsn__vec_set(1);

        for (int64_t p = 0; p < pixels; p++) {
            const int64_t from = p * step * FSN__LANES + v * FSN__VL;
            fsn__vec x = fsn__vec_load(src + from);

            if (mode == GRADIENT)
                x = times * x + shift + fsn__vec_load(z + from) * scale;
            if (mode == AFFINE || mode == AFFINE_RELU)
                x = scale * x + shift;
            if (mode == RELU || mode == AFFINE_RELU)
                x = fsn__vec_relu(x);
            fsn__vec_store(dst + p * FSN__LANES + v * FSN__VL, x);
        }
    }
}

static void read_run(float *dst, const float *src, int64_t pixels, int64_t step,
                     const struct fsn__reader *reader, int64_t at, int64_t channel)
{
    float twice[FSN__LANES];

    switch (mode_of(reader)) {
    case COPY:
        read_pixels(dst, src, pixels, step, COPY, NULL, NULL, NULL, NULL);
        break;
    case RELU:
        read_pixels(dst, src, pixels, step, RELU, NULL, NULL, NULL, NULL);
        break;
    case AFFINE:
        read_pixels(dst, src, pixels, step, AFFINE, NULL, reader->a + channel, reader->b + channel,
                    NULL);
        break;
    case AFFINE_RELU:
        read_pixels(dst, src, pixels, step, AFFINE_RELU, NULL, reader->a + channel,
                    reader->b + channel, NULL);
        break;
    case GRADIENT:
        for (int lane = 0; lane < FSN__LANES; lane++)
            twice[lane] = 2.0f * reader->ds2[channel + lane];
        read_pixels(dst, src, pixels, step, GRADIENT, reader->z + at, twice, reader->ds1 + channel,
                    reader->scale ? reader->scale + channel : NULL);
        break;
    }
}

/* One row of one block, from source row y (outside: zeros) to `to`. */
static void pack_row(const struct fsn__direct_plan *plan, const float *src,
                     const struct fsn__reader *reader, int64_t block, int64_t y, float *to)
{
    const int64_t step = plan->src_step_x, pitch = plan->column_pitch;
    const int64_t row = (block * plan->src_h + y) * plan->src_w;

    for (int64_t remainder = 0; remainder < step; remainder++, to += pitch * FSN__LANES) {
        const int64_t x0 = plan->col_min + remainder; /* the column of pixel 0 */
        int64_t first = 0, end = 0, at;

        if (!(plan->cols_used >> remainder & 1))
            continue;
        if (y >= 0 && y < plan->src_h) {
            first = x0 < 0 ? (-x0 + step - 1) / step : 0;
            end = x0 < plan->src_w ? (plan->src_w - 1 - x0) / step + 1 : 0;
            first = first > pitch ? pitch : first;
            end = end > pitch ? pitch : end;
            end = end < first ? first : end;
        }
        memset(to, 0, (size_t)(first * FSN__LANES) * sizeof *to);
        memset(to + end * FSN__LANES, 0, (size_t)((pitch - end) * FSN__LANES) * sizeof *to);
        if (first == end)
            continue;
        at = (row + x0 + first * step) * FSN__LANES;
        read_run(to + first * FSN__LANES, src + at, end - first, step, reader, at,
                 block * FSN__LANES);
    }
}

/* Few channels: lane s C + c of column j is channel c of column j step + s dilation - left. */
static void pack_few_columns(const struct fsn__direct_plan *plan, const float *src,
                             const struct fsn__reader *reader, int64_t s, int64_t first,
                             int64_t end, float *to)
{
    const int64_t channels = plan->few_channels, x0 = s * plan->few_dilation - plan->few_left;
    const int64_t lane = s * channels, step = plan->few_step * FSN__LANES;

    src += x0 * FSN__LANES;
    /* Four lanes at once: those past C are 0 and the next s writes over them, or they stay. */
    if (mode_of(reader) == COPY && lane % FSN__LANES <= FSN__LANES - 4) {
        to += lane / FSN__LANES * plan->block_pitch + lane % FSN__LANES;
        for (int64_t j = first; j < end; j++)
            memcpy(to + j * FSN__LANES, src + j * step, 4 * sizeof *to);
        return;
    }
    for (int64_t c = 0; c < channels; c++) {
        const int64_t at = lane + c;
        float *out = to + at / FSN__LANES * plan->block_pitch + at % FSN__LANES;

        for (int64_t j = first; j < end; j++) {
            float v = src[j * step + c];

            if (reader->a)
                v = reader->a[c] * v + reader->b[c];
            if (reader->relu)
                v = v > 0.0f ? v : 0.0f;
            out[j * FSN__LANES] = v;
        }
    }
}

static void pack_few_row(const struct fsn__direct_plan *plan, const float *src,
                         const struct fsn__reader *reader, int64_t y, float *to)
{
    const int64_t step = plan->few_step;

    for (int64_t block = 0; block < plan->src_blocks; block++)
        memset(to + block * plan->block_pitch, 0, (size_t)plan->row_pitch * sizeof *to);
    if (y < 0 || y >= plan->src_h)
        return;
    src += y * plan->src_w * FSN__LANES;
    for (int64_t s = 0; s < plan->few_cols; s++) {
        const int64_t x0 = s * plan->few_dilation - plan->few_left; /* of column 0 */
        const int64_t first = x0 < 0 ? (-x0 + step - 1) / step : 0;
        const int64_t end = x0 < plan->src_w ? (plan->src_w - 1 - x0) / step + 1 : 0;

        pack_few_columns(plan, src, reader, s, first, end < plan->grid_cols ? end : plan->grid_cols,
                         to);
    }
}

/* Blocks outside, rows inside: the rows of a block follow each other in memory. */
void fsn__direct_pack_source(const struct fsn__direct_plan *plan, const float *src,
                             const struct fsn__reader *reader, int64_t row0, int64_t rows,
                             float *packed)
{
    const int64_t packed_rows = fsn__direct_packed_rows(plan, rows);
    const int64_t y0 = row0 * plan->src_step_y + plan->row_min;

    for (int64_t block = 0; block < (plan->few ? 1 : plan->src_blocks); block++) {
        for (int64_t i = 0; i < packed_rows; i++) {
            float *to = packed + block * plan->block_pitch + i * plan->row_pitch;

            if (!(plan->rows_used >> i % plan->src_step_y & 1))
                continue;
            if (plan->few)
                pack_few_row(plan, src, reader, y0 + i, to);
            else
                pack_row(plan, src, reader, block, y0 + i, to);
        }
    }
}

void fsn__direct_read(float *dst, const float *src, int64_t pixels,
                      const struct fsn__reader *reader)
{
    read_run(dst, src, pixels, 1, reader, 0, 0);
}
