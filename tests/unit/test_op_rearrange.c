/* test_op_rearrange.c - Split, Tile, DepthToSpace, SpaceToDepth: values by hand from the
 * specification's formulas, every element type's width, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "op_run.h"

#define N FSN_BATCH

/* ---- Split ---------------------------------------------------------------------------------- */

/* Runs Split and compares the sizes along the axis and the elements of up to three outputs. */
static void expect_parts(const struct op_call *call, int n_out, const struct fsn__tensor *want)
{
    struct op_run run = {.n_out = n_out, .threads = 2};

    op_run(&run, call);
    for (int i = 0; i < n_out; i++) {
        assert_int_equal(run.out[i].dtype, want[i].dtype);
        assert_true(fsn__same_shape(&run.out[i], &want[i]));
        for (int64_t j = 0; j < fsn__numel(&want[i]); j++)
            assert_int_equal(fsn__get_i64(&run.out[i], j), fsn__get_i64(&want[i], j));
    }
    op_run_free(&run);
}

static void split_cuts_parts_of_the_given_sizes(void **state)
{
    const struct fsn__tensor x = I32((2, 4), 1, 2, 3, 4, 5, 6, 7, 8);

    (void)state;
    expect_parts(&(struct op_call){"Split", IN(x, I64((3), 1, 0, 3)), ATTRS(ATTR_I("axis", -1))}, 3,
                 (struct fsn__tensor[]){I32((2, 1), 1, 5), EMPTY(I32, (2, 0)),
                                        I32((2, 3), 2, 3, 4, 6, 7, 8)});
    expect_parts(&(struct op_call){"Split", IN(x, I64((2), 1, 1))}, 2,
                 (struct fsn__tensor[]){I32((1, 4), 1, 2, 3, 4), I32((1, 4), 5, 6, 7, 8)});
}

/* 7 in 3 parts: ceil(7/3) = 3, 3 and the 1 that is left; 5 in 4: 2, 2, 1, 0. */
static void split_into_a_number_of_parts_makes_the_last_ones_smaller(void **state)
{
    const struct fsn__tensor seven = U8((7), 1, 2, 3, 4, 5, 6, 7), five = I64((5), 1, 2, 3, 4, 5);

    (void)state;
    expect_parts(&(struct op_call){"Split", IN(seven), ATTRS(ATTR_I("num_outputs", 3))}, 3,
                 (struct fsn__tensor[]){U8((3), 1, 2, 3), U8((3), 4, 5, 6), U8((1), 7)});
    expect_parts(&(struct op_call){"Split", IN(five), ATTRS(ATTR_I("num_outputs", 4))}, 3,
                 (struct fsn__tensor[]){I64((2), 1, 2), I64((2), 3, 4), I64((1), 5)});
    expect_parts(&(struct op_call){"Split", IN(I64((4), 1, 2, 3, 4))}, 2,
                 (struct fsn__tensor[]){I64((2), 1, 2), I64((2), 3, 4)});
}

static void split_refuses_what_does_not_fit(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 4));

    (void)state;
    op_refuse(&(struct op_call){"Split", IN(x, I64((2), 1, 1))}, FSN_UNSUPPORTED,
              "Split 'node': cuts the batch axis, which is not supported");
    op_refuse(&(struct op_call){"Split", IN(x, I64((2), 1, 4)), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "part 1 of 4 elements does not fit the 3 left of axis 1");
    op_refuse(&(struct op_call){"Split", IN(x, I64((2), 1, 1)), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "its parts leave 2 of the 4 elements of axis 1");
    op_refuse(&(struct op_call){"Split", IN(x, I64((1), -1)), ATTRS(ATTR_I("axis", 1))}, FSN_SHAPE,
              "part 0 of -1 elements");
    op_refuse(&(struct op_call){"Split", IN(x, EMPTY(I64, (0))), ATTRS(ATTR_I("axis", 1))},
              FSN_SHAPE, "its split has 0 sizes for 1 outputs");
    op_refuse(&(struct op_call){"Split", IN(x), ATTRS(ATTR_I("axis", 1), ATTR_I("num_outputs", 0))},
              FSN_INVALID, "num_outputs is 0, the node has 1 outputs");
    op_refuse(&(struct op_call){"Split", IN(x), ATTRS(ATTR_I("axis", 2))}, FSN_SHAPE,
              "axis 2 is outside a tensor of 2 dimensions");
}

/* ---- Tile ----------------------------------------------------------------------------------- */

static void tile_repeats_axes(void **state)
{
    const struct fsn__tensor x = U16((2, 2), 1, 2, 3, 4);

    (void)state;
    op_expect(&(struct op_call){"Tile", IN(x, I64((2), 2, 1))},
              U16((4, 2), 1, 2, 3, 4, 1, 2, 3, 4));
    op_expect(&(struct op_call){"Tile", IN(x, I64((2), 1, 2))},
              U16((2, 4), 1, 2, 1, 2, 3, 4, 3, 4));
    op_expect(&(struct op_call){"Tile", IN(x, I64((2), 2, 2))},
              U16((4, 4), 1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
    op_expect(&(struct op_call){"Tile", IN(x, I64((2), 3, 0))}, EMPTY(U16, (6, 0)));
    op_expect(&(struct op_call){"Tile", IN(F64((1, 2, 1), 1, 2), I64((3), 2, 1, 3))},
              F64((2, 2, 3), 1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
    op_expect(&(struct op_call){"Tile", IN(SCALAR(I8, int8_t, 7), EMPTY(I64, (0)))},
              SCALAR(I8, int8_t, 7));
    op_expect(&(struct op_call){"Tile", IN(SHAPE(F32, (N, 3, 4)), I64((3), 1, 2, 5))},
              SHAPE(F32, (N, 6, 20)));
}

static void tile_refuses_what_it_cannot_do(void **state)
{
    (void)state;
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (N, 3)), I64((2), 2, 1))}, FSN_UNSUPPORTED,
              "repeats along axis 0 by or of the batch size, which is not fixed");
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (2, 3)), I64((2), 1, N))}, FSN_UNSUPPORTED,
              "repeats along axis 1 by or of the batch size");
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (2, 3)), I64((1), 2))}, FSN_SHAPE,
              "has 1 repeats for the 2 axes of input [2,3]");
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (2, 3)), I64((2), 1, -2))}, FSN_INVALID,
              "repeats axis 1 -2 times");
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (2, 3)), I64((2), 1, INT64_MAX))}, FSN_LIMIT,
              "axis 1 of its output is too long");
    op_refuse(&(struct op_call){"Tile", IN(SHAPE(F32, (2, 2, 2, 2, 2)), I64((5), 2, 2, 2, 2, 2))},
              FSN_LIMIT, "repeats too many axes of input [2,2,2,2,2]");
}

/* ---- DepthToSpace, SpaceToDepth ------------------------------------------------------------- */

/* Eight channels of one row of two pixels, numbered channel by channel; blocks of 2 x 2 leave two
 * channels. DCR: pixel (i, j) of a block of channel k comes from channel (2 i + j) 2 + k; CRD: from
 * channel 4 k + 2 i + j. */
#define DEPTH (1, 8, 1, 2), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define SPACE_DCR (1, 2, 2, 4), 0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15
#define SPACE_CRD (1, 2, 2, 4), 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15
#define APPLY(macro, ...) macro(__VA_ARGS__)

static void depth_becomes_space_in_either_order(void **state)
{
    (void)state;
    op_expect(
        &(struct op_call){"DepthToSpace", IN(APPLY(F32, DEPTH)), ATTRS(ATTR_I("blocksize", 2))},
        APPLY(F32, SPACE_DCR));
    op_expect(&(struct op_call){"DepthToSpace", IN(APPLY(I8, DEPTH)),
                                ATTRS(ATTR_I("blocksize", 2), ATTR_S("mode", "DCR"))},
              APPLY(I8, SPACE_DCR));
    op_expect(&(struct op_call){"DepthToSpace", IN(APPLY(F64, DEPTH)),
                                ATTRS(ATTR_I("blocksize", 2), ATTR_S("mode", "CRD"))},
              APPLY(F64, SPACE_CRD));
    op_expect(&(struct op_call){"DepthToSpace", IN(SHAPE(F32, (N, 18, 2, 5))),
                                ATTRS(ATTR_I("blocksize", 3))},
              SHAPE(F32, (N, 2, 6, 15)));
}

static void space_becomes_depth_again(void **state)
{
    (void)state;
    op_expect(
        &(struct op_call){"SpaceToDepth", IN(APPLY(F32, SPACE_DCR)), ATTRS(ATTR_I("blocksize", 2))},
        APPLY(F32, DEPTH));
    op_expect(&(struct op_call){"SpaceToDepth", IN(SHAPE(F32, (N, 2, 6, 15))),
                                ATTRS(ATTR_I("blocksize", 3))},
              SHAPE(F32, (N, 18, 2, 5)));
}

static void blocks_must_divide_what_they_rearrange(void **state)
{
    const struct fsn__tensor x = SHAPE(F32, (N, 6, 4, 5));

    (void)state;
    op_refuse(&(struct op_call){"DepthToSpace", IN(x), ATTRS(ATTR_I("blocksize", 2))}, FSN_SHAPE,
              "DepthToSpace 'node': 6 channels do not divide into blocks of 2 x 2");
    op_refuse(&(struct op_call){"DepthToSpace", IN(x)}, FSN_INVALID, "blocksize is 0");
    op_refuse(&(struct op_call){"DepthToSpace", IN(x),
                                ATTRS(ATTR_I("blocksize", 1), ATTR_S("mode", "RCD"))},
              FSN_INVALID, "mode 'RCD' is neither DCR nor CRD");
    op_refuse(&(struct op_call){"SpaceToDepth", IN(x), ATTRS(ATTR_I("blocksize", 2))}, FSN_SHAPE,
              "4 x 5 pixels do not divide into blocks of 2 x 2");
    op_refuse(
        &(struct op_call){"SpaceToDepth", IN(SHAPE(F32, (2, 4, 4))), ATTRS(ATTR_I("blocksize", 2))},
        FSN_SHAPE, "its input has shape [2,4,4], expected batch, channels, height, width");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_cuts_parts_of_the_given_sizes),
        cmocka_unit_test(split_into_a_number_of_parts_makes_the_last_ones_smaller),
        cmocka_unit_test(split_refuses_what_does_not_fit),
        cmocka_unit_test(tile_repeats_axes),
        cmocka_unit_test(tile_refuses_what_it_cannot_do),
        cmocka_unit_test(depth_becomes_space_in_either_order),
        cmocka_unit_test(space_becomes_depth_again),
        cmocka_unit_test(blocks_must_divide_what_they_rearrange),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
