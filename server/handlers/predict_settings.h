/* predict_settings.h - what the query of a prediction asks for. */
#ifndef SRV_HANDLERS_PREDICT_SETTINGS_H
#define SRV_HANDLERS_PREDICT_SETTINGS_H

#include "handlers/api.h"

#define SRV_MAX_PREDICTED 64 /* images of a data set in one call */

struct srv_predict_settings {
    struct fsn_spec spec; /* preprocess, output and detection, by the query over the defaults */
    int most;             /* classes of each image */
    const char *of_classes, *of_objects; /* a parameter in the query that is for networks which
                                            classify, or which find objects, alone; or NULL */
    enum fsn_split split;
    int64_t first, last; /* images of the data set */
};

/* defaults: what is not in the query ("preprocess", "output", "detection"); NULL: the engine's own.
 * *ok false: a reply names the parameter that is wrong. Else fsn_spec_clear(&out->spec). */
FSN_NODISCARD enum fsn_status srv_predict_settings(struct srv_call *call, const json_t *defaults,
                                                   struct srv_predict_settings *out, bool *ok,
                                                   struct fsn_error *err);
/* A group of settings ("preprocess") as specs have it, with every default; NULL when out of memory.
 */
json_t *srv_settings_json(const struct fsn_spec *spec, const char *group);

#endif
