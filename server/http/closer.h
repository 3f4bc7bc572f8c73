/* closer.h - closes files of which something goes with that. The kernel takes some 50 ms to free
 * what each GB of one has in memory and on the disk: of a large one, another thread's time, since a
 * thread of the HTTP server would answer nobody meanwhile. */
#ifndef SRV_HTTP_CLOSER_H
#define SRV_HTTP_CLOSER_H

#include "http/offload.h"

#include <stdint.h>

#define SRV_CLOSER_LARGE ((int64_t)4 << 20) /* bytes; fewer are freed where they are */

/* Cuts the file to `keep` bytes (SRV_CLOSER_ALL: does not) and closes it: here, or, where so many
 * bytes go that it takes long, on a thread of `closer` (borrowed; NULL: here all the same). fd is
 * taken over; that it could not be cut is logged alone. */
#define SRV_CLOSER_ALL ((int64_t)-1)
void srv_closer_close(struct srv_offload *closer, int fd, int64_t keep, int64_t goes_bytes);

/* Removes the file: its name at once, its bytes as above. fd: of the file, taken over; -1: it is
 * not open. Nothing there is fine. */
void srv_closer_remove(struct srv_offload *closer, int fd, const char *path, int64_t size_bytes);

#endif
