/* names.c - an open-addressing hash table: FNV-1a (Fowler, Noll, Vo), linear probing, at most half
 * full. A file may bring 200,000 names, so a linear search per look-up will not do. */
#include "graph/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t hash(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ (h >> 32));
}

/* The slot that holds the name, or the free one where it would go. */
static struct fsn__name_slot *slot_of(const struct fsn__names *names, const char *name)
{
    size_t i = hash(name) & (names->capacity - 1);

    while (names->slots[i].name && strcmp(names->slots[i].name, name) != 0)
        i = (i + 1) & (names->capacity - 1);
    return &names->slots[i];
}

int fsn__names_find(const struct fsn__names *names, const char *name)
{
    const struct fsn__name_slot *slot;

    if (names->count == 0)
        return -1;
    slot = slot_of(names, name);
    return slot->name ? slot->index : -1;
}

static bool grow(struct fsn__names *names)
{
    struct fsn__names larger = {.capacity = names->capacity ? names->capacity * 2 : 64,
                                .count = names->count};

    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].name)
            *slot_of(&larger, names->slots[i].name) = names->slots[i];
    free(names->slots);
    *names = larger;
    return true;
}

bool fsn__names_put(struct fsn__names *names, const char *name, int index)
{
    struct fsn__name_slot *slot;

    if (names->count * 2 >= names->capacity && !grow(names))
        return false;
    slot = slot_of(names, name);
    if (!slot->name)
        names->count++;
    slot->name = name;
    slot->index = index;
    return true;
}

void fsn__names_free(struct fsn__names *names)
{
    free(names->slots);
    memset(names, 0, sizeof *names);
}
