/* test_op_fake_quantize.c - FakeQuantize and its gradients, beside PyTorch's.
 *
 * The tables come from torch._fake_quantize_learnable_per_tensor_affine(x, step, zero, 0,
 * 2^bits - 1, g) of PyTorch 1.13, g = 1 / sqrt(12 max(2^bits - 1 - zero, 1)), with .backward(dy);
 * x and dy as below.
 */
#include "ops/op.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N = 12 };

static const float x[N] = {-2.3F, -0.91F, -0.6F, -0.24F, -0.05F, 0,
                           0.1F,  0.33F,  0.47F, 0.58F,  1.2F,   3};
static const float dy[N] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};

static const struct expected {
    int bits;
    float step;
    int zero;
    float y[N], dx[N], dstep;
} expected[] = {
    {2,
     0.4F,
     2,
     {-0.8F, -0.8F, -0.8F, -0.4F, 0, 0, 0, 0.4F, 0.4F, 0.4F, 0.4F, 0.4F},
     {0, -2, 3, -4, 5, -6, 7, -8, 9, -10, 0, 0},
     -0.88045913F},
    {2,
     0.4F,
     1,
     {-0.4F, -0.4F, -0.4F, -0.4F, 0, 0, 0, 0.4F, 0.4F, 0.4F, 0.8F, 0.8F},
     {0, 0, 0, -4, 5, -6, 7, -8, 9, -10, 0, 0},
     -0.408248425F},
    {3,
     0.25F,
     4,
     {-1, -1, -0.5F, -0.25F, 0, 0, 0, 0.25F, 0.5F, 0.5F, 0.75F, 0.75F},
     {0, -2, 3, -4, 5, -6, 7, -8, 9, -10, 0, 0},
     0.0199998915F},
    {8,
     0.01F,
     100,
     {-1, -0.91F, -0.6F, -0.24F, -0.05F, 0, 0.1F, 0.33F, 0.47F, 0.58F, 1.2F, 1.55F},
     {0, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, 0},
     -45.4464149F},
};

struct call {
    struct fsn__attr item[2];
    struct fsn__attrs attrs;
    struct fsn__tensor in[3], out, din[2], dout;
    struct fsn__tensor *ins[3], *outs[1], *dins[3], *douts[1];
    struct fsn__op_ctx ctx;
    float steps[4], zero, y[N], dx[N], dsteps[4];
};

static void set_up(struct call *c, int bits, int64_t segment, int64_t steps)
{
    memset(c, 0, sizeof *c);
    c->item[0] = (struct fsn__attr){.name = "bits", .type = FSN__ATTR_INT, .i = bits};
    c->item[1] = (struct fsn__attr){.name = "segment", .type = FSN__ATTR_INT, .i = segment};
    c->attrs = (struct fsn__attrs){.count = 2, .item = c->item};
    fsn__shape_set(&c->in[0], FSN__F32, 2, (int64_t[]){3, 4});
    fsn__shape_set(&c->in[1], FSN__F32, 1, &steps);
    fsn__shape_set(&c->in[2], FSN__F32, 0, NULL);
    c->in[0].data = (void *)(uintptr_t)x;
    c->in[1].data = c->steps;
    c->in[2].data = &c->zero;
    for (int i = 0; i < 3; i++)
        c->ins[i] = &c->in[i];
    c->outs[0] = &c->out;
    c->ctx = (struct fsn__op_ctx){.op = &fsn__op_fake_quantize,
                                  .name = "f",
                                  .attrs = &c->attrs,
                                  .n_in = 3,
                                  .n_out = 1,
                                  .in = c->ins,
                                  .out = c->outs,
                                  .din = c->dins,
                                  .dout = c->douts};
}

static void run(struct call *c)
{
    struct fsn_error err = {.status = FSN_OK};

    if (fsn__op_fake_quantize.infer(&c->ctx, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_true(fsn__same_shape(&c->out, &c->in[0]));
    c->out.data = c->y;
    c->dout = c->out;
    c->dout.data = (void *)(uintptr_t)dy;
    c->din[0] = c->in[0];
    c->din[0].data = c->dx;
    c->din[1] = c->in[1];
    c->din[1].data = c->dsteps;
    c->dins[0] = &c->din[0];
    c->dins[1] = &c->din[1];
    c->douts[0] = &c->dout;
    assert_int_equal(fsn__op_fake_quantize.forward(&c->ctx, &err), FSN_OK);
    assert_int_equal(fsn__op_fake_quantize.backward(&c->ctx, &err), FSN_OK);
}

static void values_and_gradients_are_pytorchs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct expected *want = &expected[i];

        for (int sign = -1; sign <= 1; sign += 2) { /* the step is |step| */
            struct call c;

            set_up(&c, want->bits, 0, 1);
            c.steps[0] = want->step * (float)sign;
            c.zero = (float)want->zero;
            c.dx[3] = 100; /* gradients are added to what is there */
            c.dsteps[0] = 50;
            run(&c);
            for (int j = 0; j < N; j++) {
                assert_float_equal(c.y[j], want->y[j], 1e-6);
                assert_float_equal(c.dx[j], want->dx[j] + (j == 3 ? 100 : 0), 0);
            }
            assert_float_equal(c.dsteps[0] - 50, want->dstep * (float)sign,
                               1e-5 * fmaxf(1, fabsf(want->dstep)));
        }
    }
}

/* Segments 0..4, 5..9, 10..11: each is what it would be alone. */
static void a_segment_has_its_own_step(void **state)
{
    struct call c;

    (void)state;
    set_up(&c, 2, 5, 3);
    c.steps[0] = 0.4F;
    c.steps[2] = 1;
    c.zero = 2;
    run(&c);
    for (int j = 0; j < 5; j++)
        assert_float_equal(c.y[j], expected[0].y[j], 1e-6);
    for (int j = 5; j < 10; j++) { /* no step is chosen: as it is */
        assert_true(c.y[j] == x[j]);
        assert_true(c.dx[j] == dy[j]);
    }
    assert_true(c.dsteps[1] == 0);
    assert_true(c.y[10] == 1 && c.y[11] == 1); /* 1.2 and 3, top level 3 - 2 = 1 */
    assert_true(c.dx[10] == 11 && c.dx[11] == 0);
    /* 11 (1 - 1.2) - 12 * 1 = -14.2, over sqrt(2 * 1) */
    assert_float_equal(c.dsteps[2], -14.2F / sqrtf(2), 1e-5);
}

static void assert_refused(struct call *c, enum fsn_status status, const char *part)
{
    struct fsn_error err = {.status = FSN_OK};

    assert_int_equal(fsn__op_fake_quantize.infer(&c->ctx, &err), status);
    assert_non_null(strstr(err.text, part));
}

static void what_does_not_fit_is_refused(void **state)
{
    struct call c;

    (void)state;
    set_up(&c, 9, 0, 1);
    assert_refused(&c, FSN_INVALID, "bits must be 1 to 8");
    set_up(&c, 4, -1, 1);
    assert_refused(&c, FSN_INVALID, "segment at least 0");
    set_up(&c, 4, 5, 2);
    assert_refused(&c, FSN_SHAPE, "step must be [3]");
    set_up(&c, 4, 0, 1);
    c.in[0].dtype = FSN__F64;
    assert_refused(&c, FSN_SHAPE, "float64");
    set_up(&c, 4, 0, 1);
    c.in[0].dim[1] = 0;
    assert_refused(&c, FSN_SHAPE, "not empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_pytorchs),
        cmocka_unit_test(a_segment_has_its_own_step),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
