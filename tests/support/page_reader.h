/* page_reader.h - the page of a report as its reader sees it: read by an XML parser (expat), which
 * is stricter than any browser. */
#ifndef TESTS_SUPPORT_PAGE_READER_H
#define TESTS_SUPPORT_PAGE_READER_H

#include <stddef.h>

struct page_seen {
    char text[1 << 20]; /* all character data */
    size_t size;
    int cells, rects, paths;
    int pictures; /* that lie in the page */
};

/* The page of a report, new; the running test fails where it is no XML, or has a script, a link, a
 * handler of events, or an address of anything but a JPEG in itself. */
char *page_read(const char *json, struct page_seen *seen);
/* Fails the running test where the page does not have this text. */
void page_has(const struct page_seen *seen, const char *part);

#endif
