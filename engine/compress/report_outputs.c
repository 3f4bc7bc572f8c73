/* report_outputs.c - the outputs of a network that was distilled, in report.html. */
#include "compress/report_page.h"

#include <math.h>

static void put_name(FILE *out, const json_t *row, const void *about)
{
    (void)about;
    fputs("<code>", out);
    fsn__html_text(out, fsn__string_of(row, "name"));
    fputs("</code>", out);
}

static void put_loss(FILE *out, const json_t *row, const void *about)
{
    (void)about;
    fsn__html_text(out, fsn__string_of(row, "loss"));
}

double fsn__report_worst(const json_t *report, const char *key)
{
    const json_t *output;
    double worst = NAN;
    size_t i;

    json_array_foreach(json_object_get(report, "outputs"), i, output)
    {
        worst = fmax(worst, fsn__number_of(output, key));
    }
    return worst;
}

void fsn__report_outputs(FILE *out, const json_t *report)
{
    static const struct fsn__column columns[] = {
        {"Output", NULL, put_name, NULL, NULL},
        {"Compared by", NULL, put_loss, NULL, NULL},
        {"Weight", "number", NULL, "weight", fsn__show_short},
        {"Error before fine-tuning", "number", NULL, "start_error", fsn__show_error},
        {"Error of model.onnx", "number", NULL, "error", fsn__show_error},
        {"Error of model-int8.onnx", "number", NULL, "int8_error", fsn__show_error},
    };
    const json_t *outputs = json_object_get(report, "outputs");
    const bool has_int8 = json_is_object(json_object_get(report, "int8"));

    if (json_array_size(outputs) == 0)
        return;
    fputs("<section><h2>Outputs</h2>\n", out);
    fsn__html_table(out, "Outputs", columns, FSN__COLUMNS(columns) - !has_int8, outputs, NULL);
    fputs(
        "<p class=\"hint\">Relative errors on the test images, of the outputs as the files have "
        "them: 0 is the original network, 1 one that says the same of all images.</p></section>\n",
        out);
}
