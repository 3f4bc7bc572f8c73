/* left_out.c - a line for whoever trains or measures on a data set, or sends one, where it is not
 * quite what its files are: boxes that were left out, a test split that was made. */
#include "remote.h"

static void tell(const struct cli_command *command, int64_t boxes, const char *image,
                 const char *class, const char *fault)
{
    if (boxes > 0)
        cli_error(command, "note: boxes left out: %s; the first: %s: '%s': %s", CLI_GROUPED(boxes),
                  image, class, fault);
}

static void tell_split(const struct cli_command *command, bool made, bool labelled)
{
    if (made)
        cli_error(
            command,
            "note: the data set has no test images; a tenth%s of its train images is the test",
            labelled ? " of each class" : "");
}

void cli_tell_left_out(const struct cli_command *command, const struct fsn_dataset_info *info)
{
    const struct fsn_bad_box *first = info->bad_boxes.listed;

    if (first)
        tell(command, info->bad_boxes.count, first->image, first->class_name,
             fsn_box_fault_name(first->fault));
    tell_split(command, info->split_made,
               info->classes > 0 && !info->detection && !info->segmentation);
}

void remote_tell_left_out(const struct cli_command *command, const json_t *dataset)
{
    const json_t *summary = json_object_get(dataset, "summary");
    const json_t *bad = json_object_get(summary, "bad_boxes");
    const json_t *first = json_array_get(json_object_get(bad, "listed"), 0);
    const json_t *train = json_object_get(json_object_get(summary, "splits"), "train");

    if (first)
        tell(command, json_integer_value(json_object_get(bad, "count")),
             remote_text(first, "image"), remote_text(first, "class"), remote_text(first, "fault"));
    tell_split(command, json_is_true(json_object_get(summary, "split_made")),
               json_integer_value(json_object_get(summary, "classes")) > 0 &&
                   json_is_null(json_object_get(train, "objects")) &&
                   json_is_null(json_object_get(train, "pixels")));
}
