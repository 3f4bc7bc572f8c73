/* memory_plan.c - greedy by size: the largest block first, each into the lowest gap left by the
 * blocks that are alive at the same time (Pisarchyk and Lee, "Efficient Memory Management for Deep
 * Neural Net Inference", arXiv 2001.03288). */
#include "graph/memory_plan.h"
#include "core/mem.h"

#include <stdlib.h>

struct order {
    size_t size;
    int index;
};

/* Larger first; equal sizes in index order, so that the plan is the same everywhere. */
static int larger_first(const void *a, const void *b)
{
    const struct order *x = a, *y = b;

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->index - y->index;
}

static bool overlap_in_time(const struct fsn__block *a, const struct fsn__block *b)
{
    return a->birth <= b->death && b->birth <= a->death;
}

/* What it takes of the buffer. */
static size_t own_size(const struct fsn__block *block)
{
    return block->guest_of ? 0 : block->size;
}

enum fsn_status fsn__plan_memory(struct fsn__block *blocks, int count, size_t *total,
                                 struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct order *by_size = calloc((size_t)count + 1, sizeof *by_size);
    int *placed = calloc((size_t)count + 1, sizeof *placed); /* by rising offset */
    int placed_count = 0;
    size_t end = 0;

    if (!by_size || !placed) {
        status = FSN__NOMEM(err);
        goto out;
    }
    for (int i = 0; i < count; i++)
        by_size[i] = (struct order){.size = own_size(&blocks[i]), .index = i};
    qsort(by_size, (size_t)count, sizeof *by_size, larger_first);
    for (int i = 0; i < count && by_size[i].size > 0; i++) {
        struct fsn__block *block = &blocks[by_size[i].index];
        size_t size, at = 0;
        int slot;

        if (!fsn__add_size(block->size, 63, &size)) {
            status = FSN__FAIL(err, FSN_LIMIT, "a buffer of %zu bytes is too large", block->size);
            goto out;
        }
        size &= ~(size_t)63;
        for (int j = 0; j < placed_count; j++) {
            const struct fsn__block *other = &blocks[placed[j]];

            if (!overlap_in_time(block, other))
                continue;
            if (other->offset >= at && other->offset - at >= size)
                break; /* the gap before this one is wide enough */
            if (other->offset + ((other->size + 63) & ~(size_t)63) > at)
                at = other->offset + ((other->size + 63) & ~(size_t)63);
        }
        block->offset = at;
        if (!fsn__add_size(at, size, &at)) {
            status = FSN__FAIL(err, FSN_LIMIT, "the network's buffers do not fit into memory");
            goto out;
        }
        if (at > end)
            end = at;
        for (slot = placed_count; slot > 0 && blocks[placed[slot - 1]].offset > block->offset;
             slot--)
            placed[slot] = placed[slot - 1];
        placed[slot] = by_size[i].index;
        placed_count++;
    }
    for (int i = 0; i < count; i++)
        if (blocks[i].guest_of)
            blocks[i].offset = blocks[blocks[i].guest_of - 1].offset;
    *total = end;
out:
    free(by_size);
    free(placed);
    return status;
}

size_t fsn__memory_lower_bound(const struct fsn__block *blocks, int count)
{
    size_t most = 0;

    /* The sum can only rise at a birth. */
    for (int i = 0; i < count; i++) {
        size_t sum = 0;

        for (int j = 0; j < count; j++)
            if (blocks[j].birth <= blocks[i].birth && blocks[j].death >= blocks[i].birth)
                sum += own_size(&blocks[j]);
        if (sum > most)
            most = sum;
    }
    return most;
}
