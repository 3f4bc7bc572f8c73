/* memo.c - see memo.h. */
#include "store/memo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t place_of(const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (; *key; key++)
        hash = (hash ^ (uint8_t)*key) * 16777619u;
    return hash % SRV_MEMO_ANSWERS;
}

const struct srv_memo_answer *srv_memo_find(const struct srv_memo *memo, const char *key)
{
    const struct srv_memo_answer *answer = &memo->answer[place_of(key)];

    return *key && strcmp(answer->key, key) == 0 ? answer : NULL;
}

static void forget(struct srv_memo_answer *answer)
{
    free(answer->text);
    *answer = (struct srv_memo_answer){0};
}

void srv_memo_keep(struct srv_memo *memo, const char *key, const char *tag, const char *text)
{
    struct srv_memo_answer *answer = &memo->answer[place_of(key)];
    const size_t key_size = strlen(key) + 1, tag_size = strlen(tag) + 1;

    forget(answer);
    if (key_size > sizeof answer->key || tag_size > sizeof answer->tag)
        return;
    answer->text = strdup(text);
    if (!answer->text)
        return;
    memcpy(answer->key, key, key_size);
    memcpy(answer->tag, tag, tag_size);
}

void srv_memo_clear(struct srv_memo *memo)
{
    for (size_t i = 0; i < SRV_MEMO_ANSWERS; i++)
        forget(&memo->answer[i]);
}
