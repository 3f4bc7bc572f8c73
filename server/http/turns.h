/* turns.h - who is next. What waits stands in a line for each caller, first in first out, and
 * callers take turns (round robin): whoever comes with one thing waits for one of each other caller
 * at most, however much these have there. */
#ifndef SRV_HTTP_TURNS_H
#define SRV_HTTP_TURNS_H

#include "base/address.h"
#include "base/token.h"

/* A caller's name: the id of a token or an address. */
#define SRV_TURN_CALLER_SIZE \
    (SRV_ADDRESS_SIZE > SRV_TOKEN_ID_SIZE ? SRV_ADDRESS_SIZE : SRV_TOKEN_ID_SIZE)

/* What waits: a member of the caller's own struct. The three links are of the first in its line
 * alone, but for `behind`. */
struct srv_turn {
    char caller[SRV_TURN_CALLER_SIZE];
    struct srv_turn *behind; /* of the same caller */
    struct srv_turn *last;   /* of its line */
    struct srv_turn *next;   /* the first of the line whose turn comes after it */
    int waiting;             /* in its line */
};

/* Zero-initialised, or with nothing that waits: empty. Not guarded. */
struct srv_turns {
    struct srv_turn *first, *last; /* of lines */
};

/* Behind what waits of the same caller; `turn` must stay where it is until it is taken. false:
 * `most` of the caller wait already, and it does not. Takes a look at each caller that waits. */
bool srv_turns_add(struct srv_turns *turns, const char *caller, int most, struct srv_turn *turn);
/* Who is next, waiting no more; NULL: nobody. */
struct srv_turn *srv_turns_take(struct srv_turns *turns);

#endif
