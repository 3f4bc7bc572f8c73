/*
 * gunzip.c - gzip (RFC 1952) through zlib.
 *
 * libarchive has a gzip filter of its own, but it does not verify the CRC: a flipped bit in a
 * data set would pass as wrong pixels. zlib verifies each member when its end is read.
 */
#include "data/gunzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { IN_BYTES = 64 * 1024, OUT_BYTES = 256 * 1024, WINDOW_BITS_GZIP = 15 + 16 };

struct fsn__gunzip {
    struct fsn__source source; /* bytes and size move on as they are used */
    z_stream stream;
    bool between_members; /* a member has ended, no other has begun */
    bool finished;
    unsigned char in[IN_BYTES];
    unsigned char out[OUT_BYTES];
};

struct fsn__gunzip *fsn__gunzip_open(const struct fsn__source *source)
{
    struct fsn__gunzip *gunzip = calloc(1, sizeof *gunzip);

    if (!gunzip)
        return NULL;
    gunzip->source = *source;
    if (inflateInit2(&gunzip->stream, WINDOW_BITS_GZIP) != Z_OK) {
        free(gunzip);
        return NULL;
    }
    return gunzip;
}

void fsn__gunzip_close(struct fsn__gunzip *gunzip)
{
    if (!gunzip)
        return;
    inflateEnd(&gunzip->stream);
    free(gunzip);
}

/* Gets more packed bytes; how many, 0 at the end, negative on a read error (errno). */
static ssize_t refill(struct fsn__gunzip *gunzip)
{
    struct fsn__source *source = &gunzip->source;
    ssize_t got;

    if (source->fd >= 0) {
        do
            got = read(source->fd, gunzip->in, IN_BYTES);
        while (got < 0 && errno == EINTR);
    } else {
        got = source->size < IN_BYTES ? (ssize_t)source->size : IN_BYTES;
        if (got > 0)
            memcpy(gunzip->in, source->bytes, (size_t)got);
        source->bytes += got;
        source->size -= (size_t)got;
    }
    if (got > 0) {
        gunzip->stream.next_in = gunzip->in;
        gunzip->stream.avail_in = (uInt)got;
    }
    return got;
}

/* Has input ready. False at the end of the stream (*finished) or on an error (set in archive). */
static bool have_input(struct fsn__gunzip *gunzip, struct archive *archive)
{
    ssize_t got = gunzip->stream.avail_in > 0 ? 1 : refill(gunzip);

    if (got < 0) {
        archive_set_error(archive, errno, "%s", strerror(errno));
        return false;
    }
    if (got == 0 && !gunzip->between_members) {
        archive_set_error(archive, EILSEQ, "gzip stream ends too early");
        return false;
    }
    /* Like gzip(1): another member may follow the first; anything else is padding. */
    if (gunzip->between_members && (got == 0 || gunzip->stream.next_in[0] != 0x1f)) {
        gunzip->finished = true;
        return false;
    }
    gunzip->between_members = false;
    return true;
}

la_ssize_t fsn__gunzip_read(struct archive *archive, void *user, const void **block)
{
    struct fsn__gunzip *gunzip = user;
    z_stream *stream = &gunzip->stream;

    stream->next_out = gunzip->out;
    stream->avail_out = OUT_BYTES;
    while (stream->avail_out > 0 && !gunzip->finished) {
        int code;

        if (!have_input(gunzip, archive)) {
            if (gunzip->finished)
                break;
            return -1;
        }
        code = inflate(stream, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            gunzip->between_members = true;
            inflateReset(stream);
        } else if (code != Z_OK) {
            archive_set_error(archive, code == Z_MEM_ERROR ? ENOMEM : EILSEQ, "gzip: %s",
                              stream->msg ? stream->msg : "damaged data");
            return -1;
        }
    }
    *block = gunzip->out;
    return OUT_BYTES - (la_ssize_t)stream->avail_out;
}
