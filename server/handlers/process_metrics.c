/* process_metrics.c - see process_metrics.h. The figures are those of proc(5). */
#include "handlers/process_metrics.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void write_one(FILE *out, const char *name, const char *type, const char *help, double value)
{
    fprintf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.15g\n", name, help, name,
            type, name, value);
}

/* Fields of /proc/self/stat, counted from 1. */
enum { USER_TICKS = 14, SYSTEM_TICKS = 15, START_TICKS = 22, RESIDENT_PAGES = 24, FIELDS };

/* false: the system does not tell. */
static bool read_stat(unsigned long long field[FIELDS])
{
    char text[1024], *word, *rest = NULL;
    FILE *file = fopen("/proc/self/stat", "re");
    const size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    int i = 3; /* behind the name, which has any characters but ends in ')' */

    if (file)
        fclose(file);
    text[size] = '\0';
    word = strrchr(text, ')');
    for (word = word ? strtok_r(word + 1, " ", &rest) : NULL; word && i < FIELDS;
         word = strtok_r(NULL, " ", &rest))
        field[i++] = strtoull(word, NULL, 10);
    return i == FIELDS;
}

/* When the system was started, in seconds since 1970; 0: it does not tell. */
static double boot_time(void)
{
    static const char name[] = "btime ";
    double seconds = 0;
    char line[256];
    FILE *file = fopen("/proc/stat", "re");

    while (file && seconds == 0 && fgets(line, sizeof line, file))
        if (strncmp(line, name, sizeof name - 1) == 0)
            seconds = strtod(line + sizeof name - 1, NULL);
    if (file)
        fclose(file);
    return seconds;
}

static void write_descriptors(FILE *out)
{
    DIR *folder = opendir("/proc/self/fd");
    struct rlimit limit;
    int count = -3; /* ".", ".." and the folder's own */

    while (folder && readdir(folder))
        count++;
    if (folder) {
        closedir(folder);
        write_one(out, "open_fds", "gauge", "File descriptors that are open.", count);
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        write_one(out, "max_fds", "gauge", "File descriptors that may be open.",
                  (double)limit.rlim_cur);
}

void srv_process_metrics_write(FILE *out)
{
    const double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    const double boot = boot_time();
    unsigned long long field[FIELDS] = {0};

    if (read_stat(field) && ticks > 0) {
        write_one(out, "cpu_seconds_total", "counter", "Processor time, of requests and of jobs.",
                  (double)(field[USER_TICKS] + field[SYSTEM_TICKS]) / ticks);
        write_one(out, "start_time_seconds", "gauge", "Its start, in seconds since 1970.",
                  boot + (double)field[START_TICKS] / ticks);
        write_one(out, "resident_memory_bytes", "gauge", "Memory that it holds.",
                  (double)field[RESIDENT_PAGES] * page);
    }
    write_descriptors(out);
}
