/* fuzz_report.c - any bytes as report.json: never a crash or a leak, and what is read as a report
 * becomes a page that an XML parser takes. */
#include "fsnet.h"
#include "fuzz_main.h"

#include <expat.h>
#include <string.h>

static bool is_xml(const char *page)
{
    XML_Parser parser = XML_ParserCreate(NULL);
    const bool whole = XML_Parse(parser, page, (int)strlen(page), 1) == XML_STATUS_OK;

    XML_ParserFree(parser);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fsn_error err = {0};
    char *page = NULL;

    if (fsn_report_html((const char *)data, size, &page, &err) != FSN_OK) {
        if (err.status == FSN_OK || page)
            abort();
        return 0;
    }
    if (!is_xml(page))
        abort();
    free(page);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/report");
