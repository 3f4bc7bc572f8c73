/* confusion.h - which classes two networks see in the same test images. */
#ifndef FSN_COMPRESS_CONFUSION_H
#define FSN_COMPRESS_CONFUSION_H

#include "core/error.h"

#include <jansson.h>
#include <stdint.h>

enum {
    FSN__MATRIX_CLASSES = 100, /* of more, there is no matrix */
    FSN__WORST_CONFUSIONS = 20
};

/* Test images and what both networks take them for; all borrowed. */
struct fsn__outcomes {
    int classes;              /* of the data set */
    const char *const *names; /* [classes], or NULL */
    int64_t images;
    const int32_t *labels;                /* [images] 0 <= label < classes */
    const int32_t *baseline, *compressed; /* [images] see fsn__evaluate_images */
};

/* [{name, images, baseline_top1, compressed_top1}], a row for each class; a name may be null, and a
 * figure of no images is. New; NULL when out of memory. */
json_t *fsn__classes_json(const struct fsn__outcomes *outcomes);

/* {outside: {baseline, compressed}, worst: [{label, choice, baseline, compressed}], baseline,
 * compressed}. outside: images that went to no class of the data set. worst: what the compressed
 * network confuses most often (then what the baseline does, then by class), with both counts. The
 * matrices, [label][choice] images, are null of more than FSN__MATRIX_CLASSES classes. New; NULL
 * when out of memory. */
json_t *fsn__confusion_json(const struct fsn__outcomes *outcomes);

#endif
