/* elementwise.c - Join, channel sums and copies over a run of pixels (elementwise.h).
 *
 * One loop over pixels, the vectors of a block side by side; what a call does not need is left out
 * by constant arguments, so that each case is a loop without branches.
 */
#include "kernels/elementwise.h"
#include "kernels/kernels_isa.h"

#include <math.h>

extern const struct fsn__elementwise FSN__ISA_NAME(fsn__elementwise);

/* A per-channel array as vectors. */
struct lanes {
    fsn__vec part[FSN__PARTS];
};

FSN__INLINE struct lanes load_lanes(const float *x)
{
    struct lanes lanes;

    for (int i = 0; i < FSN__PARTS; i++)
        lanes.part[i] = fsn__vec_load(x + i * FSN__VL);
    return lanes;
}

FSN__INLINE void store_lanes(float *x, const struct lanes *lanes)
{
    for (int i = 0; i < FSN__PARTS; i++)
        fsn__vec_store(x + i * FSN__VL, lanes->part[i]);
}

FSN__INLINE void put(float *p, fsn__vec v, bool stream)
{
    if (stream)
        fsn__vec_stream(p, v);
    else
        fsn__vec_store(p, v);
}

/* The smaller of two; b where either is not a number. */
FSN__INLINE fsn__vec vec_min(fsn__vec a, fsn__vec b)
{
    return -fsn__vec_max(-a, -b);
}

/* ---- Join -------------------------------------------------------------------------------------
 */

FSN__INLINE void join_case(const struct fsn__join_run *run, const bool two, const bool clip,
                           const bool stream)
{
    const struct fsn__operand_run *o = run->operand;
    const struct lanes a1 = load_lanes(o[0].a), b1 = load_lanes(o[0].b);
    const struct lanes a2 = load_lanes(o[1].a), b2 = load_lanes(o[1].b);
    const fsn__vec floor1 = fsn__vec_set(o[0].floor), floor2 = fsn__vec_set(o[1].floor);
    const fsn__vec low = fsn__vec_set(run->low), high = fsn__vec_set(run->high);

    for (int64_t p = 0; p < run->floats; p += FSN__LANES)
        for (int i = 0; i < FSN__PARTS; i++) {
            const int64_t at = p + i * FSN__VL;
            fsn__vec v = fsn__vec_load(o[0].z + at) * a1.part[i] + b1.part[i];

            v = fsn__vec_max(floor1, v);
            if (two) {
                fsn__vec other = fsn__vec_load(o[1].z + at) * a2.part[i] + b2.part[i];

                v += fsn__vec_max(floor2, other);
            }
            v = fsn__vec_max(low, v);
            if (clip)
                v = vec_min(high, v);
            put(run->y + at, v, stream);
        }
}

static void join(const struct fsn__join_run *run)
{
    const bool clip = run->high < INFINITY;

    if (run->operands == 2 && !clip && run->stream)
        join_case(run, true, false, true);
    else if (run->operands == 2 && !clip)
        join_case(run, true, false, false);
    else if (run->operands == 2)
        join_case(run, true, true, false);
    else if (!clip && run->stream)
        join_case(run, false, false, true);
    else if (!clip)
        join_case(run, false, false, false);
    else
        join_case(run, false, true, false);
}

enum store { STORE_NONE, STORE_ADD, STORE_SET, STORE_STREAM };

/* plain: z is not looked at, and da and db stay zero. */
FSN__INLINE void join_back_case(struct fsn__join_back_run *run, const bool relu, const bool gate,
                                const bool plain, const enum store store)
{
    const struct fsn__operand_run *o = &run->operand;
    const struct lanes a = load_lanes(o->a), b = load_lanes(o->b);
    const fsn__vec floor = fsn__vec_set(o->floor), low = fsn__vec_set(run->low);
    const fsn__vec high = fsn__vec_set(run->high);
    struct lanes da, db;

    for (int i = 0; i < FSN__PARTS; i++)
        da.part[i] = db.part[i] = fsn__vec_zero();
    for (int64_t p = 0; p < run->floats; p += FSN__LANES)
        for (int i = 0; i < FSN__PARTS; i++) {
            const int64_t at = p + i * FSN__VL;
            const fsn__vec z = plain ? fsn__vec_zero() : fsn__vec_load(o->z + at);
            fsn__vec g = fsn__vec_load(run->dy + at), dz;

            if (relu)
                g = fsn__vec_where_positive(fsn__vec_load(run->y + at), g);
            if (gate) {
                const fsn__vec v = z * a.part[i] + b.part[i];
                const fsn__mask pass =
                    (fsn__mask)(v > floor) & (fsn__mask)(v >= low) & (fsn__mask)(v <= high);

                g = (fsn__vec)((fsn__mask)g & pass);
            }
            if (!plain) {
                da.part[i] += g * z;
                db.part[i] += g;
            }
            dz = g * a.part[i];
            if (store == STORE_ADD)
                dz += fsn__vec_load(run->dz + at);
            if (store != STORE_NONE)
                put(run->dz + at, dz, store == STORE_STREAM);
        }
    store_lanes(run->da, &da);
    store_lanes(run->db, &db);
}

FSN__INLINE void join_back_stored(struct fsn__join_back_run *run, const enum store store)
{
    const bool plain = !run->sums && !run->gate;

    if (run->relu && run->gate)
        join_back_case(run, true, true, false, store);
    else if (run->relu && plain)
        join_back_case(run, true, false, true, store);
    else if (run->relu)
        join_back_case(run, true, false, false, store);
    else if (run->gate)
        join_back_case(run, false, true, false, store);
    else if (plain)
        join_back_case(run, false, false, true, store);
    else
        join_back_case(run, false, false, false, store);
}

static void join_back(struct fsn__join_back_run *run)
{
    if (!run->dz)
        join_back_stored(run, STORE_NONE);
    else if (!run->overwrite)
        join_back_stored(run, STORE_ADD);
    else if (!run->stream)
        join_back_stored(run, STORE_SET);
    else
        join_back_stored(run, STORE_STREAM);
}

/* ---- channel sums -----------------------------------------------------------------------------
 */

static void sums(int64_t floats, const float *z, float *s1, float *s2)
{
    struct lanes sum, squares;

    for (int i = 0; i < FSN__PARTS; i++)
        sum.part[i] = squares.part[i] = fsn__vec_zero();
    for (int64_t p = 0; p < floats; p += FSN__LANES)
        for (int i = 0; i < FSN__PARTS; i++) {
            const fsn__vec v = fsn__vec_load(z + p + i * FSN__VL);

            sum.part[i] += v;
            squares.part[i] += v * v;
        }
    store_lanes(s1, &sum);
    store_lanes(s2, &squares);
}

static void sums_back(int64_t floats, const float *z, const float *ds1, const float *ds2, float *dz,
                      bool overwrite)
{
    const struct lanes shift = load_lanes(ds1), slope = load_lanes(ds2);

    for (int64_t p = 0; p < floats; p += FSN__LANES)
        for (int i = 0; i < FSN__PARTS; i++) {
            const int64_t at = p + i * FSN__VL;
            const fsn__vec twice = fsn__vec_load(z + at) * 2.0F;
            const fsn__vec g = shift.part[i] + twice * slope.part[i];

            fsn__vec_store(dz + at, overwrite ? g : g + fsn__vec_load(dz + at));
        }
}

/* ---- copies -----------------------------------------------------------------------------------
 */

FSN__INLINE void copy_pixels(int64_t pixels, const int64_t lanes, const float *restrict from,
                             int64_t from_step, float *restrict to, int64_t to_step, const bool add)
{
    for (int64_t p = 0; p < pixels; p++, from += from_step, to += to_step)
        for (int64_t l = 0; l < lanes; l++)
            to[l] = add ? to[l] + from[l] : from[l];
}

/* The numbers of lanes that channel counts divisible by four lead to are loops of their own. */
FSN__INLINE void copy_lanes(int64_t pixels, int64_t lanes, const float *from, int64_t from_step,
                            float *to, int64_t to_step, const bool add)
{
    switch (lanes) {
    case 4:
        copy_pixels(pixels, 4, from, from_step, to, to_step, add);
        break;
    case 8:
        copy_pixels(pixels, 8, from, from_step, to, to_step, add);
        break;
    case 12:
        copy_pixels(pixels, 12, from, from_step, to, to_step, add);
        break;
    case 16:
        copy_pixels(pixels, 16, from, from_step, to, to_step, add);
        break;
    default:
        copy_pixels(pixels, lanes, from, from_step, to, to_step, add);
    }
}

static void copy(int64_t pixels, int64_t lanes, const float *from, int64_t from_step, float *to,
                 int64_t to_step, bool add)
{
    if (add)
        copy_lanes(pixels, lanes, from, from_step, to, to_step, true);
    else
        copy_lanes(pixels, lanes, from, from_step, to, to_step, false);
}

static void fence(void)
{
    fsn__vec_fence();
}

const struct fsn__elementwise FSN__ISA_NAME(fsn__elementwise) = {join,      join_back, sums,
                                                                 sums_back, copy,      fence};
