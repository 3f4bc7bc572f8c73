/* loaded.h - models and data sets in memory, kept from one request to the next (base/cache.h). */
#ifndef SRV_HANDLERS_LOADED_H
#define SRV_HANDLERS_LOADED_H

#include "handlers/api.h"
#include "store/uploads.h"

/* A network that is ready to classify, or to find objects. */
struct srv_loaded_model {
    struct fsn_model *model;
    struct fsn_predictor *predictor;
    char *key; /* under which it is kept */
};

/* The network of the blob, as fsn_predictor_create makes it by the spec; it is given back. Errors:
 * those of fsn_model_load and fsn_predictor_create. */
FSN_NODISCARD enum fsn_status srv_take_model(struct srv_call *call, const char *sha256,
                                             const struct fsn_spec *spec,
                                             struct srv_loaded_model **out, struct fsn_error *err);
void srv_give_model(struct srv_call *call, struct srv_loaded_model *loaded); /* NULL is fine */

/* The images of an uploaded data set. Errors: those of fsn_dataset_open. */
FSN_NODISCARD enum fsn_status srv_take_dataset(struct srv_call *call,
                                               const struct srv_upload *upload,
                                               struct fsn_dataset **out, struct fsn_error *err);
void srv_give_dataset(struct srv_call *call, const struct srv_upload *upload,
                      struct fsn_dataset *dataset); /* NULL is fine */

#endif
