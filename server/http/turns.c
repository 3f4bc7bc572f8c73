/* turns.c - see turns.h. A line needs no memory of its own: its first is the line. */
#include "http/turns.h"

#include <stdio.h>
#include <string.h>

static void add_line(struct srv_turns *turns, struct srv_turn *first)
{
    first->next = NULL;
    if (turns->last)
        turns->last->next = first;
    else
        turns->first = first;
    turns->last = first;
}

bool srv_turns_add(struct srv_turns *turns, const char *caller, int most, struct srv_turn *turn)
{
    struct srv_turn *line = turns->first;

    while (line && strcmp(line->caller, caller) != 0)
        line = line->next;
    if ((line ? line->waiting : 0) >= most)
        return false;
    *turn = (struct srv_turn){.last = turn, .waiting = 1};
    snprintf(turn->caller, sizeof turn->caller, "%s", caller);
    if (line) {
        line->last->behind = turn;
        line->last = turn;
        line->waiting++;
    } else {
        add_line(turns, turn);
    }
    return true;
}

struct srv_turn *srv_turns_take(struct srv_turns *turns)
{
    struct srv_turn *taken = turns->first, *behind;

    if (!taken)
        return NULL;
    turns->first = taken->next;
    if (!turns->first)
        turns->last = NULL;
    behind = taken->behind;
    if (behind) {
        behind->last = taken->last;
        behind->waiting = taken->waiting - 1;
        add_line(turns, behind);
    }
    return taken;
}
