/* idempotency.c - see idempotency.h. */
#include "handlers/idempotency.h"

#include <string.h>

#define MAX_KEY 255

bool srv_key_read(struct srv_request *request, struct srv_key *key)
{
    const char *text = srv_request_header(request, SRV_KEY_HEADER);
    size_t length = text ? strlen(text) : 0;
    bool visible = true;

    for (size_t i = 0; i < length; i++)
        visible = visible && text[i] > 0x20 && text[i] < 0x7f;
    if (text && (length == 0 || length > MAX_KEY || !visible)) {
        srv_reply_problem(request, SRV_PROBLEM_BAD_HEADER,
                          SRV_KEY_HEADER ": expected 1 to %d visible ASCII characters, got %zu%s",
                          MAX_KEY, length, visible ? "" : ", others among them");
        return false;
    }
    *key = (struct srv_key){.key = text, .owner = request->caller.token_id};
    return true;
}

void srv_key_replayed(struct srv_request *request)
{
    srv_reply_header(request, "Idempotency-Replayed", "true");
}

void srv_key_reused(struct srv_request *request, const char *id)
{
    srv_reply_problem(request, SRV_PROBLEM_KEY_REUSED,
                      "%s was made under this " SRV_KEY_HEADER
                      " by another request; a new one needs "
                      "a new key",
                      id);
}
