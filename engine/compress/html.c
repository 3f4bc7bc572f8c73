/* html.c - see html.h. */
#include "compress/html.h"

#include <math.h>
#include <string.h>

#define GAP "\u00a0" /* between a figure and its unit, which stay together */

/* ---- JSON ------------------------------------------------------------------------------------ */

double fsn__number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *fsn__string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* ---- text ------------------------------------------------------------------------------------ */

/* U+FFFE and U+FFFF are no characters, and a control character has no form in XML 1.0. */
static int no_character(const char *at)
{
    if ((unsigned char)*at < ' ' && *at != '\t' && *at != '\n' && *at != '\r')
        return 1;
    return strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0 ? 3 : 0;
}

void fsn__html_text(FILE *out, const char *text)
{
    while (*text) {
        const int skip = no_character(text);

        if (skip > 0)
            fputs("\ufffd", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else if (*text == '\'')
            fputs("&#39;", out);
        else
            fputc(*text, out);
        text += skip > 0 ? skip : 1;
    }
}

/* ---- figures --------------------------------------------------------------------------------- */

static const struct fsn__figure none = {"\u2013"};

/* Digits in groups of three; of what is not a count, none are lost. */
struct fsn__figure fsn__show_count(double x)
{
    struct fsn__figure out = none;
    char digits[24];
    size_t n, at = 0;

    if (!(fabs(x) < 1e18))
        return none;
    snprintf(digits, sizeof digits, "%.0f", fabs(x));
    n = strlen(digits);
    if (x <= -0.5)
        out.text[at++] = '-';
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out.text[at++] = ',';
        out.text[at++] = digits[i];
    }
    out.text[at] = 0;
    return out;
}

/* round: as many digits as it has, of three. */
static struct fsn__figure scaled(double x, const char *const unit[5], bool round)
{
    struct fsn__figure out;
    int i = 0, digits;

    if (!isfinite(x))
        return none;
    while (fabs(x) >= 1000 && i < 4) {
        x /= 1000;
        i++;
    }
    if (!(fabs(x) < 1e9))
        return none;
    digits = i == 0 || fabs(x) >= 100 ? 0 : (fabs(x) >= 10 ? 1 : 2);
    snprintf(out.text, sizeof out.text, round ? "%.*g%s%s" : "%.*f%s%s", round ? 3 : digits, x,
             *unit[i] ? GAP : "", unit[i]);
    return out;
}

struct fsn__figure fsn__show_big(double x)
{
    static const char *const unit[5] = {"", "k", "M", "G", "T"};

    return scaled(x, unit, false);
}

static const char *const byte_units[5] = {"B", "kB", "MB", "GB", "TB"};

struct fsn__figure fsn__show_bytes(double x)
{
    return scaled(x, byte_units, false);
}

struct fsn__figure fsn__show_round_bytes(double x)
{
    return scaled(x, byte_units, true);
}

struct fsn__figure fsn__show_percent(double x)
{
    struct fsn__figure out;

    if (!(fabs(x) < 1e9))
        return none;
    snprintf(out.text, sizeof out.text, "%.2f" GAP "%%", x);
    return out;
}

/* What rounds to nothing is neither more nor less. */
static struct fsn__figure with_sign(double x, int digits, const char *unit)
{
    const double least = 0.5 * pow(10, -digits);
    struct fsn__figure out;

    if (!(fabs(x) < 1e9))
        return none;
    snprintf(out.text, sizeof out.text, "%s%.*f%s", fabs(x) < least ? "±" : (x > 0 ? "+" : "−"),
             digits, fabs(x), unit);
    return out;
}

struct fsn__figure fsn__show_points(double x)
{
    return with_sign(x, 2, GAP "pp");
}

struct fsn__figure fsn__show_signed(double x)
{
    return with_sign(x, 4, "");
}

struct fsn__figure fsn__show_times(double x)
{
    struct fsn__figure out;

    if (!(fabs(x) < 1e9))
        return none;
    snprintf(out.text, sizeof out.text, "%.*f" GAP "×", x >= 100 ? 0 : (x >= 10 ? 1 : 2), x);
    return out;
}

static struct fsn__figure significant(double x, int digits)
{
    struct fsn__figure out;

    if (!isfinite(x))
        return none;
    snprintf(out.text, sizeof out.text, "%.*g", digits, x);
    return out;
}

struct fsn__figure fsn__show_real(double x)
{
    return significant(x, 4);
}

struct fsn__figure fsn__show_short(double x)
{
    return significant(x, 3);
}

struct fsn__figure fsn__show_error(double x)
{
    return significant(fabs(x) < 5e-5 ? 0 : x, 3);
}

struct fsn__figure fsn__show_duration(double seconds)
{
    struct fsn__figure out;
    long whole;

    if (!(seconds >= 0 && seconds < 1e9))
        return none;
    whole = lround(seconds);
    if (seconds < 9.95)
        snprintf(out.text, sizeof out.text, "%.1f" GAP "s", seconds);
    else if (whole < 60)
        snprintf(out.text, sizeof out.text, "%ld" GAP "s", whole);
    else if (whole < 3600)
        snprintf(out.text, sizeof out.text, "%ld" GAP "min" GAP "%02ld" GAP "s", whole / 60,
                 whole % 60);
    else
        snprintf(out.text, sizeof out.text, "%ld" GAP "h" GAP "%02ld" GAP "min", whole / 3600,
                 whole % 3600 / 60);
    return out;
}

/* ---- bars ---------------------------------------------------------------------------------- */

static double part(double share)
{
    return share > 0 ? fmin(share, 1) : 0;
}

void fsn__html_bar(FILE *out, const char *text, const char *kind, double share, double whole)
{
    fprintf(out,
            "<span class=\"barred\"><svg class=\"bar %s\" viewBox=\"0 0 100 8\" "
            "preserveAspectRatio=\"none\" aria-hidden=\"true\" "
            "xmlns=\"http://www.w3.org/2000/svg\">",
            kind);
    if (part(whole) > 0)
        fprintf(out, "<rect class=\"whole\" width=\"%.1f\" height=\"8\"/>", 100 * part(whole));
    if (part(share) > 0)
        fprintf(out, "<rect class=\"share\" width=\"%.1f\" height=\"8\"/>", 100 * part(share));
    fprintf(out, "</svg><span class=\"number\">%s</span></span>", text);
}

/* ---- tables ---------------------------------------------------------------------------------- */

void fsn__html_table_open(FILE *out, const char *label)
{
    fprintf(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"%s\"><table>\n",
            label);
}

void fsn__html_table_close(FILE *out)
{
    fputs("</tbody></table></div>\n", out);
}

static void open_cell(FILE *out, const char *tag, const struct fsn__column *column)
{
    fprintf(out, "<%s", tag);
    if (column->kind)
        fprintf(out, " class=\"%s\"", column->kind);
    fputc('>', out);
}

void fsn__html_table(FILE *out, const char *label, const struct fsn__column *column, int columns,
                     const json_t *rows, const void *about)
{
    const json_t *row;
    size_t i;

    fsn__html_table_open(out, label);
    fputs("<thead><tr>", out);
    for (int c = 0; c < columns; c++) {
        open_cell(out, "th scope=\"col\"", &column[c]);
        fprintf(out, "%s</th>", column[c].title);
    }
    fputs("</tr></thead><tbody>\n", out);
    json_array_foreach(rows, i, row)
    {
        fputs("<tr>", out);
        for (int c = 0; c < columns; c++) {
            open_cell(out, c == 0 ? "th scope=\"row\"" : "td", &column[c]);
            if (column[c].cell)
                column[c].cell(out, row, about);
            else
                fputs(column[c].show(fsn__number_of(row, column[c].key)).text, out);
            fputs(c == 0 ? "</th>" : "</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fsn__html_table_close(out);
}
