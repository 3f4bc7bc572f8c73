/* fuzz_main.h - lets a fuzz target run as a normal program over its corpus.
 *
 * A target defines LLVMFuzzerTestOneInput and then says FUZZ_MAIN("tests/fuzz/corpus/NAME"). Built
 * with -DFSN_LIBFUZZER (and clang's -fsanitize=fuzzer) the main is libFuzzer's; otherwise the
 * program feeds every file of the folder, or of the files named on the command line, to the target
 * and fails when there is none. */
#ifndef TESTS_FUZZ_FUZZ_MAIN_H
#define TESTS_FUZZ_FUZZ_MAIN_H

#include "core/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FSN_LIBFUZZER
#define FUZZ_MAIN(folder) \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) /* main is libFuzzer's */
#else

static inline int fuzz_file(const char *path)
{
    struct fsn_error err = {0};
    unsigned char *bytes;
    size_t size;

    if (fsn__file_read(path, (size_t)64 << 20, &bytes, &size, &err) != FSN_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

static inline int fuzz_folder(const char *folder)
{
    DIR *stream = opendir(folder);
    struct dirent *entry;
    int count = 0, failed = 0;

    while (stream && (entry = readdir(stream))) {
        char path[1024];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        failed |= fuzz_file(path);
        count++;
    }
    if (stream)
        closedir(stream);
    printf("%s: %d inputs\n", folder, count);
    return failed || count == 0;
}

#define FUZZ_MAIN(folder)                 \
    int main(int argc, char **argv)       \
    {                                     \
        int failed = 0;                   \
                                          \
        if (argc < 2)                     \
            return fuzz_folder(folder);   \
        for (int i = 1; i < argc; i++)    \
            failed |= fuzz_file(argv[i]); \
        return failed;                    \
    }                                     \
    int main(int argc, char **argv)
#endif

#endif
