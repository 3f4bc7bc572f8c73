/* merge_patch.c - see merge_patch.h. */
#include "handlers/merge_patch.h"

json_t *srv_merge_patch(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;

    if (!json_is_object(patch)) {
        json_decref(target);
        return json_incref(patch);
    }
    if (!json_is_object(target)) {
        json_decref(target);
        target = json_object();
    }
    json_object_foreach(patch, key, value)
    {
        if (json_is_null(value))
            json_object_del(target, key);
        else if (json_object_set_new(
                     target, key,
                     srv_merge_patch(json_incref(json_object_get(target, key)), value)) != 0) {
            json_decref(target);
            return NULL;
        }
    }
    return target;
}
