/* verify.c - every photograph of a data set decoded once, over the pool. */
#include "data/dataset.h"

#include <stdlib.h>

struct verification {
    const struct fsn__image_store *store;
    struct fsn_error *errors; /* [slices] */
};

static void verify_share(void *arg, int slice, int slices)
{
    const struct verification *v = arg;
    struct fsn_error *err = &v->errors[slice];
    enum fsn_status status = FSN_OK;
    int64_t begin, end;

    fsn__share(v->store->count, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end && status == FSN_OK; i++) {
        struct fsn__image image = {0};

        status =
            fsn__image_store_decode(v->store, i, v->store->images[i].info.channels, &image, err);
        free(image.pixels);
    }
}

enum fsn_status fsn_dataset_verify(const struct fsn_dataset *dataset, int threads,
                                   struct fsn_error *err)
{
    struct verification v = {.store = dataset->store};
    struct fsn__pool *pool = NULL;
    enum fsn_status status;

    if (!dataset->store)
        return FSN_OK;
    status = fsn__pool_create(threads, &pool, err);
    if (status != FSN_OK)
        return status;
    v.errors = calloc((size_t)fsn__pool_slices(pool), sizeof *v.errors);
    if (!v.errors) {
        status = FSN__NOMEM(err);
        goto out;
    }
    fsn__pool_run(pool, verify_share, &v);
    for (int s = 0; s < fsn__pool_slices(pool) && status == FSN_OK; s++) {
        status = v.errors[s].status;
        if (status != FSN_OK && err && err->status == FSN_OK)
            *err = v.errors[s];
    }
out:
    free(v.errors);
    fsn__pool_destroy(pool);
    return status;
}
