/* toy_detector.h - a task for detectors: drawn shapes with their boxes, and two small networks. */
#ifndef TESTS_SUPPORT_TOY_DETECTOR_H
#define TESTS_SUPPORT_TOY_DETECTOR_H

#include "data/dataset.h"
#include "graph/graph.h"

enum { TOY_SHAPES = 4 /* classes */, TOY_MAP = 4, TOY_BOXES = TOY_MAP * TOY_MAP };

/* Shapes on pictures of 96 x 96 (fsn_dataset_draw_boxes). New; freed by fsn_dataset_destroy. */
struct fsn_dataset *toy_boxes(int64_t train_images, int64_t test_images, uint64_t seed);

/* Three convolutions of stride 2 without batch norm from 32 x 32 to a map of TOY_MAP x TOY_MAP,
 * with one default box at each pixel, whose rule toy_box_rule puts into a spec. New. */
struct fsn__graph *toy_detector(uint64_t seed, int classes);
void toy_box_rule(struct fsn_spec *spec);

/* The zoo's ssd-lite for images of 64 x 64, weights marked trainable. New. */
struct fsn__graph *toy_ssd_lite(uint64_t seed);

#endif
