/* job_log.c - GET /v1/jobs/{id}/log: what happened to a job, and when. */
#include "store/job_log.h"

#include "base/number.h"
#include "handlers/job_json.h"

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *row_json(const struct srv_log_row *row)
{
    return json_pack("{sI so ss sI so so so}", "number", (json_int_t)row->number, "at",
                     srv_time_json(row->at_ms), "event", row->event, "attempt",
                     (json_int_t)row->attempt, "stage", text_or_null(row->stage), "candidate",
                     row->candidate ? json_integer(row->candidate) : json_null(), "detail",
                     text_or_null(row->detail));
}

enum fsn_status srv_get_job_log(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    const char *after = srv_request_query(call->request, "after");
    struct srv_log_row *rows = NULL;
    bool found = false;
    int64_t number = 0;
    size_t count = 0;
    json_t *items;
    enum fsn_status status;

    if (after && !srv_number_parse(after, false, 0, INT64_MAX, &number)) {
        srv_reply_problem(call->request, SRV_PROBLEM_BAD_QUERY,
                          "after: expected the number of a row, got '%s'", after);
        return FSN_OK;
    }
    status = srv_find_job(call, &found, err);
    if (status == FSN_OK && found)
        status = srv_job_log_list(call->db, id, number, &rows, &count, err);
    if (status != FSN_OK || !found)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, row_json(&rows[i]));
    srv_job_log_free(rows, count);
    srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{so}", "items", items));
    return FSN_OK;
}
