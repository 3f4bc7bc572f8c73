/* im2col.c - patches to matrix and back; see im2col.h.
 *
 * Which outputs read padding follows from the tap alone, so the bounds are computed once per tap
 * and axis and the inner loops carry no test. Where stride is 1 and rows keep their length (nearly
 * every 3x3 convolution) a tap's whole plane is the input plane shifted by a constant: one copy
 * moves it, and only the columns that wrapped around a row's end are cleared after it.
 */
#include "ops/im2col.h"

#include <string.h>

/* One tap: where it reads, and which outputs [begin, end) of each axis read within the input. */
struct tap {
    int64_t begin[FSN__WINDOW_AXES], end[FSN__WINDOW_AXES];
    int64_t offset[FSN__WINDOW_AXES]; /* input read by output 0; may lie before the input */
};

/* k: number of the tap within the window, row-major. */
static void locate_tap(const struct fsn__window *w, int64_t k, struct tap *t)
{
    for (int i = FSN__WINDOW_AXES - 1; i >= 0; i--) {
        const struct fsn__window_axis *a = &w->axis[i];

        fsn__window_out_range(a, k % a->taps, &t->begin[i], &t->end[i]);
        t->offset[i] = k % a->taps * a->dilation - a->pad_begin;
        k /= a->taps;
    }
}

static bool tap_is_padding(const struct tap *t)
{
    return t->begin[0] == t->end[0] || t->begin[1] == t->end[1] || t->begin[2] == t->end[2];
}

/* Whether rows keep their length and only shift. */
static bool only_shifts(const struct fsn__window *w)
{
    return w->axis[1].stride == 1 && w->axis[2].stride == 1 && w->axis[2].in == w->axis[2].out;
}

static void clear(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = 0.0F;
}

/* Clears what a shifted plane carries in the columns of output rows that read padding. */
static void clear_columns(const struct tap *t, int64_t rows, int64_t width, float *plane)
{
    for (int64_t c = 0; c < t->begin[2]; c++)
        for (int64_t r = 0; r < rows; r++)
            plane[r * width + c] = 0.0F;
    for (int64_t c = t->end[2]; c < width; c++)
        for (int64_t r = 0; r < rows; r++)
            plane[r * width + c] = 0.0F;
}

/* A run of whole rows that one shift serves: the first element is at row begin[1], column 0, of the
 * output. Its source may start before the plane or run past it by what is padding in the first or
 * last row; *skip elements at the front and what follows *count of them have no source. */
static void shifted_run(const struct fsn__window *w, const struct tap *t, int64_t *from,
                        int64_t *skip, int64_t *count)
{
    const int64_t width = w->axis[2].in, rows = t->end[1] - t->begin[1];
    const int64_t last = w->axis[1].in * width;

    *from = (t->begin[1] + t->offset[1]) * width + t->offset[2];
    *skip = *from < 0 ? -*from : 0;
    *count = rows * width - *skip;
    *from += *skip;
    if (*from + *count > last)
        *count = last - *from;
}

/* ---- patches to matrix -------------------------------------------------------------------------
 */

static void copy_shifted(const struct fsn__window *w, const struct tap *t, const float *x,
                         float *to)
{
    const int64_t width = w->axis[2].out, rows = t->end[1] - t->begin[1];
    float *first = to + t->begin[1] * width;
    int64_t from, skip, count;

    shifted_run(w, t, &from, &skip, &count);
    clear(to, t->begin[1] * width);
    memcpy(first + skip, x + from, (size_t)count * sizeof *x);
    clear_columns(t, rows, width, first);
    clear(to + t->end[1] * width, (w->axis[1].out - t->end[1]) * width);
}

static void copy_row(const struct fsn__window_axis *a, const struct tap *t, const float *x,
                     float *to)
{
    const int64_t begin = t->begin[2], end = t->end[2], stride = a->stride;
    const float *from = x + t->offset[2] + begin * stride;

    clear(to, begin);
    if (stride == 1)
        memcpy(to + begin, from, (size_t)(end - begin) * sizeof *to);
    else
        for (int64_t o = begin; o < end; o++, from += stride)
            to[o] = *from;
    clear(to + end, a->out - end);
}

static void copy_plane(const struct fsn__window *w, const struct tap *t, bool shifts,
                       const float *x, float *to)
{
    const struct fsn__window_axis *height = &w->axis[1], *width = &w->axis[2];

    if (shifts) {
        copy_shifted(w, t, x, to);
        return;
    }
    for (int64_t o = 0; o < height->out; o++, to += width->out) {
        if (o < t->begin[1] || o >= t->end[1])
            clear(to, width->out);
        else
            copy_row(width, t, x + (o * height->stride + t->offset[1]) * width->in, to);
    }
}

static void copy_tap(const struct fsn__window *w, const struct tap *t, bool shifts, const float *x,
                     float *to)
{
    const int64_t in = w->axis[1].in * w->axis[2].in, out = w->axis[1].out * w->axis[2].out;

    if (tap_is_padding(t)) {
        clear(to, w->axis[0].out * out);
        return;
    }
    for (int64_t o = 0; o < w->axis[0].out; o++, to += out) {
        if (o < t->begin[0] || o >= t->end[0])
            clear(to, out);
        else
            copy_plane(w, t, shifts, x + (o * w->axis[0].stride + t->offset[0]) * in, to);
    }
}

void fsn__im2col(const struct fsn__window *w, int64_t channels, const float *x, float *col)
{
    const int64_t in = fsn__window_in_size(w), out = fsn__window_out_size(w);
    const int64_t taps = fsn__window_taps(w);
    const bool shifts = only_shifts(w);
    struct tap t;

    for (int64_t k = 0; k < taps; k++) {
        locate_tap(w, k, &t);
        for (int64_t c = 0; c < channels; c++)
            copy_tap(w, &t, shifts, x + c * in, col + (c * taps + k) * out);
    }
}

/* ---- matrix to patches -------------------------------------------------------------------------
 */

static void add_shifted(const struct fsn__window *w, const struct tap *t, float *restrict from,
                        float *restrict dx)
{
    const int64_t width = w->axis[2].out, rows = t->end[1] - t->begin[1];
    int64_t to, skip, count;

    from += t->begin[1] * width;
    shifted_run(w, t, &to, &skip, &count);
    clear_columns(t, rows, width, from);
    for (int64_t i = 0; i < count; i++)
        dx[to + i] += from[skip + i];
}

static void add_plane(const struct fsn__window *w, const struct tap *t, bool shifts,
                      float *restrict from, float *restrict dx)
{
    const struct fsn__window_axis *height = &w->axis[1], *width = &w->axis[2];

    if (shifts) {
        add_shifted(w, t, from, dx);
        return;
    }
    for (int64_t r = t->begin[1]; r < t->end[1]; r++) {
        const float *row = from + r * width->out;
        float *to = dx + (r * height->stride + t->offset[1]) * width->in + t->offset[2];

        for (int64_t o = t->begin[2]; o < t->end[2]; o++)
            to[o * width->stride] += row[o];
    }
}

static void add_tap(const struct fsn__window *w, const struct tap *t, bool shifts, float *from,
                    float *dx)
{
    const int64_t in = w->axis[1].in * w->axis[2].in, out = w->axis[1].out * w->axis[2].out;

    for (int64_t o = t->begin[0]; o < t->end[0]; o++)
        add_plane(w, t, shifts, from + o * out, dx + (o * w->axis[0].stride + t->offset[0]) * in);
}

void fsn__col2im_add(const struct fsn__window *w, int64_t channels, float *dcol, float *dx)
{
    const int64_t in = fsn__window_in_size(w), out = fsn__window_out_size(w);
    const int64_t taps = fsn__window_taps(w);
    const bool shifts = only_shifts(w);
    struct tap t;

    for (int64_t k = 0; k < taps; k++) {
        locate_tap(w, k, &t);
        for (int64_t c = 0; c < channels && !tap_is_padding(&t); c++)
            add_tap(w, &t, shifts, dcol + (c * taps + k) * out, dx + c * in);
    }
}
