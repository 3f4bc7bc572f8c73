/* test_fs_geometry.c - the gather against the formula of fs_geometry.h written out naively. */
#include "ops/fs_geometry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t some_slots[] = {5, 0, 3, 4, 1, 6, 2};
static const int64_t some_starts[] = {16, 0, 3, 3, 9, 15, 8}; /* two filters in one place */

/* Odd shapes on purpose: L no divisor of anything, filters longer than F, grids that wrap. */
static const struct fsn__fs_geometry cases[] = {
    /* layout, K, C, R, S, spacing, size, grid, strides */
    {FSN_LAYOUT_1D, 5, 3, 3, 3, FSN_SPACING_EVEN, {34, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_1D, 7, 2, 1, 5, FSN_SPACING_REFERENCE, {17, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_1D, 4, 3, 2, 2, FSN_SPACING_EVEN, {5, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_1D, 3, 2, 2, 2, FSN_SPACING_EVEN, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_1D, 1, 2, 3, 3, FSN_SPACING_REFERENCE, {9, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_1D, 6, 1, 1, 1, FSN_SPACING_EVEN, {4, 1, 1}, {1, 1, 1}, {1, 1, 1}, NULL},
    {FSN_LAYOUT_3D, 8, 4, 3, 3, FSN_SPACING_EVEN, {4, 4, 4}, {2, 2, 2}, {2, 2, 2}, NULL},
    {FSN_LAYOUT_3D, 12, 6, 3, 3, FSN_SPACING_EVEN, {6, 4, 6}, {2, 2, 3}, {3, 2, 2}, NULL},
    {FSN_LAYOUT_3D, 7, 3, 3, 3, FSN_SPACING_EVEN, {3, 8, 4}, {1, 4, 2}, {3, 2, 2}, NULL},
    {FSN_LAYOUT_3D, 1, 5, 5, 5, FSN_SPACING_EVEN, {5, 2, 2}, {1, 1, 1}, {5, 2, 2}, NULL},
    {FSN_LAYOUT_3D, 9, 7, 1, 1, FSN_SPACING_EVEN, {18, 1, 1}, {9, 1, 1}, {2, 1, 1}, NULL},
    {FSN_LAYOUT_3D, 6, 3, 1, 7, FSN_SPACING_EVEN, {3, 3, 4}, {1, 3, 2}, {3, 1, 2}, NULL},
    {FSN_LAYOUT_3D, 30, 4, 7, 7, FSN_SPACING_EVEN, {4, 5, 3}, {2, 5, 3}, {2, 1, 1}, NULL},
    /* not in order */
    {FSN_LAYOUT_1D, 7, 2, 1, 5, FSN_SPACING_EVEN, {17, 1, 1}, {1, 1, 1}, {1, 1, 1}, some_slots},
    {FSN_LAYOUT_3D, 7, 3, 3, 3, FSN_SPACING_EVEN, {3, 8, 4}, {1, 4, 2}, {3, 2, 2}, some_slots},
    {FSN_LAYOUT_1D, 7, 2, 1, 5, FSN_SPACING_FREE, {17, 1, 1}, {1, 1, 1}, {1, 1, 1}, some_starts},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* Place in F of element (c, r, s) of filter k, as the header states it. */
static int64_t place(const struct fsn__fs_geometry *g, int64_t k, int64_t c, int64_t r, int64_t s)
{
    if (g->slot)
        k = g->slot[k];
    if (g->layout == FSN_LAYOUT_1D) {
        int64_t length = g->fs_dim[0], start;

        if (g->spacing == FSN_SPACING_FREE)
            start = k; /* the slot is the start */
        else if (g->spacing == FSN_SPACING_EVEN)
            start = k * length / g->k;
        else
            start = g->k == 1 ? 0 : k * length / (g->k - 1);
        return (start + (c * g->r + r) * g->s + s) % length;
    } else {
        int64_t i_x = k % g->grid[2], i_y = k / g->grid[2] % g->grid[1];
        int64_t i_c = k / (g->grid[1] * g->grid[2]);
        int64_t d = (i_c * g->stride[0] + c) % g->fs_dim[0];
        int64_t h = (i_y * g->stride[1] + r) % g->fs_dim[1];
        int64_t v = (i_x * g->stride[2] + s) % g->fs_dim[2];

        return (d * g->fs_dim[1] + h) * g->fs_dim[2] + v;
    }
}

static float *floats(int64_t n, int64_t step)
{
    float *x = calloc((size_t)n, sizeof *x);

    assert_non_null(x);
    for (int64_t i = 0; step && i < n; i++)
        x[i] = (float)(1 + i * step % 61); /* small whole numbers: sums are exact */
    return x;
}

/* Calls visit(case, k, element of the filter, place in F) for every weight of every case. */
static void for_each_weight(const struct fsn__fs_geometry *g,
                            void (*visit)(void *arg, int64_t at_w, int64_t at_f), void *arg)
{
    int64_t at = 0;

    for (int64_t k = 0; k < g->k; k++)
        for (int64_t c = 0; c < g->c; c++)
            for (int64_t r = 0; r < g->r; r++)
                for (int64_t s = 0; s < g->s; s++)
                    visit(arg, at++, place(g, k, c, r, s));
}

struct compare {
    const float *f, *w;
};

static void weight_is_its_place(void *arg, int64_t at_w, int64_t at_f)
{
    const struct compare *a = arg;

    assert_true(a->w[at_w] == a->f[at_f]);
}

static void gather_reads_every_weight_from_its_place(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t n = g->k * fsn__fs_filter_size(g);
        float *f = floats(fsn__fs_size(g), 7), *w = floats(n, 0);

        fsn__fs_gather(g, f, w);
        for_each_weight(g, weight_is_its_place, &(struct compare){f, w});
        free(f);
        free(w);
    }
}

struct accumulate {
    const float *w;
    float *f;
};

static void add_to_its_place(void *arg, int64_t at_w, int64_t at_f)
{
    const struct accumulate *a = arg;

    a->f[at_f] += a->w[at_w];
}

static void scatter_adds_every_weight_to_its_place(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t size = fsn__fs_size(g), n = g->k * fsn__fs_filter_size(g);
        /* both start from the same values: scatter adds, it does not overwrite */
        float *w = floats(n, 5), *got = floats(size, 11), *want = floats(size, 11);

        fsn__fs_scatter_add(g, w, got);
        for_each_weight(g, add_to_its_place, &(struct accumulate){w, want});
        assert_memory_equal(got, want, (size_t)size * sizeof *got);
        free(w);
        free(got);
        free(want);
    }
}

static void scatter_is_the_adjoint_of_gather(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t size = fsn__fs_size(g), n = g->k * fsn__fs_filter_size(g);
        float *f = floats(size, 13), *af = floats(n, 0);
        float *w = floats(n, 29), *aw = floats(size, 0);
        double left = 0, right = 0;

        fsn__fs_gather(g, f, af);
        fsn__fs_scatter_add(g, w, aw);
        for (int64_t j = 0; j < n; j++)
            left += (double)af[j] * w[j];
        for (int64_t j = 0; j < size; j++)
            right += (double)f[j] * aw[j];
        assert_true(left == right);
        free(f);
        free(af);
        free(w);
        free(aw);
    }
}

static void uses_count_how_many_weights_read_each_element(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t size = fsn__fs_size(g), n = g->k * fsn__fs_filter_size(g), sum = 0;
        int64_t *uses = malloc((size_t)size * sizeof *uses);
        float *ones = floats(n, 0), *want = floats(size, 0);

        assert_non_null(uses);
        memset(uses, 0xff, (size_t)size * sizeof *uses);
        for (int64_t j = 0; j < n; j++)
            ones[j] = 1;
        for_each_weight(g, add_to_its_place, &(struct accumulate){ones, want});
        fsn__fs_count_uses(g, uses);
        for (int64_t j = 0; j < size; j++) {
            assert_int_equal(uses[j], (int64_t)want[j]);
            sum += uses[j];
        }
        assert_int_equal(sum, n);
        free(uses);
        free(ones);
        free(want);
    }
}

static void one_filter_alone_equals_its_part_of_all(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t n = fsn__fs_filter_size(g), k = g->k - 1;
        float *f = floats(fsn__fs_size(g), 3), *all = floats(g->k * n, 0), *one = floats(n, 0);

        fsn__fs_gather(g, f, all);
        fsn__fs_gather_filter(g, k, f, one);
        assert_memory_equal(one, all + k * n, (size_t)n * sizeof *one);
        free(f);
        free(all);
        free(one);
    }
}

static void every_element_is_found_by_itself(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];

        for (int64_t k = 0; k < g->k; k++)
            for (int64_t c = 0; c < g->c; c++)
                for (int64_t r = 0; r < g->r; r++)
                    for (int64_t x = 0; x < g->s; x++)
                        assert_int_equal(fsn__fs_element(g, k, c, r, x), place(g, k, c, r, x));
    }
}

static void any_channels_of_any_filter_are_read_as_they_are_gathered(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t n = fsn__fs_filter_size(g), area = g->r * g->s;
        float *f = floats(fsn__fs_size(g), 3), *all = floats(g->k * n, 0), *copy = floats(n, 0);

        fsn__fs_gather(g, f, all);
        for (int64_t k = 0; k < g->k; k++)
            for (int64_t c = 0; c < g->c; c++) {
                assert_int_equal(fsn__fs_place(g, k, c), place(g, k, c, 0, 0));
                for (int64_t count = 1; count <= g->c - c; count++)
                    assert_memory_equal(fsn__fs_read(g, k, c, count, f, copy),
                                        all + k * n + c * area,
                                        (size_t)(count * area) * sizeof *all);
            }
        free(f);
        free(all);
        free(copy);
    }
}

static void parts_of_a_scatter_make_up_the_whole(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const struct fsn__fs_geometry *g = &cases[i];
        int64_t size = fsn__fs_size(g), n = g->k * fsn__fs_filter_size(g);
        float *w = floats(n, 5), *want = floats(size, 11), *got = floats(size, 11);

        for (int64_t j = 0; j < n; j++)
            w[j] /= 3; /* sums that depend on their order */
        fsn__fs_scatter_add(g, w, want);
        for (int part = 0; part < 3; part++)
            fsn__fs_scatter_add_part(g, w, got, size * part / 3, size * (part + 1) / 3);
        assert_memory_equal(got, want, (size_t)size * sizeof *got);
        free(w);
        free(want);
        free(got);
    }
}

static void even_spacing_gives_distinct_starts_and_the_reference_repeats_the_first(void **state)
{
    struct fsn__fs_geometry g = {.layout = FSN_LAYOUT_1D, .k = 4, .fs_dim = {10, 1, 1}};

    (void)state;
    assert_int_equal(fsn__fs_start(&g, 0), 0);
    assert_int_equal(fsn__fs_start(&g, 1), 2);
    assert_int_equal(fsn__fs_start(&g, 2), 5);
    assert_int_equal(fsn__fs_start(&g, 3), 7);
    g.spacing = FSN_SPACING_REFERENCE;
    assert_int_equal(fsn__fs_start(&g, 1), 3);
    assert_int_equal(fsn__fs_start(&g, 2), 6);
    assert_int_equal(fsn__fs_start(&g, 3), 0);
}

/* ---- reading the attributes ------------------------------------------------------------------ */

struct node {
    const char *layout, *spacing;
    size_t shape_count;
    int64_t shape[4], grid[3], stride[3];
    int f_ndim;
    int64_t f_dim[3];
    size_t slot_count;
    int64_t slots[6];
};

static const struct node good_1d = {.layout = "1d",
                                    .spacing = "even",
                                    .shape_count = 4,
                                    .shape = {5, 3, 3, 3},
                                    .f_ndim = 1,
                                    .f_dim = {34}};
static const struct node good_3d = {.layout = "3d",
                                    .shape_count = 4,
                                    .shape = {12, 6, 3, 3},
                                    .grid = {2, 2, 3},
                                    .stride = {3, 2, 2},
                                    .f_ndim = 3,
                                    .f_dim = {6, 4, 6}};

static enum fsn_status read_node(const struct node *n, struct fsn__fs_geometry *g,
                                 struct fsn_error *err)
{
    struct fsn__attr item[6];
    struct fsn__attrs attrs = {.item = item};
    struct fsn__tensor f = {.data = NULL};

    memset(err, 0, sizeof *err);
    if (n->layout)
        item[attrs.count++] =
            (struct fsn__attr){.name = "layout", .type = FSN__ATTR_STRING, .s = n->layout};
    if (n->spacing)
        item[attrs.count++] =
            (struct fsn__attr){.name = "spacing", .type = FSN__ATTR_STRING, .s = n->spacing};
    item[attrs.count++] = (struct fsn__attr){
        .name = "shape", .type = FSN__ATTR_INTS, .count = n->shape_count, .ints = n->shape};
    if (n->grid[0] != 0) {
        item[attrs.count++] =
            (struct fsn__attr){.name = "grid", .type = FSN__ATTR_INTS, .count = 3, .ints = n->grid};
        item[attrs.count++] = (struct fsn__attr){
            .name = "strides", .type = FSN__ATTR_INTS, .count = 3, .ints = n->stride};
    }
    if (n->slot_count > 0)
        item[attrs.count++] = (struct fsn__attr){
            .name = "slots", .type = FSN__ATTR_INTS, .count = n->slot_count, .ints = n->slots};
    fsn__shape_set(&f, FSN__F32, n->f_ndim, n->f_dim);
    return fsn__fs_geometry_read(&attrs, &f, "layer", g, err);
}

static void attributes_become_a_geometry(void **state)
{
    struct fsn__fs_geometry g;
    struct fsn_error err;

    (void)state;
    assert_int_equal(read_node(&good_1d, &g, &err), FSN_OK);
    assert_memory_equal(&g, &cases[0], sizeof g);
    assert_int_equal(read_node(&good_3d, &g, &err), FSN_OK);
    assert_memory_equal(&g, &cases[7], sizeof g);
}

static void slots_are_borrowed_from_the_attributes(void **state)
{
    struct node n = good_1d;
    struct fsn__fs_geometry g;
    struct fsn_error err;

    (void)state;
    n.slot_count = 5;
    memcpy(n.slots, (int64_t[]){4, 2, 0, 1, 3}, 5 * sizeof(int64_t));
    assert_int_equal(read_node(&n, &g, &err), FSN_OK);
    assert_ptr_equal(g.slot, n.slots);
}

static void free_spacing_takes_any_element_as_a_slot(void **state)
{
    struct node n = good_1d;
    struct fsn__fs_geometry g;
    struct fsn_error err;

    (void)state;
    n.spacing = "free";
    n.slot_count = 5;
    memcpy(n.slots, (int64_t[]){33, 0, 7, 7, 12}, 5 * sizeof(int64_t));
    assert_int_equal(read_node(&n, &g, &err), FSN_OK);
    for (int k = 0; k < 5; k++)
        assert_int_equal(fsn__fs_start(&g, k), n.slots[k]);
}

static void assert_refused(const struct node *n, enum fsn_status status, const char *part)
{
    struct fsn__fs_geometry g;
    struct fsn_error err;

    assert_int_equal(read_node(n, &g, &err), status);
    assert_non_null(strstr(err.text, "FilterSummary 'layer'"));
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void attributes_that_do_not_fit_are_refused_by_name(void **state)
{
    struct node n;

    (void)state;
    n = good_1d, n.layout = "2d";
    assert_refused(&n, FSN_INVALID, "'2d'");
    n = good_1d, n.layout = NULL;
    assert_refused(&n, FSN_INVALID, "not '1d' or '3d'");
    n = good_1d, n.spacing = "odd";
    assert_refused(&n, FSN_INVALID, "'odd'");
    n = good_1d, n.shape_count = 3;
    assert_refused(&n, FSN_INVALID, "'shape' must be 4 integers, has 3");
    n = good_1d, n.shape[1] = 0;
    assert_refused(&n, FSN_INVALID, "'shape'[1] is 0");
    n = good_1d, n.shape[0] = n.shape[1] = INT64_MAX;
    assert_refused(&n, FSN_INVALID, "out of range");
    n = good_1d, n.shape[0] = (INT64_C(1) << 30) / 27 + 1;
    assert_refused(&n, FSN_LIMIT, "more than 1073741824 elements");
    n = good_1d, n.f_dim[0] = (INT64_C(1) << 30) + 1;
    assert_refused(&n, FSN_SHAPE, "not 1 to 1073741824 elements");
    n = good_1d, n.f_dim[0] = 0;
    assert_refused(&n, FSN_SHAPE, "not 1 to");
    n = good_1d, n.f_dim[0] = FSN_BATCH;
    assert_refused(&n, FSN_SHAPE, "not 1 to");
    n = good_1d, n.f_ndim = 2, n.f_dim[1] = 1;
    assert_refused(&n, FSN_SHAPE, "[34,1]");
    n = good_3d, n.grid[0] = 0;
    assert_refused(&n, FSN_INVALID, "'grid' must be 3 integers, has 0");
    n = good_3d, n.grid[2] = -3;
    assert_refused(&n, FSN_INVALID, "'grid'[2] is -3");
    n = good_3d, n.shape[0] = 13;
    assert_refused(&n, FSN_SHAPE, "2 x 2 x 3 has no place for 13 filters");
    n = good_3d, n.f_dim[1] = 5;
    assert_refused(&n, FSN_SHAPE, "[6,5,6]");
    n = good_3d, n.stride[0] = INT64_MAX;
    assert_refused(&n, FSN_INVALID, "'strides'");
    n = good_1d, n.slot_count = 4;
    assert_refused(&n, FSN_INVALID, "4 slots for 5 filters");
    n = good_1d, n.slot_count = 5;
    n.slots[1] = 1, n.slots[2] = 2, n.slots[3] = 1, n.slots[4] = 4;
    assert_refused(&n, FSN_INVALID, "slots[3] is 1, expected each of 0 to 4 once");
    n.slots[3] = 5;
    assert_refused(&n, FSN_INVALID, "slots[3] is 5");
    n.slots[3] = -1;
    assert_refused(&n, FSN_INVALID, "slots[3] is -1");
    n.spacing = "free";
    assert_refused(&n, FSN_INVALID, "slots[3] is -1, expected any of 0 to 33");
    n.slots[3] = 34;
    assert_refused(&n, FSN_INVALID, "slots[3] is 34");
    n.slot_count = 0;
    assert_refused(&n, FSN_INVALID, "0 slots for 5 filters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_reads_every_weight_from_its_place),
        cmocka_unit_test(scatter_adds_every_weight_to_its_place),
        cmocka_unit_test(scatter_is_the_adjoint_of_gather),
        cmocka_unit_test(uses_count_how_many_weights_read_each_element),
        cmocka_unit_test(one_filter_alone_equals_its_part_of_all),
        cmocka_unit_test(any_channels_of_any_filter_are_read_as_they_are_gathered),
        cmocka_unit_test(every_element_is_found_by_itself),
        cmocka_unit_test(parts_of_a_scatter_make_up_the_whole),
        cmocka_unit_test(even_spacing_gives_distinct_starts_and_the_reference_repeats_the_first),
        cmocka_unit_test(attributes_become_a_geometry),
        cmocka_unit_test(slots_are_borrowed_from_the_attributes),
        cmocka_unit_test(free_spacing_takes_any_element_as_a_slot),
        cmocka_unit_test(attributes_that_do_not_fit_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
