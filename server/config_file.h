/* config_file.h - the form of a settings file: lines "key = value".
 *
 *     # a comment, to the end of the line; in a line of a value a blank stands before it
 *     listen = 0.0.0.0:8080
 *     max-upload-bytes = 4G    # another one
 */
#ifndef SRV_CONFIG_FILE_H
#define SRV_CONFIG_FILE_H

#include "base/error.h"

/* Called for each "key = value"; both texts lie in the file's text and stay as long as it. */
typedef enum fsn_status srv_config_line_fn(const char *key, const char *value, int line, void *user,
                                           struct fsn_error *err);

/* Reads path (at most 1 MiB) and calls visit line by line, in order. *text, new (free()), holds
 * the keys and values, also after an error. Errors: IO, INVALID (naming file:line), LIMIT, NOMEM,
 * those of visit. */
FSN_NODISCARD enum fsn_status srv_config_file_read(const char *path, srv_config_line_fn *visit,
                                                   void *user, char **text, struct fsn_error *err);

#endif
