/* entry_collector.h - walks an archive and keeps what it hands over. */
#ifndef TESTS_SUPPORT_ENTRY_COLLECTOR_H
#define TESTS_SUPPORT_ENTRY_COLLECTOR_H

#include "archive_maker.h"
#include "data/archive.h"

/* All files but those whose name contains "unwanted". */
enum { MAX_TAKEN = 16 };

struct taken {
    int count;
    char names[MAX_TAKEN][64];
    unsigned char *bytes[MAX_TAKEN];
    size_t sizes[MAX_TAKEN];
    enum fsn_status answer; /* what the walk gets back for each */
};

/* Both clear *err first and add to *taken. A single file in memory is named "single". */
enum fsn_status walk_bytes(struct made_bytes made, const struct fsn_data_limits *limits,
                           struct taken *taken, struct fsn_error *err);
enum fsn_status walk_path(const char *path, const struct fsn_data_limits *limits,
                          struct taken *taken, struct fsn_error *err);
void taken_clear(struct taken *taken);

/* The i-th file has this name and these bytes. */
void assert_taken(const struct taken *taken, int i, const char *name, const void *bytes,
                  size_t size);
/* The error's text holds `part`. */
void assert_text(const struct fsn_error *err, const char *part);
/* Bytes that do not shrink to nothing: 0, 1, 4, 9, ... modulo 251. */
void fill_pattern(unsigned char *bytes, size_t size);

#endif
