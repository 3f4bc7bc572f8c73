/* winograd_read.h - reading a map through its hook, a vector at a time.
 *
 *     plain: x = z     affine: x = a z + b     affine and relu: x = max(a z + b, 0)
 *     grad:  x = scale dz + ds1 + 2 z ds2, as c dz + a + b z with a = ds1, b = 2 ds2, c = scale
 * The hook never touches the padding: who reads decides what lies inside the map.
 */
#ifndef FSN_KERNELS_ISA_WINOGRAD_READ_H
#define FSN_KERNELS_ISA_WINOGRAD_READ_H

#include "kernels/isa/winograd_isa.h"

enum read_mode { READ_PLAIN, READ_AFFINE, READ_AFFINE_RELU, READ_GRAD };

/* The hook's a, b and c for the lanes of one channel block. */
struct read_hook {
    fsn__vec a[FSN__PARTS], b[FSN__PARTS], c[FSN__PARTS];
};

static inline enum read_mode read_mode(const struct wino_reader *reader)
{
    if (reader->grad && reader->grad->ds1)
        return READ_GRAD;
    if (!reader->load || (!reader->load->a && !reader->load->relu))
        return READ_PLAIN;
    return reader->load->relu ? READ_AFFINE_RELU : READ_AFFINE;
}

/* The hook of channel block c. */
static inline struct read_hook read_hook(const struct wino_reader *reader, int64_t c)
{
    enum read_mode mode = read_mode(reader);
    struct read_hook hook;

    for (int i = 0; i < FSN__PARTS; i++) {
        int64_t at = c * FSN__LANES + i * FSN__VL;

        hook.a[i] = fsn__vec_set(1);
        hook.b[i] = fsn__vec_zero();
        hook.c[i] = fsn__vec_set(1);
        if (mode == READ_GRAD) {
            hook.a[i] = fsn__vec_load(reader->grad->ds1 + at);
            hook.b[i] = 2 * fsn__vec_load(reader->grad->ds2 + at);
            if (reader->grad->scale)
                hook.c[i] = fsn__vec_load(reader->grad->scale + at);
        } else if (mode != READ_PLAIN && reader->load->a) {
            hook.a[i] = fsn__vec_load(reader->load->a + at);
            hook.b[i] = fsn__vec_load(reader->load->b + at);
        }
    }
    return hook;
}

/* x and z point to the same place of two maps; z is read in READ_GRAD alone. */
FSN__INLINE fsn__vec read_vec(enum read_mode mode, const float *x, const float *z,
                              const struct read_hook *hook, int part)
{
    const fsn__vec v = fsn__vec_load(x), a = hook->a[part], b = hook->b[part];

    switch (mode) {
    case READ_AFFINE:
        return a * v + b;
    case READ_AFFINE_RELU:
        return fsn__vec_relu(a * v + b);
    case READ_GRAD:
        return hook->c[part] * v + a + b * fsn__vec_load(z);
    case READ_PLAIN:
    default:
        return v;
    }
}

#endif
