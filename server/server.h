/* server.h - the whole service from start to stop. */
#ifndef SRV_SERVER_H
#define SRV_SERVER_H

#include "config.h"

/* Serves until a signal; returns after an orderly stop. Errors: what kept it from starting. */
FSN_NODISCARD enum fsn_status srv_serve(const struct srv_config *config, struct fsn_error *err);

#endif
