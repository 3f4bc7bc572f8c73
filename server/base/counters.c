/* counters.c - see counters.h. One table under one lock: a request costs a short walk through it,
 * far less than the request. */
#include "base/counters.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#define PREFIX "fsnetd_"
#define HISTOGRAM PREFIX "http_request_duration_seconds"
#define MAX_SERIES 512

static const struct {
    const char *name, *help, *label[3];
} families[SRV_COUNTER_COUNT] = {
#define SRV__ROW(code, name, help, a, b, c) [SRV_COUNT_##code] = {PREFIX name, help, {a, b, c}},
    SRV_COUNTER_LIST(SRV__ROW)
#undef SRV__ROW
};

/* Upper bounds, seconds. */
static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                0.25,  0.5,    1,     2.5,  5,     10,   60};
#define BOUND_COUNT (sizeof bounds / sizeof *bounds)

struct series {
    enum srv_counter family;
    struct srv_labels labels;
    double value;
};
struct histogram {
    const char *method, *route;
    uint64_t within[BOUND_COUNT], count;
    double sum;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct series table[MAX_SERIES];
static size_t used;
static struct histogram histograms[MAX_SERIES];
static size_t histogram_count;

/* Under the lock; NULL: the table is full. */
static struct series *find(enum srv_counter family, const struct srv_labels *labels)
{
    for (size_t i = 0; i < used; i++)
        if (table[i].family == family && table[i].labels.value[0] == labels->value[0] &&
            table[i].labels.value[1] == labels->value[1] &&
            table[i].labels.status == labels->status)
            return &table[i];
    if (used == MAX_SERIES)
        return NULL;
    table[used] = (struct series){.family = family, .labels = *labels};
    return &table[used++];
}

void srv_count(enum srv_counter counter, const struct srv_labels *labels, double add)
{
    static const struct srv_labels none;
    struct series *series;

    pthread_mutex_lock(&lock);
    series = find(counter, labels ? labels : &none);
    if (series)
        series->value += add;
    pthread_mutex_unlock(&lock);
}

static struct histogram *find_histogram(const char *method, const char *route)
{
    for (size_t i = 0; i < histogram_count; i++)
        if (histograms[i].method == method && histograms[i].route == route)
            return &histograms[i];
    if (histogram_count == MAX_SERIES)
        return NULL;
    histograms[histogram_count] = (struct histogram){.method = method, .route = route};
    return &histograms[histogram_count++];
}

void srv_count_request_seconds(const char *method, const char *route, double seconds)
{
    struct histogram *histogram;

    pthread_mutex_lock(&lock);
    histogram = find_histogram(method, route);
    if (histogram) {
        for (size_t i = 0; i < BOUND_COUNT; i++)
            histogram->within[i] += seconds <= bounds[i];
        histogram->count++;
        histogram->sum += seconds;
    }
    pthread_mutex_unlock(&lock);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void describe(FILE *out, const char *name, const char *help, const char *type)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_series(FILE *out, const struct series *series)
{
    const char *const *label = families[series->family].label;
    const char *before = "{";

    fputs(families[series->family].name, out);
    for (int i = 0; i < 2 && label[i]; i++) {
        fprintf(out, "%s%s=\"%s\"", before, label[i],
                series->labels.value[i] ? series->labels.value[i] : "");
        before = ",";
    }
    if (label[2])
        fprintf(out, "%s%s=\"%u\"", before, label[2], series->labels.status);
    fprintf(out, "%s %.17g\n", label[0] ? "}" : "", series->value);
}

static void write_histogram(FILE *out, const struct histogram *h)
{
    for (size_t i = 0; i < BOUND_COUNT; i++)
        fprintf(out, HISTOGRAM "_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %llu\n", h->method,
                h->route, bounds[i], (unsigned long long)h->within[i]);
    fprintf(out, HISTOGRAM "_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %llu\n", h->method,
            h->route, (unsigned long long)h->count);
    fprintf(out, HISTOGRAM "_sum{method=\"%s\",route=\"%s\"} %.17g\n", h->method, h->route, h->sum);
    fprintf(out, HISTOGRAM "_count{method=\"%s\",route=\"%s\"} %llu\n", h->method, h->route,
            (unsigned long long)h->count);
}

void srv_counters_write(FILE *out)
{
    pthread_mutex_lock(&lock);
    for (int family = 0; family < SRV_COUNTER_COUNT; family++) {
        describe(out, families[family].name, families[family].help, "counter");
        for (size_t i = 0; i < used; i++)
            if ((int)table[i].family == family)
                write_series(out, &table[i]);
    }
    describe(out, HISTOGRAM, "Time from a request's first byte to its answer.", "histogram");
    for (size_t i = 0; i < histogram_count; i++)
        write_histogram(out, &histograms[i]);
    pthread_mutex_unlock(&lock);
}

void srv_gauge_describe(FILE *out, const char *name, const char *help)
{
    char full[64];

    snprintf(full, sizeof full, PREFIX "%s", name);
    describe(out, full, help, "gauge");
}

void srv_gauge_write(FILE *out, const char *name, const char *label, const char *value,
                     double number)
{
    if (!isfinite(number))
        number = 0;
    if (label)
        fprintf(out, PREFIX "%s{%s=\"%s\"} %.17g\n", name, label, value, number);
    else
        fprintf(out, PREFIX "%s %.17g\n", name, number);
}
