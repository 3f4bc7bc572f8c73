/* merge_patch.h - JSON Merge Patch (RFC 7396). */
#ifndef SRV_HANDLERS_MERGE_PATCH_H
#define SRV_HANDLERS_MERGE_PATCH_H

#include <jansson.h>

/* MergePatch(target, patch) of RFC 7396, section 2. Takes target, which may be NULL, over; patch is
 * borrowed, and parts of it are shared. New; NULL when out of memory. As deep as patch is nested,
 * which jansson's reader bounds. */
json_t *srv_merge_patch(json_t *target, json_t *patch);

#endif
