/* tail_maker.c - tail_maker IN.onnx SIZE decode|suppress OUT.onnx: an ssd-lite for images of SIZE
 * pixels, with boxes decoded (and suppressed) inside. */
#include "decode_tail.h"
#include "fsnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    if (argc != 5) {
        fprintf(stderr, "usage: tail_maker IN.onnx SIZE decode|suppress OUT.onnx\n");
        return 2;
    }
    if (fsn_model_load(argv[1], NULL, &model, &err) == FSN_OK) {
        decode_tail(model->graph, atoi(argv[2]), strcmp(argv[3], "suppress") == 0);
        if (fsn_model_save(model, argv[4], FSN_EXPORT_DENSE, &err) == FSN_OK) {
            fsn_model_destroy(model);
            return 0;
        }
    }
    fprintf(stderr, "tail_maker: %s\n", err.text);
    fsn_model_destroy(model);
    return 1;
}
