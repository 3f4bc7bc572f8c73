/* report_drawn.c - report.html on single images: what the baseline finds in one beside what the
 * compressed network finds, with the objects as they are labelled.
 *
 * The picture is a JPEG file of a few kilobytes in base64, as a data: address in the drawing, so
 * that the page needs no other file; without one the boxes stand on a plain ground. Boxes are
 * [x0, y0, x1, y1] in fractions of the image. All is said in words too, in title and desc. */
#include "compress/report_page.h"

#include <math.h>
#include <string.h>

enum { LONGEST = 320, MAX_IMAGES = 16, MAX_BOXES = 200, MAX_BASE64 = 1 << 20, COLOURS = 8 };

struct drawing {
    const json_t *classes;
    const char *jpeg; /* NULL: none */
    double width, height;
    size_t number; /* of the image */
};

/* ---- what a row says ------------------------------------------------------------------------- */

/* Base64 alone goes into the address, so that nothing else can stand there. */
static const char *picture_of(const json_t *image)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *text = fsn__string_of(image, "jpeg");
    const size_t body = strspn(text, letters), end = body + strspn(text + body, "=");

    return body > 0 && text[end] == 0 && end - body <= 2 && end % 4 == 0 && end <= MAX_BASE64
               ? text
               : NULL;
}

/* False where the row has no box, or one beside the image. */
static bool box_of(const json_t *row, const struct drawing *d, double box[4])
{
    const json_t *array = json_object_get(row, "box");

    for (size_t i = 0; i < 4; i++) {
        const json_t *side = json_array_get(array, i);

        if (!json_is_number(side))
            return false;
        box[i] = fmin(fmax(json_number_value(side), 0), 1) * (i % 2 == 0 ? d->width : d->height);
    }
    return box[2] > box[0] && box[3] > box[1];
}

/* By name, or by number where it has none. */
static void put_class(FILE *out, const struct drawing *d, const json_t *row)
{
    const double number = fsn__number_of(row, "class");
    const json_t *class =
        number >= 0 && number < 1e9 ? json_array_get(d->classes, (size_t)number) : NULL;
    const char *name = fsn__string_of(class, "name");

    if (*name)
        fsn__html_text(out, name);
    else
        fputs(fsn__show_count(number).text, out);
}

static size_t shown(const json_t *rows)
{
    const size_t count = json_array_size(rows);

    return count < MAX_BOXES ? count : MAX_BOXES;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw_rect(FILE *out, const char *kind, const double box[4])
{
    fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", kind,
            box[0], box[1], box[2] - box[0], box[3] - box[1]);
}

static void draw_objects(FILE *out, const struct drawing *d, const json_t *objects)
{
    for (size_t i = 0; i < shown(objects); i++) {
        double box[4];

        if (!box_of(json_array_get(objects, i), d, box))
            continue;
        draw_rect(out, "under", box);
        draw_rect(out, "object", box);
    }
    fputc('\n', out);
}

/* The name stands within the box at its upper edge; on the right half it ends at the right one, to
 * stay on the picture. */
static void draw_name(FILE *out, const struct drawing *d, const json_t *row, const double box[4])
{
    const bool right = box[0] > 0.6 * d->width;

    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\"%s>", right ? box[2] - 3 : box[0] + 3,
            fmin(box[1] + 13, d->height - 3), right ? " text-anchor=\"end\"" : "");
    put_class(out, d, row);
    fprintf(out, " %s</text>\n", fsn__show_short(fsn__number_of(row, "score")).text);
}

/* The best come first, and are drawn last, over the others. */
static void draw_found(FILE *out, const struct drawing *d, const json_t *found)
{
    double box[4];

    for (size_t i = shown(found); i-- > 0;) {
        const json_t *row = json_array_get(found, i);
        const double number = fsn__number_of(row, "class");
        char kind[16];

        if (!box_of(row, d, box))
            continue;
        snprintf(kind, sizeof kind, "found k%d",
                 number >= 0 && number < 1e9 ? (int)number % COLOURS : 0);
        draw_rect(out, "under", box);
        draw_rect(out, kind, box);
    }
    for (size_t i = shown(found); i-- > 0;)
        if (box_of(json_array_get(found, i), d, box))
            draw_name(out, d, json_array_get(found, i), box);
}

static void describe(FILE *out, const struct drawing *d, const json_t *found)
{
    for (size_t i = 0; i < shown(found); i++) {
        const json_t *row = json_array_get(found, i);

        fputs(i > 0 ? ", " : "", out);
        put_class(out, d, row);
        fprintf(out, " %s", fsn__show_short(fsn__number_of(row, "score")).text);
    }
    fputs(shown(found) > 0 ? "." : "Nothing is found.", out);
}

static void draw_side(FILE *out, const struct drawing *d, const json_t *image, const char *side,
                      const char *title)
{
    const json_t *found = json_object_get(image, side);
    char id[64];

    snprintf(id, sizeof id, "drawn-%zu-%s", d->number, side);
    fprintf(out, "<div><p>%s</p>\n", title);
    fprintf(out,
            "<svg class=\"drawn\" viewBox=\"0 0 %.1f %.1f\" role=\"img\" "
            "aria-labelledby=\"%s-title %s-desc\" xmlns=\"http://www.w3.org/2000/svg\">\n"
            "<title id=\"%s-title\">%s: ",
            d->width, d->height, id, id, id, title);
    fsn__html_text(out, fsn__string_of(image, "name"));
    fprintf(out, "</title>\n<desc id=\"%s-desc\">", id);
    describe(out, d, found);
    fprintf(out, "</desc>\n<rect class=\"ground\" width=\"%.1f\" height=\"%.1f\"/>\n", d->width,
            d->height);
    if (d->jpeg)
        fprintf(out,
                "<image width=\"%.1f\" height=\"%.1f\" preserveAspectRatio=\"none\" "
                "href=\"data:image/jpeg;base64,%s\"/>\n",
                d->width, d->height, d->jpeg);
    draw_objects(out, d, json_object_get(image, "objects"));
    draw_found(out, d, found);
    fputs("</svg></div>\n", out);
}

static void draw_image(FILE *out, const json_t *classes, const json_t *image, size_t number)
{
    const double width = fsn__number_of(image, "width"), height = fsn__number_of(image, "height");
    struct drawing d = {.classes = classes, .jpeg = picture_of(image), .number = number};

    if (!(width >= 1 && height >= 1 && width <= 1e6 && height <= 1e6))
        return;
    d.width = fmax(LONGEST * width / fmax(width, height), 1);
    d.height = fmax(LONGEST * height / fmax(width, height), 1);
    fputs("<figure><figcaption><span class=\"name\">", out);
    fsn__html_text(out, fsn__string_of(image, "name"));
    fprintf(out, "</span> <span class=\"quiet\">test image %s</span></figcaption>\n",
            fsn__show_count(fsn__number_of(image, "image")).text);
    fputs("<div class=\"pair\">", out);
    draw_side(out, &d, image, "baseline", "Baseline");
    draw_side(out, &d, image, "compressed", "Compressed");
    fputs("</div></figure>\n", out);
}

void fsn__report_drawn(FILE *out, const json_t *report)
{
    const json_t *detection = json_object_get(report, "detection");
    const json_t *images = json_object_get(detection, "drawn"), *image;
    size_t i;

    if (json_array_size(images) == 0)
        return;
    fprintf(out,
            "<section><h2>Detections</h2>\n<p class=\"hint\">Test images, first those in which "
            "the two networks differ most, with what each finds with a score of at least %s; thin "
            "and dashed, the "
            "objects as they are labelled.</p>\n<div class=\"pictures\">",
            fsn__show_short(fsn__number_of(detection, "drawn_score")).text);
    json_array_foreach(images, i, image)
    {
        if (i < MAX_IMAGES)
            draw_image(out, json_object_get(detection, "classes"), image, i);
    }
    fputs("</div></section>\n", out);
}
