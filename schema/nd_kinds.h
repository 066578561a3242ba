/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kinds of non-deterministic event: everything that can enter the machine from outside, and nothing
 * else. The enum, the names, the recording, `rr-emu info` and the `input` table derive from this list.
 *
 * Numbers are part of the file format: never reuse one, only append.
 *
 *   number, NAME, "name", what source and payload mean
 */
#ifndef SCHEMA_ND_KINDS_H
#define SCHEMA_ND_KINDS_H

#define ND_KINDS(X)                                                                                          \
    X(1, CONSOLE, "console", "source: serial/console port number; payload: the bytes received")              \
    X(2, ENTROPY, "entropy", "source: device slot; payload: the random bytes delivered")                     \
    X(3, CLOCK, "clock", "source: 0; payload: LE64 wall-clock ns since 1970, the RTC's base")                \
    X(4, NET, "net", "source: NIC number; payload: one received Ethernet frame")                             \
    X(5, BLOCK, "block",                                                                                     \
      "source: drive number; payload: LE64 block number (4096-byte units), then its bytes on first read")    \
    X(6, IOERROR, "ioerror",                                                                                 \
      "source: drive number; payload: LE64 sector, LE32 errno of the failed host call")                      \
    X(7, STOP, "stop", "source: 0; payload: LE32 reason; the host ended the run here (signal, timeout)")     \
    X(8, IDLE, "idle", "source: 0; payload: empty; a waiting machine was woken by nothing but its deadline") \
    X(9, CLOSE, "close", "source: port number; payload: empty; a console input reached end of file")

typedef enum {
#define X(number, name, text, meaning) ND_##name = number,
    ND_KINDS(X)
#undef X
} NdKind;

/* "console", …; "unknown" for a number that is no kind. */
static inline const char *nd_kind_name(unsigned kind) {
    switch (kind) {
#define X(number, name, text, meaning)                                                                       \
    case number: return text;
        ND_KINDS(X)
#undef X
    default: return "unknown";
    }
}

#endif
