/* futex.h - sleeping until a word changes, and the pause of a loop that waits awake.
 *
 * A futex (futex(2)) orders nothing by itself: memory is ordered by the atomic operations on the
 * word. A sleeper may wake for no reason and must look at the word again. */
#ifndef FSN_CORE_FUTEX_H
#define FSN_CORE_FUTEX_H

#include <stdatomic.h>

/* Sleeps unless *word is no longer `seen`. */
void fsn__futex_wait(atomic_uint *word, unsigned seen);
/* Wakes one sleeper, if there is one. */
void fsn__futex_wake(atomic_uint *word);

/* Tells the core that this is a waiting loop: it spends less, and its other hardware thread gets
 * more. */
static inline void fsn__pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
