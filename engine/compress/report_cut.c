/* report_cut.c - where a network was cut, in report.html. */
#include "compress/report_page.h"

static void put_outputs(FILE *out, const json_t *outputs)
{
    const int compared = (int)fsn__number_of(outputs, "compared");

    if (compared == 0)
        fputs(" What it makes of the two files could not be compared.", out);
    else if (!json_is_true(json_object_get(outputs, "same_shapes")))
        fputs(" Behind it the two files found different numbers of things in the same images.",
              out);
    else
        fprintf(out,
                " Behind it %d outputs of model.onnx and model-dense.onnx differ by at most %s, on "
                "%d test images.",
                compared, fsn__show_real(fsn__number_of(outputs, "max_difference")).text,
                (int)fsn__number_of(outputs, "images"));
}

void fsn__report_cut(FILE *out, const json_t *report)
{
    const json_t *cut = json_object_get(report, "cut"), *name;
    size_t i;

    if (!json_is_object(cut))
        return;
    fputs("<p class=\"hint\">Trained and measured up to ", out);
    json_array_foreach(json_object_get(cut, "values"), i, name)
    {
        fputs(i > 0 ? ", <code>" : "<code>", out);
        fsn__html_text(out, json_is_string(name) ? json_string_value(name) : "");
        fputs("</code>", out);
    }
    fprintf(out, ": the %d nodes behind are in the files as they were.",
            (int)fsn__number_of(cut, "tail_nodes"));
    put_outputs(out, json_object_get(cut, "outputs"));
    fputs("</p>\n", out);
}
