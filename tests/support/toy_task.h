/* toy_task.h - a task that a tiny network learns in a second: four textures and noise. */
#ifndef TESTS_SUPPORT_TOY_TASK_H
#define TESTS_SUPPORT_TOY_TASK_H

#include "data/dataset.h"
#include "graph/graph.h"

enum { TOY_SIZE = 6, TOY_CLASSES = 4 };

/* Grey TOY_SIZE x TOY_SIZE images: 0 dark, 1 bright, 2 vertical stripes, 3 horizontal stripes, each
 * with noise. New; freed by fsn_dataset_destroy. */
struct fsn_dataset *toy_dataset(int64_t train_images, int64_t test_images, uint64_t seed);

/* Conv, batch norm, ReLU, pooling, classifier; new, freed by fsn__graph_destroy. */
struct fsn__graph *toy_network(uint64_t seed);

#endif
