/* memo.h - answers made of what the database holds, kept by a connection for whoever asks the same
 * before anything has changed: to find out that nothing has takes less time than to read a row and
 * to write it as JSON. Each key has one place, which several share. */
#ifndef SRV_STORE_MEMO_H
#define SRV_STORE_MEMO_H

enum { SRV_MEMO_ANSWERS = 64, SRV_MEMO_KEY_SIZE = 64, SRV_MEMO_TAG_SIZE = 72 };

struct srv_memo_answer {
    char key[SRV_MEMO_KEY_SIZE]; /* "": nothing is here */
    char tag[SRV_MEMO_TAG_SIZE];
    char *text;
};

struct srv_memo { /* zero-initialise; srv_memo_clear frees */
    struct srv_memo_answer answer[SRV_MEMO_ANSWERS];
};

/* NULL: none is kept under this key. Borrowed until the next keep or clear. */
const struct srv_memo_answer *srv_memo_find(const struct srv_memo *memo, const char *key);
/* Copies all three. What does not fit, or finds no memory, is not kept. */
void srv_memo_keep(struct srv_memo *memo, const char *key, const char *tag, const char *text);
void srv_memo_clear(struct srv_memo *memo);

#endif
