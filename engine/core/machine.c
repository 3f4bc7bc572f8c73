/* machine.c - how many cores the process may use: those of its affinity mask, but no more than its
 * control group is given time for (cgroup v2, which is what a container's --cpus sets). Threads
 * beyond that quota would be stopped in the middle of their work, and the others wait for them. */
#include "core/machine.h"

#include "fsnet.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fsn__quota_cores(const char *cpu_max, int otherwise)
{
    long long quota, period;
    char *end;

    quota = strtoll(cpu_max, &end, 10);
    if (end == cpu_max || *end != ' ' || quota <= 0)
        return otherwise;
    period = strtoll(end, NULL, 10);
    if (period <= 0 || quota / period >= otherwise)
        return otherwise;
    return (int)((quota + period - 1) / period);
}

/* The first line of the file that begins with `prefix`, without it; "" when there is none. */
static void read_line(const char *path, const char *prefix, char *line, size_t size)
{
    const size_t skip = strlen(prefix);
    FILE *file = fopen(path, "re");
    bool found = false;

    while (file && !found && fgets(line, (int)size, file))
        found = strncmp(line, prefix, skip) == 0;
    if (file)
        fclose(file);
    if (!found)
        line[0] = '\0';
    else
        memmove(line, line + skip, strlen(line + skip) + 1);
    line[strcspn(line, "\n")] = '\0';
}

static int affinity_cores(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

int fsn_cores(void)
{
    char group[4096], path[4200], cpu_max[64];

    read_line("/proc/self/cgroup", "0::", group, sizeof group);
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
    read_line(path, "", cpu_max, sizeof cpu_max);
    return fsn__quota_cores(cpu_max, affinity_cores());
}
