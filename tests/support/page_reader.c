/* page_reader.c - see page_reader.h. */
#include "page_reader.h"
#include "fsnet.h"

#include <expat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* What would reach out of the page, or run. */
static void look_at(const char *element, const char *name, const char *value,
                    struct page_seen *seen)
{
    static const char picture[] = "data:image/jpeg;base64,";

    if (strcmp(element, "image") == 0 && strcmp(name, "href") == 0) {
        if (strncmp(value, picture, sizeof picture - 1) != 0)
            fail_msg("<image href='%.60s'>", value);
        seen->pictures++;
    } else if (strncmp(name, "on", 2) == 0 || strcmp(name, "src") == 0 || strstr(name, "href")) {
        fail_msg("<%s %s='%.60s'>", element, name, value);
    }
}

static void XMLCALL on_start(void *user, const char *name, const char **attribute)
{
    static const char *const none_of[] = {"script", "a", "link", "img", "iframe", "object", "use"};
    struct page_seen *seen = user;

    for (size_t i = 0; i < sizeof none_of / sizeof *none_of; i++)
        if (strcmp(name, none_of[i]) == 0)
            fail_msg("there is a <%s>", name);
    seen->cells += strcmp(name, "td") == 0;
    seen->rects += strcmp(name, "rect") == 0;
    seen->paths += strcmp(name, "path") == 0;
    for (; *attribute; attribute += 2)
        look_at(name, attribute[0], attribute[1], seen);
}

static void XMLCALL on_text(void *user, const char *text, int length)
{
    struct page_seen *seen = user;

    assert_true(seen->size + (size_t)length < sizeof seen->text);
    memcpy(seen->text + seen->size, text, (size_t)length);
    seen->size += (size_t)length;
    seen->text[seen->size] = 0;
}

char *page_read(const char *json, struct page_seen *seen)
{
    struct fsn_error err = {0};
    XML_Parser parser = XML_ParserCreate(NULL);
    char *html = NULL;

    memset(seen, 0, sizeof *seen);
    if (fsn_report_html(json, strlen(json), &html, &err) != FSN_OK)
        fail_msg("%s", err.text);
    XML_SetUserData(parser, seen);
    XML_SetElementHandler(parser, on_start, NULL);
    XML_SetCharacterDataHandler(parser, on_text);
    if (XML_Parse(parser, html, (int)strlen(html), 1) != XML_STATUS_OK)
        fail_msg("line %lu: %s", XML_GetCurrentLineNumber(parser),
                 XML_ErrorString(XML_GetErrorCode(parser)));
    XML_ParserFree(parser);
    return html;
}

void page_has(const struct page_seen *seen, const char *part)
{
    if (!strstr(seen->text, part))
        fail_msg("'%s' is not in the page", part);
}
