/* shared_data.h - large files that a checkout may or may not have beside it. */
#ifndef TESTS_SUPPORT_SHARED_DATA_H
#define TESTS_SUPPORT_SHARED_DATA_H

/* The path of `name` below $FSNET_SHARED (default "../shared"), static until the next call; when it
 * is not there, says so and skips the running test. */
const char *shared_data(const char *name);

#endif
