/* counters.h - what the process counts since its start, in the text format of Prometheus. Any
 * thread. */
#ifndef SRV_BASE_COUNTERS_H
#define SRV_BASE_COUNTERS_H

#include <stdio.h>

/* X(code, name, help, names of the labels) */
#define SRV_COUNTER_LIST(X)                                                                      \
    X(REQUESTS, "http_requests_total", "Requests that were answered.", "method", "route",        \
      "status")                                                                                  \
    X(PROBLEMS, "http_problems_total", "Answers that say why not, by their type.", "type", NULL, \
      NULL)                                                                                      \
    X(RECEIVED, "http_received_bytes_total", "Bytes of request bodies.", NULL, NULL, NULL)       \
    X(SENT, "http_file_bytes_total", "Bytes of files that were asked for.", NULL, NULL, NULL)    \
    X(JOB_EVENTS, "job_events_total", "What happened to jobs.", "event", NULL, NULL)             \
    X(STAGE_SECONDS, "job_stage_seconds_total", "Time that jobs spent in each stage.", "stage",  \
      NULL, NULL)                                                                                \
    X(EPOCHS, "job_epochs_total", "Epochs that were trained.", NULL, NULL, NULL)                 \
    X(WEBHOOKS, "webhook_attempts_total", "Webhooks that were sent, by what came of it.",        \
      "outcome", NULL, NULL)                                                                     \
    X(EXPIRED, "expired_total", "What was removed because of its age.", "what", NULL, NULL)      \
    X(BUSY_WAITS, "sqlite_busy_waits_total", "Waits for the database's write lock.", NULL, NULL, \
      NULL)

enum srv_counter {
#define SRV__ENUM(code, ...) SRV_COUNT_##code,
    SRV_COUNTER_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_COUNTER_COUNT
};

/* Values of the labels in the order of the list, NULL where there is none. The texts are kept by
 * address: they must be static. Beyond a few hundred different ones nothing is counted. */
struct srv_labels {
    const char *value[2];
    unsigned status; /* of REQUESTS */
};

void srv_count(enum srv_counter counter, const struct srv_labels *labels, double add);
/* One request's time until its answer began. */
void srv_count_request_seconds(const char *method, const char *route, double seconds);

/* All counters and histograms. */
void srv_counters_write(FILE *out);
/* One line of a figure that is looked up, not counted, after the lines that describe it. label and
 * its value may be NULL. */
void srv_gauge_describe(FILE *out, const char *name, const char *help);
void srv_gauge_write(FILE *out, const char *name, const char *label, const char *value,
                     double number);

#endif
