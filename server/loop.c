/* loop.c - see loop.h. */
#include "loop.h"

#include <signal.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    uv_signal_t terminate, interrupt;
    uv_timer_t timer, linger;
    const struct srv_loop_options *options;
    bool stopping;
};

static void on_linger_end(uv_timer_t *handle)
{
    struct loop *loop = handle->data;

    uv_stop(&loop->uv);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct loop *loop = handle->data;
    const struct srv_loop_options *options = loop->options;
    bool again = loop->stopping;

    if (!again)
        options->stopping(number, options->user);
    loop->stopping = true;
    if (again || options->linger_ms == 0 ||
        uv_timer_start(&loop->linger, on_linger_end, options->linger_ms, 0) != 0)
        uv_stop(&loop->uv);
}

static void on_timer(uv_timer_t *handle)
{
    struct loop *loop = handle->data;

    loop->options->tick(loop->options->user);
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    uv_close(handle, NULL);
}

static int start(struct loop *loop)
{
    const uint64_t interval_ms = loop->options->interval_ms;
    int code;

    loop->terminate.data = loop->interrupt.data = loop->timer.data = loop->linger.data = loop;
    code = uv_signal_init(&loop->uv, &loop->terminate);
    if (code == 0)
        code = uv_signal_start(&loop->terminate, on_signal, SIGTERM);
    if (code == 0)
        code = uv_signal_init(&loop->uv, &loop->interrupt);
    if (code == 0)
        code = uv_signal_start(&loop->interrupt, on_signal, SIGINT);
    if (code == 0)
        code = uv_timer_init(&loop->uv, &loop->timer);
    if (code == 0)
        code = uv_timer_init(&loop->uv, &loop->linger);
    if (code == 0)
        code = uv_timer_start(&loop->timer, on_timer, interval_ms, interval_ms);
    return code;
}

enum fsn_status srv_loop_run(const struct srv_loop_options *options, struct fsn_error *err)
{
    struct loop loop = {.options = options};
    int code = uv_loop_init(&loop.uv);

    if (code == 0) {
        code = start(&loop);
        if (code == 0)
            uv_run(&loop.uv, UV_RUN_DEFAULT);
        uv_walk(&loop.uv, close_handle, NULL);
        uv_run(&loop.uv, UV_RUN_DEFAULT); /* lets the handles close */
        uv_loop_close(&loop.uv);
    }
    if (code != 0)
        return SRV_FAIL(err, FSN_INTERNAL, "event loop: %s", uv_strerror(code));
    return FSN_OK;
}
