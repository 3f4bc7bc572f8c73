/* direct_store.c - finished sums on their way to memory: bias, residual, Relu and the statistics of
 * batch norm going forward; its gradient going backward. Formulas: kernels.h. */
#include "kernels/isa/direct.h"

/* The two sums of a row are f32, those of a task double: rows are short, tasks are not. */
static void add_sums(const struct fsn__row *row, const fsn__vec *sum1, const fsn__vec *sum2)
{
    float s1[FSN__LANES], s2[FSN__LANES];

    if (!row->sum1)
        return;
    for (int v = 0; v < FSN__PARTS; v++) {
        fsn__vec_store(s1 + v * FSN__VL, sum1[v]);
        fsn__vec_store(s2 + v * FSN__VL, sum2[v]);
    }
    for (int lane = 0; lane < FSN__LANES; lane++) {
        row->sum1[lane] += (double)s1[lane];
        row->sum2[lane] += (double)s2[lane];
    }
}

/* Stores past the caches fill a cache line at once, so the parts of a block are stored one after
 * the other. The branch is the same for a whole pass and so foreseen. */
FSN__INLINE void put(const struct fsn__row *row, float *dst, fsn__vec v)
{
    if (row->stream)
        fsn__vec_stream(dst, v);
    else
        fsn__vec_store(dst, v);
}

/* A block of an array per channel; zeros for NULL. */
FSN__INLINE void load_block(fsn__vec *to, const float *from)
{
    for (int v = 0; v < FSN__PARTS; v++)
        to[v] = from ? fsn__vec_load(from + v * FSN__VL) : fsn__vec_zero();
}

FSN__INLINE void forward(const struct fsn__row *row, const struct fsn__store *store,
                         const bool residual, const bool relu)
{
    fsn__vec bias[FSN__PARTS], sum[FSN__PARTS], sum_sq[FSN__PARTS];

    load_block(bias, store->bias ? store->bias + row->channel : NULL);
    load_block(sum, NULL);
    load_block(sum_sq, NULL);
    for (int64_t p = 0; p < row->pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++) {
            const int64_t at = p * row->dst_pixel + v * FSN__VL;
            fsn__vec z = fsn__vec_load(row->acc + p * row->acc_pixel + v * FSN__VL) + bias[v];

            if (residual)
                z += fsn__vec_load(row->beside + at);
            if (relu)
                z = fsn__vec_relu(z);
            sum[v] += z;
            sum_sq[v] += z * z;
            put(row, row->dst + at, z);
        }
    }
    add_sums(row, sum, sum_sq);
}

void fsn__direct_store_forward(const struct fsn__row *row, const struct fsn__store *store)
{
    if (row->beside && store->relu)
        forward(row, store, true, true);
    else if (row->beside)
        forward(row, store, true, false);
    else if (store->relu)
        forward(row, store, false, true);
    else
        forward(row, store, false, false);
}

void fsn__direct_add_sums(const double *sums, int threads, int64_t channels, float *const to[2],
                          bool set)
{
    for (int which = 0; which < 2; which++)
        for (int64_t c = 0; to[which] && c < channels; c++) {
            double sum = 0.0;

            for (int thread = 0; thread < threads; thread++)
                sum += sums[(2 * thread + which) * channels + c];
            to[which][c] = (float)(set ? sum : sum + (double)to[which][c]);
        }
}

/* What came before x: nothing; Relu alone; a z + b; a z + b and Relu; the end of a residual block,
 * whose gradient is gated when it is whole. */
enum before { NOTHING, GATE, SCALE, SCALE_GATE, JOINED };

FSN__INLINE void backward(const struct fsn__row *row, const struct fsn__grad_store *store,
                          const enum before before, const bool accumulate)
{
    const bool affine = before == SCALE || before == SCALE_GATE;
    fsn__vec a[FSN__PARTS], b[FSN__PARTS], da[FSN__PARTS], db[FSN__PARTS];

    load_block(a, affine ? store->load->a + row->channel : NULL);
    load_block(b, affine ? store->load->b + row->channel : NULL);
    load_block(da, NULL);
    load_block(db, NULL);
    for (int64_t p = 0; p < row->pixels; p++) {
        FSN__UNROLL
        for (int v = 0; v < FSN__PARTS; v++) {
            const int64_t at = p * row->dst_pixel + v * FSN__VL;
            const fsn__vec z =
                before == NOTHING ? fsn__vec_zero() : fsn__vec_load(row->beside + at);
            fsn__vec g = fsn__vec_load(row->acc + p * row->acc_pixel + v * FSN__VL);

            if (before == GATE)
                g = fsn__vec_where_positive(z, g);
            if (before == SCALE_GATE)
                g = fsn__vec_where_positive(a[v] * z + b[v], g);
            if (before == JOINED) {
                if (accumulate)
                    g += fsn__vec_load(row->dst + at);
                g = fsn__vec_where_positive(z, g);
                da[v] += g * fsn__vec_load(row->joined + at);
                db[v] += g;
            }
            if (affine) {
                da[v] += g * z;
                db[v] += g;
                g *= a[v];
            }
            if (accumulate && before != JOINED)
                g += fsn__vec_load(row->dst + at);
            put(row, row->dst + at, g);
        }
    }
    add_sums(row, da, db);
}

void fsn__direct_store_backward(const struct fsn__row *row, const struct fsn__grad_store *store)
{
    const struct fsn__load *load = store->load;
    const bool affine = load && load->a, gate = load && load->relu;

#define STORE(before)                            \
    do {                                         \
        if (store->accumulate)                   \
            backward(row, store, before, true);  \
        else                                     \
            backward(row, store, before, false); \
    } while (0)
    if (row->joined)
        STORE(JOINED);
    else if (affine && gate)
        STORE(SCALE_GATE);
    else if (affine)
        STORE(SCALE);
    else if (gate)
        STORE(GATE);
    else
        STORE(NOTHING);
#undef STORE
}

void fsn__direct_store_zeros(const struct fsn__row *row)
{
    for (int64_t p = 0; p < row->pixels; p++)
        for (int v = 0; v < FSN__PARTS; v++)
            put(row, row->dst + p * row->dst_pixel + v * FSN__VL, fsn__vec_zero());
}
