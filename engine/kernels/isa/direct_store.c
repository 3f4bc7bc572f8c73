/* direct_store.c - finished sums on their way to memory: bias, residual, Relu and the statistics of
 * batch norm going forward; its gradient going backward. Formulas: kernels.h. */
#include "kernels/isa/direct.h"

/* The two sums of a row are f32, those of a task double: rows are short, tasks are not. */
static void add_sums(const struct fsn__row *row, int v, fsn__vec sum1, fsn__vec sum2)
{
    float s1[FSN__VL], s2[FSN__VL];

    if (!row->sum1)
        return;
    fsn__vec_store(s1, sum1);
    fsn__vec_store(s2, sum2);
    for (int lane = 0; lane < FSN__VL; lane++) {
        row->sum1[v * FSN__VL + lane] += (double)s1[lane];
        row->sum2[v * FSN__VL + lane] += (double)s2[lane];
    }
}

/* The branch is the same for a whole pass, so it is foreseen. */
FSN__INLINE void put(const struct fsn__row *row, float *dst, fsn__vec v)
{
    if (row->stream)
        fsn__vec_stream(dst, v);
    else
        fsn__vec_store(dst, v);
}

FSN__INLINE void forward(const struct fsn__row *row, const struct fsn__store *store,
                         const bool residual, const bool relu)
{
    for (int v = 0; v < FSN__PARTS; v++) {
        const float *acc = row->acc + v * FSN__VL;
        const float *beside = residual ? row->beside + v * FSN__VL : NULL;
        float *dst = row->dst + v * FSN__VL;
        const fsn__vec bias =
            store->bias ? fsn__vec_load(store->bias + row->channel + v * FSN__VL) : fsn__vec_zero();
        fsn__vec sum = fsn__vec_zero(), sum_sq = fsn__vec_zero();

        for (int64_t p = 0; p < row->pixels; p++) {
            fsn__vec z = fsn__vec_load(acc + p * row->acc_pixel) + bias;

            if (residual)
                z += fsn__vec_load(beside + p * row->dst_pixel);
            if (relu)
                z = fsn__vec_relu(z);
            sum += z;
            sum_sq += z * z;
            put(row, dst + p * row->dst_pixel, z);
        }
        add_sums(row, v, sum, sum_sq);
    }
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

/* What came before x: nothing; Relu alone; a z + b; a z + b and Relu. */
enum before { NOTHING, GATE, SCALE, SCALE_GATE };

FSN__INLINE void backward(const struct fsn__row *row, const struct fsn__grad_store *store,
                          const enum before before, const bool accumulate)
{
    const bool affine = before == SCALE || before == SCALE_GATE;

    for (int v = 0; v < FSN__PARTS; v++) {
        const int64_t channel = row->channel + v * FSN__VL;
        const fsn__vec a = affine ? fsn__vec_load(store->load->a + channel) : fsn__vec_zero();
        const fsn__vec b = affine ? fsn__vec_load(store->load->b + channel) : fsn__vec_zero();
        fsn__vec da = fsn__vec_zero(), db = fsn__vec_zero();

        for (int64_t p = 0; p < row->pixels; p++) {
            const int64_t at = p * row->dst_pixel + v * FSN__VL;
            const fsn__vec z =
                before == NOTHING ? fsn__vec_zero() : fsn__vec_load(row->beside + at);
            fsn__vec g = fsn__vec_load(row->acc + p * row->acc_pixel + v * FSN__VL);

            if (before == GATE)
                g = fsn__vec_where_positive(z, g);
            if (before == SCALE_GATE)
                g = fsn__vec_where_positive(a * z + b, g);
            if (affine) {
                da += g * z;
                db += g;
                g *= a;
            }
            if (accumulate)
                g += fsn__vec_load(row->dst + at);
            put(row, row->dst + at, g);
        }
        add_sums(row, v, da, db);
    }
}

void fsn__direct_store_backward(const struct fsn__row *row, const struct fsn__grad_store *store)
{
    const struct fsn__load *load = store->load;
    const bool affine = load && load->a, gate = load && load->relu;

    if (store->accumulate) {
        if (affine && gate)
            backward(row, store, SCALE_GATE, true);
        else if (affine)
            backward(row, store, SCALE, true);
        else if (gate)
            backward(row, store, GATE, true);
        else
            backward(row, store, NOTHING, true);
    } else {
        if (affine && gate)
            backward(row, store, SCALE_GATE, false);
        else if (affine)
            backward(row, store, SCALE, false);
        else if (gate)
            backward(row, store, GATE, false);
        else
            backward(row, store, NOTHING, false);
    }
}

void fsn__direct_store_zeros(const struct fsn__row *row)
{
    for (int64_t p = 0; p < row->pixels; p++)
        for (int v = 0; v < FSN__PARTS; v++)
            put(row, row->dst + p * row->dst_pixel + v * FSN__VL, fsn__vec_zero());
}
