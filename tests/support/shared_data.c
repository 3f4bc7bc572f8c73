/* shared_data.c - see shared_data.h. */
#include "shared_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

const char *shared_data(const char *name)
{
    static _Thread_local char path[1024];
    const char *base = getenv("FSNET_SHARED");

    snprintf(path, sizeof path, "%s/%s", base && *base ? base : "../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: no %s (set FSNET_SHARED)\n", path);
        skip();
    }
    return path;
}
