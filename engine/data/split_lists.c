/*
 * split_lists.c - see split_lists.h.
 *
 * VOC's trainval is the union of its train and val. So where it stands for train and val is the
 * test, what val lists is taken out of it: what is left is what train would have had. Several years
 * in one archive have lists of one name; they are one list, as the usual 07+12 is.
 */
#include "data/split_lists.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

static const char *const files[FSN__SPLIT_LISTS] = {
    [FSN__LIST_TRAIN] = "train.txt",
    [FSN__LIST_VAL] = "val.txt",
    [FSN__LIST_TRAINVAL] = "trainval.txt",
    [FSN__LIST_TEST] = "test.txt",
};

enum fsn__split_list fsn__split_list_of(const char *name, const char *folder)
{
    if (!fsn__name_lies_in(name, folder) || fsn__base_name(name)[0] == '.')
        return FSN__NO_SPLIT_LIST;
    for (int i = 0; i < FSN__SPLIT_LISTS; i++)
        if (strcmp(fsn__base_name(name), files[i]) == 0)
            return (enum fsn__split_list)i;
    return FSN__NO_SPLIT_LIST;
}

enum fsn_status fsn__split_lists_take(struct fsn__split_lists *lists, const char *name,
                                      const char *folder, const void *bytes, size_t size,
                                      struct fsn_error *err)
{
    const enum fsn__split_list list = fsn__split_list_of(name, folder);
    const size_t before = lists->used[list], wanted = before + size + 2;
    char shown[256], *longer = lists->text[list];

    fsn__name_printable(shown, sizeof shown, name);
    if (memchr(bytes, '\0', size))
        return FSN__FAIL(err, FSN_FORMAT, "%s has bytes of value 0, expected text in UTF-8", shown);
    if (wanted > lists->room[list]) { /* by half at least: an archive may have many such files */
        longer = realloc(longer, wanted + wanted / 2);
        if (!longer)
            return FSN__NOMEM(err);
        lists->text[list] = longer;
        lists->room[list] = wanted + wanted / 2;
    }
    memcpy(longer + before, bytes, size);
    memcpy(longer + before + size, "\n", 2);
    lists->used[list] = wanted - 1;
    return FSN_OK;
}

bool fsn__split_lists_any(const struct fsn__split_lists *lists)
{
    for (int i = 0; i < FSN__SPLIT_LISTS; i++)
        if (lists->text[i])
            return true;
    return false;
}

/* The next name of a list, cut out of its text; NULL at the end. *at moves on. */
static const char *next_name(char **at)
{
    static const char space[] = " \t\r\n";
    char *name = *at + strspn(*at, space), *end = name + strcspn(name, space);

    *at = *end ? end + 1 : end;
    *end = '\0';
    return *name ? name : NULL;
}

/* listed: [images], 0, or one more than the split that it is in. skip: pass over those of the other
 * split rather than refuse them. */
static enum fsn_status fill(struct fsn__split_lists *lists, enum fsn__split_list list,
                            enum fsn_split split, const struct fsn__listed_images *images,
                            char *listed, bool skip, struct fsn_error *err)
{
    char *at = lists->text[list], shown[128];
    int64_t added = 0;
    const char *name;

    while ((name = next_name(&at))) {
        const char *fault = NULL;
        const int64_t image = images->find(images->user, name, &fault);

        if (image >= 0 && skip && listed[image] && listed[image] != (char)(split + 1))
            continue;
        fsn__name_printable(shown, sizeof shown, name);
        if (image < 0)
            return FSN__FAIL(err, FSN_FORMAT, "%s lists '%s', which %s", files[list], shown, fault);
        if (listed[image])
            return FSN__FAIL(err, FSN_FORMAT, "%s lists '%s', which has been listed before",
                             files[list], shown);
        listed[image] = (char)(split + 1);
        images->add(images->user, split, image);
        added++;
    }
    if (added == 0)
        return FSN__FAIL(err, FSN_FORMAT, "%s lists no image%s", files[list],
                         skip ? " beside those of val.txt" : "");
    return FSN_OK;
}

enum fsn_status fsn__split_lists_fill(struct fsn__split_lists *lists,
                                      const struct fsn__listed_images *images,
                                      struct fsn_error *err)
{
    const enum fsn__split_list train =
        lists->text[FSN__LIST_TRAIN] ? FSN__LIST_TRAIN : FSN__LIST_TRAINVAL;
    const enum fsn__split_list test = lists->text[FSN__LIST_TEST] ? FSN__LIST_TEST : FSN__LIST_VAL;
    const bool overlap = train == FSN__LIST_TRAINVAL && test == FSN__LIST_VAL && lists->text[test];
    char *listed = calloc((size_t)images->count + 1, sizeof *listed);
    enum fsn_status status = listed ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK && overlap)
        status = fill(lists, test, FSN_SPLIT_TEST, images, listed, false, err);
    if (status == FSN_OK && lists->text[train])
        status = fill(lists, train, FSN_SPLIT_TRAIN, images, listed, overlap, err);
    if (status == FSN_OK && lists->text[test] && !overlap)
        status = fill(lists, test, FSN_SPLIT_TEST, images, listed, false, err);
    free(listed);
    return status;
}

void fsn__split_lists_clear(struct fsn__split_lists *lists)
{
    for (int i = 0; i < FSN__SPLIT_LISTS; i++)
        free(lists->text[i]);
    *lists = (struct fsn__split_lists){.text = {NULL}};
}
