/* amx_pack.c - maps and filters as tiles read them: rounded to bfloat16, with zeros between rows
 * and images. */
#include "kernels/amx/amx.h"

#include <string.h>

/* How an element is read (struct fsn__reader); a plain Relu is an affine map with a = 1, b = 0. */
enum mode { COPY, AFFINE, AFFINE_RELU, GRADIENT };

/* A row of one block. */
struct source {
    const float *x, *z;
    __m512 a, b, c;
};

static enum mode mode_of(const struct fsn__reader *reader)
{
    if (reader->ds1)
        return GRADIENT;
    return reader->relu ? AFFINE_RELU : reader->a ? AFFINE : COPY;
}

static struct source source_at(const struct fsn__amx_line *line, const float *src,
                               const struct fsn__reader *reader, int64_t block, int64_t image,
                               int64_t y)
{
    const int64_t at = (((image * line->blocks + block) * line->h + y) * line->w) * FSN__LANES;
    const int64_t channel = block * FSN__LANES;
    struct source s = {src + at, NULL, _mm512_set1_ps(1), _mm512_setzero_ps(), _mm512_set1_ps(1)};

    if (reader->ds1) {
        s.z = reader->z + at;
        s.a = _mm512_loadu_ps(reader->ds1 + channel);
        s.b = 2 * _mm512_loadu_ps(reader->ds2 + channel);
        if (reader->scale)
            s.c = _mm512_loadu_ps(reader->scale + channel);
    } else if (reader->a) {
        s.a = _mm512_loadu_ps(reader->a + channel);
        s.b = _mm512_loadu_ps(reader->b + channel);
    }
    return s;
}

FSN__INLINE __m512 element(const struct source *s, int64_t j, const enum mode mode)
{
    const __m512 x = _mm512_loadu_ps(s->x + j * FSN__LANES);

    switch (mode) {
    case AFFINE:
        return s->a * x + s->b;
    case AFFINE_RELU:
        return (__m512)fsn__vec_relu((fsn__vec)(s->a * x + s->b));
    case GRADIENT:
        return s->c * x + s->a + _mm512_loadu_ps(s->z + j * FSN__LANES) * s->b;
    case COPY:
    default:
        return x;
    }
}

FSN__INLINE void put_two(fsn__bf16 *to, __m512 first, __m512 second)
{
    _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

/* Two blocks side by side; one and zeros; one alone, whose positions are packed closer. */
FSN__INLINE void put_row(fsn__bf16 *to, const struct source *first, const struct source *beside,
                         bool pair, int64_t w, const enum mode mode)
{
    int64_t j = 0;

    if (beside) {
        for (; j < w; j++)
            put_two(to + j * FSN__AMX_DEPTH, element(first, j, mode), element(beside, j, mode));
    } else if (pair) {
        for (; j < w; j++)
            put_two(to + j * FSN__AMX_DEPTH, element(first, j, mode), _mm512_setzero_ps());
    } else {
        for (; j + 1 < w; j += 2)
            put_two(to + j * FSN__LANES, element(first, j, mode), element(first, j + 1, mode));
        if (j < w)
            _mm256_storeu_si256((__m256i *)(void *)(to + j * FSN__LANES),
                                (__m256i)_mm512_cvtneps_pbh(element(first, j, mode)));
    }
}

static void put_row_of(enum mode mode, fsn__bf16 *to, const struct source *first,
                       const struct source *beside, bool pair, int64_t w)
{
    switch (mode) {
    case COPY:
        put_row(to, first, beside, pair, w, COPY);
        break;
    case AFFINE:
        put_row(to, first, beside, pair, w, AFFINE);
        break;
    case AFFINE_RELU:
        put_row(to, first, beside, pair, w, AFFINE_RELU);
        break;
    case GRADIENT:
        put_row(to, first, beside, pair, w, GRADIENT);
        break;
    }
}

void fsn__amx_pack(const struct fsn__amx_line *line, const float *src,
                   const struct fsn__reader *reader, int64_t block, bool pair, fsn__bf16 *to)
{
    const int64_t lanes = pair ? FSN__AMX_DEPTH : FSN__LANES;
    const bool beside = pair && block + 1 < line->blocks;
    const enum mode mode = mode_of(reader);
    int64_t done = 0;

    for (int64_t t = 0; t < line->rows; t++) {
        const int64_t y = line->row0 + t - line->top, image = y < 0 ? 0 : y / line->image_rows;
        const int64_t row = y - image * line->image_rows, at = t * line->pitch + line->left;
        struct source first, second;

        if (row < 0 || row >= line->h || image >= line->images)
            continue;
        memset(to + done * lanes, 0, (size_t)((at - done) * lanes) * sizeof *to);
        done = at + line->w;
        first = source_at(line, src, reader, block, image, row);
        if (beside)
            second = source_at(line, src, reader, block + 1, image, row);
        put_row_of(mode, to + at * lanes, &first, beside ? &second : NULL, pair, line->w);
    }
    memset(to + done * lanes, 0, (size_t)((line->positions - done) * lanes) * sizeof *to);
}

/* Two positions of 16 numbers, interleaved: 16 pairs. */
static __m512i interleave(__m512i two)
{
    static const uint16_t order[FSN__AMX_DEPTH] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                   21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                   11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

    return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), two);
}

void fsn__amx_pairs(const fsn__bf16 *line, int64_t lanes, int64_t positions, fsn__bf16 *to)
{
    for (int64_t p = 0; p < positions; p += 2) {
        const __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)(line + p * lanes));
        const __m256i second =
            _mm256_loadu_si256((const __m256i *)(const void *)(line + (p + 1) * lanes));

        _mm512_storeu_si512(to + p * FSN__LANES, interleave(_mm512_inserti64x4(
                                                     _mm512_castsi256_si512(first), second, 1)));
    }
}

/* Rows and columns of 16 x 16 pairs change places. */
static void transpose(__m512i row[16])
{
    __m512i t[16];

    FSN__UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    FSN__UNROLL
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            row[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + 2 + j]);
            row[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + 2 + j]);
        }
    FSN__UNROLL
    for (int i = 0; i < 4; i++)
        for (int half = 0; half < 2; half++) {
            const __m512i a = row[8 * half + i], b = row[8 * half + 4 + i];

            t[8 * half + i] = _mm512_shuffle_i32x4(a, b, 0x88);
            t[8 * half + 4 + i] = _mm512_shuffle_i32x4(a, b, 0xdd);
        }
    FSN__UNROLL
    for (int i = 0; i < 8; i++) {
        row[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        row[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    }
}

void fsn__amx_columns(const fsn__bf16 *line, int64_t positions, fsn__bf16 *to, int64_t stride)
{
    for (int64_t p = 0; p < positions; p += FSN__AMX_DEPTH) {
        __m512i row[16];

        FSN__UNROLL
        for (int i = 0; i < 16; i++)
            row[i] = interleave(_mm512_loadu_si512(line + (p + 2 * i) * FSN__LANES));
        transpose(row);
        FSN__UNROLL
        for (int c = 0; c < 16; c++)
            _mm512_storeu_si512(to + c * stride + p, row[c]);
    }
}

static fsn__bf16 rounded(float v)
{
    return (fsn__bf16)_mm_extract_epi16((__m128i)_mm_cvtneps_pbh(_mm_set_ss(v)), 0);
}

/* Where source `lane` of a chunk has the number of a tap of destination lane 0. */
static int64_t filter_at(const struct fsn__amx_plan *plan, int64_t r, int64_t s, int64_t lane)
{
    const bool pairs = plan->lanes == FSN__LANES; /* of taps */
    const int64_t step = r * plan->steps_across + (pairs ? s / 2 : s);
    const int64_t depth = pairs ? s % 2 * FSN__LANES + lane : lane;

    return step * FSN__AMX_TILE + depth / 2 * (2 * FSN__LANES) + depth % 2;
}

/* One source's channel of one destination: `from` has its R S taps. */
static void put_filter(const struct fsn__amx_plan *plan, bool backward, const float *from,
                       int64_t lane, fsn__bf16 *to)
{
    for (int64_t r = 0; r < plan->r; r++)
        for (int64_t s = 0; s < plan->s; s++) {
            const int64_t tap = r * plan->s + s;

            to[filter_at(plan, r, s, lane)] =
                rounded(from[backward ? plan->r * plan->s - 1 - tap : tap]);
        }
}

/* Forward a filter is a destination, and its channels the sources. */
static void pack_forward(const struct fsn__amx_plan *plan, const struct fsn__filters *w,
                         int64_t block, int64_t chunk, float *copy, fsn__bf16 *to)
{
    const int64_t c0 = chunk * plan->lanes, left = plan->src_channels - c0;
    const int64_t lanes = left < plan->lanes ? left : plan->lanes;

    for (int64_t i = 0; i < FSN__LANES && block * FSN__LANES + i < plan->dst_channels; i++) {
        const float *filter = fsn__filters_read(w, block * FSN__LANES + i, c0, lanes, copy);

        for (int64_t lane = 0; lane < lanes; lane++)
            put_filter(plan, false, filter + lane * plan->r * plan->s, lane, to + 2 * i);
    }
}

static void pack_backward(const struct fsn__amx_plan *plan, const struct fsn__filters *w,
                          int64_t block, int64_t chunk, float *copy, fsn__bf16 *to)
{
    const int64_t c0 = block * FSN__LANES, left = plan->dst_channels - c0;
    const int64_t lanes = left < FSN__LANES ? left : FSN__LANES;

    for (int64_t lane = 0; lane < plan->lanes && chunk * plan->lanes + lane < plan->src_channels;
         lane++) {
        const float *filter = fsn__filters_read(w, chunk * plan->lanes + lane, c0, lanes, copy);

        for (int64_t i = 0; i < lanes; i++)
            put_filter(plan, true, filter + i * plan->r * plan->s, lane, to + 2 * i);
    }
}

void fsn__amx_pack_filters(const struct fsn__amx_plan *plan, bool backward,
                           const struct fsn__filters *w, fsn__bf16 *to, int thread, int threads)
{
    const int64_t size = plan->r * plan->steps_across * FSN__AMX_TILE;
    float copy[FSN__AMX_DEPTH * FSN__AMX_MAX_TAPS];
    int64_t begin, end;

    fsn__share(plan->dst_blocks * plan->chunks, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        memset(to + i * size, 0, (size_t)size * sizeof *to);
        (backward ? pack_backward : pack_forward)(plan, w, i / plan->chunks, i % plan->chunks, copy,
                                                  to + i * size);
    }
}
